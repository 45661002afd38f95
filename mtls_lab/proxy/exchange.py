"""One request and its answer, between a client and an origin; and what each of the three needs of the others.

What passes is what `reader` reads: a head, pieces of body, an end. An `Origin` is anything that answers an `Exchange`:
a program behind a TCP port (`origin.py`) or the built-in one (`echo.py`). Both get the same fields and owe the same
events, so what one sees the other would see.

Framing is written here, anew for every answer: a length where one is known, chunks where none is, the end of the
connection for HTTP/1.0 (RFC 9112 section 6).
"""

from functools import cached_property
from http import HTTPStatus
from typing import Protocol

from mtls_lab.proxy import fields
from mtls_lab.proxy.fields import Caller, Fields
from mtls_lab.proxy.messages import End, Request, Response
from mtls_lab.proxy.reader import LONGEST_HEAD
from mtls_lab.proxy.request_reader import RequestReader

WEBSOCKET = b"websocket"
"""The one protocol that is changed to. h2c would carry requests that nobody cleans past this proxy."""

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Client(Protocol):
    """What this module needs of a client's connection."""

    idle: bool
    """No request is being answered."""
    caller: Caller
    """Who is calling."""

    @property
    def leaving(self) -> bool:
        """The proxy ends: no other request will be taken on this connection."""

    async def read(self) -> bytes:
        """Plaintext; b"" at the end."""

    async def write(self, plaintext: bytes, *, ahead: int = 0) -> None:
        """Send it; waits while more than `ahead` bytes lie unsent."""

    def hang_up(self, *, clean: bool = True) -> None:
        """Close the connection."""


class Visit(Protocol):
    """An origin as one client connection uses it."""

    async def answer(self, exchange: "Exchange") -> None:
        """Answer one request. Raises `Refused` to have the proxy answer in its place."""

    def dismissed(self, status: int, reason: str) -> None:
        """What the client sent was no request, and was answered so: the last thing on this connection."""

    def leave(self) -> None:
        """The client connection is over."""


class Origin(Protocol):
    """Whoever answers requests."""

    def visit(self, caller: Caller) -> Visit:
        """Begin to serve a client connection."""

    def close(self) -> None:
        """The proxy is over."""


class ClientGone(ConnectionError):
    """The client left in the middle of something: nobody is left to answer."""


class Refused(Exception):
    """A request that is answered by the proxy itself, with a status and a reason in plain words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Exchange:
    """One request and its answer."""

    def __init__(self, client: Client, reader: RequestReader, received: Request) -> None:
        self._client = client
        self._reader = reader
        self.received = received
        """The request as it came: what the client says of itself is still in it."""
        self._written: list[bytes] = []
        self._chunked = self._bodiless = self._read_to_end = False
        self.keeps = received.keeps
        """The connection can take another request after this one."""
        self.answered = False
        """The answer's head is written or on its way."""
        self.ended = False
        """The whole answer is."""
        self.status: int | None = None
        """What was answered, once it is."""
        self.size = 0
        """Bytes of the answer's body."""
        self._waits = received.waits
        if received.length == 0:
            self._take_end()

    @cached_property
    def request(self) -> Request:
        """The request as the origin gets it."""
        received = self.received
        kept = fields.for_origin(
            received.fields, self._client.caller, host=received.host, connection=received.connection
        )
        return received._replace(fields=kept, version="1.1")

    def written_for_origin(self, prefix: bytes = b"") -> bytes:
        """The request's head as it is written to an origin whose paths begin so."""
        one = self.received
        target = prefix + one.target if prefix and one.target != b"*" else one.target
        kept = fields.lines_for_origin(one.fields, self._client.caller, host=one.host, connection=one.connection)
        framing = b"Transfer-Encoding: chunked\r\n" if one.length is None else b""
        if one.upgrade == WEBSOCKET:
            framing = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (one.method, target, one.host, kept, framing)

    @property
    def has_body(self) -> bool:
        """The rest of the request is still to be read."""
        return not self._read_to_end

    @property
    def whole(self) -> bool:
        """All of the request has arrived."""
        return self._read_to_end or self._reader.whole

    @property
    def rest_is_short(self) -> bool:
        """What is still to be read is announced to be little, and will come."""
        length = self.received.length
        return self.has_body and not self._waits and length is not None and length <= LONGEST_HEAD

    async def next(self) -> bytes | End:
        """The next piece of the request's body, or its end with trailers. Raises Malformed, ClientGone."""
        if self._read_to_end:
            return End()
        while (event := self._reader.next()) is None:
            data = await self._client.read()
            if not data:
                raise ClientGone("in the middle of its request")
            self._waits = False
            self._reader.feed(data)
        if isinstance(event, bytes):
            return event
        self._read_to_end = True
        return End(fields=fields.trailers(event.fields)) if event.fields else End()

    def send(self, event: Response | bytes | End) -> None:
        """Take a piece of the answer; it is on its way after the next `flush()`."""
        if isinstance(event, bytes):
            if not self._bodiless and event:
                self.size += len(event)
                self._written += (b"%x\r\n" % len(event), event, b"\r\n") if self._chunked else (event,)
        elif isinstance(event, End):
            self.ended = True
            if self._chunked and not self._bodiless:
                self._written += (b"0\r\n", fields.lines(fields.trailers(event.fields)), b"\r\n")
        elif event.status < 200:
            self._inform(event)
        else:
            self._begin_answer(event)

    async def flush(self, *, ahead: int = 0) -> None:
        """Send what was taken; returns when the client keeps up but for `ahead` bytes."""
        if self._written:
            written = b"".join(self._written)
            self._written.clear()
            await self._client.write(written, ahead=ahead)

    async def finish(self, response: Response, body: bytes = b"") -> None:
        """The whole answer at once."""
        self.send(response)
        self.send(body)
        self.send(End())
        await self.flush()

    async def change_protocol(self, response: Response) -> Client:
        """Tell the client that the protocol changes (RFC 9110 section 7.8); whoever called has the connection now."""
        kept = fields.passed_on(response.fields, response.connection)
        kept += [(b"Connection", b"Upgrade"), (b"Upgrade", response.upgrade)]
        self.answered = self.ended = True
        self.keeps = False
        self.status = response.status
        await self._client.write(head(response, kept))
        return self._client

    def take_rest(self) -> bytes:
        """What the client said already in the other protocol."""
        rest, self._reader.rest = self._reader.rest or b"", b""
        return rest

    def _take_end(self) -> None:
        self._read_to_end = True
        self._reader.next()

    def _inform(self, response: Response) -> None:
        # HTTP/1.0 knows no 1xx (RFC 9110 section 15.2).
        if self.received.version == "1.0" or self.answered:
            return
        if response.status == 100:
            self._waits = False
        self._written.append(
            head(response, fields.without(fields.for_client(response.fields, response.connection), b"content-length"))
        )

    def _begin_answer(self, response: Response) -> None:
        self.answered = True
        self.status = response.status
        kept = fields.for_client(response.fields, response.connection)
        self._bodiless = self.received.method == b"HEAD" or response.status in (204, 304)
        if response.status == 204:
            kept = fields.without(kept, b"content-length")  # RFC 9110 section 8.6
        elif response.length is None and not self._bodiless:
            if self.received.version == "1.0":
                self.keeps = False
            else:
                self._chunked = True
                kept.append((b"Transfer-Encoding", b"chunked"))
        # Who was never told to go on may keep its body: nobody could tell it from the next request.
        if (self._waits and self.has_body) or self._client.leaving:
            self.keeps = False
        if not self.keeps:
            kept.append((b"Connection", b"close"))
        self._written.append(head(response, kept))


def head(response: Response, kept: Fields) -> bytes:
    """A status line with fields."""
    reason = response.reason or _REASONS.get(response.status, b"")
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (response.status, reason, fields.lines(kept))


def page(status: int, text: str) -> tuple[Response, bytes]:
    """An answer in plain text, with its body."""
    body = text.encode()
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body))]
    return Response(status=status, fields=headers, length=len(body)), body
