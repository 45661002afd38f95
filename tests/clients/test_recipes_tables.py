"""The tables of who gets in: live where a program is there, recorded where not, and the same verdicts either way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab
from installed import installed
from mtls_lab.clients.recipes import CALLERS, POLICIES, RECIPES, recording
from mtls_lab.clients.rosetta.servers import DidNotStart
from mtls_lab.proxy import Proxy
from mtls_lab.views import programs
from mtls_lab.views.programs import same_policy, who_gets_in


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MTLS_LAB_CHROMIUM", raising=False)


def test_every_recipe_and_every_caller_of_every_policy_is_recorded() -> None:
    rows = recording.recorded()

    endpoints = (recording.PLAIN, recording.DATABASE)
    assert {row.client.name for row in rows if row.server.name in endpoints} == set(RECIPES)
    met = {(row.server.name, row.fault) for row in rows if row.server.name in POLICIES}
    assert met == {(name, recording.FAULTS[caller]) for name in POLICIES for caller in CALLERS}
    assert all(row.recorded and row.client.on for row in rows)


@pytest.mark.usefixtures("empty_path")
def test_without_programs_the_recording_stands_in_and_says_so(lab: Lab) -> None:
    with Proxy(lab.scenario()) as proxy:
        table = who_gets_in(proxy, "curl", "urllib", "Node", "Chromium")

    ran = {line.name: line.ran.partition(":")[0] for line in table.lines}
    gone = "not installed here"
    assert ran == {"curl": gone, "urllib": "live", "Node": gone, "Chromium": gone}
    assert table.verdicts == dict.fromkeys(("curl", "urllib", "Node"), "in, as CN=alice") | {"Chromium": "refused"}


@pytest.mark.usefixtures("empty_path")
def test_the_recording_knows_of_a_browser_at_a_server_that_has_the_intermediate(lab: Lab) -> None:
    scenario = lab.scenario()
    trusts = (lab.root.certificate, lab.issuing.certificate)

    with Proxy(replace(scenario, server=replace(scenario.server, trusts=trusts))) as proxy:
        assert who_gets_in(proxy, "Chromium", "curl").verdicts == dict.fromkeys(("Chromium", "curl"), "in, as CN=alice")


def test_a_policy_whose_server_is_gone_comes_from_the_recording(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(POLICIES["HAProxy"], missing=lambda: "HAProxy is not installed: `apt install haproxy`")
    monkeypatch.setitem(POLICIES, "HAProxy", gone)

    (server,) = same_policy(lab.scenario(), "HAProxy").servers

    assert server.ran.startswith("not installed here: recorded 20")
    assert server.verdicts == ("in", "refused in TLS", "refused in TLS")


@pytest.mark.live
def test_a_server_that_does_not_come_up_is_no_refusal(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> None:
        raise DidNotStart("no")

    monkeypatch.setattr(programs, "receive", no)

    (server,) = same_policy(lab.scenario(), "mtls-lab").servers

    assert server.ran.startswith("did not run here: recorded 20")


@pytest.mark.live
@pytest.mark.parametrize("name", RECIPES)
def test_what_is_recorded_of_a_client_is_what_happens(lab: Lab, name: str) -> None:
    installed(RECIPES[name].missing)

    with Proxy(lab.scenario()) as proxy:
        (line,) = who_gets_in(proxy, name).lines

    assert not line.missing
    wanted = recording.DATABASE if name == "psql" else recording.PLAIN
    (kept,) = [row for row in recording.recorded() if (row.client.name, row.server.name) == (name, wanted)]
    assert (line.row.accepted, line.row.server_words) == (kept.accepted, kept.server_words)


def test_the_tables_read_as_text_and_as_html(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(POLICIES["nginx"], missing=lambda: "nginx is not installed: `apt install nginx`")
    monkeypatch.setitem(POLICIES, "nginx", gone)
    with Proxy(lab.scenario()) as proxy:
        clients = who_gets_in(proxy, "urllib")
    servers = same_policy(lab.scenario(), "nginx")

    assert "urllib" in clients.text
    assert "in, as CN=alice" in clients.text
    assert "HTTP 400: No required SSL certificate was sent" in servers.text
    for html in (clients.html, servers.html):
        assert html.count("<caption") == 1
        assert '<th scope="col"' in html
        assert '<th scope="row"' in html


@pytest.mark.parametrize("ask", [lambda lab: same_policy(lab.scenario(), "apache"), lambda lab: who(lab, "ie6")])
def test_a_program_that_there_is_not_is_an_error_that_names_those_there_are(
    lab: Lab, ask: Callable[[Lab], object]
) -> None:
    with pytest.raises(ValueError, match="is none of the programs: choose from "):
        ask(lab)


def who(lab: Lab, name: str) -> object:
    with Proxy(lab.scenario()) as proxy:
        return who_gets_in(proxy, name)
