"""The gallery's table: every way in which one-way and mutual TLS fail, staged as a scenario.

One row stages a fault on one side and nothing else. The tests, the gallery of notebook 08, the Rosetta table and
the page of the docs all read this table. What an end presents comes from `certificates/faults`; what takes more
than a credential (a trust store, a revocation list, a version) is staged here: one decorated function, one row.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mtls_lab.certificates import Authority, Credential, Purpose
from mtls_lab.certificates.crl import crl
from mtls_lab.certificates.drafts import authority_draft, sign
from mtls_lab.certificates.faults import FAULTS, present
from mtls_lab.certificates.keys import generate_key
from mtls_lab.handshake.messages import VERSIONS, Role, Version
from mtls_lab.handshake.values import Endpoint, Scenario

PURPOSES: dict[Role, Purpose] = {"client": "clientAuth", "server": "serverAuth"}
OTHER: dict[Role, Role] = {"client": "server", "server": "client"}
BOTH: tuple[Role, ...] = ("client", "server")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who plays in the gallery."""

    root: Authority
    """The trust anchor of both ends."""
    issuing: Authority
    """The intermediate that issues leaves."""
    server: Credential
    """Good for localhost and 127.0.0.1."""
    client: Credential
    """Alice's."""

    @classmethod
    def gather(cls) -> "Cast":
        """A fresh cast; nothing of it is good for anything else."""
        root = Authority.create("Lab Root CA")
        issuing = root.intermediate("Lab Issuing CA")
        return cls(
            root=root,
            issuing=issuing,
            server=issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth"),
            client=issuing.issue("alice", purpose="clientAuth"),
        )

    def credential(self, role: Role) -> Credential:
        """The good credential of that end."""
        return self.client if role == "client" else self.server

    def scenario(self, version: Version | None = None) -> Scenario:
        """Mutual TLS, and nothing wrong with it; a version leaves the other one out."""
        trusts = (self.root.certificate,)
        return Scenario(
            client=Endpoint(presents=self.client, trusts=trusts, verifies="chain and name"),
            server=Endpoint(presents=self.server, trusts=trusts, verifies="required"),
            versions=VERSIONS if version is None else (version,),
        )


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where an exhibit is set up."""

    cast: Cast
    """Who plays."""
    side: Role
    """The end that is to have the fault."""
    scenario: Scenario
    """Nothing wrong with it yet."""

    @property
    def other(self) -> Role:
        """The end that will refuse."""
        return OTHER[self.side]

    def change(self, role: Role, **fields: Any) -> "Stand":
        """The same with those settings of an end changed."""
        end = replace(self.scenario.end(role), **fields)
        scenario = self.scenario
        changed = replace(scenario, client=end) if role == "client" else replace(scenario, server=end)
        return replace(self, scenario=changed)


Setting = Callable[[Stand], Stand]


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One way to fail."""

    slug: str
    """The fault's slug, which is also the slug of its cause."""
    title: str
    """The fault in a few words."""
    sides: tuple[Role, ...]
    """The ends that can have it: whose credential, or whose settings, are wrong."""
    versions: tuple[Version, ...]
    """The TLS versions in which it shows."""
    sentence: str
    """What is wrong, in a sentence."""
    reference: str
    """RFC and section."""
    setting: Setting
    """Sets it up where nothing is wrong yet."""
    cause: str
    """What `explain` is to name: the slug, but for the few that stage another row's cause."""

    def stage(self, cast: Cast, side: Role, version: Version | None = None) -> Scenario:
        """The scenario in which that side has this fault; with a version, in that version only."""
        if side not in self.sides:
            raise ValueError(f"side={side!r}: only a {self.sides[0]} can have the fault {self.slug!r}")
        return self.setting(Stand(cast=cast, side=side, scenario=cast.scenario(version))).scenario


EXHIBITS: dict[str, Exhibit] = {}
"""By slug, in the order of the gallery."""


# What an end presents


_ONE_VERSION: dict[str, tuple[Version, ...]] = {
    # In TLS 1.2 the curve is a matter of groups, which is another exhibit.
    "no-common-signature-algorithm": ("TLSv1.3",),
}
_DIALS_ADDRESS = ("wrong-ip", "ip-as-dns")
_NEEDS_STRICT = ("missing-aki", "missing-ski")
_NEEDS_LOW_LEVEL = ("weak-key", "weak-hash")


def _presenting(slug: str) -> Setting:
    def setting(stand: Stand) -> Stand:
        fault = FAULTS[slug]
        if slug in _DIALS_ADDRESS:
            stand = replace(stand, scenario=replace(stand.scenario, server_name="127.0.0.1"))
        name = stand.scenario.server_name if stand.side == "server" else "alice"
        authority = stand.cast.root if fault.above else stand.cast.issuing
        shown = present(slug, authority=authority, name=name, purpose=PURPOSES[stand.side])
        stand = stand.change(stand.side, presents=shown)
        if slug in _NEEDS_STRICT:
            stand = stand.change(stand.other, strict=True)
        if slug in _NEEDS_LOW_LEVEL:
            # At its usual level OpenSSL would refuse to present this itself.
            stand = stand.change(stand.side, ciphers="DEFAULT:@SECLEVEL=0")
        return stand

    return setting


for _fault in FAULTS.values():
    EXHIBITS[_fault.slug] = Exhibit(
        slug=_fault.slug,
        title=_fault.title,
        sides=_fault.sides,
        versions=_ONE_VERSION.get(_fault.slug, VERSIONS),
        sentence=_fault.sentence,
        reference=_fault.reference,
        setting=_presenting(_fault.slug),
        cause=_fault.slug,
    )


# What takes more


def _exhibit(
    title: str,
    *,
    reference: str,
    sides: tuple[Role, ...] = BOTH,
    versions: tuple[Version, ...] = VERSIONS,
    cause: str | None = None,
) -> Callable[[Setting], Setting]:
    def add(setting: Setting) -> Setting:
        slug = setting.__name__.replace("_", "-")
        EXHIBITS[slug] = Exhibit(
            slug=slug,
            title=title,
            sides=sides,
            versions=versions,
            sentence=setting.__doc__ or "",
            reference=reference,
            setting=setting,
            cause=cause or slug,
        )
        return setting

    return add


def _under_a_root(stand: Stand, *, begin: timedelta, end: timedelta) -> Stand:
    """The verifier trusts a root with that validity period, and what stands below it is in time."""
    now = datetime.now(UTC).replace(microsecond=0)
    key = generate_key("EC P-256")
    draft = authority_draft("Aged Root CA", lifetime=timedelta(days=1))
    draft = replace(draft, not_before=now + begin, not_after=now + end)
    root = Authority(certificate=sign(draft, public_key=key.public_key(), issuer=None, key=key), key=key)
    issuing = root.intermediate("Lab Issuing CA")
    name = "localhost" if stand.side == "server" else "alice"
    stand = stand.change(stand.side, presents=issuing.issue(name, purpose=PURPOSES[stand.side]))
    return stand.change(stand.other, trusts=(root.certificate, *stand.scenario.end(stand.other).trusts))


@_exhibit("The root has expired", reference="RFC 5280 section 6.1.3")
def expired_root(stand: Stand) -> Stand:
    """The trust anchor's own validity period is over, and OpenSSL looks at it."""
    return _under_a_root(stand, begin=timedelta(days=-31), end=timedelta(days=-1))


@_exhibit("The root is not yet valid", reference="RFC 5280 section 6.1.3")
def not_yet_valid_root(stand: Stand) -> Stand:
    """The trust anchor's own validity period has not begun."""
    return _under_a_root(stand, begin=timedelta(days=7), end=timedelta(days=7000))


@_exhibit("The leaf itself as trust anchor", reference="RFC 5280 section 6.1.1")
def leaf_as_anchor(stand: Stand) -> Stand:
    """The verifier was given the peer's own certificate to trust, and its OpenSSL wants a root."""
    return stand.change(stand.other, trusts=(stand.cast.credential(stand.side).leaf,))


@_exhibit("The intermediate as trust anchor", reference="RFC 5280 section 6.1.1")
def intermediate_as_anchor(stand: Stand) -> Stand:
    """The verifier was given the intermediate to trust, and its OpenSSL wants a root."""
    return stand.change(stand.other, trusts=(stand.cast.issuing.certificate,))


@_exhibit("Revoked", reference="RFC 5280 section 3.3")
def revoked(stand: Stand) -> Stand:
    """The authority has taken the certificate back, and the verifier has its revocation list."""
    leaf = stand.cast.credential(stand.side).leaf
    # The root's list too: nginx looks at every certificate of the chain, where the lab looks at the leaf.
    return stand.change(stand.other, crls=(crl(stand.cast.issuing, (leaf,)), crl(stand.cast.root)))


@_exhibit("No revocation list at hand", reference="RFC 5280 section 6.3")
def no_crl(stand: Stand) -> Stand:
    """The verifier insists on a revocation list of the issuer, and has none."""
    return stand.change(stand.other, crls=())


@_exhibit("A stale revocation list", reference="RFC 5280 section 5.1.2.5")
def stale_crl(stand: Stand) -> Stand:
    """The verifier's revocation list should have been replaced yesterday."""
    now = datetime.now(UTC).replace(microsecond=0)
    old = crl(stand.cast.issuing, this_update=now - timedelta(days=8), next_update=now - timedelta(days=1))
    return stand.change(stand.other, crls=(old, crl(stand.cast.root)))


@_exhibit("Kept back by the client", reference="RFC 8446 section 4.2.4", sides=("client",))
def withheld(stand: Stand) -> Stand:
    """The server names the authorities it wants, the client's is not among them, and its library keeps it back."""
    named = (Authority.create("Partner Root CA").certificate,)
    return stand.change("client", withholds=True).change("server", trusts=named, acceptable_authorities=named)


@_exhibit("No TLS version in common", reference="RFC 8446 section 4.2.1")
def protocol_version(stand: Stand) -> Stand:
    """One end allows TLS 1.2 only, the other TLS 1.3 only."""
    return stand.change(stand.side, versions=("TLSv1.2",)).change(stand.other, versions=("TLSv1.3",))


@_exhibit("No cipher suite in common", reference="RFC 5246 section 7.4.1.3", versions=("TLSv1.2",))
def no_common_cipher(stand: Stand) -> Stand:
    """One end insists on ChaCha20, the other on AES-256."""
    stand = stand.change(stand.side, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
    return stand.change(stand.other, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")


@_exhibit("No group in common", reference="RFC 8446 section 4.2.7")
def no_common_group(stand: Stand) -> Stand:
    """One end exchanges keys on P-521 only, the other on P-384 only."""
    return stand.change(stand.side, group="secp521r1").change(stand.other, group="secp384r1")


@_exhibit("Plain HTTP to a TLS port", reference="RFC 9110 section 4.2.2", sides=("client",))
def http_to_tls_port(stand: Stand) -> Stand:
    """The client speaks HTTP to a port where TLS is spoken."""
    return stand.change(stand.side, speaks="HTTP")


@_exhibit("TLS to a plain HTTP port", reference="RFC 9110 section 4.2.2", sides=("server",))
def tls_to_http_port(stand: Stand) -> Stand:
    """The client speaks TLS to a port where HTTP is spoken."""
    return stand.change(stand.side, speaks="HTTP")


@_exhibit("Optional, and bad all the same", reference="RFC 8446 section 4.4.2.4", sides=("client",), cause="expired")
def optional_expired(stand: Stand) -> Stand:
    """The server would let a client in without a certificate, and this client shows an expired one."""
    return _presenting("expired")(stand).change("server", verifies="optional")


@_exhibit("Nobody asked for it", reference="RFC 8446 section 4.3.2", sides=("client",))
def client_not_asked(stand: Stand) -> Stand:
    """The client holds a certificate, and the server sends no CertificateRequest."""
    return stand.change("server", verifies="none")
