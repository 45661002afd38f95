"""Header fields on their way through: what is taken off, and what the proxy says in its own name.

1. Fields for one connection only (RFC 9110 section 7.6.1), and those that Connection lists, end here.
2. Every field that an origin could take for the proxy's word about the client is removed, however it is spelled:
   many origins see `client_cert`, `Client-Cert` and `CLIENT.CERT` as one name (RFC 9440 section 4).
3. Only then are ours added, so that a client's Connection field cannot take them off again.
4. Framing is ours too: what a Connection field says about Content-Length or Host is not obeyed.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

Fields = Sequence[tuple[bytes, bytes]]

PSEUDONYM = b"1.1 mtls-lab"
"""What this proxy calls itself in Via (RFC 9110 section 7.6.3)."""

_ONE_CONNECTION = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NEVER_FOR_ONE_CONNECTION = {b"content-length", b"host"}
_NOT_IN_TRAILERS = {b"authorization", b"content-encoding", b"content-length", b"content-type", b"cookie", b"host"}
# `proxy` becomes HTTP_PROXY in CGI programs ("httpoxy"). The others are what common proxies put their verdict in.
_IDENTITY = re.compile(rb"forwarded|proxy|x-real-ip|(client-cert|x-forwarded|x-ssl|x-client|x-tls|ssl-client)(-.*)?")
_SEPARATOR = re.compile(rb"[^a-z0-9]")
# The fields that almost every request has, and that claim nothing: they need no closer look.
_ORDINARY = frozenset(
    b"accept accept-encoding accept-language authorization cache-control content-length content-type cookie "
    b"date expect if-match if-modified-since if-none-match origin pragma range referer user-agent".split()
)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What the proxy knows of a client by itself."""

    address: str
    """The IP address it calls from."""
    port: int
    """The port of ours that it called."""
    chain: tuple[bytes, ...]
    """Its verified certificates, DER, leaf first; empty when none was verified."""
    client_port: int = 0
    """The port it called from."""
    settings: int = 0
    """The number of the settings that it was verified by."""

    @cached_property
    def said(self) -> list[tuple[bytes, bytes]]:
        """What the proxy says of it with every request, whatever it asks for."""
        return [
            (b"X-Forwarded-For", self.address.encode()),
            (b"X-Forwarded-Proto", b"https"),
            (b"X-Forwarded-Port", b"%d" % self.port),
            *client_cert(self.chain),
        ]

    @cached_property
    def said_lines(self) -> bytes:
        """The same as it is written."""
        return lines(self.said)

    @cached_property
    def node(self) -> bytes:
        """Its address as Forwarded spells it (RFC 7239 section 6)."""
        return b'"[%b]"' % self.address.encode() if ":" in self.address else self.address.encode()


def claims_identity(name: bytes) -> bool:
    """The field could pass for what a proxy says about its client, in some spelling."""
    return _IDENTITY.fullmatch(_SEPARATOR.sub(b"-", name.lower())) is not None


def for_origin(
    received: Fields, caller: Caller, *, host: bytes, connection: frozenset[bytes] | None = None
) -> list[tuple[bytes, bytes]]:
    """The request's fields for the origin: cleaned, then with what the proxy says in its own name. Without Host.

    `connection` is what Connection lists, where that is known already.
    """
    return [*_cleaned(received, connection), *_said_of(caller, host), *caller.said]


def lines_for_origin(received: Fields, caller: Caller, *, host: bytes, connection: frozenset[bytes]) -> bytes:
    """The same as it is written."""
    return lines([*_cleaned(received, connection), *_said_of(caller, host)]) + caller.said_lines


def _cleaned(received: Fields, connection: frozenset[bytes] | None) -> list[tuple[bytes, bytes]]:
    ended = _ended(received, connection)
    kept = []
    for field in received:
        name = field[0].lower()
        if name in _ORDINARY:
            if name not in ended:
                kept.append(field)
        elif name not in ended and name != b"host" and not claims_identity(name):
            kept.append(field)
    return kept


def _said_of(caller: Caller, host: bytes) -> tuple[tuple[bytes, bytes], ...]:
    forwarded = b'for=%b;host="%b";proto=https' % (caller.node, host)
    return (b"Via", PSEUDONYM), (b"Forwarded", forwarded), (b"X-Forwarded-Host", host)


def client_cert(chain: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
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


def for_client(received: Fields, connection: frozenset[bytes] | None = None) -> list[tuple[bytes, bytes]]:
    """The answer's fields for the client."""
    fields = passed_on(received, connection)
    fields.append((b"Via", PSEUDONYM))
    return fields


def passed_on(received: Fields, connection: frozenset[bytes] | None = None) -> list[tuple[bytes, bytes]]:
    """Without the fields that are for one connection only (RFC 9110 section 7.6.1)."""
    ended = _ended(received, connection)
    return [field for field in received if field[0].lower() not in ended]


def trailers(received: Fields) -> list[tuple[bytes, bytes]]:
    """What may be passed on of the fields after a chunked body (RFC 9110 section 6.5.1)."""
    return [
        (name, value)
        for name, value in passed_on(received)
        if name.lower() not in _NOT_IN_TRAILERS and not claims_identity(name)
    ]


def without(fields: Fields, *names: bytes) -> list[tuple[bytes, bytes]]:
    """Without the fields of these (lower case) names."""
    return [(name, value) for name, value in fields if name.lower() not in names]


def listed(fields: Fields, name: bytes) -> set[bytes]:
    """The members of a comma-separated field, lower case, from all its lines."""
    return members([value for one, value in fields if one.lower() == name])


def members(lines: Iterable[bytes]) -> set[bytes]:
    """The members of comma-separated lines, lower case."""
    return {member.strip().lower() for line in lines for member in line.split(b",")} - {b""}


def lines(of: Fields) -> bytes:
    """Fields as they are written."""
    return b"".join([b"%b: %b\r\n" % one for one in of])


def first(fields: Fields, name: bytes) -> bytes | None:
    """The value of the first field of that (lower case) name."""
    return next((value for one, value in fields if one.lower() == name), None)


def _ended(received: Fields, connection: frozenset[bytes] | None) -> frozenset[bytes]:
    """The names that end here, in lower case."""
    if connection is None:
        connection = frozenset(listed(received, b"connection"))
        if listed(received, b"transfer-encoding"):
            # Both would contradict each other; Transfer-Encoding wins (RFC 9112 section 6.3).
            return _ONE_CONNECTION | {b"content-length"} | (connection - _NEVER_FOR_ONE_CONNECTION)
    return _ONE_CONNECTION | (connection - _NEVER_FOR_ONE_CONNECTION) if connection else _ONE_CONNECTION
