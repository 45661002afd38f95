"""A tap between a database client and the server: what an eavesdropper on the line sees of each attempt.

1. libpq may connect more than once in one call (`prefer` and `allow` do, without a word). Each is an attempt.
2. PostgreSQL's protocol begins in the clear. A client that wants TLS sends eight bytes, the SSLRequest, and the
   server answers one byte: S, or N for no. What comes after an S is TLS; everything else is there to be read.
3. It runs in no thread of its own: whoever waits for the client calls `step`, which moves what has come.
"""

import re
import select
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from mtls_lab.handshake import Handshake, Scenario
from mtls_lab.handshake.messages import Wire
from mtls_lab.handshake.values import STRANGER

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's question for TLS."""
_HANDSHAKE = b"\x16"
_CHUNK = 65_536
_FIELD = re.compile(rb"(user|database)\x00([^\x00]+)\x00")
_QUERY = re.compile(rb"Q\x00[\s\S]{3}([^\x00]+)\x00")
"""A simple query: its letter, four bytes of length, the text."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One connection, as it passed the tap."""

    asked: bool
    """The client sent the SSLRequest first."""
    offered: bool
    """The server answered S."""
    encrypted: bool
    """TLS was spoken."""
    clear: bytes = field(repr=False)
    """What the client sent that anybody on the way could read, without the SSLRequest and TLS itself."""
    handshake: Handshake | None = field(repr=False)
    """The TLS handshake as an eavesdropper knows it; None where there was none."""
    server_said: tuple[str, ...]
    """The server's words about it, normalised."""

    @property
    def overheard(self) -> tuple[str, ...]:
        """What of it a person on the way reads: `user=alice`, `query=select 1`, ...; () where TLS hides it."""
        found = [*_FIELD.findall(self.clear), *((b"query", text) for text in _QUERY.findall(self.clear))]
        return tuple(f"{name.decode()}={value.decode('utf-8', 'replace')}" for name, value in found)

    def __str__(self) -> str:
        if self.encrypted:
            way = "over TLS"
        elif self.asked and not self.offered and not self.clear:
            way = "asks for TLS, which the server does not have"
        elif self.asked and not self.clear:
            way = "asks for TLS, and goes away before it begins"
        else:
            way = "in the clear"
        return f"{way}: {self.server_said[-1]}" if self.server_said else way


class Tap:
    """Listens on a port of loopback and passes everything on to the server, and back."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        """Where the client is to call."""
        self.lines: list[Line] = []
        """What was connected, in order."""

    def step(self, timeout_s: float) -> bool:
        """Move what has come within that time; False when nothing had."""
        ends = {end: line for line in self.lines for end in line.open}
        ready, _, _ = select.select([self._door, *ends], [], [], timeout_s)
        for one in ready:
            if one is self._door:
                self.lines.append(Line(self._door.accept()[0], self._to))
            elif one in ends:
                ends[one].move(one)
        return bool(ready)

    @property
    def open(self) -> bool:
        """Somebody may still say something."""
        return any(line.open for line in self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
        for line in self.lines:
            line.close()


class Line:
    """One client's connection and ours to the server."""

    def __init__(self, client: socket.socket, port: int) -> None:
        self.at = datetime.now(UTC)
        self._client = client
        self._server = socket.create_connection(("127.0.0.1", port))
        self.port = int(self._server.getsockname()[1])
        """The port that the server sees the client come from."""
        self.open = [self._client, self._server]
        """The ends that have not said that they are done."""
        self._passed = list[tuple[bool, bytes]]()

    def move(self, end: socket.socket) -> None:
        """Pass on what that end has sent, or that it is done.

        An end that takes no more may have said why before that: its last words are passed on all the same.
        """
        other = self._server if end is self._client else self._client
        try:
            piece = end.recv(_CHUNK)
        except OSError:
            piece = b""  # it broke off: no more will come, as after an end of file
        with suppress(OSError):  # the other is gone already
            if piece:
                self._passed.append((end is self._client, piece))
                other.sendall(piece)
            else:
                self.open.remove(end)
                other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of both ends."""
        self.open.clear()
        self._client.close()
        self._server.close()

    def attempt(self, server_said: tuple[str, ...]) -> Attempt:
        """What it came to."""
        sent = b"".join(piece for from_client, piece in self._passed if from_client)
        answer = b"".join(piece for from_client, piece in self._passed if not from_client)[:1]
        asked = sent.startswith(SSL_REQUEST)
        rest = sent[len(SSL_REQUEST) :] if asked else sent
        # Since libpq 17 a client can do without the question (sslnegotiation=direct).
        encrypted = rest.startswith(_HANDSHAKE) and (not asked or answer == b"S")
        return Attempt(
            asked=asked,
            offered=answer == b"S",
            encrypted=encrypted,
            clear=b"" if encrypted else rest,
            handshake=self._handshake(asked=asked) if encrypted else None,
            server_said=server_said,
        )

    def _handshake(self, *, asked: bool) -> Handshake:
        """The bytes after question and answer, without any secret."""
        skip = {True: len(SSL_REQUEST), False: 1} if asked else {True: 0, False: 0}
        wire = list[tuple[bool, bytes]]()
        for from_client, piece in self._passed:
            wire.append((from_client, piece[skip[from_client] :]))
            skip[from_client] = max(0, skip[from_client] - len(piece))
        named: Wire = tuple(("client" if from_client else "server", piece) for from_client, piece in wire if piece)
        return overheard_handshake(named, self.at)


def overheard_handshake(wire: Wire, at: datetime) -> Handshake:
    """A handshake of which nothing is known but its bytes."""
    strangers = Scenario(client=STRANGER, server=STRANGER)
    return Handshake(scenario=strangers, client=None, server=None, at=at, wire=wire).overheard()
