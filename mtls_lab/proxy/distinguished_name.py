"""Distinguished names as text (RFC 4514), taken apart so that they are compared by attribute and never as a string.

A comma inside a value is escaped, one between attributes is not: `CN=alice\\,O=Lab` is a single attribute. Who compares
strings, or splits at every comma, takes the one for the other.
"""

import re

Attribute = tuple[str, str | None]
"""Its type as a dotted number, and its value; None for any value, in a pattern."""
DistinguishedName = tuple[tuple[Attribute, ...], ...]
"""Most specific first; several attributes in one place where `+` joined them, sorted."""

# What OpenSSL (-nameopt RFC2253) and `cryptography` print, and what RFC 4514 section 3 knows.
_TYPES = {
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "TITLE": "2.5.4.12",
    "GN": "2.5.4.42",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
}
_KIND = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*")
# A value: escaped pairs (\, or \2C), and all that needs no escape (RFC 4514 section 3).
_VALUE = re.compile(r'(?:\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]|[^\\,+;"<>\0])*', re.DOTALL)
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def parse_distinguished_name(text: str, *, patterns: bool = False) -> DistinguishedName:
    """The name. Raises ValueError that says what is wrong.

    With `patterns` a value that is a bare `*` means any; a real asterisk is then `\\2A`.
    """
    places: list[tuple[Attribute, ...]] = []
    together: list[Attribute] = []
    at = 0
    while True:
        kind = _KIND.match(text, at)
        if kind is None:
            raise ValueError("it is no RFC 4514 name such as CN=alice,O=Lab, as `openssl x509 -nameopt RFC2253` prints")
        value = _VALUE.match(text, kind.end())
        raw = value[0] if value else ""
        at = kind.end() + len(raw)
        together.append((_type(kind[1]), None if patterns and raw.strip() == "*" else _plain(raw)))
        if at == len(text) or text[at] == ",":
            places.append(tuple(sorted(together, key=str)))
            together = []
        elif text[at] != "+":
            raise ValueError(f"{text[at]!r} inside a value is written with a backslash before it")
        if at == len(text):
            return tuple(places)
        at += 1


def _type(text: str) -> str:
    if text[0].isdigit():
        return text
    if text.upper() not in _TYPES:
        raise ValueError(f"{text!r} is not known as an attribute type here: write its dotted number (2.5.4.3 is CN)")
    return _TYPES[text.upper()]


def _plain(raw: str) -> str:
    """The value without its escapes; spaces around it mean nothing unless they are escaped."""
    raw = raw.lstrip(" ")
    bare = raw.rstrip(" ")
    if bare.endswith("\\") and len(bare) < len(raw):
        bare += " "  # the last space was escaped
    if bare.startswith("#"):
        return f"\0{bare.lower()}"  # bytes that are no text: they equal no text that looks like them
    try:
        return _ESCAPED.sub(lambda one: _bytes(one[1]) if one[1] else str(one[2]), bare)
    except UnicodeDecodeError:
        raise ValueError("an escape such as \\2C spells no UTF-8") from None


def _bytes(pairs: str) -> str:
    return bytes.fromhex(pairs.replace("\\", "")).decode()
