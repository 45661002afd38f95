"""The subject of a certificate: who it names, for people to read."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from mtls_lab.certificates.names import parse_name


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the subject says besides the common name. Verifiers match host names elsewhere: in subjectAltName."""

    country: str | None = None
    """Two letters (ISO 3166): "DE"."""
    state: str | None = None
    """State or province."""
    locality: str | None = None
    """City."""
    organization: str | None = None
    """Organization."""
    organizational_unit: str | None = None
    """Part of the organization."""
    email: str | None = None
    """An e-mail address."""

    def __post_init__(self) -> None:
        if self.country is not None and not (
            len(self.country) == 2 and self.country.isascii() and self.country.isalpha()
        ):
            raise ValueError(f"country={self.country!r} must be two letters (ISO 3166) such as 'DE'")
        if self.email is not None:
            parse_name(f"email:{self.email}", argument="email")
        for field, (_, longest) in _FIELDS.items():
            check_length(field, getattr(self, field), longest)

    def name(self, common_name: str) -> x509.Name:
        """The distinguished name; without a common name where that is "" (RFC 5280 section 4.1.2.6)."""
        attributes = [
            x509.NameAttribute(oid, value.upper() if field == "country" else value)
            for field, (oid, _) in _FIELDS.items()
            if (value := getattr(self, field)) is not None
        ]
        check_length("name", common_name or None, LONGEST_COMMON_NAME)
        if common_name:
            attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
        return x509.Name(attributes)


LONGEST_COMMON_NAME = 64

_FIELDS = {
    "country": (NameOID.COUNTRY_NAME, 2),
    "state": (NameOID.STATE_OR_PROVINCE_NAME, 128),
    "locality": (NameOID.LOCALITY_NAME, 128),
    "organization": (NameOID.ORGANIZATION_NAME, 64),
    "organizational_unit": (NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    "email": (NameOID.EMAIL_ADDRESS, 255),
}
"""In the order of the name; with the upper bounds of RFC 5280 appendix A.1."""


def check_length(argument: str, value: str | None, longest: int) -> None:
    """Raise ValueError for a value that is empty, too long or unprintable."""
    if value is not None and not (value.strip() and value.isprintable() and len(value) <= longest):
        raise ValueError(f"{argument}={value!r} must be 1 to {longest} printable letters")
