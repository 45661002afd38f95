"""A policy on trial: three callers, and what becomes of each.

alice has a certificate of the authority that the server trusts; nobody has none; mallory has one of an authority of her
own. All three trust the server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mtls_lab.certificates import Authority
from mtls_lab.clients import PROGRAMS, postgres
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.recipes.policy import Policy
from mtls_lab.clients.recipes.starting import Database
from mtls_lab.clients.request import Request, private_folder
from mtls_lab.clients.rosetta.normal import normalise
from mtls_lab.clients.rosetta.playing import client_words
from mtls_lab.clients.rosetta.servers import Stand
from mtls_lab.handshake import Endpoint, Scenario

CALLERS = ("alice", "nobody", "mallory")
_QUERY = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()"


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What one caller met with."""

    caller: str
    """alice, nobody or mallory."""
    client: str
    """The client program that called, and its version."""
    got_in: bool
    """It got an answer that a good client gets."""
    after_tls: bool
    """It was refused, but not by TLS: the server finished the handshake, and then said no in its own protocol."""
    words: str
    """The answer, or what the client saw of the refusal; normalised."""

    @property
    def verdict(self) -> str:
        """`in`, `refused in TLS` or `refused after TLS`."""
        return "in" if self.got_in else "refused after TLS" if self.after_tls else "refused in TLS"


def callers(client: Endpoint) -> dict[str, Endpoint]:
    """The three, made of a good client: as it is, with nothing to show, and with a stranger's certificate."""
    mallory = Authority.create("Stranger CA").issue("mallory", purpose="clientAuth")
    return {
        "alice": client,
        "nobody": replace(client, presents=None),
        "mallory": replace(client, presents=mallory),
    }


def receive(policy: Policy, scenario: Scenario) -> tuple[Reception, ...]:
    """Start the server and let the three call.

    Raises FileNotFoundError, with what to install, where it is missing; DidNotStart; TimeoutError.
    """
    missing = policy.missing()
    if missing is not None:
        raise FileNotFoundError(missing)
    with policy.serve(policy, scenario) as stand:
        return tuple(_call(name, client, stand) for name, client in callers(scenario.client).items())


def _call(name: str, client: Endpoint, stand: Stand) -> Reception:
    scenario = replace(stand.scenario, client=client)
    if isinstance(stand, Database):
        return _ask_database(name, scenario, stand)
    request = Request(scenario=scenario, host=stand.host, port=stand.port, path="/whoami")
    outcome = _get(request)
    if outcome.stopped_at == "waiting":
        raise TimeoutError(f"no answer within {request.timeout_s:.0f} s")
    return Reception(
        caller=name,
        client=outcome.version,
        got_in=outcome.status == 200,
        after_tls=outcome.status not in (None, 200),
        words=normalise((outcome.body or "").strip() if outcome.status == 200 else client_words(outcome)),
    )


def _get(request: Request) -> Outcome:
    program = PROGRAMS["requests"]
    with private_folder(request.files()) as folder:
        return program.run(request, folder)


def _ask_database(name: str, scenario: Scenario, database: Database) -> Reception:
    with _client_files(scenario, database) as (folder, request):
        chain, key = request.credential_files or ("none.pem", "none.pem")
        call = postgres.psql(
            database.server,
            _QUERY,
            folder=folder,
            user="alice",
            sslmode="verify-full",
            sslrootcert=request.anchors_file,
            sslcert=chain,
            sslkey=key,
        )
    return Reception(
        caller=name,
        client=call.version,
        got_in=call.accepted,
        # FATAL is PostgreSQL's own word: TLS was done by then.
        after_tls=not call.accepted and "FATAL:" in call.output,
        words=normalise((call.body or "").strip() if call.accepted else call.reason),
    )


@contextmanager
def _client_files(scenario: Scenario, database: Database) -> Iterator[tuple[Path, Request]]:
    request = Request(scenario=scenario, host=database.host, port=database.port, path="/")
    with private_folder(request.files()) as folder:
        yield folder, request
