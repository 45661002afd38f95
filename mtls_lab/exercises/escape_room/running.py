"""The system as it runs: gateway, services and vault on real ports, each with the settings of this moment.

A program is started when it is first asked for, and again when its settings have changed since. What does not start has
no port that answers, and whoever calls it hears that.
"""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.naive import Application, NaiveProxy

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a proxy is to be started with."""

    scenario: Scenario
    """The server it plays, and the client that is meant to call it."""
    allow: tuple[str, ...] | None = None
    """Access rules; None keeps no list of requests either."""
    to: str | None = None
    """Its origin; None is the built-in one."""
    towards_origin: Endpoint | None = None
    """What it is to its origin."""


class Running:
    """The programs of one room, by name."""

    def __init__(self) -> None:
        self._proxies: dict[str, tuple[Plan, Proxy]] = {}
        self._desk: tuple[Application, NaiveProxy] | None = None

    def proxy(self, name: str, plan: Plan) -> Proxy:
        """The proxy of that name with these settings. Raises CannotLoad where it does not start."""
        earlier = self._proxies.get(name)
        if earlier is not None and earlier[0] == plan:
            return earlier[1]
        port = 0
        if earlier is not None:
            port = earlier[1].port
            del self._proxies[name]
            earlier[1].close()
        proxy = Proxy(plan.scenario, port=port, allow=plan.allow, to=plan.to, towards_origin=plan.towards_origin)
        self._proxies[name] = (plan, proxy)
        return proxy

    def desk(self, scenario: Scenario, drops: Callable[[str], object]) -> NaiveProxy:
        """The old proxy before the wages application; `drops` is asked anew for every field."""
        if self._desk is None:
            with ExitStack() as undo:
                application = undo.enter_context(Application(wages))
                front = NaiveProxy(scenario, to=application.url, drops=drops)
                undo.pop_all()
            self._desk = application, front
        return self._desk[1]

    def close(self) -> None:
        """Stop all of them; may be called twice."""
        proxies, self._proxies = self._proxies, {}
        desk, self._desk = self._desk, None
        for _, proxy in proxies.values():
            proxy.close()
        for one in reversed(desk or ()):
            one.close()


def closed_port() -> int:
    """A port at which nobody listens, for a program that did not start."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wages(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """The application: it tells whom it takes its caller for, and what else it was told."""
    who = environ.get("HTTP_X_CLIENT_DN", "nobody")
    told = sorted(f"{name}={value}" for name, value in environ.items() if name.startswith("HTTP_"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\n".join([who, *told, ""]).encode("utf-8", "replace")]
