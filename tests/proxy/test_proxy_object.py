"""The Proxy as its user holds it: settings, switching, ports, and how it ends."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.handshake import Alert, CannotLoad, KeyLog, TLSConnection, build_context
from mtls_lab.proxy import Proxy
from proxy.callers import call, connected, read_to_end

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario()) as proxy:
        yield proxy


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mtls-lab-proxy")]


def test_its_url_has_the_name_the_client_asks_for(lab: Lab) -> None:
    with Proxy(lab.scenario()) as by_name, Proxy(replace(lab.scenario(), server_name="::1")) as by_address:
        assert by_name.url == f"https://localhost:{by_name.port}"
        assert by_address.url == f"https://[::1]:{by_address.port}"
        assert by_name.host == "127.0.0.1"


def test_it_listens_on_loopback_only(proxy: Proxy) -> None:
    assert listens(proxy.port)
    assert not listens(proxy.port, socket.gethostbyname(socket.gethostname())) or (
        socket.gethostbyname(socket.gethostname()).startswith("127.")
    )


def test_handshakes_are_kept_oldest_first(proxy: Proxy) -> None:
    ports = [call(proxy).port for _ in range(3)]

    assert [proxy.handshake_from(port).client_port for port in ports] == ports
    assert [handshake.client_port for handshake in proxy.handshakes] == ports
    assert all(handshake.accepted and handshake.client is None for handshake in proxy.handshakes)


def test_a_client_that_has_returned_finds_its_refusal_recorded(lab: Lab) -> None:
    with Proxy(lab.scenario(client_presents="untrusted-root")) as proxy:
        for _ in range(50):
            told = call(proxy)

            assert told.port in [handshake.client_port for handshake in proxy.handshakes]


def test_what_happens_after_the_handshake_is_added_to_the_same_entry(proxy: Proxy) -> None:
    scenario = proxy.scenario
    with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
        tls = TLSConnection(context, role="client", server_name="localhost")
        tls.start()
        while not tls.completed:
            plain.sendall(tls.outgoing())
            tls.receive(plain.recv(65_536))
        plain.sendall(tls.outgoing())
        early = proxy.handshake_from(plain.getsockname()[1])
        plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        tls.receive(plain.recv(65_536))
        late = proxy.handshake_from(plain.getsockname()[1])

    assert early.accepted
    assert late.server is not None and late.server.failure is not None
    assert late.server.failure.during == "after the handshake"
    assert [message.alert for message in late.fatal_alerts()] == [Alert.bad_record_mac]
    assert tls.failure is not None and tls.failure.reason == "SSLV3_ALERT_BAD_RECORD_MAC"
    assert proxy.handshakes == (late,)


def test_waiting_for_a_stranger_says_what_was_waited_for(proxy: Proxy) -> None:
    with pytest.raises(TimeoutError, match="client_port=1 within 0.05 s"):
        proxy.handshake_from(1, timeout_s=0.05)


def test_waiting_for_a_handshake_wakes_when_it_comes(proxy: Proxy) -> None:
    with socket.create_connection((proxy.host, proxy.port)) as plain:
        port = plain.getsockname()[1]
        threading.Timer(0.1, plain.sendall, [b"GET / HTTP/1.1\r\n\r\n"]).start()

        assert proxy.handshake_from(port).client_port == port


def test_switching_changes_what_the_next_client_meets(lab: Lab, proxy: Proxy) -> None:
    assert call(proxy).side.failure is None

    proxy.switch(lab.scenario(client_presents="absent"))
    assert call(proxy).side.failure is not None

    proxy.switch(lab.scenario(client_presents="absent", server_verifies="optional"))
    assert call(proxy).answer.endswith(b"nobody (no client certificate was verified)\n")


def test_a_connection_in_progress_keeps_the_scenario_it_began_with(lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(b"GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tls.recv(65_536)
        proxy.switch(replace(lab.scenario(), server=replace(lab.scenario().server, trusts=())))
        tls.sendall(b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

        assert read_to_end(tls).endswith(b"alice\n")


def test_switching_under_load_fails_no_accepted_client(lab: Lab, proxy: Proxy) -> None:
    asking, not_asking = lab.scenario(), lab.scenario(server_verifies="none")
    failed: list[object] = []

    def keep_calling() -> None:
        for _ in range(40):
            told = call(proxy, scenario=asking)
            if told.side.failure is not None or b"200 OK" not in told.answer:
                failed.append(told)

    callers = [threading.Thread(target=keep_calling) for _ in range(4)]
    for caller in callers:
        caller.start()
    switches = 0
    while any(caller.is_alive() for caller in callers):
        proxy.switch(not_asking if switches % 2 else asking)
        switches += 1
    for caller in callers:
        caller.join()

    assert failed == []
    assert switches > 20


def test_a_server_that_cannot_load_its_credential_is_an_error_and_changes_nothing(lab: Lab, proxy: Proxy) -> None:
    scenario = lab.scenario()
    mismatch = replace(lab.server, key_pem=lab.alice.key_pem)
    broken = replace(scenario, server=replace(scenario.server, presents=mismatch))

    with pytest.raises(CannotLoad, match="the server cannot use its own credential"):
        proxy.switch(broken)
    with pytest.raises(CannotLoad):
        Proxy(broken)
    assert proxy.scenario != broken
    assert call(proxy).side.failure is None


def test_closing_ends_thread_and_listener_and_may_be_repeated(lab: Lab) -> None:
    before = threads()
    proxy = Proxy(lab.scenario())
    port = call(proxy).port

    proxy.close()
    proxy.close()

    assert threads() == before
    assert not listens(proxy.port)
    assert proxy.handshake_from(port).accepted
    with pytest.raises(ValueError, match="this proxy is closed"):
        proxy.switch(lab.scenario())
    assert repr(proxy) == "<Proxy closed>"


def test_closing_does_not_wait_for_an_idle_client(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario()) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tls.recv(65_536)
        began = time.monotonic()
        proxy.close()

        assert time.monotonic() - began < 0.3
        assert tls.recv(1) == b""


def test_a_proxy_that_nobody_holds_closes_itself(lab: Lab) -> None:
    before = threads()
    proxy = Proxy(lab.scenario())
    port = proxy.port

    proxy = Proxy(lab.scenario())
    gc.collect()

    assert not listens(port)
    assert len(threads()) == len(before) + 1
    proxy.close()


def test_a_cell_with_an_explicit_port_may_be_run_twice(lab: Lab) -> None:
    with Proxy(lab.scenario()) as free:
        port = free.port

    proxy = Proxy(lab.scenario(), port=port)
    call(proxy)
    first = proxy
    proxy = Proxy(lab.scenario(client_presents="absent"), port=port)

    assert repr(first) == "<Proxy closed>"
    assert call(proxy).side.failure is not None
    proxy.close()


def test_a_port_of_another_program_is_named_with_the_remedy(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(OSError, match=f"port={port} on 127.0.0.1 is taken by another program: stop it"):
            Proxy(lab.scenario(), port=port)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to": "127.0.0.1:3000"}, "to='127.0.0.1:3000' has no http:// in front"),
        ({"to": "https://127.0.0.1"}, "say whom the proxy trusts there"),
        ({"to": "http://user:word@host"}, "nothing else"),
        ({"to": "http://host?x=1"}, "nothing else"),
        ({"to": "http://host:99999"}, "Port out of range"),
        ({"port": 70_000}, "port=70000 is no TCP port"),
        ({"port": -1}, "port=-1 is no TCP port"),
        ({"host": "no.such.host.invalid"}, "host='no.such.host.invalid' is no address"),
    ],
)
def test_an_argument_it_cannot_use_is_named_with_its_value(lab: Lab, arguments: dict[str, object], words: str) -> None:
    before = threads()

    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        Proxy(lab.scenario(), **arguments)  # type: ignore[arg-type]
    assert threads() == before


def test_a_scenario_of_the_wrong_type_is_named() -> None:
    with pytest.raises(TypeError, match="scenario='shop' must be a Scenario"):
        Proxy("shop")  # type: ignore[arg-type]


CHILD = """
import sys, time
sys.path.insert(0, "tests")
from cast import make_lab
from mtls_lab.proxy import Proxy
proxy = Proxy(make_lab().scenario())
print(proxy.port, flush=True)
if sys.argv[1] == "wait":
    time.sleep(60)
"""


def child(*arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_kernel_leaves_no_listener() -> None:
    with child("wait") as kernel:
        assert kernel.stdout is not None
        port = int(kernel.stdout.readline())
        assert listens(port)

        kernel.kill()
        kernel.wait()

        assert not listens(port)


def test_a_program_that_ends_without_closing_ends_in_silence() -> None:
    with child("end") as program:
        out, err = program.communicate(timeout=20)

        assert program.returncode == 0
        assert out.strip().isdigit()
        assert err == ""
