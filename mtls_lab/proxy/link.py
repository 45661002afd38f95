"""One TCP connection to an origin: requests go out, answers come in, one at a time.

The link reads as bytes arrive and stops reading while a client that is slow leaves `READ_AHEAD` bytes untaken. Whoever
waits for the origin waits for a limited time; one timer, moved on when it fires, serves all waits of a link.
"""

import asyncio
from typing import cast

from mtls_lab.proxy.fields import lines
from mtls_lab.proxy.messages import End, Malformed, Request, Response
from mtls_lab.proxy.response_reader import ResponseReader

READ_AHEAD = 262_144
"""Bytes of an answer that may lie here before the client takes them."""


class Link(asyncio.BufferedProtocol):
    """A connection to an origin. `buffer` may be shared: it is empty again when a call returns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview) -> None:
        self._loop = loop
        self._buffer = buffer
        self._reader = ResponseReader()
        self._raw: bytearray | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._congested = self._paused = False
        self._sent_all = True
        self._chunked = self._resting = False
        self.heard = False
        """A part of the present answer has arrived."""
        self.at_eof = False
        """The origin will send no more."""
        self.trouble = ""
        """Why not, where more was to come."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio calls it so
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.take(bytes(self._buffer[:nbytes]))

    def take(self, data: bytes) -> None:
        """What came from the origin."""
        self.heard = True
        if self._raw is not None:
            self._raw += data
            waiting = len(self._raw)
        else:
            self._reader.feed(data)
            waiting = self._reader.backlog
        if waiting > READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.at_eof = True
        self._reader.end()
        self._wake()
        return True  # what is on its way to the origin may still be of use to it

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio calls it so
        if not self.at_eof:
            self.at_eof = True
            self._reader.end()
        if self._timer is not None:
            self._timer.cancel()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def break_off(self, reason: str) -> None:
        """The connection is of no more use; what has arrived of an answer is not all of it."""
        self.at_eof, self.trouble = True, reason
        self._wake()

    # What a visit calls.

    @property
    def usable(self) -> bool:
        """As far as we have heard, the origin still listens, and has said nothing unasked."""
        return not self.at_eof and not self.closing and self._sent_all and self._reader.clean

    @property
    def closing(self) -> bool:
        """Nothing that is sent will arrive."""
        return self._transport.is_closing()

    def ask(self, head: bytes, request: Request) -> None:
        """Send a request's head, written for the origin."""
        self.heard = self._resting = False
        self._sent_all = request.length == 0
        self._chunked = request.length is None
        self._reader.expect(request.method)
        self._write(head)

    def send(self, piece: bytes | End) -> None:
        """Send a piece of the request's body, or its end."""
        if isinstance(piece, bytes):
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)
            return
        self._sent_all = True
        if self._chunked:
            self._write(b"0\r\n%b\r\n" % lines(piece.fields))

    async def drain(self) -> None:
        """Wait until the origin has room for more."""
        if self._congested:
            self._room = self._loop.create_future()
            await self._room

    def next(self) -> Response | bytes | End | None:
        """What has arrived of the answer; None when nothing is there. Raises Malformed."""
        event = self._reader.next()
        if self._paused and self._reader.backlog <= READ_AHEAD // 2:
            self._go_on_reading()
        if isinstance(event, Request):
            raise Malformed(502, "it sent a request")  # a reader of answers makes none
        return event

    async def arrival(self, timeout_s: float) -> None:
        """Wait until something arrives, the end included. Raises TimeoutError."""
        self._waiter = self._loop.create_future()
        self._expect_within(timeout_s)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def rest_for(self, timeout_s: float) -> None:
        """Close after that time if nobody has used the link by then."""
        self._resting = True
        self._expect_within(timeout_s)

    async def read_raw(self) -> bytes:
        """Bytes of the protocol that it changed to; b"" at the end."""
        if self._raw is None:
            self._raw = bytearray(self._reader.rest or b"")
            if self._timer is not None:
                self._timer.cancel()  # how long both may keep silent is the client connection's business
        while not self._raw:
            if self.at_eof:
                return b""
            self._waiter = self._loop.create_future()
            await self._waiter
        data = bytes(self._raw)
        self._raw.clear()
        if self._paused:
            self._go_on_reading()
        return data

    def write_raw(self, data: bytes) -> None:
        """Send bytes of that protocol; b"" says that no more will come."""
        if data:
            self._write(data)
        elif not self.closing:
            self._transport.write_eof()

    def close(self) -> None:
        """Break it off; may be called twice."""
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        if not self.closing:  # asyncio would say so on a log, and this proxy never prints
            self._transport.write(data)

    def _go_on_reading(self) -> None:
        self._paused = False
        if not self.closing:
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expect_within(self, timeout_s: float) -> None:
        self._due = self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())
        elif self._resting:
            self.close()
