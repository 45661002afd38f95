"""An origin behind a TCP port, spoken to in HTTP/1.1, plain or over TLS.

1. Connections to the origin are kept and used again, but only for the same client: one connection of its own for a
   client without a verified certificate, a shared few for the connections of one certificate. What an origin sends too
   much or too late can only reach the client that asked.
2. Body and answer are relayed at the same time: an origin may answer early, and one that echoes has to be read from
   while it is written to. The upload is a task; it is cancelled and awaited before anybody reads on.
3. A kept connection may be closed by the origin just as we use it. A request that may be repeated (RFC 9110
   section 9.2.2) and has no body is then sent once more, on a new connection.
4. What goes wrong is answered in plain words: 502 for an origin that is not there or does not speak HTTP, 504 for one
   that is late. After the answer has begun, only breaking off is left.
5. Nothing is held back: what has arrived of an answer is sent on before more is waited for (server-sent events).
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from mtls_lab.handshake import VERSIONS, Endpoint, TLSConnection, build_context
from mtls_lab.proxy.exchange import WEBSOCKET, ClientGone, Exchange, Refused
from mtls_lab.proxy.fields import Caller
from mtls_lab.proxy.link import Link
from mtls_lab.proxy.messages import End, Malformed, Response
from mtls_lab.proxy.secure_link import OriginRefused, SecureLink

CONNECT_TIMEOUT_S = 5.0
"""How long an origin may take to accept a connection."""
ANSWER_TIMEOUT_S = 30.0
"""How long an origin may take to begin its answer."""
PAUSE_TIMEOUT_S = 60.0
"""How long it may pause within its answer."""
KEEP_S = 15.0
"""How long a connection that nobody uses is kept."""
KEPT_LINKS = 256
"""How many connections that nobody uses are kept."""

_CHUNK = 65_536
_MOST_INFORMATION = 20
_REPEATABLE = {b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"}


class _Gone(Exception):
    """The origin closed the connection before it had answered anything."""


class OriginServer:
    """The origin at a URL. Raises ValueError, naming what would work, for a URL it cannot use."""

    def __init__(self, url: str, towards: Endpoint | None = None) -> None:
        self.url = url
        self.host, self.port, self.prefix = _parse(url, towards)
        self._context: Callable[[], TLSConnection] | None = None
        if towards is not None:
            self.secure(towards)
        self._buffer = memoryview(bytearray(_CHUNK))
        self._kept: dict[bytes, list[Link]] = {}
        self._count = 0

    def secure(self, towards: Endpoint) -> None:
        """From now on new connections are made with these settings. Raises CannotLoad, changing nothing."""
        context = build_context(towards, role="client", versions=VERSIONS, keylog=None)
        self._context = partial(TLSConnection, context, role="client", server_name=self.host)

    def visit(self, caller: Caller) -> "_Visit":
        """The origin as one client connection uses it."""
        return _Visit(self, caller.chain[0] if caller.chain else None)

    def close(self) -> None:
        """Let go of every kept connection."""
        for links in self._kept.values():
            for link in links:
                link.close()
        self._kept.clear()
        self._count = 0

    def take(self, leaf: bytes) -> Link | None:
        """A connection that was kept for the client with this certificate."""
        links = self._kept.get(leaf, [])
        while links:
            link = links.pop()
            self._count -= 1
            if not links:
                del self._kept[leaf]
            if link.usable:
                return link
            link.close()
        return None

    def keep(self, leaf: bytes, link: Link) -> None:
        """Keep it for this client's next connection; the longest kept gives way."""
        self._kept.setdefault(leaf, []).append(link)
        self._count += 1
        link.rest_for(KEEP_S)
        if self._count > KEPT_LINKS:
            oldest = next(iter(self._kept))
            self._kept[oldest].pop(0).close()
            self._count -= 1
            if not self._kept[oldest]:
                del self._kept[oldest]

    async def connect(self) -> Link:
        """A new connection. Raises Refused."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                if self._context is not None:
                    return await self._connect_securely(loop, self._context())
                _, link = await loop.create_connection(lambda: Link(loop, self._buffer), self.host, self.port)
        except TimeoutError:
            raise Refused(504, f"the origin {self.url} did not accept a connection in time") from None
        except OriginRefused as refused:
            raise Refused(502, f"the origin {self.url} cannot be used: {refused}") from None
        except OSError as error:
            reason = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
            raise Refused(502, f"the origin {self.url} cannot be reached ({reason}): is it running?") from None
        return link

    async def _connect_securely(self, loop: asyncio.AbstractEventLoop, tls: TLSConnection) -> Link:
        link = Link(loop, self._buffer)
        secure = SecureLink(loop, self._buffer, link, tls)
        transport, _ = await loop.create_connection(lambda: secure, self.host, self.port)
        try:
            await secure.ready
        except BaseException:
            if not secure.ready.done() or secure.ready.cancelled():
                transport.abort()  # a refusal has its alert still to send, and closes by itself
            raise
        return link


class _Visit:
    """One client connection's dealings with the origin."""

    def __init__(self, origin: OriginServer, leaf: bytes | None) -> None:
        self._origin = origin
        self._leaf = leaf
        self._link: Link | None = None

    async def answer(self, exchange: Exchange) -> None:
        url, keeps = self._origin.url, False
        try:
            keeps = await self._relay(exchange)
        except _Gone:
            raise Refused(502, f"the origin {url} closed the connection without an answer") from None
        except TimeoutError:
            raise Refused(504, f"the origin {url} did not answer in time") from None
        finally:
            link = self._link
            if link is not None and not (keeps and link.usable):
                self._link = None
                link.close()
            elif link is not None and self._leaf is not None:
                self._link = None  # a client that only stays connected holds none
                self._origin.keep(self._leaf, link)

    def dismissed(self, status: int, reason: str) -> None:
        """Nothing to do: the origin was not asked."""

    def leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    async def _relay(self, exchange: Exchange) -> bool:
        """Have the answer passed on; True when the connection can take another request."""
        kept, self._link = self._link, None
        if kept is None and self._leaf is not None:
            kept = self._origin.take(self._leaf)
        if kept is not None:
            if kept.usable:
                self._link = kept
                try:
                    return await _relay(kept, exchange, self._origin)
                except _Gone:
                    if exchange.has_body or exchange.received.method not in _REPEATABLE:
                        raise
            self._link = None
            kept.close()
        self._link = await self._origin.connect()
        return await _relay(self._link, exchange, self._origin)


async def _relay(link: Link, exchange: Exchange, origin: OriginServer) -> bool:
    """Pass the request on and the answer back."""
    link.ask(exchange.written_for_origin(origin.prefix), exchange.received)
    if exchange.whole:
        while exchange.has_body:
            link.send(await exchange.next())
        return await _download(link, exchange, origin)
    upload = asyncio.create_task(_upload(link, exchange))
    try:
        return await _download(link, exchange, origin)
    except (_Gone, Refused):
        if upload.done() and not upload.cancelled() and (error := upload.exception()) is not None:
            raise error from None  # the client's fault
        raise
    finally:
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)


async def _upload(link: Link, exchange: Exchange) -> None:
    try:
        while True:
            piece = await exchange.next()
            link.send(piece)
            if isinstance(piece, End) or link.closing:
                return
            await link.drain()
    except (ClientGone, Malformed):
        link.close()  # the origin must not take the part for the whole, and the download must end
        raise


async def _download(link: Link, exchange: Exchange, origin: OriginServer) -> bool:
    informed = 0
    keeps = False
    while True:
        try:
            event = link.next()
        except Malformed as lie:
            raise Refused(502, f"the origin {origin.url} does not answer in valid HTTP/1.1: {lie}") from None
        if event is None:
            await exchange.flush()
            await _arrival(link, exchange, origin)
        elif isinstance(event, Response):
            if event.status == 101:
                await _change_protocol(link, exchange, event, origin)
                return False
            keeps = event.keeps
            informed += event.status < 200
            if informed > _MOST_INFORMATION:
                raise Refused(502, f"the origin {origin.url} does not come to its answer: {informed} times 1xx")
            exchange.send(event)
        else:
            if isinstance(event, End) and not exchange.answered:
                continue  # of a 1xx
            exchange.send(event)
            if isinstance(event, End):
                await exchange.flush()
                return keeps


async def _arrival(link: Link, exchange: Exchange, origin: OriginServer) -> None:
    """Wait for more of the answer."""
    if link.at_eof:
        if link.trouble:
            raise Refused(502, f"the origin {origin.url} cannot be used: {link.trouble}")
        if link.heard:
            raise Refused(502, f"the origin {origin.url} does not answer in valid HTTP/1.1: it broke off")
        raise _Gone
    await link.arrival(PAUSE_TIMEOUT_S if exchange.answered else ANSWER_TIMEOUT_S)


async def _change_protocol(link: Link, exchange: Exchange, response: Response, origin: OriginServer) -> None:
    """From here on both ends speak the other protocol, and bytes pass as they come (RFC 9110 section 7.8)."""
    if exchange.received.upgrade != WEBSOCKET or response.upgrade != WEBSOCKET:
        raise Refused(502, f"the origin {origin.url} changes to a protocol that nobody asked for")
    client = await exchange.change_protocol(response)
    if rest := exchange.take_rest():
        link.write_raw(rest)

    async def upload() -> None:
        while data := await client.read():
            link.write_raw(data)
            await link.drain()
        link.write_raw(b"")

    uploading = asyncio.create_task(upload())
    try:
        while data := await link.read_raw():
            await client.write(data)
    finally:
        uploading.cancel()
        await asyncio.gather(uploading, return_exceptions=True)


def _parse(url: str, towards: Endpoint | None) -> tuple[str, int, bytes]:
    wanted = "to must be the URL of an HTTP origin such as to='http://127.0.0.1:3000'"
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"to={url!r} has no http:// in front: {wanted}")
    if parts.scheme == "https" and towards is None:
        raise ValueError(f"to={url!r} speaks TLS: say whom the proxy trusts there, towards_origin=Endpoint(...)")
    if parts.scheme == "http" and towards is not None:
        raise ValueError(f"to={url!r} is plain HTTP, so towards_origin does nothing: leave it out, or use https://")
    try:
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ValueError(f"to={url!r}: {error}: {wanted}") from None
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"to={url!r} may hold a host, a port and a path, and nothing else: {wanted}")
    return host, port, parts.path.rstrip("/").encode()
