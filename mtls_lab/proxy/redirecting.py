"""Plain HTTP, answered with the address where the same is served over TLS (RFC 9110 section 15.4).

1. Location names the host that was asked for, if our certificate is for it, else the first name that it is for: nobody
   is sent to an address that a stranger put into Host, nor to one such as 0.0.0.0.
2. The port is the one that TLS is served on, left out where it is 443.
3. 301 for GET and HEAD, which browsers keep; 308 for the rest, so that a POST stays one.
4. What stands in `answers` for a path is answered as it is: an ACME server asks for its token here, in plain HTTP
   (RFC 8555 section 8.3).
5. One request, one answer, and the connection ends. Who says nothing for `PATIENCE_S` is hung up on.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from mtls_lab.certificates import Certificate
from mtls_lab.proxy.exchange import head, page
from mtls_lab.proxy.messages import Malformed, Request, Response
from mtls_lab.proxy.request_reader import RequestReader

PATIENCE_S = 10.0
"""How long a client may take to ask, and to hang up after it was answered."""
_HTTPS = 443


class PlainConnection(asyncio.Protocol):
    """One client's connection to the port that redirects. `leaf` tells the certificate in force."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        leaf: Callable[[], Certificate],
        port: int,
        answers: Mapping[bytes, bytes],
    ) -> None:
        self._loop, self._leaf, self._port, self._answers = loop, leaf, port, answers
        self._reader = RequestReader()
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(PATIENCE_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._answered:
            return  # a body nobody wants: read and forgotten, for a reset would destroy the answer
        try:
            self._reader.feed(data)
            asked = self._reader.next()
        except Malformed as malformed:
            self._answer(*page(malformed.status, f"{malformed}\n"))
            return
        if isinstance(asked, Request):
            self._answer(*self._redirection(asked))

    def eof_received(self) -> bool:
        self._transport.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio calls it so
        self._timer.cancel()

    def _redirection(self, asked: Request) -> tuple[Response, bytes]:
        if (ready := self._answers.get(asked.target)) is not None:
            return page(200, ready.decode())
        if not asked.target.startswith(b"/"):
            return page(400, "there is nothing here but redirections to https://\n")
        place = location(asked.host.decode("latin-1"), self._leaf(), self._port)
        if place is None:
            return page(404, "the certificate of this server names no host to send you to\n")
        response, body = page(301 if asked.method in {b"GET", b"HEAD"} else 308, f"Ask {place}\n")
        fields = [*response.fields, (b"Location", place.encode() + asked.target)]
        return response._replace(fields=fields), b"" if asked.method == b"HEAD" else body

    def _answer(self, response: Response, body: bytes) -> None:
        self._answered = True
        self._transport.write(head(response, [*response.fields, (b"Connection", b"close")]) + body)
        if self._transport.can_write_eof():
            self._transport.write_eof()


def location(host: str, leaf: Certificate, port: int) -> str | None:
    """The origin part of the address, by rules 1 and 2; None where the certificate names no host."""
    name = _without_port(host)
    if not name or not leaf.matches_name(name):
        name = next(iter(_hosts(leaf)), "")
    if not name:
        return None
    return f"https://{f'[{name}]' if ':' in name else name}{'' if port == _HTTPS else f':{port}'}"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _hosts(leaf: Certificate) -> list[str]:
    """Host names without wildcards, then addresses."""
    names = [name.removeprefix("DNS:") for name in leaf.names if name.startswith("DNS:") and "*" not in name]
    return names + [name.removeprefix("IP:") for name in leaf.names if name.startswith("IP:")]
