"""The key may not be used for this (RFC 5280 sections 4.2.1.3 and 4.2.1.12)."""

from dataclasses import replace

from cryptography import x509

from mtls_lab.certificates.certificate import KEY_USAGES
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault
from mtls_lab.certificates.keys import generate_key


@fault("For another purpose", sides=BOTH, reference="RFC 5280 section 4.2.1.12")
def wrong_purpose(order: Order) -> Credential:
    """A server shows a certificate for clients, or a client one for servers."""
    other: Purpose = "clientAuth" if order.purpose == "serverAuth" else "serverAuth"
    return order.fill(replace(order.draft, purpose=other))


@fault("A key that may not sign", sides=BOTH, reference="RFC 5280 section 4.2.1.3")
def wrong_key_usage(order: Order) -> Credential:
    """The keyUsage allows encrypting data, and not the signature that every TLS handshake asks for."""
    usage = x509.KeyUsage(**{one: one == "data_encipherment" for one in KEY_USAGES})
    extension = x509.Extension(usage.oid, critical=True, value=usage)
    # RSA: with an EC key that may not sign, an OpenSSL server of TLS 1.2 does not even offer its certificate.
    return order.fill(replace(order.draft, extra=(extension,)), key=generate_key("RSA 2048"))
