"""What is kept of a connection: enough for any handshake, and no more than can be decoded at once.

A hostile server can send half a million empty messages in the bytes that a connection may take; reading them all
would take longer than the connection did.
"""

from mtls_lab.handshake import Role, Wire
from mtls_lab.handshake.wire.records import may_be_record

MOST_RECORDS = 500
"""Of the server's that are kept; a handshake with 100 kB of certificates, OpenSSL's limit, has a few dozen."""
_HEADER_SIZE = 5


def bounded(wire: Wire) -> Wire:
    """The wire up to the server's record number `MOST_RECORDS`; whatever is no record ends it, too."""
    left = _size_of_records(b"".join(piece for sender, piece in wire if sender == "server"))
    kept: list[tuple[Role, bytes]] = []
    for sender, piece in wire:
        if sender == "client":
            kept.append((sender, piece))
        elif left > 0:
            kept.append((sender, piece[:left]))
            left -= len(piece)
    return tuple(kept)


def _size_of_records(stream: bytes) -> int:
    end = 0
    for _ in range(MOST_RECORDS):
        header = stream[end : end + _HEADER_SIZE]
        if len(header) < _HEADER_SIZE or not may_be_record(header):
            return min(end + _HEADER_SIZE, len(stream))
        end += _HEADER_SIZE + int.from_bytes(header[3:], "big")
    return end
