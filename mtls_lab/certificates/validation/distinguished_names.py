"""Distinguished names, compared as OpenSSL compares them (RFC 5280 section 7.1, less its Unicode tables).

Letters of every string type become UTF-8, ASCII letters lower case, runs of spaces one space, outer spaces nothing.
"""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mtls_lab.certificates.validation.ber import (
    BMP,
    IA5,
    NUMERIC,
    OBJECT,
    PRINTABLE,
    T61,
    UNIVERSAL,
    UTF8,
    Field,
    Kind,
    MalformedError,
    Tag,
    one_of,
    sequence,
    sequence_of,
)

COMMON_NAME, EMAIL_ADDRESS = "2.5.4.3", "1.2.840.113549.1.9.1"
# Every universal tag that OpenSSL takes for a value in a name (B_ASN1_PRINTABLE): more than RFC 5280 allows.
_VALUES = frozenset({3, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 28, 29, 30})
_CODECS = {
    UTF8: "utf-8",
    PRINTABLE: "latin-1",
    T61: "latin-1",
    IA5: "latin-1",
    BMP: "utf-16-be",
    UNIVERSAL: "utf-32-be",
}
_SPACES = re.compile(rb"[ \t\n\v\f\r]+")


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of a name."""

    group: int
    """The relative distinguished name it belongs to, counted from 0."""
    kind: str
    """What it tells: its dotted object identifier."""
    tag: int
    """The ASN.1 string type."""
    content: bytes
    """The string as it stands in the certificate."""


@dataclass(frozen=True)
class DistinguishedName:
    """A name; equal to another where OpenSSL's X509_NAME_cmp says so."""

    canonical: bytes
    """What is compared."""
    attributes: tuple[Attribute, ...]
    """Most general first, as in the certificate."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DistinguishedName) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def texts(self, kind: str) -> tuple[str, ...]:
        """The values of one kind of attribute that are text."""
        return tuple(
            text.decode(errors="replace")
            for one in self.attributes
            if one.kind == kind and (text := to_utf8(one.tag, one.content)) is not None
        )


def to_utf8(tag: int, content: bytes) -> bytes | None:
    """The string as UTF-8; None where it is no text or does not follow its own type's rules."""
    codec = "latin-1" if tag == NUMERIC else _CODECS.get(tag)
    if codec is None:
        return None
    try:
        text = content.decode(codec)
    except UnicodeError:
        return None
    # BMPString is UCS-2: a surrogate pair is two wrong letters, not one right one.
    return None if tag == BMP and text and max(text) > "\uffff" else text.encode()


_ENTRY = sequence(Field(name="kind", kind=OBJECT), Field(name="value", kind=one_of(_VALUES)))
RELATIVE_NAME = sequence_of(_ENTRY, 17)
_ENTRIES = sequence_of(RELATIVE_NAME)


def name(data: bytes, start: int, end: int, tag: Tag | None) -> tuple[Any, int] | None:
    """A Name, as a `Kind` reads it."""
    found = _ENTRIES(data, start, end, tag)
    if found is None:
        return None
    groups, stop = found
    return _name(tuple(_attribute(group, one) for group, entries in enumerate(groups) for one in entries)), stop


NAME: Kind = name


def complete(issuer: DistinguishedName, relative: tuple[Any, ...]) -> DistinguishedName:
    """The name that a relative name spells under an issuer's (RFC 5280 section 4.2.1.13)."""
    group = issuer.attributes[-1].group + 1 if issuer.attributes else 0
    return _name((*issuer.attributes, *(_attribute(group + index, one) for index, one in enumerate(relative))))


def _attribute(group: int, entry: dict[str, Any]) -> Attribute:
    tag, content = entry["value"]
    return Attribute(group=group, kind=entry["kind"], tag=tag, content=content)


def _name(attributes: tuple[Attribute, ...]) -> DistinguishedName:
    encoded = []
    for _, group in groupby(attributes, key=lambda one: one.group):
        # SET OF is sorted by encoding (X.690 section 11.6), so the order of a multi-valued name does not count.
        entries = sorted(_canonical(one) for one in group)
        encoded.append(_wrap(0x31, b"".join(entries)))
    return DistinguishedName(b"".join(encoded), attributes)


def _canonical(one: Attribute) -> bytes:
    tag, content = one.tag, one.content
    if tag in _CODECS:
        text = to_utf8(tag, content)
        if text is None:
            raise MalformedError("a name holds a string that does not follow its type's rules")
        tag, content = UTF8, _SPACES.sub(b" ", text).strip(b" ").lower()
    return _wrap(0x30, _wrap(6, one.kind.encode()) + _wrap(tag, content))


def _wrap(tag: int, content: bytes) -> bytes:
    """Length first, as in DER, so that no two different names encode alike; the beginning of a name is a prefix."""
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x84" + size.to_bytes(4)
    return bytes([tag]) + length + content
