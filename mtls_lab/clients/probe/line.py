"""A TCP connection that cannot hold anybody up: every wait ends at a deadline, and no more comes in than a cap allows.

1. The deadline is for the connection as a whole. A peer that sends a byte a second gains nothing by it.
2. A write that fails is no end: the reason for it, an alert, may still lie in the receive queue (facts/tls.md).
3. Closing waits for nobody.
"""

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from mtls_lab.clients.probe.address import Address, SocketAddress, resolve

MOST_BYTES = 4 * 2**20
"""Taken in on one connection; a handshake is a few thousand."""
_CHUNK = 65_536
_TICK_S = 0.5
_SHORTEST_TRY_S = 1.0


class TooMuch(Exception):
    """The peer sent more than `MOST_BYTES`."""


class Patience:
    """How long to wait: so much for a connection, so much for everything together; and whom to tell meanwhile."""

    def __init__(self, timeout_s: float, limit_s: float, progress: Callable[[str], None] | None) -> None:
        self.timeout_s = timeout_s
        self._ends = time.monotonic() + limit_s
        self._progress = progress
        self.doing = ""
        """What is going on, in words."""

    @property
    def left_s(self) -> float:
        """Of the time for everything."""
        return max(0.0, self._ends - time.monotonic())

    def deadline(self, seconds: float | None = None) -> float:
        """When a step that begins now must be over (monotonic clock)."""
        return min(time.monotonic() + (self.timeout_s if seconds is None else seconds), self._ends)

    def tick(self) -> None:
        """Tell that it is still going on."""
        if self._progress is not None:
            self._progress(self.doing)


class Line:
    """One TCP connection; a context manager."""

    def __init__(self, connected: socket.socket, *, deadline: float, patience: Patience) -> None:
        self._socket, self._deadline, self._patience = connected, deadline, patience
        self._received = 0
        self.broken = False
        """A write failed: the peer has closed."""

    def send(self, data: bytes) -> None:
        """Write it all, or mark the line as broken. Raises TimeoutError."""
        if not data or self.broken:
            return
        try:
            self._socket.settimeout(self._left(self._deadline))
            self._socket.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            self.broken = True  # rule 2

    def receive(self, *, within_s: float | None = None) -> bytes:
        """What comes next; b"" at the end, however it came about. Raises TimeoutError and TooMuch."""
        deadline = self._deadline if within_s is None else min(self._deadline, time.monotonic() + within_s)
        while True:
            self._socket.settimeout(min(self._left(deadline), _TICK_S))
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                self._patience.tick()
                continue
            except OSError:
                return b""  # reset: nothing more will come
            self._received += len(data)
            if self._received > MOST_BYTES:
                raise TooMuch
            return data

    def _left(self, deadline: float) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def close(self) -> None:
        """Close at once; may be called twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Dialler:
    """Dials one endpoint, always at the address that answered first."""

    def __init__(self, address: Address, patience: Patience) -> None:
        self.address = address
        self._patience = patience
        self._known: tuple[tuple[int, SocketAddress], ...] = ()

    @property
    def found(self) -> str:
        """The IP address in use; empty before the first connection."""
        return str(self._known[0][1][0]) if len(self._known) == 1 else ""

    def dial(self, seconds: float | None = None) -> Line:
        """A new connection. Raises Unresolved, TimeoutError or OSError."""
        deadline = self._patience.deadline(seconds)
        if not self._known:
            self._known = resolve(self.address, timeout_s=max(0.1, deadline - time.monotonic()))
        for place, known in enumerate(self._known, 1):
            try:
                # An address that swallows everything must leave time for the next one.
                share = (deadline - time.monotonic()) / (1 + len(self._known) - place)
                connected = self._connect(known, max(share, _SHORTEST_TRY_S if place < len(self._known) else 0.05))
            except OSError:
                if place == len(self._known):
                    raise
                continue
            self._known = (known,)
            return Line(connected, deadline=deadline, patience=self._patience)
        raise OSError("the name stands for no address")

    def _connect(self, known: tuple[int, SocketAddress], seconds: float) -> socket.socket:
        connected = socket.socket(known[0], socket.SOCK_STREAM)
        try:
            self._wait_for(connected, known[1], seconds)
        except BaseException:
            connected.close()
            raise
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _wait_for(self, connected: socket.socket, where: SocketAddress, seconds: float) -> None:
        self._patience.tick()
        connected.settimeout(seconds)
        connected.connect(where)
