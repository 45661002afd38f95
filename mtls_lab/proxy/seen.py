"""The handshakes a proxy has seen: written by its thread, read by everyone's."""

import threading
from collections import deque
from dataclasses import dataclass

from mtls_lab.handshake import Handshake

KEPT_HANDSHAKES = 1000
"""How many handshakes a proxy remembers; the oldest go first."""
SETTLE_S = 0.2
"""How long a reader who has a handshake waits for its connection to end as well."""


@dataclass
class Entry:
    """One connection's handshake, replaced as more of it becomes known."""

    handshake: Handshake
    """What is known up to now."""
    ended: bool = False
    """The connection is over: nothing will be added."""


class Seen:
    """A bounded list of handshakes, and a condition to wait on for the next.

    Systems give a client's port out again, sometimes within seconds. So what a port said before is forgotten as soon
    as a new connection from it is accepted: a client that has heard a byte from us is never told an old story.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._by_port: dict[int, Entry] = {}
        # Reentrant: a garbage collection inside may finalize another proxy on this very thread.
        self._changed = threading.Condition(threading.RLock())

    def expect(self, client_port: int) -> None:
        """A new connection from that port was accepted: its handshake is still to come."""
        with self._changed:
            self._by_port.pop(client_port, None)

    def put(self, entry: Entry | None, handshake: Handshake, *, ended: bool) -> Entry:
        """Add a handshake, or tell more about that entry; wakes whoever waits."""
        with self._changed:
            if entry is None:
                entry = Entry(handshake)
                self._entries.append(entry)
                self._by_port[handshake.client_port or 0] = entry
                if len(self._entries) > KEPT_HANDSHAKES:
                    self._forget(self._entries.popleft())
            entry.handshake, entry.ended = handshake, ended
            self._changed.notify_all()
        return entry

    def all(self) -> tuple[Handshake, ...]:
        """Every handshake remembered, oldest first."""
        with self._changed:
            return tuple(entry.handshake for entry in self._entries)

    def newest_from(self, client_port: int, timeout_s: float) -> Handshake | None:
        """The newest from that port; waits for it, then a moment for its end; None when none came in time.

        A client may refuse after its handshake (GnuTLS and NSS do): that arrives with the end. A connection that is
        kept alive has none, so the second wait is short.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: client_port in self._by_port, timeout_s):
                return None
            entry = self._by_port[client_port]
            self._changed.wait_for(lambda: entry.ended, SETTLE_S)
            return entry.handshake

    def _forget(self, entry: Entry) -> None:
        port = entry.handshake.client_port or 0
        if self._by_port.get(port) is entry:
            del self._by_port[port]
