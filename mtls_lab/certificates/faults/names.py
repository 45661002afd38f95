"""The certificate is for another name than the one that was dialled (RFC 9525 section 6)."""

from dataclasses import replace

from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.faults.catalogue import SERVER, Order, fault
from mtls_lab.certificates.names import as_address


@fault("Another host's name", sides=SERVER, reference="RFC 9525 section 6.3")
def wrong_host(order: Order) -> Credential:
    """The certificate is good, but for another host."""
    other = replace(order, name="other.example")
    return other.fill(other.draft)


@fault("A wildcard that does not reach", sides=SERVER, reference="RFC 9525 section 6.3")
def wildcard_too_deep(order: Order) -> Credential:
    """The wildcard stands for exactly one label, and the name that is dialled has another number of them."""
    labels = _host_name(order).split(".")
    # *.example for api.shop.example (one label too many); *.localhost for localhost (one too few).
    reach = ".".join(labels[2:] if len(labels) > 2 else labels)
    return order.fill(order.with_names(f"*.{reach}"))


@fault("Another IP address", sides=SERVER, reference="RFC 9525 section 6.5")
def wrong_ip(order: Order) -> Credential:
    """The certificate is for a host name and for an IP address, but not for the address that is dialled."""
    host = replace(order, name=_host_name(order))
    return order.fill(host.with_names(host.name, "192.0.2.1"))


@fault("An IP address written as a DNS name", sides=SERVER, reference="RFC 5280 section 4.2.1.6")
def ip_as_dns(order: Order) -> Credential:
    """The IP address stands among the DNS names, where nobody looks for addresses."""
    address = order.name if as_address(order.name) else "127.0.0.1"
    return order.fill(order.with_names(_host_name(order), f"DNS:{address}"))


@fault("The name in the subject only", sides=SERVER, reference="RFC 9525 section 6.3")
def cn_only(order: Order) -> Credential:
    """The host's name stands in the common name only, and there is no subjectAltName."""
    return order.fill(order.with_names())


@fault("An e-mail address for a name", sides=SERVER, reference="RFC 9525 section 6.1")
def email_only(order: Order) -> Credential:
    """There is a subjectAltName, but it holds an e-mail address and no host name."""
    return order.fill(order.with_names(f"admin@{_host_name(order)}"))


def _host_name(order: Order) -> str:
    """A host name that is right, so that only the address is wrong."""
    return "localhost" if as_address(order.name) else order.name
