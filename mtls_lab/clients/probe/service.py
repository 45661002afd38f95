"""What is said inside TLS so that the server must answer, since in TLS 1.3 silence says nothing; and what it answered.

HTTP: one `HEAD / HTTP/1.1`. Some servers (nginx) complete TLS and refuse a client certificate only here, with 400.
PostgreSQL: one StartupMessage of a user that nobody is, which stops at the server's first question.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mtls_lab.clients.probe.address import Address

Protocol = Literal["HTTP", "PostgreSQL"]

SSL_REQUEST = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")
"""PostgreSQL's question for TLS; the answer is one byte, S or N."""
MOST_ANSWER = 32_768
"""Bytes of plaintext read before an answer that does not end is taken as it is."""
NOBODY = "mtls_lab_probe"
"""The user and database asked of PostgreSQL."""
_AUTHENTICATION = {0: "lets the user in without a question", 3: "asks for a password", 5: "asks for a password (md5)"}


@dataclass(frozen=True, kw_only=True)
class Service:
    """A protocol inside TLS."""

    protocol: Protocol
    """Its name."""
    alpn: str
    """Its name in the ClientHello (RFC 7301)."""
    preamble: bytes
    """What goes out in the clear before TLS; b"" for nothing."""
    request: bytes
    """What goes out once TLS stands."""
    is_whole: Callable[[bytes], bool]
    """The answer needs no more bytes."""
    in_words: Callable[[bytes], str]
    """The answer in a few words; a peer's words in it stand as they came."""


def http(address: Address, server_name: str) -> Service:
    """HTTP over TLS (RFC 9110)."""
    name = f"[{server_name}]" if ":" in server_name else server_name
    host = name if address.port == 443 else f"{name}:{address.port}"
    lines = ["HEAD / HTTP/1.1", f"Host: {host}", "User-Agent: mtls-lab", "Accept: */*", "Connection: close", "", ""]
    return Service(
        protocol="HTTP",
        alpn="http/1.1",
        preamble=b"",
        request="\r\n".join(lines).encode("ascii"),
        is_whole=lambda answer: b"\r\n\r\n" in _final(answer) or b"\n\n" in _final(answer),
        in_words=_http_words,
    )


def postgres() -> Service:
    """PostgreSQL, which asks for TLS first (protocol 3.0)."""
    words = ["user", NOBODY, "database", NOBODY, "application_name", "mtls-lab", ""]
    body = (196_608).to_bytes(4, "big") + "\0".join(words).encode("ascii") + b"\0"
    return Service(
        protocol="PostgreSQL",
        alpn="postgresql",
        preamble=SSL_REQUEST,
        request=(len(body) + 4).to_bytes(4, "big") + body,
        is_whole=lambda answer: len(answer) >= 5 and len(answer) > int.from_bytes(answer[1:5], "big"),
        in_words=_postgres_words,
    )


def status_of(answer: bytes) -> int | None:
    """The HTTP status of an answer, interim ones (1xx) left aside; None when it is no HTTP."""
    found = re.match(rb"HTTP/\d(?:\.\d)? (\d{3})", _final(answer))
    return int(found[1]) if found else None


def is_postgres_error(answer: bytes) -> bool:
    """It is PostgreSQL's ErrorResponse, whole."""
    return answer[:1] == b"E" and len(answer) > 5 and len(answer) > int.from_bytes(answer[1:5], "big") > 4


def _final(answer: bytes) -> bytes:
    """The answer without the interim responses before it (RFC 9110 section 15.2)."""
    while re.match(rb"HTTP/\d(?:\.\d)? 1\d\d", answer) and b"\r\n\r\n" in answer:
        answer = answer.partition(b"\r\n\r\n")[2]
    return answer


def _http_words(answer: bytes) -> str:
    first = _final(answer).partition(b"\n")[0].rstrip(b"\r")[:200].decode("utf-8", "backslashreplace")
    return f"it answered {first!r} to HEAD /" if answer else "it did not answer HEAD /"


def _postgres_words(answer: bytes) -> str:
    if answer[:1] == b"R" and len(answer) >= 9:
        kind = int.from_bytes(answer[5:9], "big")
        asks = _AUTHENTICATION.get(kind, "asks for a password (SCRAM)" if kind == 10 else f"asks for method {kind}")
        return f"it {asks}"
    if answer[:1] == b"E":
        fields = {one[:1]: one[1:].decode("utf-8", "backslashreplace") for one in answer[5:].split(b"\0") if one}
        return f"it answered {fields.get(b'S', 'an error')} {fields.get(b'C', '')}: {fields.get(b'M', '')}"
    return "it did not answer the StartupMessage" if not answer else "it answered with something else than PostgreSQL"
