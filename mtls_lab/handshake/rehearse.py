"""A handshake in memory: two real OpenSSL ends joined by a wire that is a pair of buffers."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime

from mtls_lab.handshake.connection import TLSConnection
from mtls_lab.handshake.contexts import CannotLoad, KeyLog, build_context
from mtls_lab.handshake.messages import Role, Version
from mtls_lab.handshake.values import Endpoint, Handshake, Scenario, Side


def rehearse(scenario: Scenario) -> Handshake:
    """Run the handshake in memory and return what both sides saw.

    A client that completes at once sends a line of data, as real clients do, and reads the answer. Nothing is
    kept for later: every rehearsal is a full handshake.
    """
    return rehearse_all([scenario])[0]


def rehearse_all(scenarios: Iterable[Scenario]) -> tuple[Handshake, ...]:
    """Rehearse each in turn. Ends that recur keep their context, so a matrix costs half as much."""
    with KeyLog() as keylog:
        bench = _Bench(keylog)
        return tuple(bench.run(scenario) for scenario in scenarios)


class _Bench:
    """The contexts of one call; sharing them is safe because no context here resumes anything."""

    def __init__(self, keylog: KeyLog) -> None:
        self._keylog = keylog
        self._contexts: dict[tuple[Role, int, tuple[Version, ...]], tuple[Endpoint, ssl.SSLContext]] = {}

    def run(self, scenario: Scenario) -> Handshake:
        at = datetime.now(UTC)
        try:
            server = self._end("server", scenario)
            client = self._end("client", scenario)
        except CannotLoad as error:
            return _never_began(scenario, at, error)
        _converse(client, server)
        return Handshake(
            scenario=scenario,
            client=client.side(),
            server=server.side(),
            at=at,
            wire=client.wire,
            secrets=self._keylog.take(client.wire),
        )

    def _end(self, role: Role, scenario: Scenario) -> TLSConnection:
        endpoint = scenario.end(role)
        key = (role, id(endpoint), scenario.versions)
        if key not in self._contexts:
            # The endpoint is kept beside its context, so that its id cannot be given to another one.
            context = build_context(endpoint, role=role, versions=scenario.versions, keylog=self._keylog)
            self._contexts[key] = (endpoint, context)
        context = self._contexts[key][1]
        return TLSConnection(context, role=role, server_name=scenario.server_name if role == "client" else None)


def _converse(client: TLSConnection, server: TLSConnection) -> None:
    """Handshake, one line each way, and goodbye; the order of events is that of two well-behaved programs."""
    client.start()
    spoken = answered = False
    while True:
        if client.completed and not spoken:
            client.send(b"hello")
            spoken = True
        to_server = client.outgoing()
        if to_server and server.receive(to_server) and not answered:
            server.send(b"hello")
            answered = True
        to_client = server.outgoing()
        if to_client and client.receive(to_client):
            client.close()
        if not to_server and not to_client:
            break
    for end, peer in ((client, server), (server, client)):
        # Who is still waiting learns that the other end has gone.
        if end.failure is not None and peer.failure is None:
            peer.receive(b"")
    server.close()
    if goodbye := server.outgoing():
        client.receive(goodbye)


def _never_began(scenario: Scenario, at: datetime, error: CannotLoad) -> Handshake:
    def side(role: Role) -> Side:
        failure = error.failure if role == error.role else None
        return Side(role=role, completed=False, failure=failure, version=None, cipher=None)

    return Handshake(scenario=scenario, client=side("client"), server=side("server"), at=at)
