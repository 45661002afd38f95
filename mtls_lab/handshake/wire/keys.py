"""From the secrets of a key log to the keys that open records: RFC 8446 sections 5.2, 5.3 and 7, RFC 5246 section 6.3.

A key log (NSS format) holds lines of `label client_random secret`. For TLS 1.3 the secrets are the traffic secrets,
one for each direction and epoch; for TLS 1.2 it is the one master secret. From there on all is published arithmetic.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from mtls_lab.handshake.messages import Role
from mtls_lab.handshake.wire.fields import ServerHello
from mtls_lab.handshake.wire.records import Record

Epoch = Literal["early", "handshake", "application"]

_TAG_SIZE = 16
_LABELS: dict[tuple[Role, Epoch], str] = {
    ("client", "early"): "CLIENT_EARLY_TRAFFIC_SECRET",
    ("client", "handshake"): "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    ("client", "application"): "CLIENT_TRAFFIC_SECRET_0",
    ("server", "handshake"): "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    ("server", "application"): "SERVER_TRAFFIC_SECRET_0",
}


class Opened(NamedTuple):
    """A record that a key opened."""

    content_type: int
    content: bytes
    epoch: Epoch


class Protection(Protocol):
    """What opens the protected records of one direction, one after the other."""

    def open(self, record: Record) -> Opened | None:
        """The record's content; None when no key at hand opens it."""

    def finished(self) -> None:
        """The sender's Finished has passed."""

    def update(self) -> None:
        """The sender's KeyUpdate has passed."""


class _AEAD(Protocol):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class _Suite(NamedTuple):
    key_size: int
    salt_size: int
    """Bytes of a TLS 1.2 nonce that are not sent: RFC 5288 section 3, RFC 7905 section 2."""
    digest: str
    aead: Callable[[bytes], _AEAD]


def secret_lines(secrets: str, random: bytes | None) -> list[str]:
    """The lines of a key log that belong to the connection with this client random."""
    wanted = random.hex() if random is not None else ""
    lines = (line.split() for line in secrets.splitlines())
    return [" ".join(line) for line in lines if len(line) == 3 and line[1].lower() == wanted]


class Keys:
    """What is known about a connection's keys. It learns from the ServerHello."""

    def __init__(self, random: bytes | None, secrets: str) -> None:
        self._random = random or b""
        self._secrets: dict[str, bytes] = {}
        for line in secret_lines(secrets, random):
            label, _, secret = line.split()
            try:
                self._secrets[label] = bytes.fromhex(secret)
            except ValueError:
                continue  # a damaged line opens nothing, and that is all it does
        self.hello: ServerHello | None = None
        """The ServerHello, a HelloRetryRequest until that comes, None before."""

    def learn(self, hello: ServerHello) -> None:
        """Take the version, the cipher suite and the server's random; the first ServerHello counts."""
        if self.hello is None or self.hello.is_retry:
            self.hello = hello

    @property
    def is_tls13(self) -> bool:
        """TLS 1.3 was agreed on."""
        return self.hello is not None and self.hello.version == "TLSv1.3"

    def protection(self, sender: Role, *, early: bool) -> Protection | None:
        """What opens the sender's records, None when the secrets or the cipher suite do not allow it."""
        suite = _suite(self.hello.cipher_suite) if self.hello is not None else None
        if suite is None or self.hello is None:
            return None
        if self.is_tls13:
            epochs: tuple[Epoch, ...] = ("early", "handshake", "application") if early else ("handshake", "application")
            labels = [(epoch, _LABELS.get((sender, epoch), "")) for epoch in epochs]
            keys = [_TrafficKey(epoch, self._secrets[one], suite) for epoch, one in labels if one in self._secrets]
            return _Protection13(keys) if keys else None
        master = self._secrets.get("CLIENT_RANDOM")
        if master is None or self.hello.version != "TLSv1.2":
            return None
        return _Protection12(sender, master, self.hello.random + self._random, suite)


class _TrafficKey:
    """One epoch of one direction in TLS 1.3."""

    def __init__(self, epoch: Epoch, secret: bytes, suite: _Suite) -> None:
        self.epoch: Epoch = epoch
        self.sequence = 0
        self._secret, self._suite = secret, suite
        self._aead = suite.aead(expand_label(secret, "key", suite.key_size, suite.digest))
        self._iv = expand_label(secret, "iv", 12, suite.digest)

    def open(self, record: Record) -> Opened | None:
        inner = _decrypt(self._aead, _masked(self._iv, self.sequence), record.fragment, record.header)
        if inner is None:
            return None
        self.sequence += 1
        inner = inner.rstrip(b"\0")  # padding; the last byte that is not zero is the content type (section 5.4)
        return Opened(inner[-1] if inner else 0, inner[:-1], self.epoch)

    def next(self) -> "_TrafficKey":
        """RFC 8446 section 7.2."""
        size = hashlib.new(self._suite.digest).digest_size
        return _TrafficKey(self.epoch, expand_label(self._secret, "traffic upd", size, self._suite.digest), self._suite)


class _Protection13:
    """Tries the present key, then the later ones: a key change that could not be read is found out by its records."""

    def __init__(self, keys: list[_TrafficKey]) -> None:
        self._keys = keys
        """The present key first."""

    def open(self, record: Record) -> Opened | None:
        for index, key in enumerate(self._keys):
            opened = key.open(record)
            if opened is not None:
                self._keys = self._keys[index:]
                return opened
        if self._keys and self._keys[0].sequence:
            self._keys[0].sequence += 1  # one damaged record must not hide those behind it
        return None

    def finished(self) -> None:
        self._keys = [key for key in self._keys if key.epoch == "application"]

    def update(self) -> None:
        if self._keys and self._keys[0].epoch == "application":
            self._keys = [self._keys[0].next()]


class _Protection12:
    """After ChangeCipherSpec there is one key for each direction."""

    def __init__(self, sender: Role, master: bytes, randoms: bytes, suite: _Suite) -> None:
        key, salt = suite.key_size, suite.salt_size
        block = prf(master, b"key expansion", randoms, 2 * (key + salt), suite.digest)
        # RFC 5246 section 6.3: the client's key, the server's key, the client's IV, the server's IV.
        nth = 0 if sender == "client" else 1
        self._aead = suite.aead(block[nth * key :][:key])
        self._salt = block[2 * key + nth * salt :][:salt]
        self._sequence = 0

    def open(self, record: Record) -> Opened | None:
        explicit = 12 - len(self._salt)
        sequence, self._sequence = self._sequence, self._sequence + 1
        nonce, sealed = record.fragment[:explicit], record.fragment[explicit:]
        nonce = self._salt + nonce if explicit else _masked(self._salt, sequence)
        size = len(sealed) - _TAG_SIZE
        if size < 0 or len(nonce) != 12:
            return None
        # RFC 5246 section 6.2.3.3: sequence number, type, version, and the length of the plaintext.
        associated = sequence.to_bytes(8, "big") + record.header[:3] + size.to_bytes(2, "big")
        content = _decrypt(self._aead, nonce, sealed, associated)
        return None if content is None else Opened(record.content_type, content, "application")

    def finished(self) -> None:
        """Nothing changes."""

    def update(self) -> None:
        """TLS 1.2 has no KeyUpdate."""


def expand_label(secret: bytes, label: str, size: int, digest: str) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1), for sizes up to the digest's."""
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    # HKDF-Expand (RFC 5869 section 2.3): one round gives as many bytes as the digest has, and no caller wants more.
    return hmac.digest(secret, info + b"\x01", digest)[:size]


def prf(secret: bytes, label: bytes, seed: bytes, size: int, digest: str) -> bytes:
    """The pseudorandom function of TLS 1.2 (RFC 5246 section 5)."""
    output, rung = b"", label + seed
    while len(output) < size:
        rung = hmac.digest(secret, rung, digest)
        output += hmac.digest(secret, rung + label + seed, digest)
    return output[:size]


def _masked(iv: bytes, sequence: int) -> bytes:
    """The nonce: the sequence number, padded on the left, XOR the IV (RFC 8446 section 5.3, RFC 7905 section 2)."""
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


def _decrypt(aead: _AEAD, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    if len(sealed) < _TAG_SIZE:
        return None
    try:
        return aead.decrypt(nonce, sealed, associated)
    except InvalidTag:
        return None


def _suite(name: str) -> _Suite | None:
    """What a cipher suite's RFC name says: `..._AES_256_GCM_SHA384`. None for anything but GCM and ChaCha20."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    digest = "sha384" if name.endswith("_SHA384") else "sha256"
    if "_AES_128_GCM_" in name:
        return _Suite(16, 4, digest, AESGCM)
    if "_AES_256_GCM_" in name:
        return _Suite(32, 4, digest, AESGCM)
    if "_CHACHA20_POLY1305_" in name:
        return _Suite(32, 12, digest, ChaCha20Poly1305)
    return None
