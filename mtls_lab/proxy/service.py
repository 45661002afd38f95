"""What lives in the proxy's thread: an event loop, a listener, the connections.

The thread holds a `Service` and never the `Proxy`, so that a Proxy nobody refers to any more is collected and
stops its service.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from mtls_lab.handshake import Handshake, KeyLog, Scenario, TLSConnection, build_context
from mtls_lab.proxy.exchange import Origin
from mtls_lab.proxy.seen import Seen

GOODBYE_S = 0.5
"""How long a proxy that closes waits for requests in progress and refusals under way."""
QUIET_S = 1.0
"""After this time without a byte, a proxy that drains takes a connection for one that nobody uses."""
_CHUNK = 65_536

KEPT_TROUBLES = 20
"""How many errors that nobody expected are kept for a look; none is ever printed."""


@dataclass(frozen=True, kw_only=True)
class Playing:
    """A scenario's server, ready to take connections."""

    scenario: Scenario
    """The settings."""
    connect: Callable[[], TLSConnection]
    """Makes the server's end of a new connection, on the scenario's own fresh context."""
    connect_afresh: Callable[[], TLSConnection]
    """The same on a context for that connection alone, which knows no session to resume."""
    number: int
    """Which settings these are: 1, 2, ..."""


class Connection(Protocol):
    """What the service needs of a client's connection."""

    idle: bool
    """No request is being answered."""

    def leave(self, *, quiet_s: float) -> None:
        """Close it if nothing is under way, nor was for that long."""

    def cut(self) -> None:
        """Close it whatever is under way."""


class Service:
    """The state that the connections of one proxy share. `play` and `stop` may be called from any thread."""

    def __init__(self, scenario: Scenario, origin: Origin) -> None:
        self.seen = Seen()
        self.origin = origin
        self.connections: set[Connection] = set()
        self.troubles: deque[object] = deque(maxlen=KEPT_TROUBLES)
        self.keylog = KeyLog()
        self.leaving = False
        """The listener is closed: what is under way is finished, and nothing else is begun."""
        self.refused: Callable[[str, Handshake], object] | None = None
        """Is told of every handshake that came to nothing, with the client's address, once its connection is over."""
        self.also: list[tuple[socket.socket, Callable[[], asyncio.BaseProtocol]]] = []
        """Other ports to listen on, and who serves them."""
        self.admits: Callable[[asyncio.BaseTransport], bool] | None = None
        """Says of a connection, before its first byte, whether it is served at all; None serves everybody."""
        self.turned_away = 0
        """How many connections were not."""
        self.cut_off = 0
        """How many requests were not finished when the proxy ended."""
        self._goodbye_s, self._quiet_s = GOODBYE_S, 0.0
        self._number = 0
        self.buffer = memoryview(bytearray(_CHUNK))
        """What was just read from a socket; one for all, since whoever is called with it takes its bytes at once."""
        try:
            self.play(scenario)
        except BaseException:
            self.keylog.close()
            raise
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._keep_trouble)
        self._stopping = asyncio.Event()

    def play(self, scenario: Scenario) -> None:
        """Every connection accepted from now on meets this scenario's server. Raises CannotLoad, changing nothing."""
        build = partial(build_context, scenario.server, role="server", versions=scenario.versions, keylog=self.keylog)
        self._number += 1
        self.playing = Playing(
            scenario=scenario,
            connect=partial(TLSConnection, build(), role="server"),
            connect_afresh=lambda: TLSConnection(build(), role="server"),
            number=self._number,
        )

    def run(self, listener: socket.socket, connected: Callable[["Service"], asyncio.BaseProtocol]) -> None:
        """The thread's whole life."""
        try:
            self.loop.run_until_complete(self._serve(listener, partial(connected, self)))
            self.loop.run_until_complete(self.loop.shutdown_default_executor())  # it looked up the origin's name
        except Exception as error:  # noqa: BLE001  # a thread's traceback would land in whatever cell runs
            self.troubles.append(error)
        finally:
            for one in (listener, *(other for other, _ in self.also)):
                one.close()
            self.discard()

    def discard(self) -> None:
        """Let go of what a service that does not run holds."""
        self.loop.close()
        self.keylog.close()

    def stop(self, *, drain_s: float | None = None) -> None:
        """Ask the thread to end; returns at once. May be called twice.

        With `drain_s` requests have that long to finish, and a connection that was just used may bring one more.
        """
        if drain_s is not None:
            self._goodbye_s, self._quiet_s = drain_s, QUIET_S
        try:
            self.loop.call_soon_threadsafe(self._stopping.set)
        except RuntimeError:
            return  # the loop is closed: it has ended already

    async def _serve(self, listener: socket.socket, connected: Callable[[], asyncio.BaseProtocol]) -> None:
        servers = [await self.loop.create_server(connected, sock=listener)]
        servers += [await self.loop.create_server(factory, sock=other) for other, factory in self.also]
        await self._stopping.wait()
        await self._close_listeners(servers, [listener, *(other for other, _ in self.also)])
        self.leaving = True
        began = self.loop.time()
        # `_goodbye_s` is asked for each time: who has waited long enough may shorten it.
        while self.connections and self.loop.time() < began + self._goodbye_s:
            for connection in list(self.connections):
                connection.leave(quiet_s=self._quiet_s)
            await asyncio.sleep(0.01)  # polled: many ways lead to "nothing under way", and this happens once
        for connection in list(self.connections):
            self.cut_off += not connection.idle
            connection.cut()
        self.origin.close()
        await self._end_tasks()

    async def _close_listeners(self, servers: list[asyncio.Server], listening: list[socket.socket]) -> None:
        # asyncio makes a connection's transport a round after it was accepted, and trips over a server that was closed
        # in between: the connection is lost without a word, and Python 3.13 prints of it. So accepting ends first.
        with suppress(NotImplementedError):  # Windows has no readers
            for one in listening:
                self.loop.remove_reader(one)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in servers:
            server.close()

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # connections that were cut hear of it in the loop's next round

    def _keep_trouble(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.troubles.append(context.get("exception") or context)
