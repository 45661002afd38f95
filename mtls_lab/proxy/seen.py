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
    """A bounded list of handshakes, and a condition to wait on for the next."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT_HANDSHAKES)
        # Reentrant: a garbage collection inside may finalize another proxy on this very thread.
        self._changed = threading.Condition(threading.RLock())

    def put(self, entry: Entry | None, handshake: Handshake, *, ended: bool) -> Entry:
        """Add a handshake, or tell more about that entry; wakes whoever waits."""
        with self._changed:
            if entry is None:
                entry = Entry(handshake)
                self._entries.append(entry)
            entry.handshake, entry.ended = handshake, ended
            self._changed.notify_all()
        return entry

    def all(self) -> tuple[Handshake, ...]:
        """Every handshake remembered, oldest first."""
        with self._changed:
            return tuple(entry.handshake for entry in self._entries)

    def newest_from(self, client_port: int, timeout_s: float) -> Handshake | None:
        """The newest from that port; waits for it, then a moment for its end; None when none came in time.

        A client may refuse after its handshake (curl's name check, GnuTLS): that arrives with the end. A connection
        that is kept alive has none, so the second wait is short.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._find(client_port) is not None, timeout_s):
                return None
            self._changed.wait_for(lambda: (entry := self._find(client_port)) is None or entry.ended, SETTLE_S)
            entry = self._find(client_port)
            return entry.handshake if entry is not None else None

    def _find(self, client_port: int) -> Entry | None:
        return next((one for one in reversed(self._entries) if one.handshake.client_port == client_port), None)
