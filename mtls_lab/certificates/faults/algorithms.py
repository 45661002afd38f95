"""Keys and hashes that are too weak, or that the other end has never heard of (RFC 8446 section 4.2.3)."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault

_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")


@fault("A weak key", sides=BOTH, reference="RFC 9325 section 4.5")
def weak_key(order: Order) -> Credential:
    """The certificate's RSA key has 1024 bits."""
    return order.fill(order.draft, key=rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505


@fault("A weak hash", sides=BOTH, reference="RFC 9155 section 3", above=True)
def weak_hash(order: Order) -> Credential:
    """The certificate is signed with RSA and SHA-1, for which collisions can be made."""
    issuing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    authority = order.intermediate("SHA-1 Issuing CA", key=issuing_key)
    sound = order.by(authority).fill(order.draft)
    return Credential(
        key_pem=sound.key_pem,
        chain=(_signed_with_sha1(sound.leaf, issuing_key), *sound.chain[1:]),
        issuers=sound.issuers,
    )


@fault("A kind of key that TLS 1.3 does not know", sides=BOTH, reference="RFC 8446 section 4.2.3")
def no_common_signature_algorithm(order: Order) -> Credential:
    """The key lies on a curve (secp256k1) that no signature scheme of TLS 1.3 uses."""
    return order.fill(order.draft, key=ec.generate_private_key(ec.SECP256K1()))


def _signed_with_sha1(certificate: Certificate, key: rsa.RSAPrivateKey) -> Certificate:
    """The same certificate under a SHA-1 signature, which `cryptography` refuses to put on one.

    The algorithm stands in it twice, and both names have the same length: only that one byte changes.
    """
    signed_part = certificate.parsed.tbs_certificate_bytes
    weak_part = signed_part.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA, 1)
    signature = key.sign(weak_part, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the fault itself
    der = certificate.der.replace(signed_part, weak_part, 1)
    head, _, _ = der.rpartition(_SHA256_WITH_RSA)
    tail = der[len(head) + len(_SHA1_WITH_RSA) : -len(signature)]
    return Certificate(der=head + _SHA1_WITH_RSA + tail + signature)
