"""The cast that most tests share: one root, one intermediate, a server and alice."""

from dataclasses import dataclass, replace

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.faults import present
from mtls_lab.handshake import ClientLevel, Endpoint, Scenario, ServerLevel, Version


@dataclass(frozen=True, kw_only=True)
class Lab:
    """Who is who."""

    root: Authority
    """The trust anchor of both ends."""
    issuing: Authority
    """The intermediate that issues leaves."""
    stranger: Authority
    """An authority that nobody trusts."""
    server: Credential
    """Good for localhost and 127.0.0.1."""
    alice: Credential
    """A good client credential."""

    def scenario(
        self,
        *,
        client_verifies: ClientLevel = "chain and name",
        server_verifies: ServerLevel = "required",
        server_presents: str = "good",
        client_presents: str = "good",
        server_name: str = "localhost",
    ) -> Scenario:
        """A scenario with a fault's slug for what each end presents."""
        server = self.server if server_presents == "good" else self.fault(server_presents, "serverAuth", server_name)
        client = self.alice if client_presents == "good" else self.fault(client_presents, "clientAuth", "alice")
        trusts = (self.root.certificate,)
        return Scenario(
            client=Endpoint(presents=client, trusts=trusts, verifies=client_verifies),
            server=Endpoint(presents=server, trusts=trusts, verifies=server_verifies),
            server_name=server_name,
        )

    def fault(self, slug: str, purpose: str, name: str) -> Credential | None:
        """What an end with that fault presents."""
        return present(slug, authority=self.issuing, name=name, purpose=purpose)  # type: ignore[arg-type]


def make_lab() -> Lab:
    """A fresh cast."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    return Lab(
        root=root,
        issuing=issuing,
        stranger=Authority.create("Stranger CA"),
        server=issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth"),
        alice=issuing.issue("alice", purpose="clientAuth"),
    )


def only(scenario: Scenario, version: Version) -> Scenario:
    """The same scenario with one TLS version."""
    return replace(scenario, versions=(version,))
