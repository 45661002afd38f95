"""Go's net/http as the server: the lab's own `GoServer`, and its log as its words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mtls_lab.clients import go_build
from mtls_lab.clients.go_server import GoServer
from mtls_lab.clients.rosetta import servers
from mtls_lab.clients.rosetta.servers import DidNotStart, Server
from mtls_lab.handshake import CannotLoad, Handshake, Scenario


class _Serving:
    """A GoServer that also tells what it logged since the last time."""

    def __init__(self, server: GoServer) -> None:
        self._server = server
        self._heard = 0
        self.host, self.port, self.scenario = server.host, server.port, server.scenario

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        return self._server.handshakes

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake:
        return self._server.handshake_from(client_port, timeout_s)

    def hear(self, *, patience_s: float) -> str:
        said = servers.settled(lambda: self._server.log[self._heard :], patience_s)
        self._heard += len(said)
        return said


@contextmanager
def _serve(scenario: Scenario) -> Iterator[_Serving]:
    try:
        server = GoServer(replace(scenario, versions=servers.versions(scenario)))
    except CannotLoad as error:
        raise DidNotStart(error.failure.text) from None
    with server:
        yield _Serving(server)


def _version() -> str:
    return " ".join(servers.first_line("go", "version").split()[2:3])


SERVER = Server(name="go", serve=_serve, missing=go_build.missing, version=_version)
