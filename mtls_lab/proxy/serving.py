"""HTTP/1.1 with one client: one request and its answer after the other, on one connection.

1. Bodies stream in both directions, and both wait for whoever is slow.
2. What h11 rejects as a request gets 400 (or 431, 501, as h11 says) in plain words, and the connection ends.
   So does a request with Content-Length and Transfer-Encoding: which of the two counts is what request smuggling
   rests on (RFC 9112 section 6.1).
3. Upgrades and CONNECT are refused with 501: this proxy passes requests, not tunnels.
4. An answer that breaks off half-way ends the connection without close_notify, so that the client can tell.
5. An origin may answer before it has read the request. A short rest is then read and discarded, to keep the
   connection; a long one is left to the connection's lingering close.
"""

from contextlib import suppress

import h11

from mtls_lab.proxy import fields
from mtls_lab.proxy.exchange import LONGEST_HEAD, Client, Exchange, Origin, Refused, Visit, next_event, page


async def serve(client: Client, origin: Origin) -> None:
    """Answer requests until either end has had enough."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
    visit = origin.visit()
    try:
        while await _serve_one(client, http, visit):
            client.idle = True
            http.start_next_cycle()
    finally:
        visit.leave()


async def _serve_one(client: Client, http: h11.Connection, visit: Visit) -> bool:
    """Answer one request; False when the connection cannot take another."""
    exchange: Exchange | None = None
    try:
        received = await next_event(client, http)
        if not isinstance(received, h11.Request):
            return False
        client.idle = False
        _refuse_what_we_do_not_do(received)
        exchange = Exchange(client, http, received)
        if exchange.is_bodiless:
            http.next_event()  # the end of the message, which is here already
        await visit.answer(exchange)
    except h11.RemoteProtocolError as error:
        await _refuse(client, http, exchange, Refused(error.error_status_hint, f"not valid HTTP: {error}"))
    except Refused as refused:
        await _refuse(client, http, exchange, refused)
    client.idle = http.our_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
    if exchange is not None and client.idle and http.our_state is h11.DONE and exchange.rest_is_short:
        await _discard_rest(client, http)
    return http.our_state is h11.DONE and http.their_state is h11.DONE


async def _refuse(client: Client, http: h11.Connection, exchange: Exchange | None, refused: Refused) -> None:
    if http.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or (exchange and exchange.answered):
        client.hang_up(clean=False)  # half an answer is out: rule 4
        return
    # With a part of the request unread, the connection cannot take another.
    closing = () if http.their_state is h11.DONE else (("Connection", "close"),)
    response, body = page(refused.status, f"{refused}\n", *closing)
    bodiless = exchange is not None and exchange.request.method == b"HEAD"
    events = [response, *([] if bodiless else [h11.Data(data=body)]), h11.EndOfMessage()]
    await client.write(b"".join(http.send(event) or b"" for event in events))


async def _discard_rest(client: Client, http: h11.Connection) -> None:
    """Read what is left of a request that was answered without its body, to keep the connection."""
    with suppress(h11.RemoteProtocolError):  # the request has its answer; the connection ends
        while isinstance(await next_event(client, http), h11.Data):
            continue


def _refuse_what_we_do_not_do(request: h11.Request) -> None:
    received = request.headers.raw_items()
    if request.http_version not in (b"1.0", b"1.1"):
        raise Refused(505, "this proxy speaks HTTP/1.1")
    if request.method == b"CONNECT":
        raise Refused(501, "this is a reverse proxy: it opens no tunnels (CONNECT)")
    if fields.first(received, b"upgrade") is not None:
        raise Refused(501, "this proxy does not pass upgrades (WebSocket, h2c): ask without an Upgrade field")
    if fields.listed(received, b"transfer-encoding") and fields.first(received, b"content-length") is not None:
        raise Refused(400, "Content-Length and Transfer-Encoding contradict each other (RFC 9112 section 6.1)")
    if not request.target.startswith((b"/", b"http://", b"https://")) and request.target != b"*":
        raise Refused(400, "the request's target must begin with / (RFC 9112 section 3.2)")
