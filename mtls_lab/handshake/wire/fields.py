"""The fields of handshake messages that the decoder itself needs: RFC 8446 section 4, RFC 5246 section 7.4.

`Cursor` reads them and raises `Malformed` at the end of the bytes; the functions here give None or False instead.
"""

from dataclasses import dataclass

from mtls_lab.handshake.wire.code_points import CIPHER_SUITES, VERSIONS, name_of

_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3)."""
_EARLY_DATA, _SUPPORTED_VERSIONS, _CERTIFICATE_AUTHORITIES = 42, 43, 47


class Malformed(ValueError):
    """The bytes end before the field does."""


class Cursor:
    """Reads numbers and length-prefixed vectors (RFC 8446 section 3) from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def more(self) -> bool:
        """Something is left to read."""
        return self._at < len(self._data)

    @property
    def left(self) -> bytes:
        """Everything that is left to read."""
        return self._data[self._at :]

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed(f"{size} bytes wanted, {len(self._data) - self._at} left")
        piece, self._at = self._data[self._at : end], end
        return piece

    def number(self, size: int) -> int:
        """A big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """A vector whose length stands before it in `size` bytes."""
        return self.take(self.number(size))


@dataclass(frozen=True, kw_only=True)
class ServerHello:
    """What a ServerHello settles for the rest of the connection."""

    version: str
    """`TLSv1.3`, or an older version's name, or hex."""
    cipher_suite: str
    """By its RFC name, or hex."""
    random: bytes
    """The server's random."""
    is_retry: bool
    """It is a HelloRetryRequest."""
    extensions: dict[int, bytes]
    """By number."""


def read_server_hello(message: bytes) -> ServerHello | None:
    """The parsed message (header included), None when it is malformed."""
    try:
        cursor = Cursor(message[4:])
        version, random = cursor.number(2), cursor.take(32)
        cursor.vector(1)
        suite = cursor.number(2)
        cursor.take(1)
        extensions = extensions_of(cursor)
        if _SUPPORTED_VERSIONS in extensions:
            version = Cursor(extensions[_SUPPORTED_VERSIONS]).number(2)
    except Malformed:
        return None
    return ServerHello(
        version=name_of(VERSIONS, version),
        cipher_suite=name_of(CIPHER_SUITES, suite),
        random=random,
        is_retry=random == _RETRY,
        extensions=extensions,
    )


def offers_early_data(message: bytes) -> bool:
    """This ClientHello announces 0-RTT data (RFC 8446 section 4.2.10)."""
    try:
        cursor = Cursor(message[4:])
        skip_to_suites(cursor)
        cursor.vector(2)
        cursor.vector(1)
        return _EARLY_DATA in extensions_of(cursor)
    except Malformed:
        return False


def read_certificates(message: bytes, hello: ServerHello | None) -> tuple[bytes, ...] | None:
    """The DER certificates of a Certificate message, leaf first; None when it is malformed."""
    found = []
    try:
        cursor = Cursor(message[4:])
        if is_tls13(hello):
            cursor.vector(1)
        entries = Cursor(cursor.vector(3))
        while entries.more:
            found.append(entries.vector(3))
            if is_tls13(hello):
                entries.vector(2)
    except Malformed:
        return None
    return tuple(found)


def read_authority_names(message: bytes, *, is_tls13: bool) -> tuple[bytes, ...]:
    """The names (DER) in a CertificateRequest (RFC 8446 section 4.2.4); () for none, and for a malformed one."""
    try:
        cursor = Cursor(message[4:])
        cursor.vector(1)
        if is_tls13:
            cursor = Cursor(extensions_of(cursor).get(_CERTIFICATE_AUTHORITIES, b"\0\0"))
        else:
            cursor.vector(2)
        names, found = Cursor(cursor.vector(2)), []
        while names.more:
            found.append(names.vector(2))
    except Malformed:
        return ()
    return tuple(found)


def is_tls13(hello: ServerHello | None) -> bool:
    return hello is not None and hello.version == "TLSv1.3"


def extensions_of(cursor: Cursor) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if cursor.more:
        block = Cursor(cursor.vector(2))
        while block.more:
            number = block.number(2)
            found[number] = block.vector(2)
    return found


def skip_to_suites(cursor: Cursor) -> int:
    version = cursor.number(2)
    cursor.take(32)
    cursor.vector(1)
    return version
