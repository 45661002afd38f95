"""TLS to an origin: to the TCP transport it is a protocol, to a `Link` it is the transport.

1. The origin is verified before a byte of any request is sent, and the name in the URL is the one asked for.
2. Why it came to nothing is told in numbers and in OpenSSL's words, on the 502 that the client gets: whether we refused
   the origin's certificate or it refused ours (in TLS 1.3 that comes with the first answer).
3. An end of file without close_notify is no end of an answer (RFC 8446 section 6.1): who cuts the connection could make
   a part of it look like the whole.
"""

import asyncio
from typing import cast

from mtls_lab.handshake import Failure, TLSConnection, verify_code_name
from mtls_lab.proxy.link import Link


class OriginRefused(Exception):
    """No TLS with the origin; the message says why."""


class SecureLink(asyncio.BufferedProtocol):
    """A link's transport. `buffer` may be shared: it is empty again when a call returns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview, link: Link, tls: TLSConnection) -> None:
        self._buffer, self._link, self._tls = buffer, link, tls
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done when requests can be sent; raises OriginRefused."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tls.start()
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio calls it so
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        plaintext = self._tls.receive(bytes(self._buffer[:nbytes]))
        self._flush()
        if self._tls.completed and not self.ready.done():
            self._link.connection_made(cast("asyncio.BaseTransport", self))
            self.ready.set_result(None)
        if plaintext:
            self._link.take(plaintext)
        if self._tls.failure is not None:
            self._fail(told(self._tls.failure))
        elif self._tls.closed:
            self._link.eof_received()

    def eof_received(self) -> bool:
        if not self._tls.closed:
            self._fail("it broke off without a close_notify")  # rule 3
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._tls.closed:
            self._fail("it broke off without a close_notify")
        if self._link_lives:
            self._link.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._link_lives:
            self._link.pause_writing()

    def resume_writing(self) -> None:
        if self._link_lives:
            self._link.resume_writing()

    # What the link calls, as of a transport.

    def write(self, data: bytes) -> None:
        """Encrypt and send it."""
        try:
            self._tls.send(data)
        except OSError:  # TLS errors are OSErrors; the failure is told when the link reads
            self._transport.abort()
            return
        self._flush()

    def write_eof(self) -> None:
        """Say that no more will come."""
        self._tls.close()
        self._flush()

    def is_closing(self) -> bool:
        """Nothing that is sent will arrive."""
        return self._transport.is_closing() or self._tls.failure is not None

    def abort(self) -> None:
        """Break it off."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Take no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._transport.resume_reading()

    @property
    def _link_lives(self) -> bool:
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    def _flush(self) -> None:
        flight = self._tls.outgoing()
        if flight and not self._transport.is_closing():
            self._transport.write(flight)

    def _fail(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(OriginRefused(reason))
            self._transport.close()  # flushes our alert first
        elif self._link_lives:
            self._link.break_off(reason)


def told(failure: Failure) -> str:
    """Why, in numbers and in OpenSSL's words."""
    if failure.verify_code:
        return f"its certificate is refused: {verify_code_name(failure.verify_code)}"
    _, alert, name = failure.reason.rpartition("ALERT_")
    if alert:
        return f"it refuses this proxy, by the alert {name.lower()}"
    return f"no TLS with it: {failure.text}"
