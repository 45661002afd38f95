"""Would this ClientHello resume a session of TLS 1.2? Then it must not meet the context that knows the session.

OpenSSL keeps the sessions of TLS 1.2 by their IDs, tickets or no tickets, and Python has no switch for that cache. A
client that comes back with an ID shows no certificate again (RFC 5246 section 7.3), and by now it may be revoked.
A context that was made for this one connection knows no session, so the same ClientHello gets a whole handshake there.

TLS 1.3 has no such IDs: what stands in their place means nothing (RFC 8446 section 4.1.2), and most clients fill it in.
So an ID counts only where the ClientHello does not lead to TLS 1.3. When in doubt, it counts: a piece of a ClientHello
that is too short to tell may be a trick.
"""

import struct

from mtls_lab.handshake.messages import Version

_HANDSHAKE, _CLIENT_HELLO = 0x16, 0x01
_ID_AT = 43  # record header 5, handshake header 4, version 2, random 32
_SUPPORTED_VERSIONS = 43
_KIND_AND_SIZE = struct.Struct(">HH")
_TLS_1_3 = b"\x03\x04"


def may_resume(first: bytes, versions: tuple[Version, ...]) -> bool:
    """The first bytes of a connection, at a server with these versions, may lead to the resumption of TLS 1.2."""
    if first[:1] != bytes([_HANDSHAKE]):
        return False  # no TLS; OpenSSL will say so
    if len(first) <= _ID_AT or first[5] != _CLIENT_HELLO:
        return True
    if first[_ID_AT] == 0:
        return "TLSv1.2" in versions and int.from_bytes(first[3:5], "big") < _ID_AT - 4
    return "TLSv1.3" not in versions or not _offers_tls_1_3(first)


def _offers_tls_1_3(hello: bytes) -> bool:
    """All of the ClientHello is here, in one record, and it offers TLS 1.3 (RFC 8446 section 4.2.1)."""
    end = 9 + int.from_bytes(hello[6:9], "big")
    if 5 + int.from_bytes(hello[3:5], "big") < end or len(hello) < end:
        return False
    at = _ID_AT + 1 + hello[_ID_AT]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
    at += 1 + int.from_bytes(hello[at : at + 1], "big")  # compression
    at += 2  # how long the extensions are
    while at + 4 <= end:
        kind, size = _KIND_AND_SIZE.unpack_from(hello, at)
        at += 4
        if kind == _SUPPORTED_VERSIONS:
            return any(hello[two : two + 2] == _TLS_1_3 for two in range(at + 1, min(at + size, end) - 1, 2))
        at += size
    return False
