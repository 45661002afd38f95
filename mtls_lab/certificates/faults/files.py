"""What the end itself cannot load: nothing is sent, nobody refuses anybody (RFC 7468)."""

from dataclasses import replace

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault
from mtls_lab.certificates.keys import generate_key, key_from_pem, key_to_pem


@fault("The private key of another certificate", sides=BOTH, reference="RFC 8446 section 4.4.3")
def key_mismatch(order: Order) -> Credential:
    """The private key does not belong to the certificate."""
    return replace(order.fill(order.draft), key_pem=key_to_pem(generate_key("EC P-256")))


@fault("An encrypted private key", sides=BOTH, reference="RFC 7468 section 11")
def encrypted_key(order: Order) -> Credential:
    """The private key is encrypted, and nobody gave its password."""
    credential = order.fill(order.draft)
    return replace(credential, key_pem=key_to_pem(key_from_pem(credential.key_pem), "a password that nobody gave"))


@fault("A key file that is no PEM", sides=BOTH, reference="RFC 7468 section 2")
def key_is_der(order: Order) -> Credential:
    """The key file holds DER, the binary form, where PEM is expected."""
    from cryptography.hazmat.primitives import serialization

    credential = order.fill(order.draft)
    der = key_from_pem(credential.key_pem).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return replace(credential, key_pem=der)


@fault("A certificate where the key should be", sides=BOTH, reference="RFC 7468 section 2")
def files_swapped(order: Order) -> Credential:
    """The key file holds a certificate: somebody swapped the two paths."""
    credential = order.fill(order.draft)
    return replace(credential, key_pem=credential.chain_pem)


@fault("An empty key file", sides=BOTH, reference="RFC 7468 section 2")
def empty_file(order: Order) -> Credential:
    """The key file is empty."""
    return replace(order.fill(order.draft), key_pem=b"")


@fault("A certificate file that holds no certificate", sides=BOTH, reference="RFC 7468 section 5")
def not_a_certificate(order: Order) -> Credential:
    """The certificate file has a CERTIFICATE block, and what is in it is none."""
    credential = order.fill(order.draft)
    return replace(credential, chain=(Certificate(der=b"not a certificate"), *credential.chain[1:]))
