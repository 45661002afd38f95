"""Plays faults through pairs of programs: every client that is installed calls every server that is installed.

A pair is left out where it would mislead: a client or server that cannot be told what the fault needs (a revocation
list, a cipher suite) would accept, and that would say nothing about the fault.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape

from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.programs import Program
from mtls_lab.clients.request import Request, private_folder
from mtls_lab.clients.rosetta.normal import normalise
from mtls_lab.clients.rosetta.row import Cell, Row, Spoken
from mtls_lab.clients.rosetta.servers import DidNotStart, Server, Stand
from mtls_lab.handshake import Endpoint, Role, Scenario, Version

STARTING = "(start)"
"""Stands for the client where a server did not even start."""
TIMEOUT_S = 8.0
"""For one call. Programs answer in a tenth of a second; a busy machine starts a browser in five."""
_PATH = "/whoami"
_CLIENTS_OBEY: dict[str, frozenset[str]] = {
    "go": frozenset({"HTTP", "ciphers", "group"}),
    "node": frozenset({"ciphers", "group"}),
    "wget": frozenset({"HTTP", "crls"}),
    "chromium": frozenset({"HTTP"}),
    "psql": frozenset({"crls"}),
}
"""What clients can be told, besides whom to trust and what to present."""
_SERVERS_OBEY: dict[str, frozenset[str]] = {
    "mtls_lab": frozenset({"crls", "no crl", "strict", "ciphers", "group"}),
    "openssl s_server": frozenset({"crls", "no crl", "strict", "ciphers", "group"}),
    "nginx": frozenset({"crls", "ciphers", "group", "HTTP"}),
    "PostgreSQL": frozenset({"crls", "ciphers", "group"}),
}
"""The same of servers."""
_CALLS: dict[str, tuple[str, ...]] = {"chromium": ("nginx",), "java": ("mtls_lab", "go")}
"""Who does not call everybody. A browser takes seconds, and to a server that names no authorities it sends its leaf
alone; a Java machine takes a second to start."""
_HEADLINE = re.compile(r"<center>(?!<h1>)(.*?)</center>|<title>(.*?)</title>")


@dataclass(frozen=True, kw_only=True)
class Staging:
    """A fault on one side in one TLS version, ready to play."""

    fault: str
    """The exhibit's slug."""
    side: Role
    """Who has it."""
    tls: Version
    """The TLS version allowed."""
    scenario: Scenario
    """The settings of both ends."""


@dataclass(frozen=True, kw_only=True)
class Troupe:
    """Who plays."""

    clients: tuple[Program, ...]
    """The client programs that are installed."""
    servers: tuple[Server, ...]
    """The server programs that are installed."""
    versions: dict[str, str]
    """Each server's version, by name."""
    on: str
    """Today."""
    known: frozenset[Cell] = frozenset()
    """Cells that need not be played: somebody has their rows."""
    patience_s: float = 0.25
    """How long to wait for a server's first word. What comes later would be taken for its word on the next client."""

    @classmethod
    def gather(
        cls,
        clients: Iterable[Program],
        servers: Iterable[Server],
        *,
        known: Iterable[Cell] = (),
        patience_s: float = 0.25,
    ) -> "Troupe":
        """Those of them that this machine has."""
        present = tuple(one for one in servers if one.missing() is None)
        return cls(
            clients=tuple(clients),
            servers=present,
            versions={one.name: one.version() for one in present},
            on=f"{datetime.now(UTC):%Y-%m-%d}",
            known=frozenset(known),
            patience_s=patience_s,
        )


def play(
    stagings: Iterable[Staging],
    troupe: Troupe,
    *,
    tell: Callable[[Staging, Server, str], None] | None = None,
    at_once: int = 2,
) -> Iterator[Row]:
    """Play each staging with everybody; rows come as they are known.

    `tell` hears of each staging that one server is done with, and what kept it from being played, "" for nothing.
    """
    tasks = [(staging, server) for staging in stagings for server in troupe.servers]

    def one(task: tuple[Staging, Server]) -> tuple[list[Row], str]:
        try:
            return list(_with_server(*task, troupe)), ""
        except (OSError, RuntimeError, ValueError) as error:
            # A credential that is odd on purpose may be too odd for a helper; the others are played all the same.
            return [], f"{type(error).__name__}: {error}"

    # Each worker mostly waits for programs that run by themselves.
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="mtls-lab-rosetta") as pool:
        for task, (rows, trouble) in zip(tasks, pool.map(one, tasks), strict=True):
            if tell is not None:
                tell(*task, trouble)
            yield from rows


def _with_server(staging: Staging, server: Server, troupe: Troupe) -> Iterator[Row]:
    if not _can_be_told(_SERVERS_OBEY.get(server.name), staging.scenario.server):
        return
    spoken = Spoken(name=server.name, version=troupe.versions[server.name], on=troupe.on)
    callers = [
        one
        for one in troupe.clients
        if _calls(one, server)
        and _can_be_told(_CLIENTS_OBEY.get(one.name), staging.scenario.client)
        and (staging.fault, staging.side, staging.tls, one.name, server.name) not in troupe.known
    ]
    if not callers or (staging.fault, staging.side, staging.tls, STARTING, server.name) in troupe.known:
        return
    try:
        with server.serve(staging.scenario) as stand:
            for client in callers:
                yield from _call(staging, client, stand, spoken, troupe)
    except DidNotStart as words:
        nobody = Spoken(name=STARTING, version="", on=troupe.on)
        yield _row(staging, nobody, spoken, accepted=False, client_words="", server_words=str(words))


def _calls(client: Program, server: Server) -> bool:
    speaks = "PostgreSQL" if client.name == "psql" else "HTTP"
    return server.speaks == speaks and server.name in _CALLS.get(client.name, (server.name,))


def _can_be_told(obeys: frozenset[str] | None, end: Endpoint) -> bool:
    """The program can be given every setting of that end that bears on the fault."""
    needs = {"no crl" if end.crls == () else "crls"} if end.crls is not None else set()
    needs |= {"strict"} if end.strict else set()
    # The security level only lets a weak certificate be shown at all; without it, a program does as it always does.
    needs |= {"ciphers"} if end.ciphers is not None and "SECLEVEL" not in end.ciphers else set()
    needs |= {"group"} if end.group is not None else set()
    needs |= {"HTTP"} if end.speaks == "HTTP" else set()
    return needs <= (obeys or frozenset())


def _call(staging: Staging, client: Program, stand: Stand, server: Spoken, troupe: Troupe) -> Iterator[Row]:
    scenario = replace(stand.scenario, versions=staging.scenario.client.versions or staging.scenario.versions)
    request = Request(scenario=scenario, host=stand.host, port=stand.port, path=_PATH, timeout_s=TIMEOUT_S)
    if client.missing(request) is not None:
        return
    outcome = _run(client, request)
    if outcome.stopped_at == "waiting":
        stand.hear(patience_s=troupe.patience_s)
        outcome = _run(client, request)
    if outcome.stopped_at == "waiting":
        return  # a busy machine: that says nothing about the fault
    accepted = outcome.status == 200 or (client.name == "psql" and outcome.exit_code == 0)
    # Nothing is kept of what it says of a client that it served: a browser's false starts would be all there is.
    said = stand.hear(patience_s=0.02 if accepted else troupe.patience_s)
    yield _row(
        staging,
        Spoken(name=client.name, version=outcome.version or client.name, on=troupe.on),
        server,
        accepted=accepted,
        client_words="" if accepted else client_words(outcome),
        server_words=said if not accepted else "",
    )


def _run(client: Program, request: Request) -> Outcome:
    with private_folder(request.files()) as folder:
        return client.run(request, folder)


def _row(
    staging: Staging, client: Spoken, server: Spoken, *, accepted: bool, client_words: str, server_words: str
) -> Row:
    return Row(
        fault=staging.fault,
        side=staging.side,
        tls=staging.tls,
        client=client,
        server=server,
        accepted=accepted,
        client_words=normalise(client_words),
        server_words=normalise(server_words),
    )


def client_words(outcome: Outcome) -> str:
    """The words that matter in what a client that got no good answer printed."""
    if outcome.status is not None:
        found = _HEADLINE.findall(outcome.body or "")
        headline = next((unescape(words) for pair in found for words in pair if words), "")
        headline = headline.removeprefix(f"{outcome.status} ")
        return f"HTTP {outcome.status}: {headline}" if headline else f"HTTP {outcome.status}"
    if outcome.text:
        return outcome.text
    return outcome.exception or f"({outcome.reason})"
