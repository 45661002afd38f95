"""What passes between a client, the proxy and an origin: heads, pieces of body, ends.

Named tuples, where the rest of the package has frozen dataclasses: three are made for every request, each in a quarter
of the time.
"""

from typing import NamedTuple

from mtls_lab.proxy.fields import Fields


class Malformed(Exception):
    """Not the HTTP that this proxy passes on. `status` is what a client should be answered."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Request(NamedTuple):
    """A request's head."""

    method: bytes
    """GET, POST ..."""
    target: bytes
    """Path and query, or *."""
    host: bytes
    """The authority that the client asked for, b"" for none (HTTP/1.0)."""
    fields: Fields
    """Its fields in order."""
    length: int | None
    """Bytes of body; None when only its end will tell (chunked)."""
    version: str = "1.1"
    """The client's version of HTTP."""
    keeps: bool = True
    """The client would send another request on this connection."""
    waits: bool = False
    """The client wants to hear 100 before it sends its body (RFC 9110 section 10.1.1)."""
    upgrade: bytes = b""
    """The protocol it would rather speak, in lower case."""
    connection: frozenset[bytes] = frozenset()
    """What Connection lists, in lower case."""


class Response(NamedTuple):
    """An answer's head."""

    status: int
    """200, 404 ..."""
    fields: Fields = ()
    """Its fields in order."""
    length: int | None = 0
    """Bytes of body; None when only its end will tell."""
    reason: bytes = b""
    """The words after the status, b"" for the usual ones."""
    keeps: bool = True
    """The origin would take another request on this connection."""
    upgrade: bytes = b""
    """The protocol it changes to, in lower case."""
    connection: frozenset[bytes] = frozenset()
    """What Connection lists, in lower case."""


class End(NamedTuple):
    """The end of a message."""

    fields: Fields = ()
    """Trailers, after a chunked body."""


Event = Request | Response | bytes | End

END = End()
"""The end of a message without trailers."""
