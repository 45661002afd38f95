"""One request and its answer, between a client and an origin; and what each of the three needs of the others.

h11 reads and writes HTTP/1.1; its events are what passes. An `Origin` is anything that answers an `Exchange`: a
program behind a TCP port (`origin.py`) or the built-in one (`echo.py`). Both get the same fields and owe the same
events, so what one sees the other would see.
"""

from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import h11

from mtls_lab.proxy import fields
from mtls_lab.proxy.fields import Caller

LONGEST_HEAD = 65_536
"""Bytes that a request line and its fields may take together."""

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}

BodyEvent = h11.Data | h11.EndOfMessage
AnswerEvent = h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage


class Client(Protocol):
    """What this module needs of a client's connection."""

    idle: bool
    """No request is being answered."""
    caller: Caller
    """Who is calling."""

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

    def leave(self) -> None:
        """The client connection is over."""


class Origin(Protocol):
    """Whoever answers requests."""

    def visit(self) -> Visit:
        """Begin to serve a client connection."""


class ClientGone(ConnectionError):
    """The client left in the middle of something: nobody is left to answer."""


class Refused(Exception):
    """A request that is answered by the proxy itself, with a status and a reason in plain words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Exchange:
    """One request and its answer."""

    def __init__(self, client: Client, http: h11.Connection, received: h11.Request) -> None:
        self._client = client
        self._http = http
        self._written: list[bytes] = []
        self.request = _for_origin(received, client.caller)
        """The request as the origin gets it."""
        self.answered = False
        """The answer's head is written or on its way."""
        self._bodiless = False

    @property
    def has_body(self) -> bool:
        """The rest of the request is still to be read."""
        return self._http.their_state is h11.SEND_BODY

    @property
    def is_bodiless(self) -> bool:
        """The request has no body (RFC 9112 section 6.3)."""
        headers = self.request.headers.raw_items()
        chunked = fields.listed(headers, b"transfer-encoding")
        return not chunked and int(fields.first(headers, b"content-length") or 0) == 0

    @property
    def rest_is_short(self) -> bool:
        """What is still to be read is announced to be little."""
        size = fields.first(self.request.headers.raw_items(), b"content-length")
        return self.has_body and size is not None and int(size) <= LONGEST_HEAD

    async def next(self) -> BodyEvent:
        """The next piece of the request's body, or its end with trailers."""
        if not self.has_body:
            return h11.EndOfMessage()
        event = await next_event(self._client, self._http)
        if isinstance(event, h11.Data):
            return event
        if isinstance(event, h11.EndOfMessage):
            return h11.EndOfMessage(headers=fields.trailers(event.headers.raw_items()))
        raise ClientGone("in the middle of its request")

    def send(self, event: AnswerEvent) -> None:
        """Take a piece of the answer; it is on its way after the next `flush()`."""
        if isinstance(event, h11.InformationalResponse):
            if self._http.their_http_version == b"1.0" or event.status_code == 101:
                return  # HTTP/1.0 knows no 1xx (RFC 9110 section 15.2)
            event = h11.InformationalResponse(
                status_code=event.status_code, headers=_for_client(event), reason=_reason(event)
            )
        elif isinstance(event, h11.Response):
            self.answered = True
            # Who was never told to go on may keep its body: nobody could tell it from the next request.
            closing = [(b"Connection", b"close")] if self._http.they_are_waiting_for_100_continue else []
            headers = [*_for_client(event), *closing]
            event = h11.Response(status_code=event.status_code, headers=headers, reason=_reason(event))
            self._bodiless = self.request.method == b"HEAD" or event.status_code in (204, 304)
        elif isinstance(event, h11.Data):
            if self._bodiless:
                return
        elif event.headers:
            # Trailers need chunks around them.
            kept = fields.trailers(event.headers.raw_items()) if self._http.their_http_version != b"1.0" else []
            event = h11.EndOfMessage(headers=kept)
        self._written.append(self._http.send(event) or b"")

    async def flush(self, *, ahead: int = 0) -> None:
        """Send what was taken; returns when the client keeps up but for `ahead` bytes."""
        written = b"".join(self._written)
        self._written.clear()
        if written:
            await self._client.write(written, ahead=ahead)

    async def finish(self, response: h11.Response, body: bytes = b"") -> None:
        """The whole answer at once."""
        self.send(response)
        if body:
            self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage())
        await self.flush()


def page(status: int, text: str, *extra: tuple[str, str]) -> tuple[h11.Response, bytes]:
    """A response in plain text, with its body."""
    body = text.encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *extra]
    return h11.Response(status_code=status, headers=headers, reason=_REASONS[status]), body


async def next_event(client: Client, http: h11.Connection) -> h11.Event | type[h11.PAUSED]:
    """What the client sends next."""
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await client.read())
    return event  # type: ignore[return-value]  # NEED_DATA is out by now


def _for_origin(received: h11.Request, caller: Caller) -> h11.Request:
    headers = received.headers.raw_items()
    target, host = received.target, fields.first(headers, b"host") or b""
    if not target.startswith(b"/") and target != b"*":
        # Absolute form: its authority counts, not Host (RFC 9112 section 3.2.2).
        try:
            parts = urlsplit(target)
        except ValueError as error:
            raise Refused(400, f"the request's target is no URL: {error}") from None
        host = parts.netloc.rpartition(b"@")[2]
        target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    kept = [(name, value) for name, value in fields.for_origin(headers, caller, host=host) if name.lower() != b"host"]
    framing = [(b"Transfer-Encoding", b"chunked")] if fields.listed(headers, b"transfer-encoding") else []
    return h11.Request(method=received.method, target=target, headers=[(b"Host", host), *kept, *framing])


def _reason(event: h11.Response | h11.InformationalResponse) -> bytes:
    return event.reason or _REASONS.get(event.status_code, b"")


def _for_client(event: h11.Response | h11.InformationalResponse) -> fields.Fields:
    return fields.for_client(event.headers.raw_items())
