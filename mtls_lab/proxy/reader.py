"""HTTP/1.1 as it arrives: bytes go in, messages come out, and whatever two readers could read differently is refused.

llhttp (Node's parser, by way of httptools) does the reading, strictly: its leniency flags are all off, which refuses
bare LF and CR, folded lines, space before a colon, two lengths, a length beside chunks, and every odd chunk size. What
is still too lenient for a proxy is refused here:

1. HTTP/1.1 and 1.0, nothing else: llhttp reads 0.9 and 2.0 too.
2. `chunked` is the only transfer coding, and HTTP/1.0 has none (RFC 9112 section 6.1): nobody knows where
   `gzip, chunked` in HTTP/1.0 ends.
3. One Host, and one that is a host (section 3.2). A target is a path, an http URL, or * with OPTIONS; no fragment.
4. A head has at most `LONGEST_HEAD` bytes and `MOST_FIELDS` fields, trailers too. The same number of bytes may pass
   without anything coming of them: that bounds chunk extensions, which are read and dropped (section 7.1.1).
5. A request that asks for an upgrade has no body: llhttp would take its body for the other protocol.
6. After something was refused nothing more is read: whatever follows it, nobody knows where it begins.

Messages are written anew for the next connection, from what was read: no byte of framing passes.
"""

from collections import deque
from typing import Any

from httptools.parser.errors import HttpParserError, HttpParserUpgrade

from mtls_lab.proxy.fields import Fields, members
from mtls_lab.proxy.messages import END, End, Event, Malformed

LONGEST_HEAD = 65_536
"""Bytes that a request line and its fields may take together."""
MOST_FIELDS = 100
"""Fields that a message may have."""
VERSIONS = ("1.1", "1.0")
"""The versions of HTTP that are read."""
NONE: frozenset[bytes] = frozenset()
"""What Connection lists when it is not there."""

_BLANK = b" \t"
_ALONE = {one: frozenset({one}) for one in (b"close", b"keep-alive")}
_TELLING = frozenset(b"connection content-length expect host transfer-encoding upgrade".split())


class Reader:
    """Messages from one end of a connection. What begins with `on_` is for llhttp to call."""

    def __init__(self) -> None:
        self.backlog = 0
        """Bytes of body that are read and not taken."""
        self.rest: bytes | None = None
        """What follows a message that changes the protocol; None while HTTP is spoken."""
        self._parser: Any
        self._events: deque[Event] = deque()
        self._trouble: Malformed | None = None
        self._inside = self._in_body = False
        self._fields: list[tuple[bytes, bytes]] = []
        self._quiet = self._arriving = 0
        self._begin()

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if self._trouble is not None:
            return
        if self.rest is not None:
            self.rest += data
            return
        self._arriving = len(data)
        self._quiet += self._arriving
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self.rest = bytes(data[upgrade.args[0] :])
        except HttpParserError as error:
            self._refuse(self._status_of(error, data), f"not valid HTTP/1.1: {str(error) or type(error).__name__}")
        if self._quiet > LONGEST_HEAD:
            self._refuse(400 if self._in_body else 431, f"more than {LONGEST_HEAD} bytes of fields or chunk extensions")

    def next(self) -> Event | None:
        """The next of a message; None when more has to arrive for it. Raises Malformed."""
        if self._events:
            event = self._events.popleft()
            if type(event) is bytes:
                self.backlog -= len(event)
            return event
        if self._trouble is not None:
            raise self._trouble
        return None

    @property
    def begun(self) -> bool:
        """A part of a message has arrived, and not all of it."""
        return self._inside and self.rest is None

    @property
    def at_end(self) -> bool:
        """The message's end is the next that comes."""
        return bool(self._events) and type(self._events[0]) is End

    @property
    def whole(self) -> bool:
        """The message's end has arrived, whether it was taken or not."""
        return bool(self._events) and type(self._events[-1]) is End

    @property
    def clean(self) -> bool:
        """Nothing has arrived that was not taken."""
        return not (self._events or self._inside or self._trouble or self.rest)

    def go_on(self) -> None:
        """Read what follows as HTTP again: the protocol was not changed."""
        rest, self.rest = self.rest, None
        self._begin()
        if rest:
            self.feed(rest)

    def on_message_begin(self) -> None:
        self._inside = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value.rstrip(_BLANK)))

    def on_body(self, piece: bytes) -> None:
        self._quiet = 0
        if self._trouble is None:
            self.backlog += len(piece)
            self._events.append(piece)

    def on_message_complete(self) -> None:
        self._inside = self._in_body = False
        self._quiet = 0
        if self._trouble is not None:
            return
        if not self._fields:
            self._events.append(END)
        elif self._bounded():
            self._events.append(End(self._fields))
            self._fields = []

    def _begin(self) -> None:
        raise NotImplementedError

    def _status_of(self, error: HttpParserError, data: bytes) -> int:
        raise NotImplementedError

    def _refuse(self, status: int, text: str) -> None:
        if self._trouble is None:
            self._trouble = Malformed(status, text)

    def _bounded(self) -> bool:
        fields = self._fields
        if len(fields) > MOST_FIELDS:
            self._refuse(431, f"more than {MOST_FIELDS} fields")
        elif (
            self._quiet + self._arriving > LONGEST_HEAD
            and sum(len(name) + len(value) for name, value in fields) > LONGEST_HEAD
        ):
            self._refuse(431, f"more than {LONGEST_HEAD} bytes of fields")
        return self._trouble is None

    def _take_fields(self) -> tuple[Fields, dict[bytes, list[bytes]]]:
        """The fields up to here; and, by lower-case name, the values of those that say how the message is read."""
        self._quiet = 0
        self._in_body = True
        fields, self._fields = self._fields, []
        telling: dict[bytes, list[bytes]] = {}
        for name, value in fields:
            lower = name.lower()
            if lower in _TELLING:
                if lower in telling:
                    telling[lower].append(value)
                else:
                    telling[lower] = [value]
        return fields, telling


def connection_of(values: list[bytes]) -> frozenset[bytes]:
    """What Connection lists."""
    alone = values[0].lower()
    return _ALONE[alone] if alone in _ALONE and len(values) == 1 else frozenset(members(values))


def length_of(by_name: dict[bytes, list[bytes]], version: str, status: int, *, absent: int | None = 0) -> int | None:
    """Bytes of body, None when only its end will tell (RFC 9112 section 6.3); `absent` when no field says anything."""
    codings = by_name.get(b"transfer-encoding")
    if codings is not None:
        if b"content-length" in by_name:
            raise Malformed(400, "Content-Length and Transfer-Encoding contradict each other (RFC 9112 section 6.1)")
        if version != "1.1":
            raise Malformed(400, "HTTP/1.0 knows no Transfer-Encoding (RFC 9112 section 6.1)")
        if len(codings) != 1 or codings[0].lower() != b"chunked":
            raise Malformed(status, "chunked is the only transfer coding that this proxy knows")
        return None
    lengths = by_name.get(b"content-length")
    if lengths is None:
        return absent
    if len(lengths) != 1 or not lengths[0].isdigit():
        raise Malformed(400, "Content-Length must be one number (RFC 9112 section 6.3)")
    return int(lengths[0])
