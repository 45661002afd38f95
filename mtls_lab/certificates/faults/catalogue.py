"""What a fault is, what it is made of, and the table they are entered into."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from mtls_lab.certificates.authority import AUTHORITY_LIFETIME, LEAF_LIFETIME, Authority
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import PURPOSES, Draft, Purpose, authority_draft, leaf_draft
from mtls_lab.certificates.keys import PrivateKey, generate_key, key_to_pem
from mtls_lab.certificates.names import parse_names

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

    def intermediate(self, name: str, *, key: PrivateKey | None = None, **changes: Any) -> Authority:
        """A sound intermediate below the authority, but for those fields of its draft."""
        draft = replace(authority_draft(name, lifetime=AUTHORITY_LIFETIME, path_length=0), **changes)
        key = key or generate_key("EC P-256")
        issuers = (self.authority.certificate, *self.authority.issuers)
        return Authority(certificate=self.authority.sign(draft, key), issuers=issuers, key=key)

    @property
    def draft(self) -> Draft:
        """A sound certificate for this order."""
        return leaf_draft(self.name, purpose=self.purpose, lifetime=LEAF_LIFETIME)

    def fill(self, draft: Draft, *, key: PrivateKey | None = None) -> Credential:
        """A credential whose leaf says what the draft says, for that key or a new one."""
        key = key or generate_key("EC P-256")
        leaf = self.authority.sign(draft, key)
        return Credential(key_pem=key_to_pem(key), chain=(leaf, *self.authority.chain), issuers=self.authority.chain)

    def by(self, authority: Authority) -> "Order":
        """The same order, placed with another authority."""
        return replace(self, authority=authority)

    def with_names(self, *names: str) -> Draft:
        """A sound certificate but for its names."""
        return replace(self.draft, names=parse_names(names, argument="names"))


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
    above: bool
    """It lies above the leaf: order it from an authority that may have others below it, such as a root."""
    make: Make
    """Makes what such an end presents."""


FAULTS: dict[str, Fault] = {}


def fault(title: str, *, sides: tuple[Role, ...], reference: str, above: bool = False) -> Callable[[Make], Make]:
    """Enter the decorated function into the catalogue."""

    def add(make: Make) -> Make:
        slug = make.__name__.replace("_", "-")
        FAULTS[slug] = Fault(
            slug=slug,
            title=title,
            sides=sides,
            sentence=make.__doc__ or "",
            reference=reference,
            above=above,
            make=make,
        )
        return make

    return add


def present(slug: str, *, authority: Authority, name: str, purpose: Purpose) -> Credential | None:
    """What an end with this fault presents, as if `authority` had issued it; "good" is without fault.

    Raises ValueError for a fault that this authority cannot have (see `Fault.above`).
    """
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
    if FAULTS[slug].above and authority.certificate.path_length == 0:
        raise ValueError(
            f"authority={authority.certificate.common_name!r} may issue leaves only (path_length=0), "
            f"and {slug!r} needs another authority below it: give the root"
        )
    return FAULTS[slug].make(order)


def now() -> datetime:
    """Now, as a certificate can say it: whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
