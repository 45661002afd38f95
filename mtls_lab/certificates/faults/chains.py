"""What is sent along with the leaf (RFC 8446 section 4.4.2)."""

from dataclasses import replace

from mtls_lab.certificates.authority import Authority
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.faults.catalogue import BOTH, CLIENT, Order, fault


@fault("The intermediate is not sent", sides=BOTH, reference="RFC 8446 section 4.4.2")
def incomplete_chain(order: Order) -> Credential:
    """The leaf is sent alone, without the intermediate that links it to the root."""
    complete = _with_intermediate(order)
    return replace(complete, chain=complete.chain[:1])


@fault("The intermediate comes first", sides=BOTH, reference="RFC 8446 section 4.4.2")
def wrong_order(order: Order) -> Credential:
    """The file begins with the intermediate, and the first certificate is taken for the leaf."""
    complete = _with_intermediate(order)
    return replace(complete, chain=(*complete.chain[1:], complete.chain[0]))


@fault("More certificates than needed", sides=BOTH, reference="RFC 8446 section 4.4.2")
def extra_certificates(order: Order) -> Credential:
    """The chain holds the root, which the other end has, and a certificate that belongs to no path at all."""
    complete = order.fill(order.draft)
    stray = Authority.create("Stray CA").certificate
    return replace(complete, chain=(*complete.chain, order.authority.root, stray))


@fault("Nothing presented", sides=CLIENT, reference="RFC 8446 section 4.4.2.4")
def absent(order: Order) -> None:
    """The client presents no certificate."""


def _with_intermediate(order: Order) -> Credential:
    if not order.authority.chain:
        name = order.authority.certificate.common_name
        raise ValueError(
            f"authority={name!r} is a root, whose leaves need no intermediate: "
            "give an intermediate, such as root.intermediate('Lab Issuing CA')"
        )
    return order.fill(order.draft)
