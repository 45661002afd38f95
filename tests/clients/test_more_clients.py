"""The client programs that only Rosetta calls: Go, Node, Java, wget, psql and Chromium."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import PROGRAMS
from mtls_lab.clients.request import Request, private_folder
from mtls_lab.clients.rosetta import CLIENTS, SERVERS, told
from mtls_lab.handshake import Scenario, Version
from mtls_lab.proxy import Proxy
from tools import program

pytestmark = pytest.mark.live

HELPED = ("go", "node", "java")
"""Those that a helper program of ours speaks for."""
PATIENCE_S = 20
"""A busy machine starts Java in ten seconds."""
AT_A_PROXY = (*HELPED, "wget")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def needs(name: str) -> None:
    for tool in {"java": ("java", "javac"), "chromium": ("chromium", "certutil", "pk12util")}.get(name, (name,)):
        program(tool)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("name", AT_A_PROXY)
def test_good_ends_accept_each_other(lab: Lab, name: str, version: Version) -> None:
    needs(name)
    with Proxy(only(lab.scenario(), version)) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert call.accepted, call.output
    assert (call.body or "").startswith("alice")
    assert call.handshake is not None
    assert call.handshake.version == version
    assert call.version


@pytest.mark.parametrize("slug", ["expired", "untrusted-root", "wrong-host"])
@pytest.mark.parametrize("name", AT_A_PROXY)
def test_each_refuses_a_bad_server_and_says_why(lab: Lab, name: str, slug: str) -> None:
    needs(name)
    with Proxy(lab.scenario(server_presents=slug)) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert not call.accepted
    assert call.exit_code
    assert call.output


@pytest.mark.parametrize("name", AT_A_PROXY)
def test_each_takes_any_server_when_told_to_verify_nothing(lab: Lab, name: str) -> None:
    needs(name)
    with Proxy(lab.scenario(client_verifies="none", server_presents="wrong-host")) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert call.accepted, call.output


@pytest.mark.parametrize("name", HELPED)
def test_the_level_chain_leaves_the_name_out_and_nothing_else(lab: Lab, name: str) -> None:
    needs(name)
    with Proxy(lab.scenario(client_verifies="chain", server_presents="wrong-host")) as other_name:
        accepted = CLIENTS[name].call(other_name, timeout_s=PATIENCE_S)
    with Proxy(lab.scenario(client_verifies="chain", server_presents="expired")) as expired:
        refused = CLIENTS[name].call(expired, timeout_s=PATIENCE_S)

    assert accepted.accepted, accepted.output
    assert not refused.accepted


@pytest.mark.parametrize("name", HELPED)
def test_a_name_that_leads_elsewhere_is_led_to_the_host(lab: Lab, name: str) -> None:
    needs(name)
    shop = lab.issuing.issue("shop", names=("shop.example.test",), purpose="serverAuth")
    scenario = lab.scenario(server_name="shop.example.test")
    with Proxy(replace(scenario, server=replace(scenario.server, presents=shop))) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert call.accepted, call.output


@pytest.mark.parametrize("name", HELPED)
def test_both_stories_are_joined_by_the_clients_port(lab: Lab, name: str) -> None:
    needs(name)
    with Proxy(lab.scenario(client_presents="expired")) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert call.handshake is not None
    assert call.handshake.client is not None
    assert call.handshake.server is not None
    assert "alert certificate_expired (45)" in str(call)


@pytest.mark.parametrize("name", AT_A_PROXY)
def test_a_poisoned_environment_does_not_matter(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needs(name)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(lab.stranger.certificate.pem)
    (tmp_path / ".wgetrc").write_text("check_certificate = off\n")
    for variable in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "https_proxy", "HTTPS_PROXY", "JAVA_TOOL_OPTIONS"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9" if "proxy" in variable.lower() else str(stranger))
    monkeypatch.setenv("NODE_TLS_REJECT_UNAUTHORIZED", "0")
    monkeypatch.setenv("HOME", str(tmp_path))

    with Proxy(lab.scenario()) as good, Proxy(lab.scenario(server_presents="untrusted-root")) as bad:
        calls = CLIENTS[name].call(good, timeout_s=PATIENCE_S), CLIENTS[name].call(bad, timeout_s=PATIENCE_S)

    assert [call.accepted for call in calls] == [True, False]


def test_psql_reaches_a_real_postgresql_with_the_clients_certificate(lab: Lab) -> None:
    needs("psql")
    if missing := SERVERS["PostgreSQL"].missing():
        pytest.skip(missing)
    good, bad = (lab.scenario(client_presents=slug) for slug in ("good", "expired"))

    assert _ask_postgresql(good) == (0, "/CN=alice\n")
    assert _ask_postgresql(bad)[0] == 2


def _ask_postgresql(scenario: Scenario) -> tuple[int | None, str | None]:
    with SERVERS["PostgreSQL"].serve(scenario) as stand:
        request = Request(scenario=scenario, host=stand.host, port=stand.port, path="/")
        with private_folder(request.files()) as folder:
            outcome = CLIENTS["psql"].run(request, folder)
    return outcome.exit_code, outcome.body


@pytest.mark.parametrize(
    ("changes", "words"),
    [({}, ""), ({"server_presents": "expired"}, "net::ERR_CERT_DATE_INVALID")],
    ids=["good", "expired"],
)
def test_chromium_shows_its_certificate_without_asking_anyone_and_tells_its_code(
    lab: Lab, changes: dict[str, str], words: str
) -> None:
    needs("chromium")
    needs("nginx")
    scenario = lab.scenario(**changes)  # type: ignore[arg-type]
    with SERVERS["nginx"].serve(scenario) as stand:
        request = Request(scenario=scenario, host=stand.host, port=stand.port, path="/", timeout_s=10)
        with private_folder(request.files()) as folder:
            outcome = CLIENTS["chromium"].run(request, folder)

    assert outcome.text == words
    assert (outcome.status == 200) == (not words)


@pytest.mark.parametrize("name", [name for name in CLIENTS if name not in PROGRAMS])
def test_a_program_that_is_not_there_is_data(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MTLS_LAB_CHROMIUM", raising=False)

    with Proxy(lab.scenario()) as proxy:
        call = CLIENTS[name].call(proxy, timeout_s=PATIENCE_S)

    assert "not installed" in (call.missing or "") or "not both installed" in (call.missing or "")
    assert not call.accepted
    assert call.line


@pytest.mark.parametrize("name", [name for name in CLIENTS if name not in PROGRAMS])
def test_a_body_is_refused_by_name(lab: Lab, name: str) -> None:
    with Proxy(lab.scenario()) as proxy, pytest.raises(ValueError, match=f"data=b'x': {name} only asks"):
        CLIENTS[name].call(proxy, data=b"x")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_compiled_lies_where_nobody_else_can_put_a_program() -> None:
    assert told.workshop("Get.java").stat().st_mode & 0o777 == 0o700
