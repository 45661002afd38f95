"""One connection while it lasts: TLS, one question, the answer, goodbye.

1. Nothing is verified unless the connection's context says so: a bad chain must be seen, not refused.
2. In TLS 1.3 a server may refuse after the client has finished, and many then close without draining: what the
   client writes next meets a reset, which eats the alert. So the client listens for a moment before it speaks;
   whatever the server sends by itself (a session ticket) ends the moment early.
3. A failure is data. Nothing here raises.
"""

from collections.abc import Callable
from typing import Literal

from mtls_lab.clients.probe.line import Line, TooMuch
from mtls_lab.clients.probe.service import MOST_ANSWER, Service
from mtls_lab.handshake import TLSConnection

Ended = Literal["answered", "closed", "failed", "late", "too much", "no TLS offered", "cannot load"]

_LISTEN_S = 0.3
_KEPT = 256


class Talk:
    """The conversation while it lasts."""

    def __init__(self, line: Line, connection: TLSConnection, service: Service) -> None:
        self._line, self._tls, self._service = line, connection, service
        self.answer = bytearray()
        """What the server said inside TLS, up to `MOST_ANSWER`."""
        self.heard = b""
        """Its first bytes, as they came."""

    def run(self) -> Ended:
        """From the first byte to the last; how it ended."""
        try:
            if self._service.preamble and not self._ask_for_tls():
                return "no TLS offered"
            self._tls.start()
            self._flush()
            self._go_on(until=lambda: self._tls.completed)
            if self._tls.completed and not self._over:
                self._ask()
                self._go_on(until=self._is_answered)
        except TimeoutError:
            return "answered" if self.answer else "late"
        except TooMuch:
            return "too much"
        finally:
            self._say_goodbye()
        return self._how_it_ended()

    def _how_it_ended(self) -> Ended:
        if self.answer:
            return "answered"
        failure = self._tls.failure
        if failure is None or "EOF" in failure.reason:
            return "closed"
        return "failed"

    @property
    def _over(self) -> bool:
        return self._tls.failure is not None or self._tls.closed

    def _ask_for_tls(self) -> bool:
        self._line.send(self._service.preamble)
        self.heard = self._line.receive()[:_KEPT]
        # Exactly one byte: what comes behind an S was put there by somebody in between (CVE-2021-23222).
        if self.heard != b"S":
            return False
        self.heard = b""
        return True

    def _ask(self) -> None:
        if self._tls.side().version == "TLSv1.3":
            self._listen()
        if not self._over:
            self._tls.send(self._service.request)
            self._flush()

    def _listen(self) -> None:
        try:
            self._take(self._line.receive(within_s=_LISTEN_S))  # rule 2
        except TimeoutError:
            return  # it says nothing yet, and need not

    def _go_on(self, until: Callable[[], bool]) -> None:
        while not self._over and not until():
            self._take(self._line.receive())

    def _take(self, data: bytes) -> None:
        self.heard = self.heard if len(self.heard) >= _KEPT else (self.heard + data)[:_KEPT]
        self.answer += self._tls.receive(data)[: MOST_ANSWER - len(self.answer)]
        self._flush()

    def _is_answered(self) -> bool:
        return len(self.answer) >= MOST_ANSWER or self._service.is_whole(bytes(self.answer))

    def _flush(self) -> None:
        self._line.send(self._tls.outgoing())

    def _say_goodbye(self) -> None:
        try:
            self._tls.close()
            self._flush()
        except TimeoutError:
            return  # it does not even read: then it does without
