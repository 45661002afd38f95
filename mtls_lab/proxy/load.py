"""Clients that call a proxy again and again while its settings change, for notebook 13: does any call fail?

1. Every call is a TCP connection, a full handshake, one request and its answer; one thread a client.
2. A client takes up new settings with its next call, as a program does that reads its files for every connection.
3. `round()` counts only calls that began after it was asked for, so that its counts are the same on every run.
   Between rounds the clients call now and then: what they meet while something is being changed counts in `failed`.
4. The threads never hold the `Load`: one that nobody refers to any more is collected, and its threads end.
"""

import socket
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from mtls_lab.handshake import Endpoint, Explanation, KeyLog, TLSConnection, build_context, explain
from mtls_lab.handshake.values import Side
from mtls_lab.proxy.proxy import Proxy

CALLS = 10
"""How many calls of each client a round counts."""
PAUSE_S = 0.1
"""Between two calls of a client outside a round: enough to meet every change, and no burden on the machine."""
TIMEOUT_S = 5.0
"""How long a call may wait for a byte."""
ROUND_TIMEOUT_S = 60.0
"""How long a round may take in all; two seconds would be slow."""

_CHUNK = 65_536
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one client's calls came to in one round."""

    calls: int
    """How many were counted."""
    answered: int
    """How many of them got their answer."""
    refusal: Explanation | None
    """Why the first of the others failed; None where none did, or where it broke off outside TLS."""

    def __str__(self) -> str:
        counts = f"{self.answered:2} of {self.calls} calls answered"
        if self.answered == self.calls:
            return counts
        if self.refusal is None or self.refusal.refused_by == "neither":
            return f"{counts}: the connection broke off"
        return f"{counts}: the {self.refusal.refused_by} refuses ({self.refusal.title})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Round:
    """What every client's calls came to; shows itself as a table."""

    clients: Mapping[str, Tally]
    """By the client's name."""

    @property
    def failed(self) -> int:
        """How many of the calls counted here failed."""
        return sum(tally.calls - tally.answered for tally in self.clients.values())

    def __repr__(self) -> str:
        width = max(map(len, self.clients))
        return "\n".join(f"{name:{width}}  {tally}" for name, tally in self.clients.items())


class Load:
    """Clients that call the proxy until `close()` or the end of the `with` block."""

    def __init__(self, proxy: Proxy, clients: Mapping[str, Endpoint]) -> None:
        if not clients:
            raise ValueError("clients={} calls nobody: give at least one, such as {'alice': Endpoint(...)}")
        self._shared = _Shared()
        self._callers = {name: _Caller(proxy, one, self._shared) for name, one in clients.items()}
        threads = [
            threading.Thread(target=caller.run, name=f"mtls-lab-load-{name}", daemon=True)
            for name, caller in self._callers.items()
        ]
        self._close = weakref.finalize(self, _close, self._shared, threads)
        for thread in threads:
            thread.start()

    @property
    def clients(self) -> dict[str, Endpoint]:
        """Every client's settings, by name."""
        return {name: caller.endpoint for name, caller in self._callers.items()}

    @property
    def failed(self) -> int:
        """How many calls have failed since the beginning, inside rounds and between them."""
        return sum(caller.failed for caller in self._callers.values())

    def change(self, name: str, client: Endpoint) -> None:
        """From its next call on, the client of that name has these settings."""
        if name not in self._callers:
            raise ValueError(f"name={name!r} is no client of this load; there are {', '.join(self._callers)}")
        self._callers[name].become(client)

    def round(self) -> Round:
        """Wait until every client has finished `CALLS` calls that begin from now on, and say what they came to."""
        if not self._close.alive:
            raise ValueError("this load is closed: make a new one, Load(proxy, clients)")
        shared, callers = self._shared, self._callers.values()
        with shared.changed:
            shared.round += 1
            for caller in callers:
                caller.begin_round()
            shared.changed.notify_all()
            if not shared.changed.wait_for(lambda: all(one.counted == CALLS for one in callers), ROUND_TIMEOUT_S):
                raise TimeoutError(f"a round of {CALLS} calls took more than {ROUND_TIMEOUT_S:.0f} s")
            return Round(clients={name: caller.tally() for name, caller in self._callers.items()})

    def close(self) -> None:
        """End the calls and the threads; may be called twice."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Load of {', '.join(self._callers)}{'' if self._close.alive else ', closed'}>"


@dataclass
class _Shared:
    """What the threads of one load share."""

    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    round: int = 0
    closing: bool = False


class _Caller:
    """One client, and the counts of its calls; all but the calls themselves happens under the shared lock."""

    def __init__(self, proxy: Proxy, endpoint: Endpoint, shared: _Shared) -> None:
        self._proxy, self._shared = proxy, shared
        self._keylog = KeyLog()
        self.failed = self.counted = self._answered = 0
        self._refusal: Explanation | None = None
        self.become(endpoint)

    def become(self, endpoint: Endpoint) -> None:
        """Call with these settings from now on."""
        versions = self._proxy.scenario.versions
        context = build_context(endpoint, role="client", versions=versions, keylog=self._keylog)
        with self._shared.changed:
            self.endpoint, self._context = endpoint, context

    def begin_round(self) -> None:
        """Forget the counts of the round before."""
        self.counted, self._answered, self._refusal = 0, 0, None

    def tally(self) -> Tally:
        """The counts of this round."""
        return Tally(calls=self.counted, answered=self._answered, refusal=self._refusal)

    def run(self) -> None:
        """The thread's whole life."""
        shared = self._shared
        while not shared.closing:
            with shared.changed:
                began_in = shared.round
                endpoint, tls = (
                    self.endpoint,
                    TLSConnection(self._context, role="client", server_name=self._proxy.scenario.server_name),
                )
            port = self._call(tls)
            self._count(began_in, endpoint, tls, port)
            with shared.changed:
                shared.changed.wait_for(lambda: shared.closing or self._is_wanted(), PAUSE_S)
        self._keylog.close()

    def _is_wanted(self) -> bool:
        """A round is waiting for this client."""
        return self._shared.round > 0 and self.counted < CALLS

    def _call(self, tls: TLSConnection) -> int | None:
        """One call; answers with the port it came from, None when it broke off outside TLS."""
        try:
            with socket.create_connection((self._proxy.host, self._proxy.port), TIMEOUT_S) as plain:
                _ask(tls, plain)
                return int(plain.getsockname()[1])
        except OSError:
            return None
        finally:
            self._keylog.take(tls.wire)

    def _count(self, began_in: int, endpoint: Endpoint, tls: TLSConnection, port: int | None) -> None:
        answered = port is not None and tls.failure is None
        refusal = None
        if not answered and port is not None and self._refusal is None:
            refusal = self._explain(endpoint, tls.side(), port)
        with self._shared.changed:
            self.failed += not answered
            if began_in == self._shared.round and self.counted < CALLS:
                self.counted += 1
                self._answered += answered
                self._refusal = self._refusal or refusal
                self._shared.changed.notify_all()

    def _explain(self, endpoint: Endpoint, side: Side, port: int) -> Explanation | None:
        try:
            seen = self._proxy.handshake_from(port)
        except TimeoutError:
            return None
        return explain(seen.told_by(side, scenario=replace(seen.scenario, client=endpoint)))


def _ask(tls: TLSConnection, plain: socket.socket) -> None:
    """The handshake, a request, and its answer to the end; a refusal is in `tls.failure`."""
    tls.start()
    asked = False
    while True:
        if tls.completed and not asked:
            tls.send(_REQUEST)
            asked = True
        if ciphertext := tls.outgoing():
            plain.sendall(ciphertext)
        if tls.failure is not None or tls.closed:
            return
        tls.receive(plain.recv(_CHUNK))


def _close(shared: _Shared, threads: list[threading.Thread]) -> None:
    """Must not refer to the Load: it is what is left of it."""
    with shared.changed:
        shared.closing = True
        shared.changed.notify_all()
    for thread in threads:
        if thread is not threading.current_thread() and thread.is_alive():
            thread.join(TIMEOUT_S)
