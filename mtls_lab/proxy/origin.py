"""An origin behind a TCP port, spoken to in plain HTTP/1.1.

1. Each client connection has its own connection to the origin, kept while both ends keep theirs. Clients never share
   one: what an origin sends too much or too late can only reach the client that asked.
2. Body and answer are relayed at the same time: an origin may answer early, and one that echoes has to be read from
   while it is written to. The upload is a task; it is cancelled and awaited before anybody reads on.
3. A kept connection may be closed by the origin just as we use it. A request that may be repeated (RFC 9110
   section 9.2.2) and has no body is then sent once more, on a new connection.
4. What goes wrong is answered in plain words: 502 for an origin that is not there or does not speak HTTP, 504 for one
   that is late. After the answer has begun, only breaking off is left.
"""

import asyncio
import os
from urllib.parse import urlsplit

import h11

from mtls_lab.proxy.exchange import LONGEST_HEAD, ClientGone, Exchange, Refused

CONNECT_TIMEOUT_S = 5.0
"""How long an origin may take to accept a connection."""
ANSWER_TIMEOUT_S = 30.0
"""How long an origin may take to begin its answer, and how long it may pause within."""

_CHUNK = 65_536
_REPEATABLE = {b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"}


class _Gone(Exception):
    """The origin closed the connection before it had answered anything."""


class OriginServer:
    """The origin at a URL. Raises ValueError, naming what would work, for a URL it cannot use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.host, self.port, self.prefix = _parse(url)

    def visit(self) -> "_Visit":
        """The origin as one client connection uses it."""
        return _Visit(self)


class _Visit:
    """One client connection's dealings with the origin."""

    def __init__(self, origin: OriginServer) -> None:
        self._origin = origin
        self._link: _Link | None = None

    async def answer(self, exchange: Exchange) -> None:
        url, link = self._origin.url, None
        try:
            link = await self._relay(exchange)
        except _Gone:
            raise Refused(502, f"the origin {url} closed the connection without an answer") from None
        except TimeoutError:
            raise Refused(504, f"the origin {url} did not answer in time") from None
        except h11.ProtocolError as error:
            raise Refused(502, f"the origin {url} does not answer in valid HTTP/1.1: {error}") from None
        finally:
            if link is None or not link.rewind():
                self.leave()

    def leave(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _relay(self, exchange: Exchange) -> "_Link":
        kept = self._link
        if kept is not None and kept.usable:
            try:
                await kept.relay(exchange, self._origin.prefix)
            except _Gone:
                if exchange.has_body or exchange.request.method not in _REPEATABLE:
                    raise
            else:
                return kept
        self.leave()
        self._link = link = await self._connect()
        await link.relay(exchange, self._origin.prefix)
        return link

    async def _connect(self) -> "_Link":
        origin = self._origin
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return _Link(*await asyncio.open_connection(origin.host, origin.port))
        except TimeoutError:
            raise Refused(504, f"the origin {origin.url} did not accept a connection in time") from None
        except OSError as error:
            reason = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
            raise Refused(502, f"the origin {origin.url} cannot be reached ({reason}): is it running?") from None


class _Link:
    """One TCP connection to the origin."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._upload_error: Exception | None = None

    @property
    def usable(self) -> bool:
        """As far as we have heard, the origin still listens."""
        return self._http.our_state is h11.IDLE and not self._reader.at_eof() and not self._writer.is_closing()

    def rewind(self) -> bool:
        """Get ready for another request; False unless both ends are done and the origin sent nothing unasked."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        if self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        self._writer.transport.abort()

    async def relay(self, exchange: Exchange, prefix: bytes) -> None:
        """Pass the request on and the answer back."""
        request = exchange.request
        if prefix and request.target.startswith(b"/"):
            request = h11.Request(method=request.method, target=prefix + request.target, headers=request.headers)
        head = self._http.send(request) or b""
        if not exchange.has_body:
            self._writer.write(head + (self._http.send(h11.EndOfMessage()) or b""))
            await self._download(exchange)
            return
        self._writer.write(head)
        upload = asyncio.create_task(self._upload(exchange))
        try:
            await self._download(exchange)
        except Exception:
            if self._upload_error is not None:
                raise self._upload_error from None
            raise
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def _upload(self, exchange: Exchange) -> None:
        try:
            while True:
                event = await exchange.next()
                self._writer.write(self._http.send(event) or b"")
                if isinstance(event, h11.EndOfMessage):
                    return
                await self._writer.drain()
        except ClientGone as error:
            self._break_off(error)
        except h11.RemoteProtocolError as error:
            self._break_off(Refused(error.error_status_hint, f"not valid HTTP: {error}"))
        except OSError:
            return  # the origin reads no more; it may have answered all the same, and the download will tell

    def _break_off(self, error: Exception) -> None:
        """The client's fault: the origin must not take the part for the whole, and the download must end."""
        self._upload_error = error
        self.close()

    async def _download(self, exchange: Exchange) -> None:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await exchange.flush()
                await self._receive(begun=exchange.answered)
            elif isinstance(event, h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage):
                exchange.send(event)
                if isinstance(event, h11.EndOfMessage):
                    await exchange.flush()
                    return
            else:
                raise _Gone

    async def _receive(self, *, begun: bool) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                data = await self._reader.read(_CHUNK)
        except ConnectionError:
            data = b""
        if not data and not begun and self._http.their_state is h11.SEND_RESPONSE and not self._http.trailing_data[0]:
            raise _Gone
        self._http.receive_data(data)


def _parse(url: str) -> tuple[str, int, bytes]:
    wanted = "to must be the URL of an HTTP origin such as to='http://127.0.0.1:3000'"
    parts = urlsplit(url)
    if parts.scheme == "https":
        raise ValueError(f"to={url!r}: TLS between the proxy and the origin is not offered yet; use http://")
    if parts.scheme != "http":
        raise ValueError(f"to={url!r} has no http:// in front: {wanted}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise ValueError(f"to={url!r}: {error}: {wanted}") from None
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"to={url!r} may hold a host, a port and a path, and nothing else: {wanted}")
    return host, port, parts.path.rstrip("/").encode()
