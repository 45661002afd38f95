"""The law: what the proxy saw of a live client is what the rehearsal saw."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from cast import Lab, make_lab, only
from mtls_lab.certificates import Credential
from mtls_lab.handshake import CLIENT_LEVELS, SERVER_LEVELS, VERSIONS, Handshake, Scenario, Version, rehearse_all
from mtls_lab.proxy import Proxy
from proxy.callers import live

pytestmark = pytest.mark.live

CLIENT_FAULTS = ("good", "absent", "expired", "untrusted-root", "self-signed", "wrong-purpose", "incomplete-chain")
SERVER_FAULTS = ("good", "expired", "untrusted-root", "wrong-host")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario()) as proxy:
        yield proxy


def scenarios(lab: Lab, version: Version, client_verifies: str) -> list[tuple[str, Scenario]]:
    """Every combination, with its name; faults are issued once."""
    clients = {slug: lab.scenario(client_presents=slug).client.presents for slug in CLIENT_FAULTS}
    servers = {slug: lab.scenario(server_presents=slug).server.presents for slug in SERVER_FAULTS}
    made = []
    for server_verifies, client, server in product(SERVER_LEVELS, CLIENT_FAULTS, SERVER_FAULTS):
        base = lab.scenario(client_verifies=client_verifies, server_verifies=server_verifies)  # type: ignore[arg-type]
        scenario = replace_credentials(base, clients[client], servers[server])
        made.append((f"{client_verifies} / {server_verifies} / {client} / {server}", only(scenario, version)))
    return made


def replace_credentials(scenario: Scenario, client: Credential | None, server: Credential | None) -> Scenario:
    return replace(
        scenario,
        client=replace(scenario.client, presents=client),
        server=replace(scenario.server, presents=server),
    )


def story(handshake: Handshake) -> list[tuple[object, ...]]:
    """What the server saw, and the messages; not the data, nor who was first to say goodbye.

    Known difference: the rehearsal has both ends' secrets, the proxy its own only. A TLS 1.2 server that refuses its
    client derives none, so the client's Finished stays closed. It is left out for both.
    """
    spoken = [
        (message.sender, message.name, message.encrypted, message.alert, message.certificates)
        for message in handshake.messages
        if message.name not in ("ApplicationData", "EncryptedRecord")
        and (message.alert is None or message.fatal)
        and not (message.encrypted and message.sender == "client" and handshake.version == "TLSv1.2")
    ]
    return [(handshake.server,), *spoken]


@pytest.mark.parametrize("client_verifies", CLIENT_LEVELS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_live_server_sees_what_the_rehearsed_server_saw(
    lab: Lab, proxy: Proxy, version: Version, client_verifies: str
) -> None:
    named = scenarios(lab, version, client_verifies)
    rehearsed = rehearse_all(scenario for _, scenario in named)

    differences = []
    for (name, scenario), expected in zip(named, rehearsed, strict=True):
        seen = live(proxy, scenario)
        if seen is None or story(seen) != story(expected):
            differences.append((name, seen and story(seen), story(expected)))

    assert len(named) == len(SERVER_LEVELS) * len(CLIENT_FAULTS) * len(SERVER_FAULTS)
    assert differences == []
