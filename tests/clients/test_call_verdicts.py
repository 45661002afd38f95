"""Every level, the common faults, both versions, three programs: who refuses, and by which number.

The table is that of the measured facts; `rehearse` is the oracle for the server's side of every case.
"""

from dataclasses import replace

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import PROGRAMS, Call
from mtls_lab.handshake import VERSIONS, Alert, Scenario, Version, rehearse
from mtls_lab.proxy import Proxy
from stand_in_proxy import standing_in
from tools import program

pytestmark = pytest.mark.live

REFUSED_BY_SERVER: dict[str, dict[Version, Alert]] = {
    "absent": {"TLSv1.2": Alert.handshake_failure, "TLSv1.3": Alert.certificate_required},
    "untrusted-root": dict.fromkeys(VERSIONS, Alert.unknown_ca),
    "self-signed": dict.fromkeys(VERSIONS, Alert.unknown_ca),
    "expired": dict.fromkeys(VERSIONS, Alert.certificate_expired),
    "not-yet-valid": dict.fromkeys(VERSIONS, Alert.bad_certificate),
    "wrong-purpose": dict.fromkeys(VERSIONS, Alert.unsupported_certificate),
    "incomplete-chain": dict.fromkeys(VERSIONS, Alert.unknown_ca),
}
REFUSED_BY_CLIENT = {
    "untrusted-root": (20, Alert.unknown_ca),
    "self-signed": (18, Alert.unknown_ca),
    "expired": (10, Alert.certificate_expired),
    "not-yet-valid": (9, Alert.bad_certificate),
    "wrong-purpose": (26, Alert.unsupported_certificate),
    "incomplete-chain": (20, Alert.unknown_ca),
}
NAME_FAULTS = {"wrong-host": ("localhost", 62), "wrong-ip": ("127.0.0.1", 64), "ip-as-dns": ("127.0.0.1", 64)}
ACCEPTS_COMMON_NAME = {"curl": True, "openssl s_client": True, "requests": False}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(params=["curl", "openssl s_client", "requests"])
def name(request: pytest.FixtureRequest) -> str:
    tool = str(request.param).split(maxsplit=1)[0]
    if tool != "requests":
        program(tool)
    return str(request.param)


def call(name: str, scenario: Scenario) -> Call:
    with Proxy(scenario) as proxy:
        return PROGRAMS[name].call(proxy)


def alert_of(made: Call) -> tuple[str, int | None] | None:
    assert made.handshake is not None
    return next(((one.sender, one.alert) for one in made.handshake.fatal_alerts()), None)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("server_verifies", ["none", "optional", "required"])
@pytest.mark.parametrize("client_verifies", ["none", "chain", "chain and name"])
def test_good_ends_accept_each_other_at_every_level(
    lab: Lab, name: str, client_verifies: str, server_verifies: str, version: Version
) -> None:
    scenario = lab.scenario(client_verifies=client_verifies, server_verifies=server_verifies)  # type: ignore[arg-type]

    made = call(name, only(scenario, version))

    assert made.accepted
    assert made.status == 200
    assert (made.body or "").startswith("nobody" if server_verifies == "none" else "alice")
    assert made.handshake is not None
    assert made.handshake.accepted
    assert made.handshake.client is not None
    assert made.handshake.client.version == version
    assert made.handshake.asked == (server_verifies != "none")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("slug", REFUSED_BY_SERVER)
def test_the_client_gets_to_see_the_alert_of_a_server_that_refuses_it(
    lab: Lab, name: str, slug: str, version: Version
) -> None:
    scenario = only(lab.scenario(client_presents=slug), version)

    made = call(name, scenario)

    assert not made.accepted
    assert alert_of(made) == ("server", REFUSED_BY_SERVER[slug][version])
    assert made.handshake is not None
    assert made.handshake.client is not None
    assert made.handshake.client.failure is not None
    assert made.handshake.client.failure.verify_code is None
    assert made.handshake.client.completed == (version == "TLSv1.3")
    assert made.handshake.server == rehearse(scenario).server


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", ["chain", "chain and name"])
@pytest.mark.parametrize("slug", REFUSED_BY_CLIENT)
def test_the_verdict_on_the_servers_chain_is_a_number(
    lab: Lab, name: str, slug: str, level: str, version: Version
) -> None:
    scenario = lab.scenario(client_verifies=level, server_verifies="none", server_presents=slug)  # type: ignore[arg-type]

    made = call(name, only(scenario, version))

    code, alert = REFUSED_BY_CLIENT[slug]
    assert not made.accepted
    assert made.handshake is not None
    assert made.handshake.client is not None
    assert made.handshake.client.failure is not None
    assert made.handshake.client.failure.verify_code == code
    assert alert_of(made) in {("client", alert), None}  # curl from 8.17 on judges after the handshake, silently


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("slug", [*REFUSED_BY_CLIENT, "wrong-host", "cn-only"])
def test_a_client_that_does_not_verify_accepts_every_server(lab: Lab, name: str, slug: str, version: Version) -> None:
    scenario = lab.scenario(client_verifies="none", server_verifies="required", server_presents=slug)

    made = call(name, only(scenario, version))

    assert made.accepted
    assert made.handshake is not None
    assert made.handshake.accepted


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("slug", NAME_FAULTS)
def test_curl_checks_the_name_after_the_handshake_and_the_others_within(
    lab: Lab, name: str, slug: str, version: Version
) -> None:
    dialled, code = NAME_FAULTS[slug]
    scenario = lab.scenario(server_verifies="none", server_presents=slug, server_name=dialled)

    made = call(name, only(scenario, version))

    assert not made.accepted
    assert made.handshake is not None
    assert made.handshake.client is not None
    assert made.handshake.client.failure is not None
    if name == "curl":
        assert made.exit_code == 60
        assert made.handshake.client.completed
        assert made.handshake.client.failure.verify_code is None
        assert made.handshake.client.failure.during == "after the handshake"
        assert alert_of(made) is None
    else:
        assert made.handshake.client.failure.verify_code == code
        assert alert_of(made) == ("client", Alert.bad_certificate)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("slug", ["wrong-host", "cn-only"])
def test_the_level_chain_leaves_the_name_out(lab: Lab, name: str, slug: str, version: Version) -> None:
    scenario = lab.scenario(client_verifies="chain", server_presents=slug)

    made = call(name, only(scenario, version))

    assert made.accepted


@pytest.mark.parametrize("version", VERSIONS)
def test_the_common_name_is_enough_for_curl_and_s_client_but_not_for_requests(
    lab: Lab, name: str, version: Version
) -> None:
    made = call(name, only(lab.scenario(server_presents="cn-only"), version))

    assert made.accepted == ACCEPTS_COMMON_NAME[name]


@pytest.mark.parametrize("version", VERSIONS)
def test_who_trusts_nobody_refuses_everybody(lab: Lab, name: str, version: Version) -> None:
    scenario = lab.scenario()
    scenario = replace(scenario, client=replace(scenario.client, trusts=()))

    made = call(name, only(scenario, version))

    assert not made.accepted
    assert made.handshake is not None
    assert made.handshake.client is not None
    assert made.handshake.client.failure is not None
    assert made.handshake.client.failure.verify_code == 20


@pytest.mark.parametrize("dialled", ["localhost", "127.0.0.1", "shop.example.test", "10.9.8.7", "bücher.example.test"])
def test_the_connection_goes_to_the_host_whatever_the_name(lab: Lab, name: str, dialled: str) -> None:
    ascii_name = dialled.encode("idna").decode()
    server = lab.issuing.issue("shop", names=(ascii_name,), purpose="serverAuth")
    scenario = lab.scenario(server_name=dialled)
    scenario = replace(scenario, server=replace(scenario.server, presents=server))

    with standing_in(scenario) as target:
        made = PROGRAMS[name].call(target)

    assert made.accepted
    assert f"Host: {ascii_name}:{target.port}".encode() in target.heard[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_key_of_another_certificate_stops_the_client_before_it_says_a_word(
    lab: Lab, name: str, version: Version
) -> None:
    scenario = lab.scenario()
    other = lab.issuing.issue("alice", purpose="clientAuth")
    mismatch = replace(scenario.client, presents=replace(lab.alice, key_pem=other.key_pem))

    made = call(name, only(replace(scenario, client=mismatch), version))

    assert not made.accepted
    assert made.handshake is not None
    assert made.handshake.client is not None
    assert made.handshake.client.failure is not None
    assert made.handshake.client.failure.during == "loading"
    assert "could not load its own files" in str(made)


def test_another_client_than_the_scenarios_can_call(lab: Lab, name: str) -> None:
    scenario = lab.scenario()
    nobody = replace(scenario.client, presents=None)

    with Proxy(scenario) as proxy:
        made = PROGRAMS[name].call(proxy, client=nobody)

    assert not made.accepted
    assert made.handshake is not None
    assert made.handshake.scenario.client == nobody
    assert proxy.scenario == scenario


def test_a_large_body_does_not_hide_the_reason_of_a_refusal(lab: Lab, name: str) -> None:
    with Proxy(lab.scenario(client_presents="untrusted-root")) as proxy:
        made = PROGRAMS[name].call(proxy, "/echo", data=b"x" * 1_000_000)

    assert made.reason == "by the server, alert unknown_ca (48)"


def test_a_body_comes_back_from_the_origin(lab: Lab, name: str) -> None:
    body = bytes(range(128)) * 3000

    with Proxy(lab.scenario()) as proxy:
        made = PROGRAMS[name].call(proxy, "/echo", data=body)

    assert made.body == body.decode("ascii")
