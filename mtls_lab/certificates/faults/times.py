"""A validity period that does not include now: the leaf's, or that of the intermediate above it."""

from dataclasses import replace
from datetime import timedelta

from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.faults.catalogue import BOTH, Order, fault, now


@fault("Expired", sides=BOTH, reference="RFC 5280 section 4.1.2.5")
def expired(order: Order) -> Credential:
    """The certificate's validity period ended yesterday."""
    return order.fill(replace(order.draft, not_before=now() - timedelta(days=31), not_after=now() - timedelta(days=1)))


@fault("Not yet valid", sides=BOTH, reference="RFC 5280 section 4.1.2.5")
def not_yet_valid(order: Order) -> Credential:
    """The certificate's validity period begins in a week."""
    # Not tomorrow: NSS (Firefox) forgives a day.
    return order.fill(replace(order.draft, not_before=now() + timedelta(days=7)))


@fault("The intermediate has expired", sides=BOTH, reference="RFC 5280 section 6.1.3", above=True)
def expired_intermediate(order: Order) -> Credential:
    """The leaf is in time, the intermediate above it is not."""
    begin, end = now() - timedelta(days=31), now() - timedelta(days=1)
    # `Authority.sign` cuts a leaf's lifetime at its authority's end, but leaves one alone that begins after it.
    return order.by(order.intermediate("Old Issuing CA", not_before=begin, not_after=end)).fill(order.draft)


@fault("The intermediate is not yet valid", sides=BOTH, reference="RFC 5280 section 6.1.3", above=True)
def not_yet_valid_intermediate(order: Order) -> Credential:
    """The leaf is in time, the intermediate above it is too early."""
    return order.by(order.intermediate("New Issuing CA", not_before=now() + timedelta(days=7))).fill(order.draft)
