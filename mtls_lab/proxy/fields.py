"""Header fields on their way through: what is taken off, and what the proxy says in its own name.

1. Fields for one connection only (RFC 9110 section 7.6.1), and those that Connection lists, end here.
2. Every field that an origin could take for the proxy's word about the client is removed, however it is spelled:
   many origins see `client_cert`, `Client-Cert` and `CLIENT.CERT` as one name (RFC 9440 section 4).
3. Only then are ours added, so that a client's Connection field cannot take them off again.
4. Framing is ours too: what a Connection field says about Content-Length or Host is not obeyed.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

Fields = list[tuple[bytes, bytes]]

PSEUDONYM = b"1.1 mtls-lab"
"""What this proxy calls itself in Via (RFC 9110 section 7.6.3)."""

_ONE_CONNECTION = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
}
_NEVER_FOR_ONE_CONNECTION = {b"content-length", b"host"}
_NOT_IN_TRAILERS = {b"authorization", b"content-encoding", b"content-length", b"content-type", b"cookie", b"host"}
# `proxy` becomes HTTP_PROXY in CGI programs ("httpoxy"). The others are what common proxies put their verdict in.
_IDENTITY = re.compile(rb"forwarded|proxy|x-real-ip|(client-cert|x-forwarded|x-ssl|x-client|x-tls|ssl-client)(-.*)?")
_SEPARATOR = re.compile(rb"[^a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What the proxy knows of a client by itself."""

    address: str
    """The IP address it calls from."""
    port: int
    """The port of ours that it called."""
    chain: tuple[bytes, ...]
    """Its verified certificates, DER, leaf first; empty when none was verified."""


def claims_identity(name: bytes) -> bool:
    """The field could pass for what a proxy says about its client, in some spelling."""
    return _IDENTITY.fullmatch(_SEPARATOR.sub(b"-", name.lower())) is not None


def for_origin(received: Iterable[tuple[bytes, bytes]], caller: Caller, *, host: bytes) -> Fields:
    """The request's fields for the origin: cleaned, then with what the proxy says in its own name."""
    fields = [(name, value) for name, value in passed_on(received) if not claims_identity(name)]
    fields += [
        (b"Via", PSEUDONYM),
        (b"X-Forwarded-For", caller.address.encode()),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", host),
        (b"X-Forwarded-Port", b"%d" % caller.port),
    ]
    return fields + client_cert(caller.chain)


def client_cert(chain: tuple[bytes, ...]) -> Fields:
    """The Client-Cert fields (RFC 9440 section 2): the leaf in one, the others, if any, in the second."""
    if not chain:
        return []
    leaf, *others = [b":" + base64.b64encode(der) + b":" for der in chain]
    fields = [(b"Client-Cert", leaf)]
    if others:
        fields.append((b"Client-Cert-Chain", b", ".join(others)))
    return fields


def read_client_cert(fields: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The DER in the Client-Cert field, as an origin reads it; None without one that can be read."""
    for name, value in fields:
        if name.lower() == b"client-cert" and value.startswith(b":") and value.endswith(b":"):
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except ValueError:
                return None
    return None


def for_client(received: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The answer's fields for the client."""
    return [*passed_on(received), (b"Via", PSEUDONYM)]


def passed_on(received: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Without the fields that are for one connection only (RFC 9110 section 7.6.1)."""
    received = list(received)
    ended = _ONE_CONNECTION | (listed(received, b"connection") - _NEVER_FOR_ONE_CONNECTION)
    if listed(received, b"transfer-encoding"):
        # Both would contradict each other; Transfer-Encoding wins (RFC 9112 section 6.3).
        ended |= {b"content-length"}
    return [(name, value) for name, value in received if name.lower() not in ended]


def trailers(received: Iterable[tuple[bytes, bytes]]) -> Fields:
    """What may be passed on of the fields after a chunked body (RFC 9110 section 6.5.1)."""
    return [
        (name, value)
        for name, value in passed_on(received)
        if name.lower() not in _NOT_IN_TRAILERS and not claims_identity(name)
    ]


def listed(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> set[bytes]:
    """The members of a comma-separated field, lower case, from all its lines."""
    lines = [value for one, value in fields if one.lower() == name]
    return {member.strip().lower() for line in lines for member in line.split(b",")} - {b""}


def first(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of the first field of that (lower case) name."""
    return next((value for one, value in fields if one.lower() == name), None)
