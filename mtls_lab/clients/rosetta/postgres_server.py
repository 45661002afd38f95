"""PostgreSQL as the server, for psql: the lab's own launcher plays the scenario.

1. `ssl_ca_file` makes it ask everybody for a certificate and verify what it gets. Whether one is needed says pg_hba:
   `trust` takes nobody, `trust clientcert=verify-ca` does not. There is no password, so TLS alone decides.
2. It has no checks for a missing certificate in TLS: it finishes the handshake and then says so in its own protocol.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mtls_lab.clients import postgres
from mtls_lab.clients.postgres import NoPostgreSQL, PostgreSQL, find_build
from mtls_lab.clients.rosetta import servers
from mtls_lab.clients.rosetta.servers import DidNotStart, Server, Serving
from mtls_lab.handshake import Scenario

_WORDS_ONLY = {"log_line_prefix": "", "log_connections": "off"}
"""Nothing but what it says of trouble."""


def _missing() -> str | None:
    try:
        find_build()
    except NoPostgreSQL as error:
        return str(error)
    return None


def _version() -> str:
    return find_build().version


def settings(scenario: Scenario) -> dict[str, str]:
    """Its settings for that scenario's server, beside what it presents and trusts."""
    allowed = servers.versions(scenario)
    chosen: dict[str, str] = {"ssl_min_protocol_version": min(allowed), "ssl_max_protocol_version": max(allowed)}
    if scenario.server.ciphers:
        chosen["ssl_ciphers"] = scenario.server.ciphers
    if scenario.server.group:
        chosen["ssl_ecdh_curve"] = scenario.server.group
    return _WORDS_ONLY | chosen


@contextmanager
def _serve(scenario: Scenario) -> Iterator[Serving]:
    end = scenario.server
    asks = " clientcert=verify-ca" if end.verifies == "required" else ""
    try:
        server = PostgreSQL(
            presents=end.presents,
            trusts=end.trusts if end.verifies != "none" else (),
            hba=(f"hostssl all all {servers.HOST}/32 trust{asks}",),
            crls=end.crls or (),
            settings=settings(scenario),
        )
    except postgres.DidNotStart as error:
        raise DidNotStart(str(error)) from None
    with server:
        yield Serving(scenario, server.port, server.log_path, None)


SERVER = Server(name="PostgreSQL", serve=_serve, missing=_missing, version=_version, speaks="PostgreSQL")
