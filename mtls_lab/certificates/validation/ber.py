"""BER as OpenSSL reads it: wider than DER (indefinite lengths, strings in pieces), stricter in a few places.

What OpenSSL cannot read ends a handshake before any certificate is judged, and what it reads differently from a strict
parser it also judges differently. So a strict parser cannot predict its verdict. A `Kind` reads one kind of value from
`data[start:end]` and says where it stopped; `None` means that another tag stands there (OPTIONAL fields need to know).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Tag = tuple[int, int]
"""Class (0 universal, 2 context) and number."""
Kind = Callable[[bytes, int, int, Tag | None], tuple[Any, int] | None]
"""data, start, end, the implicit tag that replaces its own -> the value and where it ended; None: another tag."""

UTF8, NUMERIC, PRINTABLE, T61, IA5, UTC_TIME, GENERALIZED_TIME, UNIVERSAL, BMP = 12, 18, 19, 20, 22, 23, 24, 28, 30
DIRECTORY_STRINGS = frozenset({UTF8, PRINTABLE, T61, UNIVERSAL, BMP})
_LONGEST_TAG = 0x7FFFFFFF >> 7
_DEEPEST_PIECES = 5


class MalformedError(ValueError):
    """OpenSSL cannot read this either."""


class Header(NamedTuple):
    """The beginning of one value."""

    tag: Tag
    """Class and number."""
    constructed: bool
    """It holds other values."""
    indefinite: bool
    """Its end is marked instead of its length given."""
    start: int
    """Where the content begins."""
    end: int
    """Where it ends; of indefinite length: the end of what surrounds it."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a SEQUENCE, or one alternative of a CHOICE."""

    name: str
    """What the value is called in the dict of fields."""
    kind: Kind
    """How to read it."""
    implicit: int | None = None
    """The context tag that replaces the kind's own."""
    explicit: int | None = None
    """The context tag that is wrapped around it."""
    optional: bool = False
    """It may be left out."""


def header(data: bytes, start: int, end: int) -> Header:
    """Tag and length. Leading zeros of a length and tags above 30 in long form are fine for OpenSSL."""
    if end - start < 2:
        raise MalformedError("the data ends within a header")
    first, length, position = data[start], data[start + 1], start + 2
    number = first & 0x1F
    if number == 0x1F:
        number, position = _long_tag(data, start + 1, end)
        if position >= end:
            raise MalformedError("the data ends within a header")
        length, position = data[position], position + 1
    constructed, indefinite = bool(first & 0x20), length == 0x80
    if indefinite:
        if not constructed:
            raise MalformedError("a primitive value has no length")
        return Header((first >> 6, number), True, True, position, end)
    if length & 0x80:
        octets = length & 0x7F
        if octets > end - position:
            raise MalformedError("the data ends within a length")
        length, position = int.from_bytes(data[position : position + octets]), position + octets
    if length > end - position:
        raise MalformedError("a value is longer than what surrounds it")
    return Header((first >> 6, number), constructed, False, position, position + length)


def _long_tag(data: bytes, position: int, end: int) -> tuple[int, int]:
    number = 0
    while position < end:
        octet = data[position]
        position += 1
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            return number, position
        if number > _LONGEST_TAG:
            break
    raise MalformedError("a tag does not end")


def _is_end_mark(data: bytes, start: int, end: int) -> bool:
    return end - start >= 2 and data[start] == 0 == data[start + 1]


def primitive(number: int, convert: Callable[[bytes], Any] = bytes, *, in_pieces: bool = False) -> Kind:
    """A value without inner structure; a string may also come `in_pieces`."""
    own = (0, number)

    def read(data: bytes, start: int, end: int, tag: Tag | None) -> tuple[Any, int] | None:
        head = header(data, start, end)
        if head.tag != (tag or own):
            return None
        content, stop = _content(data, head, in_pieces=in_pieces)
        return convert(content), stop

    return read


def _content(data: bytes, head: Header, *, in_pieces: bool) -> tuple[bytes, int]:
    if not head.constructed:
        return data[head.start : head.end], head.end
    if not in_pieces:
        raise MalformedError("a primitive value is constructed")
    return _pieces(data, head, 0)


def _pieces(data: bytes, head: Header, depth: int) -> tuple[bytes, int]:
    found, position, open_end = b"", head.start, head.indefinite
    while position < head.end:
        if _is_end_mark(data, position, head.end):
            if not open_end:
                raise MalformedError("an end mark stands where none belongs")
            open_end, position = False, position + 2
            break
        piece = header(data, position, head.end)
        if piece.constructed:
            if depth >= _DEEPEST_PIECES:
                raise MalformedError("a string is nested too deeply")
            content, position = _pieces(data, piece, depth + 1)
        else:
            content, position = data[piece.start : piece.end], piece.end
        found += content
    if open_end:
        raise MalformedError("an end mark is missing")
    return found, position


def sequence(*fields: Field) -> Kind:
    """A SEQUENCE as a dict; `""` holds its bytes as they stood."""
    last = len(fields) - 1

    def read(data: bytes, start: int, end: int, tag: Tag | None) -> tuple[Any, int] | None:
        head = header(data, start, end)
        if head.tag != (tag or (0, 16)):
            return None
        if not head.constructed:
            raise MalformedError("a SEQUENCE is not constructed")
        position, stop, open_end, values, count = head.start, head.end, head.indefinite, {}, 0
        for count, field in enumerate((*fields, None)):
            if position == stop or field is None:
                break
            if not data[position] and _is_end_mark(data, position, stop):
                if not open_end:
                    raise MalformedError("an end mark stands where none belongs")
                open_end, position, stop = False, position + 2, position + 2
                break
            found = read_field(data, position, stop, field, optional=field.optional and count < last)
            if found is not None:
                values[field.name], position = found
        position = _close(data, position, stop, open_end=open_end, indefinite=head.indefinite)
        if not all(field.optional for field in fields[count:]):
            raise MalformedError("a field is missing")
        values[""] = data[start:position]
        return values, position

    return read


def _close(data: bytes, position: int, stop: int, *, open_end: bool, indefinite: bool) -> int:
    if open_end:
        if not _is_end_mark(data, position, stop):
            raise MalformedError("an end mark is missing")
        return position + 2
    if not indefinite and position != stop:
        raise MalformedError("there is more than the fields of a SEQUENCE")
    return position


def read_field(data: bytes, start: int, end: int, field: Field, *, optional: bool) -> tuple[Any, int] | None:
    """One field with its tags; None when it is optional and not there."""
    if field.explicit is None:
        found = field.kind(data, start, end, None if field.implicit is None else (2, field.implicit))
        if found is None and not optional:
            raise MalformedError(f"{field.name} is not there")
        return found
    head = header(data, start, end)
    if head.tag != (2, field.explicit):
        if optional:
            return None
        raise MalformedError(f"{field.name} is not there")
    if not head.constructed:
        raise MalformedError("an explicit tag is not constructed")
    found = field.kind(data, head.start, head.end, None)
    if found is None:
        raise MalformedError(f"{field.name} is of another kind")
    value, position = found
    return value, _close(data, position, head.end, open_end=head.indefinite, indefinite=head.indefinite)


def sequence_of(kind: Kind, number: int = 16) -> Kind:
    """SEQUENCE OF (16) or SET OF (17) as a tuple. OpenSSL does not ask whether it is constructed."""

    def read(data: bytes, start: int, end: int, tag: Tag | None) -> tuple[Any, int] | None:
        head = header(data, start, end)
        if head.tag != (tag or (0, number)):
            return None
        position, open_end, items = head.start, head.indefinite, []
        while position < head.end:
            if not data[position] and _is_end_mark(data, position, head.end):
                if not open_end:
                    raise MalformedError("an end mark stands where none belongs")
                open_end, position = False, position + 2
                break
            found = kind(data, position, head.end, None)
            if found is None:
                raise MalformedError("an item is of another kind")
            item, position = found
            items.append(item)
        if open_end:
            raise MalformedError("an end mark is missing")
        return tuple(items), position

    return read


def choice(*fields: Field) -> Kind:
    """A CHOICE as (name of the alternative, value)."""

    def read(data: bytes, start: int, end: int, _tag: Tag | None) -> tuple[Any, int] | None:
        for field in fields:
            found = read_field(data, start, end, field, optional=True)
            if found is not None:
                return (field.name, found[0]), found[1]
        return None

    return read


def anything(data: bytes, start: int, end: int, _tag: Tag | None = None) -> tuple[Any, int]:
    """ANY as (tag, content or, where that has structure, the whole)."""
    head = header(data, start, end)
    if head.tag[0] or head.tag[1] in {16, 17}:
        if not head.tag[0] and not head.constructed:
            raise MalformedError("a SEQUENCE is not constructed")
        stop = _find_end(data, head) if head.indefinite else head.end
        return (head.tag, data[start:stop]), stop
    number = head.tag[1]
    content, stop = _content(data, head, in_pieces=number not in {1, 2, 5, 6, 10})
    _CHECKS.get(number, bytes)(content)
    return (head.tag, content), stop


def _find_end(data: bytes, head: Header) -> int:
    position, wanted = head.start, 1
    while position < head.end:
        if _is_end_mark(data, position, head.end):
            wanted, position = wanted - 1, position + 2
            if not wanted:
                return position
            continue
        inner = header(data, position, head.end)
        wanted += inner.indefinite
        position = inner.start if inner.indefinite else inner.end
    raise MalformedError("an end mark is missing")


def one_of(numbers: frozenset[int]) -> Kind:
    """A string or a time of one of these universal tags, as (number, content)."""

    def read(data: bytes, start: int, end: int, _tag: Tag | None) -> tuple[Any, int] | None:
        head = header(data, start, end)
        if head.tag[0] or head.tag[1] not in numbers:
            return None
        (tag, content), stop = anything(data, start, end)
        return (tag[1], content), stop

    return read


def integer(content: bytes) -> int:
    """A two's complement number; padding is an error for OpenSSL too."""
    if not content:
        raise MalformedError("an INTEGER is empty")
    if len(content) > 1 and (content[0], content[1] >> 7) in {(0, 0), (0xFF, 1)}:
        raise MalformedError("an INTEGER is padded")
    return int.from_bytes(content, signed=True)


def boolean(content: bytes) -> bool:
    """Anything but zero is true."""
    if len(content) != 1:
        raise MalformedError("a BOOLEAN is not one octet long")
    return content != b"\0"


def object_identifier(content: bytes) -> str:
    """An OBJECT IDENTIFIER, dotted."""
    if not content or content[-1] & 0x80:
        raise MalformedError("an OBJECT IDENTIFIER does not end")
    if content.isascii() and content[0] < 120:
        # Every arc is one octet: most of those in certificates.
        return ".".join(map(str, (content[0] // 40, content[0] % 40, *content[1:])))
    arcs, value, fresh = [], 0, True
    for octet in content:
        if fresh and octet == 0x80:
            raise MalformedError("an OBJECT IDENTIFIER is padded")
        value, fresh = value << 7 | octet & 0x7F, not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    # Hexadecimal where decimal digits would be too many for Python: it need only be told from others.
    return ".".join(str(arc) if arc < 1 << 256 else hex(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def bits(content: bytes) -> tuple[int, bytes]:
    """A BIT STRING: how many bits of the last octet are unused (cleared here, as OpenSSL does), and the octets."""
    if not content or content[0] > 7:
        raise MalformedError("a BIT STRING has no count of unused bits")
    unused, octets = content[0], content[1:]
    if octets and unused:
        octets = octets[:-1] + bytes([octets[-1] & 0xFF << unused & 0xFF])
    return unused, octets


def _null(content: bytes) -> None:
    if content:
        raise MalformedError("a NULL is not empty")


def _whole(width: int) -> Callable[[bytes], None]:
    def check(content: bytes) -> None:
        if len(content) % width:
            raise MalformedError("a string ends within a letter")

    return check


_CHECKS: dict[int, Callable[[bytes], Any]] = {
    1: boolean,
    2: integer,
    3: bits,
    5: _null,
    6: object_identifier,
    10: integer,
    UNIVERSAL: _whole(4),
    BMP: _whole(2),
}

BOOLEAN = primitive(1, boolean)
INTEGER = primitive(2, integer)
BIT_STRING = primitive(3, bits, in_pieces=True)
OCTET_STRING = primitive(4, in_pieces=True)
OBJECT = primitive(6, object_identifier)
ENUMERATED = primitive(10, integer)
IA5_STRING = primitive(IA5, in_pieces=True)
TIME = one_of(frozenset({UTC_TIME, GENERALIZED_TIME}))
DIRECTORY_STRING = one_of(DIRECTORY_STRINGS)
