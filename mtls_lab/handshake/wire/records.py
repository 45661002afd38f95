"""Records: the envelopes of TLS (RFC 8446 section 5.1, RFC 5246 section 6.2)."""

from collections.abc import Iterator
from typing import NamedTuple

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23

_HEADER_SIZE = 5
_MAX_FRAGMENT = 2**14 + 2048
"""What TLS 1.2 allows a protected record (RFC 5246 section 6.2.3); TLS 1.3 allows less."""


class Record(NamedTuple):
    """One whole record."""

    content_type: int
    """As the header says it: 20 to 23."""
    header: bytes
    """Five bytes, as they passed: the associated data of TLS 1.3."""
    fragment: bytes
    """What the record holds, protected or not."""


def split(stream: bytes) -> tuple[list[Record], bytes]:
    """The whole records at the start of one direction's bytes, and the rest: a cut-off record, or no TLS at all."""
    records = list(whole_records(stream))
    return records, stream[sum(_HEADER_SIZE + len(record.fragment) for record in records) :]


def whole_records(stream: bytes) -> Iterator[Record]:
    """One after the other, up to the first that is not whole or not a record."""
    at = 0
    while len(stream) - at >= _HEADER_SIZE:
        header = stream[at : at + _HEADER_SIZE]
        end = at + _HEADER_SIZE + int.from_bytes(header[3:], "big")
        if end > len(stream) or not may_be_record(header):
            return
        yield Record(header[0], header, stream[at + _HEADER_SIZE : end])
        at = end


def may_be_record(start: bytes) -> bool:
    """These bytes can be the beginning of a record, as far as there are any."""
    header = start[:_HEADER_SIZE]
    return (
        header[:1] in (b"", b"\x14", b"\x15", b"\x16", b"\x17")
        and header[1:2] in (b"", b"\x03")
        and header[2:3] <= b"\x04"
        and (len(header) < _HEADER_SIZE or int.from_bytes(header[3:], "big") <= _MAX_FRAGMENT)
    )
