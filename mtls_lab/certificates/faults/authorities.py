"""The authority above the leaf had no right to issue it (RFC 5280 section 6.1)."""

from collections.abc import Iterable
from dataclasses import replace

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from mtls_lab.certificates.authority import LEAF_LIFETIME, Authority
from mtls_lab.certificates.certificate import KEY_USAGES
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import leaf_draft
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault
from mtls_lab.certificates.keys import generate_key
from mtls_lab.certificates.names import parse_constraints, parse_names

_CONSTRAINTS = "RFC 5280 section 4.2.1.10"


@fault("Issued by somebody who is no authority", sides=BOTH, reference="RFC 5280 section 4.2.1.9", above=True)
def issuer_not_a_ca(order: Order) -> Credential:
    """A certificate that was issued to an end entity was used to issue another one."""
    draft = leaf_draft("Mallory", purpose=order.purpose, names=("mallory.example",), lifetime=LEAF_LIFETIME)
    key = generate_key("EC P-256")
    issuers = (order.authority.certificate, *order.authority.issuers)
    mallory = Authority(certificate=order.authority.sign(draft, key), issuers=issuers, key=key)
    return order.by(mallory).fill(order.draft)


@fault("Issued by an authority that may not sign", sides=BOTH, reference="RFC 5280 section 4.2.1.3", above=True)
def issuer_without_key_cert_sign(order: Order) -> Credential:
    """The intermediate is an authority, but its keyUsage does not include keyCertSign."""
    usage = x509.KeyUsage(**{one: one in ("digital_signature", "crl_sign") for one in KEY_USAGES})
    extension = x509.Extension(usage.oid, critical=True, value=usage)
    return order.by(order.intermediate("Clerk CA", extra=(extension,))).fill(order.draft)


@fault("More intermediates than allowed", sides=BOTH, reference="RFC 5280 section 4.2.1.9", above=True)
def path_length(order: Order) -> Credential:
    """The intermediate may issue leaves only, and issued another intermediate."""
    upper = order.by(order.intermediate("Leaves Only CA"))
    return upper.by(upper.intermediate("One Too Many CA")).fill(order.draft)


@fault("A host name that the authority may not vouch for", sides=BOTH, reference=_CONSTRAINTS, above=True)
def name_constraint_dns(order: Order) -> Credential:
    """The intermediate may vouch for one domain, and the certificate holds a host name of another."""
    return _constrained(order, "DNS:allowed.example", "DNS:{host}")


@fault("An address that the authority may not vouch for", sides=BOTH, reference=_CONSTRAINTS, above=True)
def name_constraint_ip(order: Order) -> Credential:
    """The intermediate may vouch for one address, and the certificate holds another as well."""
    return _constrained(order, "IP:192.0.2.1", "IP:127.0.0.1")


@fault("A mailbox that the authority may not vouch for", sides=BOTH, reference=_CONSTRAINTS, above=True)
def name_constraint_email(order: Order) -> Credential:
    """The intermediate may vouch for one mailbox, and the certificate holds another."""
    return _constrained(order, "email:root@allowed.example", "email:{user}@other.example")


@fault("A URI that the authority may not vouch for", sides=BOTH, reference=_CONSTRAINTS, above=True)
def name_constraint_uri(order: Order) -> Credential:
    """The intermediate may vouch for URIs of one host, and the certificate holds one of another."""
    return _constrained(order, "URI:spiffe://allowed.example/", "URI:spiffe://other.example/{user}")


@fault("A name that the authority is excluded from", sides=BOTH, reference=_CONSTRAINTS, above=True)
def name_constraint_excluded(order: Order) -> Credential:
    """The intermediate may vouch for every name but those of one domain, and did it for one of these."""
    names = _names(order, ("DNS:{host}",))
    excluded = parse_constraints(names, argument="names")
    return _issued(order, order.intermediate("Excluded CA", excluded=excluded), names)


@fault("A critical extension that nobody knows", sides=BOTH, reference="RFC 5280 section 4.2")
def unknown_critical_extension(order: Order) -> Credential:
    """The certificate holds an extension marked critical that no verifier knows."""
    # Under the OID that RFC 5612 keeps for examples.
    value = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")
    return order.fill(replace(order.draft, extra=(x509.Extension(value.oid, critical=True, value=value),)))


@fault("It does not say which key signed it", sides=BOTH, reference="RFC 5280 section 4.2.1.1")
def missing_aki(order: Order) -> Credential:
    """The certificate has no authorityKeyIdentifier; only a strict verifier minds."""
    return order.fill(replace(order.draft, left_out=(ExtensionOID.AUTHORITY_KEY_IDENTIFIER,)))


@fault("Its authority does not say which key it has", sides=BOTH, reference="RFC 5280 section 4.2.1.2", above=True)
def missing_ski(order: Order) -> Credential:
    """The intermediate has no subjectKeyIdentifier; only a strict verifier minds."""
    plain = order.intermediate("Plain CA", left_out=(ExtensionOID.SUBJECT_KEY_IDENTIFIER,))
    return order.by(plain).fill(order.draft)


def _constrained(order: Order, permitted: str, name: str) -> Credential:
    """A leaf of an intermediate that may vouch for `permitted` among names of this kind."""
    subtrees = parse_constraints((permitted,), argument="permitted")
    names = _names(order, (name,))
    return _issued(order, order.intermediate("Constrained CA", permitted=subtrees), names)


def _names(order: Order, patterns: Iterable[str]) -> tuple[str, ...]:
    """The names asked for; a server's own name comes on top, for only one thing is to be wrong."""
    server = order.purpose == "serverAuth"
    host, user = (order.name, "admin") if server else (f"{order.name}.example", order.name)
    asked = tuple(one.format(host=host, user=user) for one in patterns)
    return (order.name, *(one for one in asked if one != f"DNS:{order.name}")) if server else asked


def _issued(order: Order, authority: Authority, names: Iterable[str]) -> Credential:
    draft = replace(order.draft, names=parse_names(names, argument="names"))
    return order.by(authority).fill(draft)
