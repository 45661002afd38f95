"""A target for client programs in a few lines: TLS by `TLSConnection`, one fixed answer, every handshake kept."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from mtls_lab.handshake import Handshake, KeyLog, Scenario, TLSConnection, build_context

Manners = Literal["answers", "hangs before TLS", "hangs after TLS"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nfoo"


class StandIn:
    """A server in a thread; `mtls_lab.clients.Target` is what it offers."""

    host = "127.0.0.1"

    def __init__(self, scenario: Scenario, keylog: KeyLog, manners: Manners) -> None:
        self.scenario = scenario
        self._keylog = keylog
        self._manners = manners
        self._handshakes: list[Handshake] = []
        self.heard: list[bytes] = []
        self._changed = threading.Condition()
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        return tuple(self._handshakes)

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake | None:
        def found() -> Handshake | None:
            return next((one for one in reversed(self._handshakes) if one.client_port == client_port), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, timeout_s)
            return found()

    def serve(self) -> None:
        while True:
            try:
                connected, (_, port) = self._listener.accept()
            except OSError:
                return
            with connected:
                self._converse(connected, port)

    def close(self) -> None:
        self._over.set()
        # shutdown() wakes the thread that waits in accept(); close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _converse(self, connected: socket.socket, port: int) -> None:
        at = datetime.now(UTC)
        if self._manners == "hangs before TLS":
            self._over.wait(20)
            return
        context = build_context(
            self.scenario.server, role="server", versions=self.scenario.versions, keylog=self._keylog
        )
        tls, heard = TLSConnection(context, role="server"), b""
        connected.settimeout(5)
        while not tls.closed and tls.failure is None and not _whole(heard):
            heard += tls.receive(_arrived(connected))
            if not _whole(heard) and tls.failure is None:
                connected.sendall(tls.outgoing())
        self.heard.append(heard)
        if self._manners == "hangs after TLS" and tls.failure is None:
            self._record(tls, at, port)
            self._over.wait(20)
            return
        if heard:
            tls.send(ANSWER)
        tls.close()
        last = tls.outgoing()
        self._record(tls, at, port)
        _part(connected, last)

    def _record(self, tls: TLSConnection, at: datetime, port: int) -> None:
        handshake = Handshake(
            scenario=self.scenario,
            client=None,
            server=tls.side(),
            at=at,
            client_port=port,
            wire=tls.wire,
            secrets=self._keylog.take(tls.wire),
        )
        with self._changed:
            self._handshakes.append(handshake)
            self._changed.notify_all()


def _whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _arrived(connected: socket.socket) -> bytes:
    try:
        return connected.recv(65_536)
    except OSError:
        # A client that is killed, or that leaves bytes unread, resets the connection: for TLS that is its end.
        return b""


def _part(connected: socket.socket, last: bytes) -> None:
    """Flush, half-close, and read on until the client has gone, so that it gets to see the alert."""
    try:
        connected.sendall(last)
        connected.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the client has gone already
    while _arrived(connected):
        continue


@contextmanager
def standing_in(scenario: Scenario, manners: Manners = "answers") -> Iterator[StandIn]:
    """A stand-in that plays the scenario's server while the block runs."""
    with KeyLog() as keylog:
        target = StandIn(scenario, keylog, manners)
        thread = threading.Thread(target=target.serve, daemon=True)
        thread.start()
        try:
            yield target
        finally:
            target.close()
            thread.join(5)
