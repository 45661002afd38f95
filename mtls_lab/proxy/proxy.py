"""The Proxy as its user holds it; the work is done by a `Service` in a thread of its own."""

import errno
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Literal, Self

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Endpoint, Handshake, Scenario
from mtls_lab.proxy.access import Access
from mtls_lab.proxy.access_log import AccessLog, Refusal
from mtls_lab.proxy.connection import ClientConnection
from mtls_lab.proxy.echo import Echo
from mtls_lab.proxy.guard import Guard
from mtls_lab.proxy.local_user import is_loopback, may_enter_by
from mtls_lab.proxy.origin import OriginServer
from mtls_lab.proxy.redirecting import PlainConnection
from mtls_lab.proxy.served import Requests, Served
from mtls_lab.proxy.service import Service

# A cell with an explicit port is run twice: the name `proxy` still holds the first proxy while the second is made,
# so the second could never have the port. Only this process can know that the port is held by an earlier run of the
# same cell, and it has to know it across calls: hence the one piece of module state. It keeps no proxy alive.
_BY_ADDRESS: "weakref.WeakValueDictionary[tuple[str, int], Proxy]" = weakref.WeakValueDictionary()
_JOIN_S = 5.0
_BACKLOG = 1024


class Proxy:
    """Plays the server of a scenario on a real port, and passes accepted requests on to an origin.

    It runs from the moment it is made until `close()`, the end of its `with` block, or until nobody refers to it any
    more. `CannotLoad` is raised when OpenSSL refuses the server's own credential.

    `to` is the origin's URL (`http://127.0.0.1:3000`); None means the built-in echo origin. `host` is the address to
    listen on: everything but loopback lets other machines in. `port` 0 takes a free one; a port that an earlier
    Proxy of this process holds is taken over from it. What follows changes nothing where it is left out:

    `allow` are access rules (see `proxy.access`): with at least one, whom none names is answered 403. `log` is told of
    every request and of every handshake that came to nothing. `judges_again` holds connections that are open to the
    settings of each `switch`, at their next request. `towards_origin` is the proxy as the client of an `https://`
    origin. `redirect_from` is an address with a port where plain HTTP is answered by the https address, and a path that
    is in `plain_answers` by what stands there.

    `serves` says whose programs a proxy on loopback takes, where the system can tell (Linux): those of "this user" and
    of root, or those of "every user" of the machine. The others hear the alert access_denied.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        to: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow: Iterable[str] | None = None,
        log: AccessLog | None = None,
        judges_again: bool = False,
        towards_origin: Endpoint | None = None,
        redirect_from: tuple[str, int] | None = None,
        plain_answers: Mapping[bytes, bytes] | None = None,
        serves: Literal["this user", "every user"] = "this user",
    ) -> None:
        _check(scenario, to, port)
        if serves not in {"this user", "every user"}:
            raise ValueError(f"serves={serves!r} must be 'this user' or 'every user'")
        access = Access.of(() if allow is None else allow)
        self._echo = Echo()
        self._origin = None if to is None else OriginServer(to, towards_origin)
        self._service = service = Service(scenario, self._origin or self._echo)
        self._requests = Requests()
        if allow is not None or log is not None or judges_again:
            service.origin = Guard(
                service.origin,
                access,
                told=partial(_tell, self._requests, log),
                playing=(lambda: service.playing) if judges_again else None,
            )
        if log is not None:
            service.refused = lambda address, handshake: log.put(Refusal(address=address, handshake=handshake))
        self._host = host
        with ExitStack() as undo:
            undo.callback(service.discard)
            listener = undo.enter_context(_listen(host, port))
            listening_at = listener.getsockname()[:2]
            if serves == "this user" and is_loopback(listening_at[0]):
                service.admits = may_enter_by
            self._port: int = listening_at[1]
            if redirect_from is not None:
                other = undo.enter_context(_listen(*redirect_from))
                answers = {} if plain_answers is None else plain_answers
                plain = partial(PlainConnection, service.loop, _leaf_of(service), self._port, answers)
                service.also.append((other, plain))
            undo.pop_all()
        self._thread = threading.Thread(
            target=service.run,
            args=(listener, ClientConnection),
            name=f"mtls-lab-proxy-{self._port}",
            daemon=True,
        )
        self._thread.start()
        self._close = weakref.finalize(self, _close, service, self._thread, os.getpid())
        _BY_ADDRESS[listening_at] = self

    @property
    def url(self) -> str:
        """The URL to call, with the name that the scenario's client asks for."""
        name = self.scenario.server_name
        return f"https://[{name}]:{self._port}" if ":" in name else f"https://{name}:{self._port}"

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def scenario(self) -> Scenario:
        """The scenario whose server answers new connections."""
        return self._service.playing.scenario

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The handshakes it has seen, oldest first; a bounded number. Their client's side is None."""
        return self._service.seen.all()

    @property
    def printed(self) -> tuple[str, ...]:
        """What POST /print would have printed at the built-in origin, oldest first; a bounded number."""
        return tuple(self._echo.printed)

    @property
    def turned_away(self) -> int:
        """How many connections of other users of this machine it has turned away: see `serves`."""
        return self._service.turned_away

    def switch(self, scenario: Scenario) -> None:
        """Play another scenario's server, without a restart: new connections meet it, those in progress go on.

        Raises CannotLoad when OpenSSL refuses the new server's own credential; the old one then goes on.
        """
        if not self._close.alive:
            raise ValueError("this proxy is closed: make a new one, Proxy(scenario)")
        _check(scenario, None, 0)
        self._service.play(scenario)

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake:
        """The newest handshake with the client at that TCP port, waiting for it. Raises TimeoutError without one."""
        found = self._service.seen.newest_from(client_port, timeout_s)
        if found is None:
            raise TimeoutError(
                f"no handshake from client_port={client_port} within {timeout_s} s: either that client never sent a "
                f"byte to port {self._port}, or the port is not the client's own (getsockname(); curl: %{{local_port}})"
            )
        return found

    @property
    def requests(self) -> tuple[Served, ...]:
        """What was asked, oldest first, each told when its answer is over; a bounded number.

        () unless the proxy was made with `allow`, `log` or `judges_again`.
        """
        return self._requests.all()

    def request_from(self, client_port: int, timeout_s: float = 2.0) -> Served:
        """The newest request of the client at that TCP port, waiting for it. Raises TimeoutError without one."""
        found = self._requests.newest_from(client_port, timeout_s)
        if found is None:
            raise TimeoutError(
                f"no request from client_port={client_port} within {timeout_s} s: it was refused in its handshake "
                "(handshake_from() tells), or the proxy was made without allow=, log= or judges_again=True"
            )
        return found

    def switch_towards_origin(self, endpoint: Endpoint) -> None:
        """Be that client to the `https://` origin in new connections. Raises CannotLoad, changing nothing."""
        if self._origin is None or not self._origin.url.startswith("https://"):
            raise ValueError(f"the origin of {self!r} does not speak TLS: make the proxy with to='https://...'")
        self._origin.secure(endpoint)

    def drain(self, limit_s: float = 30.0) -> int:
        """Stop listening, let requests in progress finish for that long, end. Returns how many were cut off.

        Every answer says that its connection ends. May be called again from a signal's handler, to shorten the limit.
        """
        self._service.stop(drain_s=limit_s)
        end = time.monotonic() + limit_s + _JOIN_S
        # In slices: from Python 3.13 on, no signal's handler runs inside a join.
        while self._thread.is_alive() and time.monotonic() < end:
            self._thread.join(0.1)
        self._close()
        return self._service.cut_off

    def close(self) -> None:
        """Stop listening and end the thread; may be called twice."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Proxy {'at ' + self.url if self._close.alive else 'closed'}>"


def _tell(requests: Requests, log: AccessLog | None, served: Served) -> None:
    requests.put(served)
    if log is not None:
        log.put(served)


def _leaf_of(service: Service) -> Callable[[], Certificate]:
    """The certificate that is presented to new connections."""

    def leaf() -> Certificate:
        presents = service.playing.scenario.server.presents
        if presents is None:
            raise ValueError("the server presents nothing")  # Scenario does not allow it
        return presents.leaf

    return leaf


def _close(service: Service, thread: threading.Thread, pid: int) -> None:
    """Must not refer to the Proxy: it is what is left of it."""
    if os.getpid() != pid:
        return  # a fork has the object but not the thread
    service.stop()
    if threading.current_thread() is not thread:  # the garbage collector may run in the proxy's own thread
        thread.join(_JOIN_S)


def _check(scenario: Scenario, to: str | None, port: int) -> None:
    if not isinstance(scenario, Scenario):
        raise TypeError(f"scenario={scenario!r} must be a Scenario: Scenario(client=..., server=...)")
    if to is not None and not isinstance(to, str):
        raise TypeError(f"to={to!r} must be a URL such as 'http://127.0.0.1:3000', or None for the built-in origin")
    if not 0 <= port <= 65_535:
        raise ValueError(f"port={port!r} is no TCP port: give 1 to 65535, or 0 for a free one")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        if port and (earlier := _BY_ADDRESS.get((str(address[0]), port))) is not None:
            earlier.close()
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere it would let two programs share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise _unavailable(error, host, port) from error
    return listener


def _unavailable(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return OSError(error.errno, f"port={port} on {host} is taken by another program: stop it, or leave port out")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermissionError(error.errno, f"port={port} may not be used by this user: take one above 1023")
    return ValueError(f"host={host!r} is no address of this machine to listen on ({error}): leave it out for loopback")
