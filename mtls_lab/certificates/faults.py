"""The catalogue of faults: certificates that are wrong in exactly one way.

To add one, write a function here: its name is the slug, its docstring the published sentence, its body what is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from mtls_lab.certificates.authority import LEAF_LIFETIME, Authority
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import PURPOSES, Draft, Purpose, leaf_draft, sign
from mtls_lab.certificates.keys import generate_key, key_to_pem
from mtls_lab.certificates.names import as_address, parse_names

Role = Literal["client", "server"]
CLIENT: tuple[Role, ...] = ("client",)
SERVER: tuple[Role, ...] = ("server",)
BOTH: tuple[Role, ...] = ("client", "server")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody asked an authority for."""

    authority: Authority
    """Who is to issue it."""
    name: str
    """For whom: the name a client dials, or the client's own."""
    purpose: Purpose
    """For which purpose."""

    @property
    def draft(self) -> Draft:
        """A sound certificate for this order."""
        return leaf_draft(self.name, purpose=self.purpose, lifetime=LEAF_LIFETIME)

    def fill(self, draft: Draft) -> Credential:
        """A credential whose leaf says what the draft says."""
        key = generate_key("EC P-256")
        leaf = self.authority.sign(draft, key)
        return Credential(key_pem=key_to_pem(key), chain=(leaf, *self.authority.chain), issuers=self.authority.chain)


Make = Callable[[Order], Credential | None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which what an end presents can be wrong."""

    slug: str
    """Its name, as badssl.com has it where badssl.com has it."""
    title: str
    """The fault in a few words."""
    sides: tuple[Role, ...]
    """The ends that can have it."""
    sentence: str
    """What is wrong, in a sentence."""
    reference: str
    """The rule it breaks: RFC and section."""
    make: Make
    """Makes what such an end presents."""


FAULTS: dict[str, Fault] = {}


def _fault(title: str, *, sides: tuple[Role, ...], reference: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        slug = make.__name__.replace("_", "-")
        FAULTS[slug] = Fault(
            slug=slug, title=title, sides=sides, sentence=make.__doc__ or "", reference=reference, make=make
        )
        return make

    return add


def present(slug: str, *, authority: Authority, name: str, purpose: Purpose) -> Credential | None:
    """What an end with this fault presents, as if `authority` had issued it; "good" is without fault."""
    if purpose not in PURPOSES:
        raise ValueError(f"purpose={purpose!r} must be {' or '.join(map(repr, PURPOSES))}")
    order = Order(authority=authority, name=name, purpose=purpose)
    if slug == "good":
        return order.fill(order.draft)
    if slug not in FAULTS:
        raise ValueError(f"slug={slug!r} is no fault: choose 'good' or one of {', '.join(map(repr, FAULTS))}")
    side = "server" if purpose == "serverAuth" else "client"
    if side not in FAULTS[slug].sides:
        raise ValueError(f"slug={slug!r}, purpose={purpose!r}: only a {FAULTS[slug].sides[0]} can have this fault")
    return FAULTS[slug].make(order)


@_fault("An unknown authority", sides=BOTH, reference="RFC 5280 section 6.1")
def untrusted_root(order: Order) -> Credential:
    """The certificate was issued by an authority that the other end does not know."""
    stranger = Authority.create("Stranger CA")
    return replace(order, authority=stranger).fill(order.draft)


@_fault("Self-signed", sides=BOTH, reference="RFC 5280 section 6.1")
def self_signed(order: Order) -> Credential:
    """The certificate was signed with its own key, so nobody vouches for it."""
    key = generate_key("EC P-256")
    leaf = sign(order.draft, public_key=key.public_key(), issuer=None, key=key)
    return Credential(key_pem=key_to_pem(key), chain=(leaf,))


@_fault("Expired", sides=BOTH, reference="RFC 5280 section 4.1.2.5")
def expired(order: Order) -> Credential:
    """The certificate's validity period ended yesterday."""
    now = _now()
    return order.fill(replace(order.draft, not_before=now - timedelta(days=31), not_after=now - timedelta(days=1)))


@_fault("Not yet valid", sides=BOTH, reference="RFC 5280 section 4.1.2.5")
def not_yet_valid(order: Order) -> Credential:
    """The certificate's validity period begins in a week."""
    # Not tomorrow: NSS (Firefox) forgives a day.
    return order.fill(replace(order.draft, not_before=_now() + timedelta(days=7)))


@_fault("Another host's name", sides=SERVER, reference="RFC 9525 section 6.3")
def wrong_host(order: Order) -> Credential:
    """The certificate is good, but for another host."""
    other = replace(order, name="other.example")
    return other.fill(other.draft)


@_fault("Another IP address", sides=SERVER, reference="RFC 9525 section 6.5")
def wrong_ip(order: Order) -> Credential:
    """The certificate is for a host name and for an IP address, but not for the address that is dialled."""
    host = replace(order, name=_host_name(order))
    return order.fill(_with_names(host, host.name, "192.0.2.1"))


@_fault("An IP address written as a DNS name", sides=SERVER, reference="RFC 5280 section 4.2.1.6")
def ip_as_dns(order: Order) -> Credential:
    """The IP address stands among the DNS names, where nobody looks for addresses."""
    address = order.name if as_address(order.name) else "127.0.0.1"
    return order.fill(_with_names(order, _host_name(order), f"DNS:{address}"))


@_fault("The name in the subject only", sides=SERVER, reference="RFC 9525 section 6.3")
def cn_only(order: Order) -> Credential:
    """The host's name stands in the common name only, and there is no subjectAltName."""
    return order.fill(_with_names(order))


@_fault("For another purpose", sides=BOTH, reference="RFC 5280 section 4.2.1.12")
def wrong_purpose(order: Order) -> Credential:
    """A server shows a certificate for clients, or a client one for servers."""
    other: Purpose = "clientAuth" if order.purpose == "serverAuth" else "serverAuth"
    return order.fill(replace(order.draft, purpose=other))


@_fault("The intermediate is not sent", sides=BOTH, reference="RFC 8446 section 4.4.2")
def incomplete_chain(order: Order) -> Credential:
    """The leaf is sent alone, without the intermediate that links it to the root."""
    if not order.authority.chain:
        name = order.authority.certificate.common_name
        raise ValueError(
            f"authority={name!r} is a root, whose leaves need no intermediate: "
            "give an intermediate, such as root.intermediate('Lab Issuing CA')"
        )
    complete = order.fill(order.draft)
    return replace(complete, chain=complete.chain[:1])


@_fault("Nothing presented", sides=CLIENT, reference="RFC 8446 section 4.4.2.4")
def absent(order: Order) -> None:
    """The client presents no certificate."""


def _with_names(order: Order, *names: str) -> Draft:
    return replace(order.draft, names=parse_names(names, argument="names"))


def _host_name(order: Order) -> str:
    """A host name that is right, so that only the address is wrong."""
    return "localhost" if as_address(order.name) else order.name


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
