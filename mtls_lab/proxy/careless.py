"""A server as one writes it first, for notebook 06: does its client hear why it was refused?

It is real and it is small: one thread, one client after the other, blocking sockets, and no HTTP to speak of. What it
does when it has had its last word is not decided here: a `goodbye` is handed in, and gets the socket.

How the alert is lost. A socket that is closed while bytes from the other end lie unread sends a reset, and so does
one to which bytes come after it was closed (RFC 9293 section 3.6.1). At the client the reset makes the next write
fail, and may discard what it has not read yet (section 3.10.7.4): the alert. HTTP knows the same
trouble without any TLS (RFC 9112 section 9.6). `Proxy` does what is right: rule 1 of connection.py.

1. Records are read one at a time, as OpenSSL does on a blocking socket: a server that refuses at the client's
   Certificate leaves the client's Finished unread, and mostly the request behind it.
2. A handshake is recorded before its last flight is sent, so a client that has returned finds it recorded.
3. Whoever keeps silent is hung up on after `PATIENCE_S`; that holds inside a goodbye, too.
4. What a goodbye raises is kept in `troubles`, never printed. OSError is not kept: the client went first.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from mtls_lab.handshake import Handshake, KeyLog, Scenario, TLSConnection, build_context
from mtls_lab.proxy.local_user import may_enter
from mtls_lab.proxy.seen import Entry, Seen

Goodbye = Callable[[socket.socket], object]

PATIENCE_S = 2.0
"""How long the server waits for a byte."""

_HEADER = 5
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: close\r\n\r\nyou are in\n"


def hang_up(connection: socket.socket) -> None:
    """The careless goodbye: close at once, as most servers do."""
    connection.close()


class PlainServer:
    """Plays a scenario's server on a free port of 127.0.0.1: judges the client, answers one request, says goodbye.

    `goodbye` gets the connected socket once the alert or the answer is out, and ends the connection. Without `alerts`
    a refused client is told nothing at all, as by a server on asyncio's own TLS (python/cpython#98078).

    Runs from the moment it is made until `close()` or the end of its `with` block. `CannotLoad` is raised when OpenSSL
    refuses the server's own credential.
    """

    host = "127.0.0.1"
    """The address it listens on."""

    def __init__(self, scenario: Scenario, *, goodbye: Goodbye, alerts: bool = True) -> None:
        if not callable(goodbye):
            raise TypeError(f"goodbye={goodbye!r} must be a function of the connected socket: goodbye=hang_up")
        self.scenario = scenario
        """The settings it plays."""
        self.heard: list[bytes] = []
        """What it took from accepted clients: the first piece of each request, oldest first."""
        self.troubles: list[Exception] = []
        """What goodbyes raised."""
        self._goodbye, self._alerts = goodbye, alerts
        self._seen, self._keylog = Seen(), KeyLog()
        try:
            self._context = build_context(
                scenario.server, role="server", versions=scenario.versions, keylog=self._keylog
            )
            self._listener = socket.create_server((self.host, 0))
        except BaseException:
            self._keylog.close()
            raise
        self.port: int = self._listener.getsockname()[1]
        """The port it listens on."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mtls-lab-plain-{self.port}", daemon=True)
        self._thread.start()

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The handshakes it has seen, oldest first. Their client's side is None."""
        return self._seen.all()

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake | None:
        """The newest handshake with the client at that TCP port, waiting for it; None when none came."""
        return self._seen.newest_from(client_port, timeout_s)

    def close(self) -> None:
        """Stop listening and end the thread; may be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        # accept() is not woken by a close on every system; by a caller it is.
        socket.create_connection((self.host, self.port)).close()
        self._thread.join(2 * PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<PlainServer {'closed' if self._closing.is_set() else f'at https://localhost:{self.port}'}>"

    def _run(self) -> None:
        with self._listener, self._keylog:
            while True:
                connection, client = self._listener.accept()
                with connection:
                    if self._closing.is_set():
                        return
                    if not may_enter(client, connection.getsockname(), over_tls=True):
                        continue  # another user of this machine
                    connection.settimeout(PATIENCE_S)
                    self._seen.expect(client[1])
                    self._meet(connection, client[1])

    def _meet(self, connection: socket.socket, client_port: int) -> None:
        """One client, from its ClientHello to the goodbye."""
        visit = _Visit(self.scenario, TLSConnection(self._context, role="server"), client_port)
        try:
            for flight in visit.flights(connection):
                if visit.is_decided:
                    self._put(visit, ended=False)
                if visit.tls.failure is None or self._alerts:
                    connection.sendall(flight)
            self.heard += visit.heard
            self._goodbye(connection)
        except OSError:
            pass  # the client went first, or said nothing for too long: rules 3 and 4
        except Exception as error:  # noqa: BLE001  # whatever a learner hands in as a goodbye
            self.troubles.append(error)
        self._put(visit, ended=True)

    def _put(self, visit: "_Visit", *, ended: bool) -> None:
        """Write down what is known of that client by now."""
        if visit.tls.wire:
            visit.secrets += self._keylog.take(visit.tls.wire)
            visit.entry = self._seen.put(visit.entry, visit.handshake(), ended=ended)


class _Visit:
    """One client's connection and the record of it."""

    def __init__(self, scenario: Scenario, tls: TLSConnection, client_port: int) -> None:
        self.tls = tls
        self.heard: list[bytes] = []
        """The first thing that an accepted client says, once it has."""
        self.secrets = ""
        self.entry: Entry | None = None
        self._scenario, self._client_port, self._at = scenario, client_port, datetime.now(UTC)

    @property
    def is_decided(self) -> bool:
        """The server has let the client in, or has given up."""
        return self.tls.completed or self.tls.failure is not None

    def flights(self, connection: socket.socket) -> Iterator[bytes]:
        """What to send, as it becomes due: the handshake, then an alert, or the answer to the first thing heard."""
        tls = self.tls
        while tls.failure is None and not tls.closed and not self.heard:
            if request := tls.receive(_one_record(connection)):
                self.heard.append(request)
                tls.send(_ANSWER)
                tls.close()
            yield tls.outgoing()

    def handshake(self) -> Handshake:
        """What the server saw up to now."""
        return Handshake(
            scenario=self._scenario,
            client=None,
            server=self.tls.side(),
            at=self._at,
            client_port=self._client_port,
            wire=self.tls.wire,
            secrets=self.secrets,
        )


def _one_record(connection: socket.socket) -> bytes:
    """The next TLS record, and not a byte of what follows it; less at the end of file."""
    header = _exactly(connection, _HEADER)
    return header + _exactly(connection, int.from_bytes(header[3:5], "big"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (piece := connection.recv(size - len(received))):
        received += piece
    return received
