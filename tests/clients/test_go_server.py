"""A Go server plays the server of a scenario, tells what it saw, and does not outlive whoever started it."""

import gc
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import curl, get, go_build, s_client
from mtls_lab.clients.go_server import GoServer
from mtls_lab.clients.programs import Caller
from mtls_lab.handshake import Alert, CannotLoad, Scenario, explain
from tools import program

pytestmark = pytest.mark.live

THE_LINE = "local error: tls: bad record MAC"
SEVEN = bytes.fromhex("15 03 03 00 02 02 30")
PATIENCE_S = 10
CHILD = """
import sys, time
from mtls_lab.clients.go_server import GoServer
from cast import make_lab

server = GoServer(make_lab().scenario())
print(server.port, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[GoServer]:
    program("go")
    with GoServer(lab.scenario()) as one:
        yield one


def refusing(lab: Lab) -> Scenario:
    scenario = lab.scenario(server_verifies="none", client_presents="absent")
    return replace(scenario, client=replace(scenario.client, trusts=(lab.stranger.certificate,)))


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def falls_silent(port: int) -> bool:
    """Nobody is told when a process of somebody else's ends: look until it does, or time is up."""
    deadline = time.monotonic() + PATIENCE_S
    while answers(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# what it sees


def test_a_client_that_refuses_in_tls_13_makes_go_speak_of_a_bad_record_mac(server: GoServer, lab: Lab) -> None:
    server.switch(only(refusing(lab), "TLSv1.3"))

    seen = get(server).handshake

    assert seen is not None
    assert seen.server is not None and seen.server.failure is not None
    assert seen.server.failure.text == THE_LINE
    assert [piece for sender, piece in seen.wire if sender == "client"][-1] == SEVEN


def test_in_tls_12_go_says_what_the_client_said(server: GoServer, lab: Lab) -> None:
    server.switch(only(refusing(lab), "TLSv1.2"))

    seen = get(server).handshake

    assert seen is not None
    assert seen.server is not None and seen.server.failure is not None
    assert seen.server.failure.text == "remote error: tls: unknown certificate authority"
    assert [piece for sender, piece in seen.wire if sender == "client"][-1] == SEVEN


def test_its_bytes_and_secrets_show_both_alerts(server: GoServer, lab: Lab) -> None:
    server.switch(only(refusing(lab), "TLSv1.3"))

    seen = s_client(server).handshake

    assert seen is not None
    alerts = [(one.sender, one.alert, one.encrypted) for one in seen.messages if one.alert is not None]
    assert alerts == [("client", Alert.unknown_ca, False), ("server", Alert.bad_record_mac, True)]
    assert explain(seen).refused_by == "client"


@pytest.mark.parametrize("call", [curl, get, s_client])
def test_it_is_a_target_for_every_client_program(server: GoServer, lab: Lab, call: Caller) -> None:
    program("curl")
    program("openssl")
    server.switch(lab.scenario())

    called = call(server)

    assert (called.status, called.body) == (200, "alice\n")
    assert called.handshake is not None and called.handshake.accepted
    assert called.handshake.client_chain is not None and called.handshake.client_chain[0] == lab.alice.leaf


def test_it_sends_back_what_is_posted(server: GoServer, lab: Lab) -> None:
    server.switch(lab.scenario())

    assert get(server, "/echo", data=b"foo").body == "foo"


def test_it_verifies_clients_as_the_scenario_says(server: GoServer, lab: Lab) -> None:
    levels = {}
    for level in ("none", "optional", "required"):
        server.switch(lab.scenario(server_verifies=level, client_presents="absent"))
        levels[level] = get(server).status

    assert levels == {"none": 200, "optional": 200, "required": None}


def test_the_log_is_net_https_own_and_names_the_client(server: GoServer, lab: Lab) -> None:
    server.switch(refusing(lab))

    seen = get(server).handshake

    assert seen is not None
    assert server.log.endswith(f" http: TLS handshake error from 127.0.0.1:{seen.client_port}: {THE_LINE}\n")
    assert server.handshakes[-1].client_port == seen.client_port


def test_a_connection_keeps_the_scenario_it_met(server: GoServer, lab: Lab) -> None:
    first, second = lab.scenario(), refusing(lab)
    server.switch(first)
    get(server)
    server.switch(second)
    get(server)

    assert [one.scenario for one in server.handshakes[-2:]] == [first, second]


def test_it_hears_bytes_that_no_program_would_send(server: GoServer, lab: Lab) -> None:
    server.switch(lab.scenario(server_verifies="none"))

    heard = [server.hear(said).server for said in (b"\x17\x03\x03\x00\x05hello", b"")]

    assert [one.failure.text for one in heard if one and one.failure] == [THE_LINE, "EOF"]


def test_a_port_from_which_nobody_called_is_waited_for_and_then_an_error(server: GoServer) -> None:
    with pytest.raises(TimeoutError, match="client_port=1 ended within 0.05 s"):
        server.handshake_from(1, timeout_s=0.05)


# refusals and misuse


def test_a_key_that_does_not_match_is_refused_in_gos_words_and_the_old_scenario_goes_on(
    server: GoServer, lab: Lab
) -> None:
    server.switch(lab.scenario())
    scenario = lab.scenario()
    mixed = replace(lab.server, key_pem=lab.alice.key_pem)

    with pytest.raises(CannotLoad, match="private key does not match public key"):
        server.switch(replace(scenario, server=replace(scenario.server, presents=mixed)))

    assert get(server).accepted


def test_what_is_no_scenario_is_told_what_would_be(server: GoServer) -> None:
    with pytest.raises(TypeError, match="scenario=None must be a Scenario"):
        server.switch(None)  # type: ignore[arg-type]


# its end


def test_closing_twice_is_closing_once_and_a_closed_server_says_so(lab: Lab) -> None:
    program("go")
    server = GoServer(lab.scenario())
    server.close()
    server.close()

    assert not answers(server.port)
    assert repr(server) == "<GoServer closed>"
    with pytest.raises(RuntimeError, match="make a new one"):
        server.log  # noqa: B018 - asking is what fails


def test_it_ends_when_nobody_refers_to_it(lab: Lab) -> None:
    program("go")
    port = GoServer(lab.scenario()).port
    gc.collect()

    assert falls_silent(port)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_it_dies_with_whoever_started_it_even_by_sigkill() -> None:
    program("go")
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline().split()[-1])
        assert answers(port)

        child.kill()

    assert falls_silent(port)


def test_it_ends_when_its_time_is_up(lab: Lab) -> None:
    program("go")
    with GoServer(lab.scenario(), lifetime_s=0.5) as server:
        assert falls_silent(server.port)
        with pytest.raises(RuntimeError, match="its time was up"):
            server.switch(lab.scenario())


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupted_cell_does_not_end_it(server: GoServer, lab: Lab) -> None:
    server.switch(lab.scenario())

    os.kill(server._process.pid, signal.SIGINT)

    assert get(server).accepted


# compiling


@pytest.fixture
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def plant_go(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called go that is none."""
    go = folder / "bin" / "go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\n[ "$1" = version ] && exit 0\n{script}\n', encoding="utf-8")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")


def test_it_is_compiled_once_into_a_folder_of_this_user_alone() -> None:
    program("go")
    first = go_build.build("tls_server")
    made_at = first.stat().st_mtime_ns

    assert go_build.build("tls_server") == first
    assert first.stat().st_mtime_ns == made_at
    assert os.name == "nt" or stat.S_IMODE(first.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt", reason="plants a link and a shell script")
def test_a_folder_that_somebody_else_put_there_is_not_used(own_temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_temp / "elsewhere").mkdir()
    (own_temp / f"mtls-lab-go-{os.getuid()}").symlink_to(own_temp / "elsewhere")
    plant_go(own_temp, 'while [ "$1" != -o ]; do shift; done; echo made > "$2"', monkeypatch)

    made = go_build.build("tls_server")

    assert made.read_text("utf-8") == "made\n"
    assert list((own_temp / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="plants a shell script")
def test_a_failed_compilation_is_told_in_gos_words_and_nothing_is_fetched(
    own_temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("GOFLAGS", "-toolexec=evil")
    plant_go(own_temp, 'echo "$GOPROXY $GO111MODULE $GOTOOLCHAIN [$GOFLAGS]"; exit 1', monkeypatch)

    with pytest.raises(RuntimeError, match=r"go build tls_server.go failed: off off local \[\]"):
        go_build.build("tls_server")


@pytest.mark.skipif(os.name == "nt", reason="plants a shell script")
def test_a_slow_compilation_says_what_it_waits_for_and_is_given_up(
    own_temp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(go_build, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(go_build, "_ENOUGH_S", 0.1)
    plant_go(own_temp, "while :; do :; done", monkeypatch)

    with pytest.raises(TimeoutError, match="try again, it goes on from there"):
        go_build.build("tls_server")

    assert capsys.readouterr().out.startswith("Compiling tls_server.go with the Go on this machine")


def test_without_go_it_is_said_how_to_get_it(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (go_build.missing() or "").startswith("go is not installed")
    with pytest.raises(FileNotFoundError, match="go is not installed"):
        GoServer(lab.scenario())
