"""Who is in the building: authorities, people and machines, all of them new for every room."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.crl import crl
from mtls_lab.handshake import Endpoint

HOST_NAMES = {
    "gateway": ("localhost", "gateway.lab.example"),
    "orders": ("localhost", "orders.lab.example"),
    "stock": ("localhost", "stock.lab.example"),
    "database": ("localhost", "database.lab.example"),
    "vault": ("localhost", "vault.lab.example"),
    "desk": ("localhost", "desk.lab.example"),
}
SALES, GUESTS = "spiffe://lab.example/sales", "spiffe://lab.example/guests"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The authorities and credentials of one room."""

    root: Authority
    """The root that everybody is meant to trust."""
    issuing: Authority
    """The intermediate that issues."""
    twin: Authority
    """Another root with the same name: somebody made "the CA" anew, and threw nothing away."""
    public: Authority
    """An authority that issues to everybody."""
    stranger: Authority
    """Mallory's."""
    vault: Authority = field(repr=False)
    """The only authority whose certificates open the vault."""
    people: dict[str, Credential]
    """Clients of the lab's authority, by name."""
    servers: dict[str, Credential]
    """Sound credentials for the servers."""

    @classmethod
    def gather(cls) -> "Cast":
        """A fresh cast; nothing of it is good for anything else."""
        root = Authority.create("Lab Root CA")
        issuing = root.intermediate("Lab Issuing CA")
        return cls(
            root=root,
            issuing=issuing,
            twin=Authority.create("Lab Root CA"),
            public=Authority.create("Public Root CA"),
            stranger=Authority.create("Stranger CA"),
            vault=Authority.create("Vault Root CA"),
            people=_people(issuing),
            servers={
                name: issuing.issue(names[1], names=names, purpose="serverAuth") for name, names in HOST_NAMES.items()
            },
        )

    def mallory(self, name: str = "alice", *, names: tuple[str, ...] = ()) -> Credential:
        """Somebody else's name, from an authority of mallory's own."""
        return self.stranger.issue(name, names=names, purpose="clientAuth")

    def customer(self) -> Credential:
        """Any customer of the public authority."""
        return self.public.issue("mallory.example", purpose="clientAuth")

    def impostor(self, *, known_authority: bool = False) -> Credential:
        """What an impostor shows: the right names by mallory's authority, or another name by the lab's."""
        if known_authority:
            return self.issuing.issue("printer.lab.example", purpose="serverAuth")
        return self.stranger.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")

    def client(self, name: str) -> Endpoint:
        """A client as it should be."""
        return Endpoint(presents=self.people[name], trusts=(self.root.certificate,), verifies="chain and name")

    def server(self, name: str) -> Endpoint:
        """A server as it should be."""
        return Endpoint(presents=self.servers[name], trusts=(self.root.certificate,), verifies="required")

    def list_of_today(self) -> bytes:
        """The revocation list: the stolen robot is on it."""
        return crl(self.issuing, (self.people["stolen"].leaf,))

    def list_of_last_week(self) -> bytes:
        """The same list, overdue since yesterday."""
        now = datetime.now(UTC).replace(microsecond=0)
        old = now - timedelta(days=8)
        return crl(self.issuing, (self.people["stolen"].leaf,), this_update=old, next_update=now - timedelta(days=1))


def _people(issuing: Authority) -> dict[str, Credential]:
    names = {
        "alice": (f"{SALES}/alice",),
        "carol": (f"{SALES}/carol",),
        "bob": (f"{GUESTS}/bob",),
        "robot": ("spiffe://lab.example/machines/robot",),
        "stolen": ("spiffe://lab.example/machines/stolen",),
        "report": (f"{SALES}/report",),
        "gateway": ("spiffe://lab.example/machines/gateway",),
        "orders": ("spiffe://lab.example/machines/orders",),
        "stock": ("spiffe://lab.example/machines/stock",),
    }
    people = {name: issuing.issue(name, names=uris, purpose="clientAuth") for name, uris in names.items()}
    # A guest whose common name is alice: an authority promises nobody that there is only one.
    people["other alice"] = issuing.issue("alice", names=(f"{GUESTS}/alice",), purpose="clientAuth")
    return people
