"""A certificate revocation list as a value: whose it is, from when, until when (RFC 5280 section 5)."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.crl import crls_from_pem


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """One list. It has been read: what it says is there, whether it is true is another question."""

    der: bytes
    """Its bytes."""

    @classmethod
    def read(cls, content: bytes) -> "tuple[RevocationList, ...]":
        """Every list in a file, PEM or DER. Raises ValueError that says what stands there instead."""
        ders = (content,) if content[:1] == b"\x30" else crls_from_pem(content)
        found = tuple(cls(der=der) for der in ders)
        for one in found:
            _ = (one.parsed, one.issuer)
        return found

    @cached_property
    def parsed(self) -> x509.CertificateRevocationList:
        """The same as `cryptography` shows it. Raises ValueError when it cannot be parsed."""
        try:
            return x509.load_der_x509_crl(self.der)
        except ValueError as error:
            raise ValueError(f"this is no revocation list that can be read ({error})") from None

    @property
    def issuer(self) -> str:
        """Whose list it is (RFC 4514 string)."""
        return self.parsed.issuer.rfc4514_string()

    @property
    def signer(self) -> tuple[str, str]:
        """Whose list it is, and the short name (hex) of the key that signed it: authorities change keys."""
        try:
            found = self.parsed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        except (x509.ExtensionNotFound, ValueError):
            found = None
        return self.issuer, (found or b"").hex()

    @property
    def this_update(self) -> datetime:
        """When it was made (aware, UTC)."""
        return self.parsed.last_update_utc

    @property
    def next_update(self) -> datetime | None:
        """Its last good moment (aware, UTC); None where it names none."""
        return self.parsed.next_update_utc

    @property
    def number(self) -> int | None:
        """It grows from one list of an issuer to the next; None where it has none."""
        try:
            return self.parsed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except (x509.ExtensionNotFound, ValueError):
            return None

    @property
    def size(self) -> int:
        """How many certificates it takes back."""
        return len(self.parsed)

    def is_by(self, authority: Certificate) -> bool:
        """It bears that authority's name; see `is_signed_by`."""
        try:
            return self.parsed.issuer == authority.parsed.subject
        except ValueError:
            return False

    def is_signed_by(self, authority: Certificate) -> bool:
        """That authority's key made its signature; False too where that cannot be checked."""
        try:
            return self.parsed.is_signature_valid(authority.parsed.public_key())  # type: ignore[arg-type]  # it checks the type
        except Exception:  # noqa: BLE001 - a bad signature, a key of another kind, an algorithm nobody knows: all mean no
            return False
