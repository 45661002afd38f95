"""The sockets: one client's TCP connection, from its first byte to the last thing it says.

How it works. asyncio tells us when bytes came (`data_received`), when the client sent its FIN (`eof_received`) and
when the connection is gone (`connection_lost`). Ciphertext goes into a `TLSConnection`, which does no I/O; what it
leaves to send goes out by `transport.write`. Once the handshake is over and decided, the plaintext is read by one
task that speaks HTTP (`serving.serve`), through `read`, `write` and `hang_up` below.

asyncio's own TLS is of no use here: when it refuses a client the alert is never sent (python/cpython#98078; 0 of
24,000 in our measurements), so the client sees a broken connection and never the reason.

A TCP connection that is closed while bytes from the other end lie unread is reset, and the reset destroys what is
still on its way to that end. In TLS 1.3 a client sends its request before it can know that its certificate was
refused, so a careless close loses the alert in half of the cases, and always under a large request body. Therefore:

1. On every close: flush, half-close (`write_eof`), read and discard until the client's end of file or `LINGER_S`,
   then close. There is no limit on how many bytes are discarded: a limit is what large bodies would run into.
2. A handshake is recorded when it is decided and before its last flight is handed to the transport, so a client
   that has returned finds it recorded. The same entry is replaced when more is known, last when the connection ends.
3. After an error too the outgoing bytes are sent: the alert is in there.
4. First bytes are OpenSSL's to judge. What is not TLS (plain HTTP, PostgreSQL's SSLRequest 00 00 00 08 04 d2 16 2f)
   fails and is recorded like any other handshake. Plain HTTP gets an answer that a person can read.
5. A client's FIN without close_notify means that it is gone, and its request is cancelled. With close_notify it may
   still read: its answer is finished (RFC 8446 section 6.1).
6. A connection belongs to the scenario in force when it is accepted, and keeps it.
7. Who says nothing is not kept waiting for: `HANDSHAKE_TIMEOUT_S` for the handshake, `IDLE_TIMEOUT_S` after it.
8. OSError on the way out means that the client went first. Nobody is left to tell, so it is swallowed there.
9. Backpressure in both directions: reading pauses while plaintext waits, `write` waits while the client is slow.
10. Bytes are moved here and nothing else: no TLS policy, no explanation, no decoding, no output.
11. No session is resumed: a client that comes back shows its certificate again, and it is judged again.
12. Whom the service does not admit is told so by an alert, and leaves no trace among the handshakes: none began.
"""

import asyncio
from datetime import UTC, datetime
from typing import cast

from mtls_lab.handshake import Failure, Handshake, Side
from mtls_lab.handshake.resumption import may_resume
from mtls_lab.proxy.exchange import ClientGone
from mtls_lab.proxy.fields import Caller
from mtls_lab.proxy.seen import Entry
from mtls_lab.proxy.service import Service
from mtls_lab.proxy.serving import serve
from mtls_lab.proxy.turned_away import TurnedAway

LINGER_S = 2.0
"""How long a client may take to hang up after we did."""
HANDSHAKE_TIMEOUT_S = 10.0
"""How long a handshake may take, from the accepted TCP connection on."""
IDLE_TIMEOUT_S = 60.0
"""How long a connection may lie without a byte in either direction."""

_READ_AHEAD = 262_144
_PLAIN_HTTP = "HTTP_REQUEST"
_ANSWER_TO_PLAIN_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This port speaks TLS, and the request came in plain HTTP. Ask for https:// instead of http://\n"
)


class ClientConnection(asyncio.BufferedProtocol):
    """One client's connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._playing = service.playing
        self._tls = self._playing.connect()
        self._at = datetime.now(UTC)
        self._heard = False
        self._entry: Entry | None = None
        self._secrets = ""
        self._side: Side | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._moved_at = service.loop.time()
        self._plaintext = bytearray()
        self._arrival: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._congested = False
        self._at_eof = False
        self._hung_up = False
        self.idle = True
        """No request is being answered: nothing is lost by hanging up."""
        self.caller = Caller(address="", port=0, chain=())
        """Who is calling, as far as the proxy knows by itself; known once the handshake is over."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._service.admits is not None and not self._service.admits(transport):
            self._service.turned_away += 1
            self._transport.set_protocol(TurnedAway(self._service.loop, self._transport, LINGER_S))  # rule 12
            return
        self._address: str
        self._address, self._client_port = transport.get_extra_info("peername")[:2]
        self._service.connections.add(self)
        self._service.seen.expect(self._client_port)
        self._timer = self._service.loop.call_later(HANDSHAKE_TIMEOUT_S, self._give_up_on_handshake)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio calls it so
        return self._service.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._service.buffer[:nbytes])
        if not self._heard and may_resume(data, self._playing.scenario.versions):
            self._tls = self._playing.connect_afresh()  # rule 11
        self._heard = True
        if self._hung_up:
            if self._tls.failure is not None:
                self._tls.receive(data)  # keeps, for the record, what a refused client still sends
            return
        self._moved_at = self._service.loop.time()
        plaintext = self._tls.receive(data)
        if self._tls.failure is not None:
            self._give_up()
            return
        flight = self._tls.outgoing()
        if self._tls.completed and self._entry is None:
            self._record()
            self.caller = self._identify()
            self._task = self._service.loop.create_task(self._converse())
            # Not in the coroutine itself: a task that is cancelled before its first step never enters it.
            self._task.add_done_callback(lambda _: self.hang_up(clean=self.idle))
            self._watch()
        self._send(flight)
        self._deliver(plaintext)

    def eof_received(self) -> bool:
        self._at_eof = True
        if self._hung_up or not self._heard:
            self._hung_up = True
            self._transport.close()
            return True
        said_goodbye = self._tls.closed
        self._tls.receive(b"")
        if self._tls.failure is not None:
            self._give_up()
        elif not said_goodbye and self._task is not None:
            self._task.cancel()
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio calls it so
        self._service.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        if not self._at_eof and not self._hung_up:
            self._tls.receive(b"")  # a reset inside the handshake is a failure like an end of file
        self._at_eof = self._hung_up = True
        self._record(ended=True)
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        self._moved_at = self._service.loop.time()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # What the task that speaks HTTP calls.

    @property
    def leaving(self) -> bool:
        """The proxy ends: no other request will be taken on this connection."""
        return self._service.leaving

    async def read(self) -> bytes:
        """The plaintext that has arrived, waiting for some; b"" when no more will come."""
        while not self._plaintext:
            if self._at_eof or self._hung_up or self._tls.closed or self._tls.failure is not None:
                return b""
            self._arrival = self._service.loop.create_future()
            await self._arrival
        data = bytes(self._plaintext)
        self._plaintext.clear()
        if not self._hung_up:
            self._transport.resume_reading()
        return data

    async def write(self, plaintext: bytes, *, ahead: int = 0) -> None:
        """Send it; waits while more than `ahead` bytes lie unsent. Raises ClientGone when it is."""
        if self._hung_up or self._transport.is_closing():
            raise ClientGone("before its answer")
        try:
            self._tls.send(plaintext)
        except OSError as error:
            raise ClientGone("without a close_notify") from error  # TLS errors are OSErrors, too
        self._moved_at = self._service.loop.time()
        self._send(self._tls.outgoing())
        if self._congested and not self._hung_up and self._transport.get_write_buffer_size() > ahead:
            self._room = self._service.loop.create_future()
            await self._room

    def hang_up(self, *, clean: bool = True) -> None:
        """Close as rule 1 says. Not `clean` leaves out the close_notify: the answer was cut short."""
        if self._hung_up:
            return
        if clean:
            self._tls.close()
        flight = self._tls.outgoing()
        if self._entry is None:
            self._record()
        self._send(flight)
        self._linger()

    # What the service calls when the proxy closes.

    def leave(self, *, quiet_s: float) -> None:
        """Close it if nothing is under way: no request, no refusal, and for so long no byte."""
        if self.idle and not self._hung_up and self._service.loop.time() - self._moved_at >= quiet_s:
            self.hang_up()
            self._transport.close()  # an idle client reads the close_notify when it likes, and has nothing unread here

    def cut(self) -> None:
        """Close it whatever is under way."""
        self._transport.abort()

    # The rest.

    async def _converse(self) -> None:
        try:
            await serve(self, self._service.origin)
        except ClientGone:
            return  # rule 8
        except Exception as error:  # noqa: BLE001  # a bug of ours: kept for the tests, never printed
            self._service.troubles.append(error)
            self.hang_up(clean=False)

    def _deliver(self, plaintext: bytes) -> None:
        self._plaintext += plaintext
        if len(self._plaintext) > _READ_AHEAD:
            self._transport.pause_reading()
        if plaintext or self._tls.closed:
            self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _give_up(self) -> None:
        """We refuse the client, or it refused us: record it, deliver the alert, linger."""
        flight = self._tls.outgoing()
        if self._tls.failure is not None and self._tls.failure.reason == _PLAIN_HTTP:
            flight = _ANSWER_TO_PLAIN_HTTP
        if self._task is not None:
            self._task.cancel()
        self._record()
        self._send(flight)
        self._linger()
        self._wake()

    def _send(self, ciphertext: bytes) -> None:
        if ciphertext and not self._transport.is_closing():
            self._transport.write(ciphertext)

    def _linger(self) -> None:
        self._hung_up = True
        if self._timer is not None:
            self._timer.cancel()
        if self._at_eof:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()  # rule 8
            return
        self._transport.resume_reading()
        self._timer = self._service.loop.call_later(LINGER_S, self._transport.abort)

    def _record(self, *, ended: bool = False) -> None:
        if not self._heard:
            return
        if self._entry is None or not (self._tls.completed and self._secrets):
            # All secrets there will ever be exist once the handshake is over, and its first piece says whose they are.
            self._secrets += self._service.keylog.take(self._tls.wire[:1]) or self._service.keylog.take(self._tls.wire)
        if self._side is None or not self._side.completed or self._side.failure is not self._tls.failure:
            self._side = self._tls.side()
        handshake = Handshake(
            scenario=self._playing.scenario,
            client=None,
            server=self._side,
            at=self._at,
            client_port=self._client_port,
            wire=self._tls.wire,
            secrets=self._secrets,
        )
        self._entry = self._service.seen.put(self._entry, handshake, ended=ended)
        if ended and self._service.refused is not None and not handshake.accepted:
            self._service.refused(self._address, handshake)

    def _identify(self) -> Caller:
        """Who is calling: the address, and the certificates if this server verified them."""
        chain = () if self._playing.scenario.server.verifies == "none" else self._tls.verified_chain
        return Caller(
            address=self._address,
            port=self._transport.get_extra_info("sockname")[1],
            chain=chain,
            client_port=self._client_port,
            settings=self._playing.number,
        )

    def _give_up_on_handshake(self) -> None:
        if not self._heard:
            self._transport.abort()
            return
        text = f"the client did not finish its handshake within {HANDSHAKE_TIMEOUT_S:.0f} s"
        self._tls.failure = Failure(during="handshake", reason="HANDSHAKE_TIMEOUT", text=text)
        self._give_up()

    def _watch(self) -> None:
        """Look every now and then whether anything moved: one timer for a connection, not one for each read."""
        if self._timer is not None:
            self._timer.cancel()
        left = self._moved_at + IDLE_TIMEOUT_S - self._service.loop.time()
        if left > 0:
            self._timer = self._service.loop.call_later(left, self._watch)
            return
        if self._task is not None:
            self._task.cancel()
        self.hang_up(clean=self.idle)
