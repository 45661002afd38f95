"""What a Go server logs, live or from the record: the same words either way, and it is said which."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import get, go_words
from mtls_lab.clients.go_server import GoServer
from mtls_lab.clients.go_words import go_asks, go_line, go_log, go_reads, go_server_or, recorded_line
from mtls_lab.handshake import VERSIONS, Scenario, Version, rehearse
from stand_in_proxy import StandIn, standing_in
from tools import program

SEVEN = bytes.fromhex("15 03 03 00 02 02 30")
RECORD = json.loads(go_words.RECORD.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def stand_in(lab: Lab) -> Iterator[StandIn]:
    with standing_in(refusing(lab)) as target:
        yield target


def refusing(lab: Lab) -> Scenario:
    scenario = lab.scenario(server_verifies="none", client_presents="absent")
    return replace(scenario, client=replace(scenario.client, trusts=(lab.stranger.certificate,)))


def test_the_record_says_with_which_go_and_when() -> None:
    assert re.fullmatch(r"go1\.\d+(\.\d+)?", RECORD["go"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", RECORD["on"])
    assert [name.split()[0] for name in RECORD["callers"]] == ["curl", "requests"]


@pytest.mark.live
@pytest.mark.parametrize("version", VERSIONS)
def test_the_go_on_this_machine_says_what_was_recorded(lab: Lab, version: Version) -> None:
    program("go")
    rows = {row["client"]: row["words"] for row in RECORD["rows"] if row["version"] == version and row["client"]}

    with GoServer(lab.scenario(server_verifies="none")) as server:
        live = {said: go_reads(bytes.fromhex(said), server, version=version).words for said in rows}

    assert live == rows


@pytest.mark.live
@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_is_told_alike_by_a_go_server_and_by_the_record(lab: Lab, version: Version) -> None:
    program("go")
    for scenario in (refusing(lab), lab.scenario(server_verifies="none", client_presents="absent")):
        with GoServer(only(scenario, version)) as server:
            live = go_line(get(server), server)

        assert live.words == recorded_line(rehearse(only(scenario, version))).words
        assert live.source.startswith("a go1.")


@pytest.mark.live
def test_where_the_server_is_none_of_gos_the_line_comes_from_the_record(stand_in: StandIn) -> None:
    line = go_line(get(stand_in), stand_in)

    assert repr(line) == "local error: tls: bad record MAC"
    assert line.source == f"recorded with {RECORD['go']} on {RECORD['on']}"


@pytest.mark.live
def test_the_recorded_log_says_that_it_is_recorded(stand_in: StandIn) -> None:
    first, *lines = go_log(stand_in).splitlines()

    assert first.startswith(f"# recorded with {RECORD['go']} on {RECORD['on']}, called by curl ")
    assert lines == RECORD["log"]


@pytest.mark.live
def test_a_live_log_hides_the_ports_and_nothing_else(lab: Lab) -> None:
    program("go")
    with GoServer(refusing(lab)) as server:
        get(server)
        stamp, logged = server.log[:19], go_log(server)

    assert logged == f"{stamp} http: TLS handshake error from 127.0.0.1:PORT: local error: tls: bad record MAC"


@pytest.mark.live
def test_bytes_that_nobody_recorded_are_not_guessed_at(stand_in: StandIn) -> None:
    line = go_reads(b"\x15\x03\x03\x00\x02\x02\xff", stand_in)

    assert "not recorded" in repr(line)
    with pytest.raises(TypeError, match="said='15' must be bytes"):
        go_reads("15", stand_in)  # type: ignore[arg-type]


def test_a_client_that_is_content_makes_go_log_nothing(lab: Lab) -> None:
    line = recorded_line(rehearse(lab.scenario(server_verifies="none", client_presents="absent")))

    assert (line.words, repr(line)) == ("", "(nothing)")


@pytest.mark.live
def test_without_go_the_proxy_itself_is_the_server_and_it_is_said(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert go_server_or(stand_in) is stand_in
    said = capsys.readouterr().out
    assert f"recorded with {RECORD['go']} on {RECORD['on']}" in said
    assert "go is not installed" in said


@pytest.mark.live
def test_a_go_client_is_quoted_without_the_port(stand_in: StandIn) -> None:
    program("go")

    words = go_asks(stand_in)

    # Go 1.20 and later put `tls: failed to verify certificate: ` in between.
    assert words.startswith('Get "https://localhost:PORT/whoami": ')
    assert words.endswith("x509: certificate signed by unknown authority")


@pytest.mark.live
def test_where_no_go_client_can_be_asked_it_is_said_why(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert go_asks(stand_in).startswith("go is not installed")


@pytest.mark.live
def test_with_go_a_go_server_plays_the_proxys_scenario_and_it_is_said(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    program("go")

    server = go_server_or(stand_in)

    assert isinstance(server, GoServer)
    assert server.scenario == stand_in.scenario
    assert capsys.readouterr().out.endswith(f"Go's lines come from a {server.version} server on this machine.\n")
    server.close()
