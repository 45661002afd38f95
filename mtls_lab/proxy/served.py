"""One request and what became of it: who asked, whether it might, what it was answered."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from mtls_lab.proxy.access import Decision

KEPT_REQUESTS = 1000
"""How many requests a proxy remembers; the oldest go first."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A request, told when its answer is over."""

    at: datetime
    """When its head had arrived (aware, UTC)."""
    address: str
    """The IP address that the client called from."""
    client_port: int
    """The TCP port that the client called from: the one of its handshake, too."""
    decision: Decision
    """Who it is, whether it may, and why."""
    method: str
    """GET, POST ...; a client's word, as are `target` and `host`; "" for what was no request."""
    target: str
    """Path and query."""
    host: str
    """The authority it asked for; "" for none."""
    status: int | None
    """What it was answered; None where the client left before."""
    size: int
    """Bytes of the answer's body that were handed on."""
    seconds: float
    """From the head of the request to the end of the answer."""
    trouble: str = ""
    """Why the proxy answered in the origin's place, or why the answer broke off; "" when all went well."""


class Requests:
    """A bounded list of requests, written by the proxy's thread, and a condition to wait on for the next."""

    def __init__(self) -> None:
        self._kept: deque[Served] = deque(maxlen=KEPT_REQUESTS)
        # Reentrant for the reason that `Seen` has.
        self._changed = threading.Condition(threading.RLock())

    def put(self, served: Served) -> None:
        """Add one; wakes whoever waits."""
        with self._changed:
            self._kept.append(served)
            self._changed.notify_all()

    def all(self) -> tuple[Served, ...]:
        """Every request remembered, oldest first."""
        with self._changed:
            return tuple(self._kept)

    def newest_from(self, client_port: int, timeout_s: float) -> Served | None:
        """The newest from that port, waiting for it; None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(client_port) is not None, timeout_s)
            return self._find(client_port)

    def _find(self, client_port: int) -> Served | None:
        return next((one for one in reversed(self._kept) if one.client_port == client_port), None)
