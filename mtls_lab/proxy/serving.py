"""HTTP/1.1 with one client: one request and its answer after the other, on one connection.

1. Bodies stream in both directions, and both wait for whoever is slow.
2. What `reader` rejects as a request gets 400 (or 431, 501, as it says) in plain words, and the connection ends.
3. Of the protocols that a client may ask to change to, only WebSocket is passed on; every other wish is left out, and
   its request answered in HTTP (RFC 9110 section 7.8).
4. An answer that breaks off half-way ends the connection without close_notify, so that the client can tell.
5. An origin may answer before it has read the request. A short rest is then read and discarded, to keep the
   connection; a long one is left to the connection's lingering close.
6. A head that is begun has `HEAD_TIMEOUT_S` to end: 408, so that a slow one holds nothing for long.
"""

import asyncio

from mtls_lab.proxy.exchange import WEBSOCKET, Client, ClientGone, Exchange, Origin, Refused, Visit, head, page
from mtls_lab.proxy.messages import End, Malformed, Request
from mtls_lab.proxy.request_reader import RequestReader

HEAD_TIMEOUT_S = 20.0
"""How long a request's head may take from its first byte to its last."""


async def serve(client: Client, origin: Origin) -> None:
    """Answer requests until either end has had enough."""
    reader = RequestReader()
    visit = origin.visit(client.caller)
    try:
        while await _serve_one(client, reader, visit):
            client.idle = True
    finally:
        visit.leave()


async def _serve_one(client: Client, reader: RequestReader, visit: Visit) -> bool:
    """Answer one request; False when the connection cannot take another."""
    exchange: Exchange | None = None
    try:
        received = await _next_request(client, reader)
        if received is None:
            return False
        client.idle = False
        exchange = Exchange(client, reader, received)
        if reader.rest is not None and received.upgrade != WEBSOCKET:
            reader.go_on()  # rule 3
        await visit.answer(exchange)
    except (Malformed, Refused) as refused:
        if exchange is None:
            visit.dismissed(refused.status, str(refused))
            await _dismiss(client, refused.status, f"{refused}\n")
            return False
        await _refuse(client, exchange, refused.status, f"{refused}\n")
    client.idle = exchange.ended
    if exchange.has_body and exchange.keeps:
        return exchange.rest_is_short and await _discard_rest(exchange)
    if reader.rest is not None and exchange.keeps:
        reader.go_on()  # the origin, or we, preferred to go on in HTTP
    return exchange.keeps and exchange.ended


async def _next_request(client: Client, reader: RequestReader) -> Request | None:
    """What the client asks next; None when it has gone."""
    event = reader.next()
    while event is None and not reader.begun:
        if not await _feed(client, reader):
            return None
        event = reader.next()
    if event is None:
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                while event is None:
                    if not await _feed(client, reader):
                        return None
                    event = reader.next()
        except TimeoutError:
            raise Refused(408, f"the request's head took more than {HEAD_TIMEOUT_S:.0f} s") from None
    return event if isinstance(event, Request) else None


async def _feed(client: Client, reader: RequestReader) -> bool:
    """Wait for more from the client; False when there will be none."""
    data = await client.read()
    if data:
        reader.feed(data)
    return bool(data)


async def _dismiss(client: Client, status: int, text: str) -> None:
    """Answer what was no request, as the last thing on this connection."""
    response, body = page(status, text)
    await client.write(head(response, [*response.fields, (b"Connection", b"close")]) + body)


async def _refuse(client: Client, exchange: Exchange, status: int, text: str) -> None:
    if exchange.answered:
        exchange.keeps = False
        client.hang_up(clean=False)  # half an answer is out: rule 4
        return
    if exchange.has_body:
        exchange.keeps = False  # a part of the request is unread
    await exchange.finish(*page(status, text))


async def _discard_rest(exchange: Exchange) -> bool:
    """Read what is left of a request that was answered without its body, to keep the connection."""
    try:
        while not isinstance(await exchange.next(), End):
            continue
    except (Malformed, ClientGone):
        return False  # the request has its answer; the connection ends
    return True
