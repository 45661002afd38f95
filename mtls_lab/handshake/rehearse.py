"""A handshake in memory: two real OpenSSL ends joined by a wire that is a pair of buffers."""

import ssl
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from mtls_lab.handshake.connection import TLSConnection
from mtls_lab.handshake.contexts import CannotLoad, KeyLog, build_context, look_at_crls
from mtls_lab.handshake.listing import ListingConnection
from mtls_lab.handshake.messages import Role, Version
from mtls_lab.handshake.plaintext import PlainConnection
from mtls_lab.handshake.values import Endpoint, Handshake, Scenario, Side

_ROLES: tuple[Role, ...] = ("client", "server")

End = TLSConnection | PlainConnection | ListingConnection


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


def rehearse_resumed(first: Scenario, then: Scenario) -> tuple[Handshake, Handshake]:
    """Two handshakes, the second of which resumes the session of the first.

    In between the server's live context takes over what `then` says about trust anchors and revocation lists, as a
    server does that reloads its files in place. Everything else stays as it was at first. The one place in the lab
    that lets sessions be resumed: it shows what that skips. Raises CannotLoad where an end has nothing to begin with.
    """
    with KeyLog() as keylog:
        contexts: dict[Role, ssl.SSLContext] = {}
        for role in _ROLES:
            contexts[role] = build_context(
                first.end(role), role=role, versions=first.versions, keylog=keylog, tickets=True
            )
        before, session = _run_with(contexts, first, keylog, None)
        added = [one for one in then.server.trusts if one not in first.server.trusts]
        if added:
            contexts["server"].load_verify_locations(cadata=b"".join(one.der for one in added))
        if then.server.crls is not None:
            look_at_crls(contexts["server"], then.server.crls)
        after, _ = _run_with(contexts, then, keylog, session)
        return before, after


def _run_with(
    contexts: dict[Role, ssl.SSLContext], scenario: Scenario, keylog: KeyLog, session: ssl.SSLSession | None
) -> tuple[Handshake, ssl.SSLSession | None]:
    at = datetime.now(UTC)
    client = TLSConnection(contexts["client"], role="client", server_name=scenario.server_name, session=session)
    server = TLSConnection(contexts["server"], role="server")
    _converse(client, server)
    handshake = Handshake(
        scenario=scenario,
        client=client.side(),
        server=server.side(),
        at=at,
        wire=client.wire,
        secrets=keylog.take(client.wire),
    )
    return handshake, client.session


class _Bench:
    """The contexts of one call; sharing them is safe because no context here resumes anything."""

    def __init__(self, keylog: KeyLog) -> None:
        self._keylog = keylog
        self._contexts: dict[tuple[Role, int, tuple[Version, ...], bool], tuple[Endpoint, ssl.SSLContext]] = {}

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

    def _end(self, role: Role, scenario: Scenario) -> End:
        endpoint = scenario.end(role)
        if endpoint.speaks == "HTTP":
            return PlainConnection(role)
        if role == "server" and endpoint.acceptable_authorities:
            return ListingConnection(endpoint, versions=scenario.versions, keylog=self._keylog)
        kept_back = role == "client" and _keeps_back(scenario)
        key = (role, id(endpoint), scenario.versions, kept_back)
        if key not in self._contexts:
            # OpenSSL has no switch for keeping a certificate back; it comes down to having none.
            shown = replace(endpoint, presents=None) if kept_back else endpoint
            context = build_context(shown, role=role, versions=scenario.versions, keylog=self._keylog)
            # The endpoint is kept beside its context, so that its id cannot be given to another one.
            self._contexts[key] = (endpoint, context)
        context = self._contexts[key][1]
        return TLSConnection(context, role=role, server_name=scenario.server_name if role == "client" else None)


def _converse(client: End, server: End) -> None:
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


def _keeps_back(scenario: Scenario) -> bool:
    """The client obeys the list of acceptable authorities, and nobody above its leaf is on it."""
    client, listed = scenario.client, scenario.server.acceptable_authorities
    if not client.withholds or client.presents is None or not listed:
        return False
    above = {one.issuer for one in client.presents.chain}
    return not above & {one.subject for one in listed}


def _never_began(scenario: Scenario, at: datetime, error: CannotLoad) -> Handshake:
    def side(role: Role) -> Side:
        failure = error.failure if role == error.role else None
        return Side(role=role, completed=False, failure=failure, version=None, cipher=None)

    return Handshake(scenario=scenario, client=side("client"), server=side("server"), at=at)
