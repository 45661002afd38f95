"""A connection that is not served: it is told so, and nothing else happens on it."""

import asyncio

ACCESS_DENIED = bytes.fromhex("15 0303 0002 02 31")
"""A fatal alert, access_denied (49), unprotected since no handshake began (RFC 8446 sections 5.1 and 6.2). Whoever runs
into another user's port hears "access denied" from the own client program, instead of a connection that breaks."""


class TurnedAway(asyncio.Protocol):
    """Sends the alert, half-closes, discards what comes until the client ends or `linger_s` is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, linger_s: float) -> None:
        self._timer = loop.call_later(linger_s, transport.abort)
        transport.write(ACCESS_DENIED)
        try:
            transport.write_eof()
        except OSError:
            transport.abort()  # the client went first

    def data_received(self, data: bytes) -> None:
        """Read and forgotten: a close with bytes unread would be a reset, and destroy the alert."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio calls it so
        self._timer.cancel()
