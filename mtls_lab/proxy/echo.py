"""The built-in origin: an echo server that needs no port, and that says who the proxy says is calling.

It stands where a real origin would stand and sees what that would see, no more: `/whoami` reads the Client-Cert
field (RFC 9440) and knows nothing of TLS. It leaves out Date: its answers are the same on every run.

| Request | Answer |
|---|---|
| GET / | a hint |
| GET /whoami | the identity that the proxy verified |
| POST /echo | the body, as it comes |
| POST /echo/uppercase | the same, ASCII letters in upper case |
| POST /echo/reversed | the body from its last character to its first (bytes, if it is no UTF-8) |
| POST /print | the body; what a server would have printed is kept in `Echo.printed` |
| all else | 404, empty |
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable

from mtls_lab.certificates import Certificate
from mtls_lab.proxy import fields
from mtls_lab.proxy.exchange import WEBSOCKET, Exchange, Refused
from mtls_lab.proxy.fields import Caller
from mtls_lab.proxy.messages import End, Response

LONGEST_BODY = 1_048_576
"""Bytes of a body that has to be held as a whole; more is refused with 413."""
KEPT_LINES = 100
"""How many printed lines are kept."""
NOBODY = "nobody (no client certificate was verified)"

_READ_AHEAD = 16_777_216  # http.client and requests read nothing before they have written all
_PLAIN = (b"Content-Type", b"text/plain; charset=utf-8")


class Echo:
    """An origin in this process. `printed` is read from other threads: appending to a deque is atomic."""

    def __init__(self) -> None:
        self.printed: deque[str] = deque(maxlen=KEPT_LINES)
        """What POST /print would have printed, oldest first."""
        self._routes: dict[tuple[bytes, bytes], Callable[[Exchange], Awaitable[None]]] = {
            (b"GET", b"/"): _hint,
            (b"GET", b"/whoami"): _whoami,
            (b"POST", b"/echo"): _echo,
            (b"POST", b"/echo/uppercase"): _uppercase,
            (b"POST", b"/echo/reversed"): _reversed,
            (b"POST", b"/print"): self._print,
        }

    def visit(self, caller: Caller) -> "Echo":  # noqa: ARG002  # it reads who calls in the fields, as any origin does
        """Itself: it keeps nothing for a connection."""
        return self

    def dismissed(self, status: int, reason: str) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.request.upgrade == WEBSOCKET:
            raise Refused(501, "the built-in origin speaks HTTP only: ask without an Upgrade field")
        method = b"GET" if exchange.request.method == b"HEAD" else exchange.request.method
        route = self._routes.get((method, exchange.request.target.partition(b"?")[0]))
        if route is None:
            await exchange.finish(Response(status=404, fields=[(b"Content-Length", b"0")]))
        else:
            await route(exchange)

    async def _print(self, exchange: Exchange) -> None:
        body = await _whole_body(exchange)
        self.printed.append(debug_form(body))
        await _whole(exchange, body)


def debug_form(body: bytes) -> str:
    """The body between quotes on one line, as Rust's `{:?}` prints a string; what is no UTF-8 shows as \\xff."""
    return '"' + "".join(map(_escaped, body.decode("utf-8", "surrogateescape"))) + '"'


def _escaped(character: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    if character in named:
        return named[character]
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


async def _hint(exchange: Exchange) -> None:
    await _whole(exchange, b"Try POSTing data to /echo")


async def _whoami(exchange: Exchange) -> None:
    der = fields.read_client_cert(exchange.request.fields)
    certificate = None if der is None else Certificate(der=der)
    if b"application/json" in fields.listed(exchange.request.fields, b"accept"):
        who = certificate and {"subject": certificate.subject, "names": certificate.names}
        await _whole(exchange, json.dumps({"client": who}).encode() + b"\n", (b"Content-Type", b"application/json"))
    else:
        await _whole(exchange, _spoken(certificate).encode() + b"\n")


def _spoken(certificate: Certificate | None) -> str:
    """Common name, then the other names; certificates can hold anything, so only what is printable is shown as is."""
    if certificate is None:
        return NOBODY
    name = certificate.common_name or certificate.subject or "a certificate without a subject"
    text = f"{name} ({', '.join(certificate.names)})" if certificate.names else name
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


async def _echo(exchange: Exchange) -> None:
    await _stream(exchange, bytes)


async def _uppercase(exchange: Exchange) -> None:
    await _stream(exchange, bytes.upper)


async def _stream(exchange: Exchange, change: Callable[[bytes], bytes]) -> None:
    """Answer while the request still comes."""
    length = exchange.request.length
    headers = [_PLAIN, *([] if length is None else [(b"Content-Length", b"%d" % length)])]
    await _go_on(exchange)
    exchange.send(Response(status=200, fields=headers, length=length))
    while isinstance(piece := await exchange.next(), bytes):
        exchange.send(change(piece))
        await exchange.flush(ahead=_READ_AHEAD)
    exchange.send(End())
    await exchange.flush()


async def _reversed(exchange: Exchange) -> None:
    body = await _whole_body(exchange)
    try:
        await _whole(exchange, body.decode()[::-1].encode())
    except UnicodeDecodeError:
        await _whole(exchange, body[::-1])


async def _whole_body(exchange: Exchange) -> bytes:
    size = exchange.request.length or 0
    pieces = bytearray()
    if size <= LONGEST_BODY:
        await _go_on(exchange)
        while len(pieces) <= LONGEST_BODY and isinstance(piece := await exchange.next(), bytes):
            pieces += piece
    if max(size, len(pieces)) > LONGEST_BODY:
        raise Refused(413, f"this path takes bodies of up to {LONGEST_BODY} bytes; /echo takes any")
    return bytes(pieces)


async def _go_on(exchange: Exchange) -> None:
    """A client that asked may send its body (RFC 9110 section 10.1.1)."""
    if exchange.request.waits:
        exchange.send(Response(status=100))
        await exchange.flush()


async def _whole(exchange: Exchange, body: bytes, kind: tuple[bytes, bytes] = _PLAIN) -> None:
    headers = [kind, (b"Content-Length", b"%d" % len(body))]
    await exchange.finish(Response(status=200, fields=headers, length=len(body)), body)
