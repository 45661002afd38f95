"""After a crowd of clients, good, refused, rude and silent, everything is as it was."""

import asyncio
import gc
import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cast import make_lab
from mtls_lab.handshake import KeyLog, TLSConnection, build_context
from mtls_lab.proxy import Proxy, connection
from proxy.callers import call

pytestmark = pytest.mark.live

CLIENTS = 300


def descriptors() -> int:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc/self/fd, which this system does not have")
    gc.collect()  # contexts let go of their key log files
    return len(list(Path("/proc/self/fd").iterdir()))


def conversation(proxy: Proxy) -> list[bytes]:
    """What a good client sends, piece by piece, taken from the record of one."""
    with KeyLog() as keylog:
        scenario = proxy.scenario
        server = TLSConnection(
            build_context(scenario.server, role="server", versions=scenario.versions, keylog=keylog), role="server"
        )
        client = TLSConnection(
            build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog),
            role="client",
            server_name=scenario.server_name,
        )
        client.start()
        pieces = [client.outgoing()]
        server.receive(pieces[0])
        client.receive(server.outgoing())
        return [*pieces, client.outgoing()]


def abort(proxy: Proxy, first: bytes, rng: random.Random) -> None:
    """Send a part of a ClientHello, then leave, with or without manners."""
    with socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        plain.sendall(first[: rng.randrange(1, len(first) + 1)])
        if rng.random() < 0.5:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def abort_later(proxy: Proxy, rng: random.Random) -> None:
    """Complete the handshake, ask for something, and cut at some byte of that."""
    scenario = proxy.scenario
    with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
        tls = TLSConnection(context, role="client", server_name=scenario.server_name)
        tls.start()
        while not tls.completed and tls.failure is None:
            plain.sendall(tls.outgoing())
            tls.receive(plain.recv(65_536))
        if tls.completed:
            tls.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80_000)
        rest = tls.outgoing()
        plain.sendall(rest[: rng.randrange(1, len(rest) + 1)])
        if rng.random() < 0.5:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def silent(proxy: Proxy) -> None:
    with socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        while plain.recv(65_536):
            continue


def tasks(proxy: Proxy) -> int:
    return len(asyncio.all_tasks(proxy._service.loop))


def wait_until(settled: Callable[[], bool]) -> None:
    """The proxy hears of the last ends in its own time, and nobody is told: so this polls, for 5 s at most."""
    deadline = time.monotonic() + 5
    while not settled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_after_a_mixed_crowd_descriptors_threads_and_tasks_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_TIMEOUT_S", 0.5)
    lab, rng = make_lab(), random.Random(1)
    refused = lab.scenario(client_presents="untrusted-root")
    with Proxy(lab.scenario()) as proxy:
        call(proxy)
        first = conversation(proxy)[0]
        kinds = [
            lambda: call(proxy),
            lambda: call(proxy, scenario=refused),
            lambda: abort(proxy, first, rng),
            lambda: abort_later(proxy, rng),
            lambda: silent(proxy),
        ]
        wait_until(lambda: not proxy._service.connections)
        before = descriptors(), threading.active_count(), tasks(proxy)

        with ThreadPoolExecutor(20) as crowd:
            outcomes = [crowd.submit(kinds[number % len(kinds)]) for number in range(CLIENTS)]
        errors = [outcome.exception() for outcome in outcomes]

        wait_until(lambda: not proxy._service.connections)
        assert (descriptors(), threading.active_count(), tasks(proxy)) == before
        assert [error for error in errors if error and not isinstance(error, ConnectionError)] == []
        assert list(proxy._service.troubles) == []
        assert len(proxy.handshakes) == 1 + CLIENTS - CLIENTS // len(kinds)
