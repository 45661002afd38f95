"""A certificate as a value, read leniently: a stranger's odd DER is something to look at, not an exception."""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab.certificates.keys import describe_key, hash_of
from mtls_lab.certificates.names import as_address, spell, to_ascii

if TYPE_CHECKING:
    from mtls_lab.certificates.validation.reading import Reading

T = TypeVar("T")
Extension = TypeVar("Extension", bound=x509.ExtensionType)

KEY_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}
"""The bits of keyUsage, as `cryptography` and as RFC 5280 section 4.2.1.3 names them."""

_BLOCK = rb"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]*)-----END (?:X509 )?CERTIFICATE-----"
_PURPOSES = {ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth", ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth"}
_ATTRIBUTES = {NameOID.EMAIL_ADDRESS: "emailAddress"}


def _lenient(otherwise: Any) -> Callable[[Callable[["Certificate"], T]], cached_property[T]]:
    """A cached field that answers `otherwise` where the certificate cannot be read; `problem` then says why."""

    def decorate(read: Callable[["Certificate"], T]) -> cached_property[T]:
        @wraps(read)
        def answer(certificate: "Certificate") -> T:
            try:
                return read(certificate)
            except Exception:  # noqa: BLE001 - a stranger's DER can break any rule; `problem` tells which
                return otherwise  # type: ignore[no-any-return]

        return cached_property(answer)

    return decorate


@dataclass(frozen=True, kw_only=True, repr=False)
class Certificate:
    """One X.509 certificate: its bytes, and what they say. Reading never raises (see `problem`)."""

    der: bytes
    """The certificate as it stands on the wire."""

    @classmethod
    def from_pem(cls, pem: bytes | str) -> tuple[Self, ...]:
        """Every certificate in this PEM text, in order. Raises ValueError that says what it was given instead."""
        text = pem.encode() if isinstance(pem, str) else bytes(pem)
        try:
            found = tuple(
                cls(der=b64decode(b"".join(block.split()), validate=True)) for block in re.findall(_BLOCK, text)
            )
        except ValueError as error:
            raise ValueError(f"pem holds a CERTIFICATE block that is no base64 ({error})") from None
        if not found:
            raise ValueError(
                f"pem holds no certificate but {_what_is(text)}; give '-----BEGIN CERTIFICATE-----' blocks"
            )
        return found

    @property
    def pem(self) -> bytes:
        """The certificate as PEM, with a final newline (RFC 7468)."""
        body = b64encode(self.der)
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return b"\n".join([b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole certificate, in hex."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def parsed(self) -> x509.Certificate:
        """The same as `cryptography` shows it. The one field that raises: ValueError when it cannot be parsed."""
        return x509.load_der_x509_certificate(self.der)

    @cached_property
    def problem(self) -> str | None:
        """The first thing in it that cannot be read, and why; None when all of it can."""
        for name, field in vars(type(self)).items():
            if isinstance(field, cached_property) and hasattr(field.func, "__wrapped__"):
                try:
                    field.func.__wrapped__(self)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                    return f"{name} cannot be read: {str(error) or type(error).__name__}"
        return None

    @_lenient(None)
    def subject(self) -> str | None:
        """Whom it names (RFC 4514 string, most specific first)."""
        return self.parsed.subject.rfc4514_string(_ATTRIBUTES)

    @_lenient(None)
    def issuer(self) -> str | None:
        """Who issued it, by its own account (RFC 4514 string)."""
        return self.parsed.issuer.rfc4514_string(_ATTRIBUTES)

    @_lenient(b"")
    def issuer_der(self) -> bytes:
        """Who issued it, as the bytes of the name: what a server's list of acceptable authorities is made of."""
        return self.parsed.issuer.public_bytes()

    @_lenient(None)
    def common_name(self) -> str | None:
        """The subject's common name; None when it has none."""
        return _common_name(self.parsed.subject)

    @_lenient(None)
    def issuer_common_name(self) -> str | None:
        """The issuer's common name; None when it has none."""
        return _common_name(self.parsed.issuer)

    @_lenient(None)
    def serial_number(self) -> int | None:
        """Unique among the certificates of its issuer."""
        return self.parsed.serial_number

    @_lenient(None)
    def not_before(self) -> datetime | None:
        """When it begins to be valid (aware, UTC)."""
        return self.parsed.not_valid_before_utc

    @_lenient(None)
    def not_after(self) -> datetime | None:
        """The last moment it is valid (aware, UTC)."""
        return self.parsed.not_valid_after_utc

    @_lenient(())
    def names(self) -> tuple[str, ...]:
        """subjectAltName as `DNS:localhost`, `IP:127.0.0.1`, `email:a@b`, `URI:spiffe://...`; () when absent."""
        return tuple(map(spell, self._extension(x509.SubjectAlternativeName) or ()))

    @_lenient(None)
    def purposes(self) -> tuple[str, ...] | None:
        """extendedKeyUsage: `serverAuth`, `clientAuth`, else dotted; None (any purpose) when absent."""
        extension = self._extension(x509.ExtendedKeyUsage)
        return None if extension is None else tuple(_PURPOSES.get(oid, oid.dotted_string) for oid in extension)

    @_lenient(None)
    def key_usage(self) -> tuple[str, ...] | None:
        """keyUsage in RFC 5280's words, such as `digitalSignature`; None (any use) when absent."""
        extension = self._extension(x509.KeyUsage)
        if extension is None:
            return None
        # The two `only` bits mean nothing without keyAgreement: `cryptography` raises when asked for them.
        asked = KEY_USAGES if extension.key_agreement else list(KEY_USAGES)[:-2]
        return tuple(KEY_USAGES[usage] for usage in asked if getattr(extension, usage))

    @_lenient(False)
    def is_authority(self) -> bool:
        """basicConstraints says that it may issue certificates; False when absent."""
        extension = self._extension(x509.BasicConstraints)
        return extension is not None and extension.ca

    @_lenient(None)
    def path_length(self) -> int | None:
        """How many intermediates may follow below it; None for any number."""
        extension = self._extension(x509.BasicConstraints)
        return None if extension is None else extension.path_length

    @_lenient(None)
    def subject_key_identifier(self) -> str | None:
        """The short name of its own key, in hex."""
        extension = self._extension(x509.SubjectKeyIdentifier)
        return None if extension is None else extension.digest.hex()

    @_lenient(None)
    def authority_key_identifier(self) -> str | None:
        """The short name of its issuer's key, in hex."""
        extension = self._extension(x509.AuthorityKeyIdentifier)
        return extension.key_identifier.hex() if extension and extension.key_identifier is not None else None

    @_lenient(())
    def permitted_names(self) -> tuple[str, ...]:
        """The only names that certificates below it may hold, by kind (nameConstraints); () when absent."""
        extension = self._extension(x509.NameConstraints)
        return tuple(map(spell, (extension and extension.permitted_subtrees) or ()))

    @_lenient(())
    def excluded_names(self) -> tuple[str, ...]:
        """The names that certificates below it may not hold (nameConstraints); () when absent."""
        extension = self._extension(x509.NameConstraints)
        return tuple(map(spell, (extension and extension.excluded_subtrees) or ()))

    @_lenient(None)
    def key_type(self) -> str | None:
        """`EC P-256`, `RSA 2048`, `Ed25519`, ..."""
        return describe_key(self.parsed.public_key())

    @_lenient(None)
    def public_key_hash(self) -> str | None:
        """SHA-256 of its SubjectPublicKeyInfo, in hex: the same for every certificate of one key."""
        return hash_of(self.parsed.public_key())

    @_lenient(None)
    def signature_hash(self) -> str | None:
        """`SHA-256`, ...; None where the signature has its hash built in (Ed25519)."""
        algorithm = self.parsed.signature_hash_algorithm
        return None if algorithm is None else re.sub(r"^SHA(?=\d{3}|1$)", "SHA-", algorithm.name.upper())

    @_lenient(False)
    def self_issued(self) -> bool:
        """Subject and issuer are the same name. Who signed it is another question: see `is_signed_by`."""
        return self.parsed.subject == self.parsed.issuer

    @cached_property
    def reading(self) -> "Reading | None":
        """It as OpenSSL reads it, which is wider than `parsed`; None where OpenSSL cannot read it either."""
        from mtls_lab.certificates.validation.ber import MalformedError
        from mtls_lab.certificates.validation.reading import Reading

        try:
            return Reading(self.der)
        except MalformedError:
            return None

    def is_signed_by(self, issuer: "Certificate") -> bool:
        """The issuer has the right name, and its key made this signature; False too where that cannot be checked.

        Neither time nor purpose nor the right to sign is looked at: that is path validation (RFC 5280 section 6).
        """
        try:
            self.parsed.verify_directly_issued_by(issuer.parsed)
        except Exception:  # noqa: BLE001 - a bad signature, another name, an algorithm nobody knows: all mean no
            return False
        return True

    def matches_name(self, server_name: str) -> bool:
        """It is a certificate for that DNS name or IP address (RFC 9525 section 6).

        Only subjectAltName counts. An address matches its iPAddress entry. A wildcard stands for exactly one label,
        the leftmost, and only as the whole of it. One final dot of the name asked for means nothing.
        """
        address = as_address(server_name)
        if address is not None:
            return f"IP:{address}" in self.names
        try:
            asked = to_ascii(server_name.removesuffix("."))
        except ValueError:
            return False
        first, _, rest = asked.partition(".")
        presented = {name.removeprefix("DNS:").lower() for name in self.names if name.startswith("DNS:")}
        return asked in presented or bool(first and rest and f"*.{rest}" in presented)

    def _extension(self, kind: type[Extension]) -> Extension | None:
        try:
            return self.parsed.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    def __repr__(self) -> str:
        if self.subject is None:
            return f"Certificate({len(self.der)} unreadable bytes)"
        name = self.common_name or next(iter(self.names), None) or self.subject
        return f"Certificate({name!r}, issued by {self.issuer_common_name or self.issuer!r})"


def _common_name(name: x509.Name) -> str | None:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else None


def _what_is(text: bytes) -> str:
    if b"PRIVATE KEY-----" in text:
        return "a private key"
    if text[:1] == b"\x30":
        return "DER (binary): Certificate(der=...) takes that"
    label = re.search(rb"-----BEGIN ([A-Z0-9 ]+)-----", text)
    if label and label[1].endswith(b"CERTIFICATE"):
        return "the beginning of one: the '-----END CERTIFICATE-----' line is missing"
    return f"a {label[1].decode()}" if label else "nothing that looks like PEM" if text.strip() else "nothing at all"
