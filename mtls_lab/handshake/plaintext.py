"""An end that was never told about TLS: it speaks HTTP to the port. The same methods as `TLSConnection`."""

from mtls_lab.handshake.messages import Role, Wire
from mtls_lab.handshake.values import Failure, Side

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_ANSWER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PlainConnection:
    """One end of a connection without TLS, sans I/O: one request, one answer."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role
        self.completed = False
        """The peer spoke HTTP, too."""
        self.failure: Failure | None = None
        self.closed = False
        self._pending = b""
        self._wire: list[tuple[Role, bytes]] = []

    @property
    def wire(self) -> Wire:
        """What passed, each piece with its sender."""
        return tuple(self._wire)

    def start(self) -> None:
        """A client asks at once."""
        self._pending = _REQUEST

    def receive(self, data: bytes) -> bytes:
        """A server answers whatever it was sent with 400, as it can't have been a request; a client gives up."""
        if data:
            self._wire.append(("server" if self.role == "client" else "client", data))
        if self.closed or self.failure is not None:
            return b""
        self.closed = True
        if data.startswith((b"HTTP/", b"GET ")):
            self.completed = True
            return data
        reason, text = ("NOT_HTTP", "the peer does not speak HTTP") if data else ("EOF", "the peer closed")
        self.failure = Failure(during="handshake", reason=reason, text=text)
        if self.role == "server" and data:
            self._pending = _ANSWER
        return b""

    def send(self, plaintext: bytes) -> None:
        """Nothing more to say."""

    def close(self) -> None:
        """Nothing is queued: HTTP says no goodbye."""

    def outgoing(self) -> bytes:
        """What is to be delivered to the peer."""
        data, self._pending = self._pending, b""
        if data:
            self._wire.append((self.role, data))
        return data

    def side(self) -> Side:
        """What this end has seen."""
        return Side(role=self.role, completed=self.completed, failure=self.failure, version=None, cipher=None)
