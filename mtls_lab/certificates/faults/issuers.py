"""Nobody whom the verifier trusts vouches for the certificate (RFC 5280 section 6.1)."""

from dataclasses import replace

from cryptography.x509.oid import ExtensionOID

from mtls_lab.certificates.authority import Authority
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import sign
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault
from mtls_lab.certificates.keys import generate_key, key_to_pem


@fault("An unknown authority", sides=BOTH, reference="RFC 5280 section 6.1")
def untrusted_root(order: Order) -> Credential:
    """The certificate was issued by an authority that the other end does not know."""
    return order.by(Authority.create("Stranger CA")).fill(order.draft)


@fault("A twin of the authority", sides=BOTH, reference="RFC 5280 section 4.2.1.1")
def same_name_other_key(order: Order) -> Credential:
    """The issuer has the name of an authority that the other end trusts, but another key."""
    return order.by(_twin(order)).fill(order.draft)


@fault("A twin, and no key identifier that tells", sides=BOTH, reference="RFC 5280 section 6.1.3")
def same_name_other_key_no_aki(order: Order) -> Credential:
    """The issuer is a twin, and the certificate does not say (authorityKeyIdentifier) which of the two it was."""
    draft = replace(order.draft, left_out=(ExtensionOID.AUTHORITY_KEY_IDENTIFIER,))
    return order.by(_twin(order)).fill(draft)


@fault("Self-signed", sides=BOTH, reference="RFC 5280 section 6.1")
def self_signed(order: Order) -> Credential:
    """The certificate was signed with its own key, so nobody vouches for it."""
    key = generate_key("EC P-256")
    leaf = sign(order.draft, public_key=key.public_key(), issuer=None, key=key)
    return Credential(key_pem=key_to_pem(key), chain=(leaf,))


@fault("It brings its own root along", sides=BOTH, reference="RFC 8446 section 4.4.2")
def self_signed_in_chain(order: Order) -> Credential:
    """The chain ends with a root of its own, which does not make that root a trust anchor."""
    stranger = Authority.create("Stranger CA")
    credential = order.by(stranger).fill(order.draft)
    return replace(credential, chain=(*credential.chain, stranger.certificate))


def _twin(order: Order) -> Authority:
    """Another authority of the root's name: what is left when somebody makes "the CA" anew."""
    root = order.authority.root
    return Authority.create(root.common_name or "Lab Root CA")
