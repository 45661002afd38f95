"""A proxy that is told to end: nothing new, what is under way is finished, and not for ever."""

import socket
import threading
import time
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.proxy import Proxy
from proxy.callers import ScriptedOrigin, connected, read_to_end

pytestmark = pytest.mark.live

GET = b"GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


class Draining:
    """A drain in a thread of its own."""

    def __init__(self, proxy: Proxy, limit_s: float) -> None:
        self.cut_off: int | None = None
        self._thread = threading.Thread(target=self._run, args=(proxy, limit_s))
        self._thread.start()

    def _run(self, proxy: Proxy, limit_s: float) -> None:
        self.cut_off = proxy.drain(limit_s)

    def join(self) -> int | None:
        self._thread.join(10)
        return self.cut_off


def refuses(proxy: Proxy) -> bool:
    """The port takes no connection, within two seconds."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            socket.create_connection((proxy.host, proxy.port), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.01)  # the listener is closed in another thread
    return False


def test_a_request_in_progress_is_finished_and_nobody_else_gets_in(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario()) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
        head = tls.recv(65_536)
        draining = Draining(proxy, 10)
        closed = refuses(proxy)
        tls.sendall(b"def")
        rest = read_to_end(tls)

        assert draining.join() == 0

    assert closed
    assert (head + rest).endswith(b"abcdef") or (head + rest).endswith(b"def")


def test_an_answer_while_draining_says_that_the_connection_ends(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario()) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        before = tls.recv(65_536)
        draining = Draining(proxy, 10)
        assert refuses(proxy)
        tls.sendall(GET)
        after = read_to_end(tls)

        assert draining.join() == 0

    assert b"Connection: close" not in before
    assert after.startswith(b"HTTP/1.1 200") and b"Connection: close" in after


def test_a_connection_that_nobody_uses_keeps_nobody_waiting(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario()) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        tls.recv(65_536)
        began = time.monotonic()

        assert Draining(proxy, 20).join() == 0
        assert time.monotonic() - began < 5


def test_after_its_limit_what_is_not_finished_is_cut_off_and_counted(lab: Lab, tmp_path: Path) -> None:
    with (
        ScriptedOrigin(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold=True) as origin,
        Proxy(lab.scenario(), to=origin.url) as proxy,
        connected(proxy, tmp_path) as tls,
    ):
        tls.sendall(GET)
        tls.recv(65_536)
        began = time.monotonic()

        assert Draining(proxy, 0.5).join() == 1
        assert time.monotonic() - began < 5


def test_a_second_drain_shortens_the_first(lab: Lab, tmp_path: Path) -> None:
    with (
        ScriptedOrigin(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold=True) as origin,
        Proxy(lab.scenario(), to=origin.url) as proxy,
        connected(proxy, tmp_path) as tls,
    ):
        tls.sendall(GET)
        tls.recv(65_536)
        draining = Draining(proxy, 60)
        assert refuses(proxy)

        assert proxy.drain(0) == 1
        assert draining.join() == 1
