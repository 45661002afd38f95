"""Between a client and the origin: may it, and what became of its request?

A `Guard` is an origin that passes requests on to the real one, after asking. It decides once for a connection, since
that has one certificate; where the proxy judges again, anew after each change of settings and when a certificate ends.
403 is the answer to somebody who is known and may not (RFC 9110 section 15.5.4), with the reason in words. Who is not
known at all gets the same: once the handshake is over, few clients could still be asked for a certificate.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mtls_lab.certificates import Certificate
from mtls_lab.proxy.access import Access, Decision
from mtls_lab.proxy.exchange import ClientGone, Exchange, Origin, Refused, Visit
from mtls_lab.proxy.fields import Caller
from mtls_lab.proxy.identity import Identity
from mtls_lab.proxy.messages import Malformed
from mtls_lab.proxy.served import Served
from mtls_lab.proxy.service import Playing
from mtls_lab.proxy.standing import good_until, judge_again


class Guard:
    """An origin behind access rules. `playing` tells the settings in force, None to never judge again."""

    def __init__(
        self,
        origin: Origin,
        access: Access,
        *,
        told: Callable[[Served], object],
        playing: Callable[[], Playing] | None,
    ) -> None:
        self.origin, self.access, self.told, self.playing = origin, access, told, playing

    def visit(self, caller: Caller) -> "_Visit":
        """Begin to serve a client connection."""
        return _Visit(self, caller)

    def close(self) -> None:
        """The proxy is over."""
        self.origin.close()


class _Visit:
    """One client connection."""

    def __init__(self, guard: Guard, caller: Caller) -> None:
        self._guard, self._caller = guard, caller
        self._visit: Visit = guard.origin.visit(caller)
        identity = Identity.of(Certificate(der=caller.chain[0])) if caller.chain else None
        self._decision = guard.access.decide(identity)
        self._judged_by = caller.settings
        self._until = good_until(caller.chain) if guard.playing is not None else None
        self._trouble: str | None = None

    async def answer(self, exchange: Exchange) -> None:
        at, began = datetime.now(UTC), time.monotonic()
        decision, status, trouble = self._decide(exchange, at), None, ""
        try:
            await self._answer(exchange, decision)
        except (Refused, Malformed) as refused:
            status, trouble = refused.status, str(refused)
            raise
        except (ClientGone, asyncio.CancelledError):
            trouble = "the connection ended before the answer did"
            raise
        finally:
            asked = exchange.received
            self._tell(
                Served(
                    at=at,
                    address=self._caller.address,
                    client_port=self._caller.client_port,
                    decision=decision,
                    method=asked.method.decode("latin-1"),
                    target=asked.target.decode("latin-1"),
                    host=asked.host.decode("latin-1"),
                    status=exchange.status or status,
                    size=exchange.size,
                    seconds=time.monotonic() - began,
                    trouble=trouble,
                )
            )

    async def _answer(self, exchange: Exchange, decision: Decision) -> None:
        if not decision.allowed:
            raise Refused(403, decision.reason)
        await self._visit.answer(exchange)

    def dismissed(self, status: int, reason: str) -> None:
        self._tell(
            Served(
                at=datetime.now(UTC),
                address=self._caller.address,
                client_port=self._caller.client_port,
                decision=self._decision,
                method="",
                target="",
                host="",
                status=status,
                size=0,
                seconds=0.0,
                trouble=reason,
            )
        )

    def leave(self) -> None:
        self._visit.leave()

    def _tell(self, served: Served) -> None:
        self._guard.told(served)

    def _decide(self, exchange: Exchange, at: datetime) -> Decision:
        if self._guard.playing is not None:
            playing = self._guard.playing()
            if playing.number != self._judged_by or (self._until is not None and at > self._until):
                standing = judge_again(playing.scenario.server, self._caller.chain, at=at)
                self._judged_by, self._trouble = playing.number, standing.trouble
                if not standing.certain:
                    exchange.keeps = False
            if self._trouble is not None:
                exchange.keeps = False
                return replace(self._decision, allowed=False, rule=None, reason=self._trouble)
        return self._decision
