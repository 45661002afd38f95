"""A DER distinguished name as RFC 4514 text: the names of authorities in a CertificateRequest.

X.509 belongs to the floor below, but there it comes inside certificates; on the wire a name stands alone.
"""

from mtls_lab.handshake.wire.fields import Cursor

_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
"""The attribute types that every reader knows (RFC 4514 section 3)."""
_SEQUENCE, _SET, _OID = 0x30, 0x31, 0x06
_ENCODINGS = {0x0C: "utf-8", 0x13: "utf-8", 0x16: "utf-8", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
"""UTF8String, PrintableString and IA5String (ASCII, if all is well), TeletexString, BMPString, UniversalString."""


class NotAName(ValueError):
    """The bytes are no DER distinguished name."""


def distinguished_name(der: bytes) -> str:
    """`CN=Lab Root CA,O=Lab`: most specific first, as RFC 4514 section 2.1 has it. Raises NotAName."""
    try:
        (name,) = _contents(der, _SEQUENCE)
        relative = ["+".join(map(_attribute, _contents(one, _SEQUENCE))) for one in _contents(name, _SET)]
    except ValueError as error:  # Malformed, text in a wrong encoding, or too few elements
        raise NotAName(str(error)) from error
    return ",".join(reversed(relative))


def _elements(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The tag, the content and the whole of each element (X.690 section 8.1)."""
    cursor, found = Cursor(data), []
    while cursor.more:
        head = cursor.take(2)
        size = head[1]
        if size & 0x80:
            long = cursor.take(size & 0x7F)
            head, size = head + long, int.from_bytes(long, "big")
        content = cursor.take(size)
        found.append((head[0], content, head + content))
    return found


def _contents(data: bytes, wanted: int) -> list[bytes]:
    elements = _elements(data)
    if any(tag != wanted for tag, _, _ in elements):
        raise NotAName(f"an element without the tag {wanted:#x}")
    return [content for _, content, _ in elements]


def _attribute(content: bytes) -> str:
    (tag, oid, _), (kind, value, whole) = _elements(content)
    if tag != _OID:
        raise NotAName("no attribute type")
    dotted = _dotted(oid)
    name = _SHORT.get(dotted, dotted)
    return f"{name}={_escaped(value.decode(_ENCODINGS[kind]))}" if kind in _ENCODINGS else f"{name}=#{whole.hex()}"


def _dotted(oid: bytes) -> str:
    """X.690 section 8.19: seven bits a byte; the first number holds two arcs."""
    if len(oid) > 32:
        raise NotAName("an object identifier of absurd length")
    arcs, value = [], 0
    for byte in oid:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if value or not arcs:
        raise NotAName("no object identifier")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def _escaped(text: str) -> str:
    """RFC 4514 section 2.4."""
    escaped = "".join(f"\\{one}" if one in '\\"+,;<>' else "\\00" if one == "\0" else one for one in text)
    if escaped[:1] in ("#", " "):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if escaped.endswith(" ") and len(text) > 1 else escaped
