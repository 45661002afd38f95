"""What does not begin with TLS, begins and stops, or says nothing."""

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cast import make_lab
from mtls_lab.proxy import Proxy, connection
from proxy.callers import connected

pytestmark = pytest.mark.live

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(make_lab().scenario()) as proxy:
        yield proxy


def say(proxy: Proxy, first: bytes) -> tuple[int, bytes]:
    """Send it, hang up, read all; the port it came from and the answer."""
    with socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        plain.sendall(first)
        plain.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := plain.recv(65_536):
            answer += piece
        return plain.getsockname()[1], answer


def test_plain_http_is_recorded_and_answered_in_plain_words(proxy: Proxy) -> None:
    port, answer = say(proxy, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    server = proxy.handshake_from(port).server
    assert server is not None and server.failure is not None
    assert server.failure.reason == "HTTP_REQUEST"
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"https://" in answer


@pytest.mark.parametrize("first", [SSL_REQUEST, b"\x00", b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70_000])
def test_what_is_not_tls_is_a_recorded_failure(proxy: Proxy, first: bytes) -> None:
    port, _ = say(proxy, first)

    handshake = proxy.handshake_from(port)
    assert handshake.server is not None and handshake.server.failure is not None
    assert not handshake.server.completed
    assert handshake.wire[0] == ("client", first) or len(first) > 65_536


def test_a_client_that_says_nothing_is_not_recorded(proxy: Proxy) -> None:
    say(proxy, b"")

    assert proxy.handshakes == ()


def test_a_client_that_vanishes_is_recorded_as_it_was(proxy: Proxy) -> None:
    plain = socket.create_connection((proxy.host, proxy.port), timeout=5)
    port = plain.getsockname()[1]
    plain.sendall(b"\x16\x03\x01")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()

    server = proxy.handshake_from(port).server
    assert server is not None and server.failure is not None and not server.completed


@pytest.mark.parametrize(("first", "recorded"), [(b"", []), (b"\x16\x03\x01", ["HANDSHAKE_TIMEOUT"])])
def test_a_client_that_says_no_more_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, first: bytes, recorded: list[str]
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_TIMEOUT_S", 0.2)
    with Proxy(make_lab().scenario()) as proxy, socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        plain.sendall(first)
        began = time.monotonic()

        assert ends(plain)
        assert time.monotonic() - began < 2
        failures = [one.server and one.server.failure for one in proxy.handshakes]
        assert [failure and failure.reason for failure in failures] == recorded


def ends(plain: socket.socket) -> bool:
    """The other end closes, after whatever else it has to say."""
    try:
        while plain.recv(65_536):
            continue
    except ConnectionResetError:
        return True
    return True


def test_an_idle_connection_is_closed_with_a_goodbye(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connection, "IDLE_TIMEOUT_S", 0.2)

    with Proxy(make_lab().scenario()) as proxy, connected(proxy, tmp_path) as tls:
        assert tls.recv(1) == b""  # without a close_notify this would raise
