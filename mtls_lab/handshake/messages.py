"""One message on the wire, and the words for who sends it and what version it belongs to."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from mtls_lab.handshake.alerts import Alert

Role = Literal["client", "server"]
Version = Literal["TLSv1.2", "TLSv1.3"]
Wire = tuple[tuple[Role, bytes], ...]

VERSIONS: tuple[Version, ...] = get_args(Version)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, and whether an eavesdropper could read it."""

    sender: Role
    """Who sent it."""
    name: str
    """The RFC's spelling (ClientHello, CertificateVerify, Alert, ChangeCipherSpec, ApplicationData);
    EncryptedRecord is a record that the secrets at hand do not open."""
    encrypted: bool
    """An eavesdropper sees no more than its length."""
    body: bytes = field(repr=False)
    """The plaintext: a handshake message with its four-byte header, an alert's two bytes, or the data;
    for an EncryptedRecord the ciphertext."""
    alert: int | None = None
    """The AlertDescription of an Alert: an `Alert` where the number has a name."""
    certificates: tuple[bytes, ...] | None = None
    """What a Certificate message carries, DER, leaf first; () when it is empty, None for any other message."""
    details: tuple[tuple[str, str], ...] = ()
    """What it says, field by field, in the RFC's words and in a fixed order; nothing random, nothing secret."""

    @property
    def fatal(self) -> bool:
        """An alert that ends the connection with an error (RFC 8446 section 6.2)."""
        return self.alert is not None and self.alert not in (Alert.close_notify, Alert.user_canceled)
