"""The panel's cast: one authority, and on demand every good or faulty credential that an end may present."""

from dataclasses import dataclass

from mtls_lab.certificates import Authority, Credential, Purpose
from mtls_lab.certificates.faults import FAULTS, present
from mtls_lab.handshake import VERSIONS, ClientLevel, Endpoint, Role, Scenario, ServerLevel, Version

GOOD, NOTHING = "good", "nothing"
# The whole catalogue is the gallery's; a list of fifty is no panel.
_FIRST_FAULTS = (
    "untrusted-root",
    "self-signed",
    "expired",
    "not-yet-valid",
    "wrong-host",
    "wrong-ip",
    "ip-as-dns",
    "cn-only",
    "wrong-purpose",
    "incomplete-chain",
)
_PURPOSES: dict[Role, Purpose] = {"client": "clientAuth", "server": "serverAuth"}

VERSION_CHOICES: dict[str, tuple[Version, ...]] = {
    "TLS 1.2 and 1.3": VERSIONS,
    "TLS 1.2 only": ("TLSv1.2",),
    "TLS 1.3 only": ("TLSv1.3",),
}


def choices(role: Role) -> tuple[str, ...]:
    """What that end may present: good, for a client nothing, and the faults that a learner meets first."""
    faults = tuple(slug for slug in _FIRST_FAULTS if role in FAULTS[slug].sides)
    return (GOOD, NOTHING, *faults) if role == "client" else (GOOD, *faults)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One state of the panel."""

    client_verifies: ClientLevel
    """The first switch."""
    server_verifies: ServerLevel
    """The second switch."""
    client_presents: str
    """`good`, `nothing` or a fault's slug."""
    server_presents: str
    """`good` or a fault's slug."""
    server_name: str
    """The name dialled."""
    versions: tuple[Version, ...]
    """The TLS versions allowed."""


class Cast:
    """Mints each credential when it is first used, and keeps it: keys cost more than a handshake."""

    def __init__(self) -> None:
        self._root = Authority.create("Lab Root CA")
        self._issuing = self._root.intermediate("Lab Issuing CA")
        self._minted: dict[tuple[str, str, Role], Credential | None] = {}

    def scenario(self, choice: Choice) -> Scenario:
        """The scenario of that state."""
        trusts = (self._root.certificate,)
        client = Endpoint(
            presents=self._credential(choice.client_presents, "alice", "client"),
            trusts=trusts,
            verifies=choice.client_verifies,
        )
        server = Endpoint(
            presents=self._credential(choice.server_presents, choice.server_name, "server"),
            trusts=trusts,
            verifies=choice.server_verifies,
        )
        return Scenario(client=client, server=server, server_name=choice.server_name, versions=choice.versions)

    def _credential(self, slug: str, name: str, role: Role) -> Credential | None:
        key = (slug, name, role)
        if key not in self._minted:
            self._minted[key] = self._mint(slug, name, role)
        return self._minted[key]

    def _mint(self, slug: str, name: str, role: Role) -> Credential | None:
        if slug == NOTHING:
            return None
        if slug != GOOD:
            return present(slug, authority=self._issuing, name=name, purpose=_PURPOSES[role])
        if role == "client":
            return self._issuing.issue(name, purpose="clientAuth")
        return self._issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
