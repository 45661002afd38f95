"""Who a client is: what its verified certificate says, sorted by kind.

Only a certificate that the handshake verified makes an identity. Whoever trusts several authorities lets each of them
vouch for every name: an identity is as good as the least careful of them.

1. Each kind of name counts as itself only. A common name is no DNS name, and an e-mail address in the subject no
   rfc822Name: what an authority checks of one, it may not have checked of the other (RFC 9525 section 2).
2. What cannot be read names nobody: then the fields are empty, and no rule fits.
"""

from dataclasses import dataclass
from typing import Any, Self

from mtls_lab.certificates import Certificate


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whom a verified certificate names."""

    subject: str
    """The whole subject, most specific attribute first (RFC 4514); "" for none."""
    uris: tuple[str, ...]
    """Its URIs, such as `spiffe://lab/alice`, in the certificate's order and spelling."""
    dns_names: tuple[str, ...]
    """Its DNS names."""
    emails: tuple[str, ...]
    """Its e-mail addresses."""
    addresses: tuple[str, ...]
    """Its IP addresses: what it may call itself, not where it called from."""
    key_sha256: str
    """SHA-256 of its SubjectPublicKeyInfo, in hex: the same for every certificate of one key; "" for none."""
    fingerprint: str
    """SHA-256 of the whole certificate, in hex."""

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """Whom it names. It must have been verified: nothing is checked here."""

        def named(kind: str) -> tuple[str, ...]:
            return tuple(name.removeprefix(kind) for name in certificate.names if name.startswith(kind))

        return cls(
            subject=certificate.subject or "",
            uris=named("URI:"),
            dns_names=named("DNS:"),
            emails=named("email:"),
            addresses=named("IP:"),
            key_sha256=certificate.public_key_hash or "",
            fingerprint=certificate.fingerprint,
        )

    @property
    def name(self) -> str:
        """One name to call it by, in a report: a stranger's words, to be printed with care."""
        named = (*self.uris, *self.dns_names, *self.emails)
        return next(iter(named), "") or self.subject or f"the key {self.key_sha256[:16]}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is empty is left out."""
        fields: dict[str, Any] = {
            "subject": self.subject,
            "uri": list(self.uris),
            "dns": list(self.dns_names),
            "email": list(self.emails),
            "ip": list(self.addresses),
            "key_sha256": self.key_sha256,
            "fingerprint": self.fingerprint,
        }
        return {name: value for name, value in fields.items() if value}
