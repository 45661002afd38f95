"""Client certificates for tests of who may what: real ones, with whatever names a test wants in them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mtls_lab.certificates import Certificate
from mtls_lab.proxy.identity import Identity

_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "E": NameOID.EMAIL_ADDRESS,
    "serial": NameOID.SERIAL_NUMBER,
}


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(*subject: tuple[str, str], san: Iterable[x509.GeneralName] = ()) -> Certificate:
    """A self-signed certificate; the subject in the certificate's own order, most general attribute first."""
    name = x509.Name([x509.NameAttribute(_ATTRIBUTES[kind], value) for kind, value in subject])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    names = list(san)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
    return Certificate(der=builder.sign(_key(), hashes.SHA256()).public_bytes(Encoding.DER))


def identity(
    *subject: tuple[str, str], uri: Iterable[str] = (), dns: Iterable[str] = (), email: Iterable[str] = ()
) -> Identity:
    """Whom such a certificate names."""
    san: list[x509.GeneralName] = [x509.UniformResourceIdentifier(one) for one in uri]
    san += [x509.DNSName(one) for one in dns]
    san += [x509.RFC822Name(one) for one in email]
    return Identity.of(certificate(*subject, san=san))
