"""The access log: who came with which certificate, what they asked, and who was refused why.

One line for a request, one for a handshake that came to nothing; as text (`key=value`) or as JSON.

1. Whoever has something to say puts it into a queue and goes on at once: lines are made and written by a thread of
   their own, which gathers for `_GATHER_S` what belongs together. When the queue is full, lines are lost and counted,
   and a line says how many.
2. Everything in a line that a client or a certificate said is escaped: no line break, no control or bidirectional
   character, no quote gets through, so nobody can write a line of their own. Long words are cut.
3. No key, no secret and no request body ever stands in it. A certificate is told by its names and hashes.
4. The file is opened for each batch of lines and closed again: rename it or remove it, and the next line is in a new
   one. A new file is for its owner's eyes only.
5. Why a handshake failed takes milliseconds to find out, many times what it costs a client to fail. So explanations
   get a tenth of one processor; what comes faster is told by OpenSSL's numbers alone.
"""

import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from mtls_lab.handshake import Handshake, explain, verify_code_name
from mtls_lab.proxy.identity import Identity
from mtls_lab.proxy.served import Served

Form = Literal["text", "json"]
FORMS: tuple[Form, ...] = get_args(Form)

ROOM = 10_000
"""Lines that may wait to be written."""
LONGEST_WORD = 1024
"""Letters of one value; the rest is cut."""
MOST_NAMES = 20
"""Names of one kind that are told of one certificate."""

_BATCH = 500
_SHARE = 0.1
_MOST_CREDIT_S = 1.0
_GATHER_S = 0.05
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, backslash and =


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A handshake that came to nothing, and where it came from."""

    address: str
    """The IP address that the client called from."""
    handshake: Handshake
    """What the server saw of it."""


def fields_of(event: Served | Refusal, *, explained: bool = True) -> dict[str, Any]:
    """What a line says, in order; what is empty is left out. Not `explained`, a refusal is told by numbers alone."""
    fields = _of_request(event) if isinstance(event, Served) else _of_refusal(event, explained=explained)
    return {name: _cut(value) for name, value in fields.items() if value not in (None, "", [], {})}


def line(fields: dict[str, Any], form: Form) -> str:
    """One line, without its end: printable ASCII only."""
    if form == "json":
        return json.dumps(fields)  # escapes whatever is not ASCII, and every control character
    return " ".join(_pairs(fields))


class AccessLog:
    """Takes what is to be told and writes it to a file, or to standard output where `path` is None.

    `tell` is called, from the log's own thread, with each new reason why lines cannot be written.
    """

    def __init__(
        self, path: Path | None, *, form: Form = "text", room: int = ROOM, tell: Callable[[str], object] | None = None
    ) -> None:
        if form not in FORMS:
            raise ValueError(f"form={form!r} must be 'text' or 'json'")
        self.lost = 0
        """Lines that were never written: the queue was full, or the file could not be written."""
        self.trouble: str | None = None
        """Why the last batch could not be written; None when it could."""
        self._path, self._form, self._room, self._tell = path, form, room, tell
        self._queue: queue.SimpleQueue[Served | Refusal | None] = queue.SimpleQueue()
        self._told_lost = 0
        self._torn = False
        self._credit_s, self._counted_at = _MOST_CREDIT_S, time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mtls-lab-access-log", daemon=True)
        self._thread.start()

    def put(self, event: Served | Refusal) -> None:
        """Have it written soon. Never waits, never raises."""
        if self._queue.qsize() >= self._room:
            self.lost += 1
        else:
            self._queue.put(event)

    def close(self, limit_s: float = 5.0) -> None:
        """Write what is waiting, for as long as that; may be called twice."""
        if not self._ending.is_set():
            self._ending.set()
            self._queue.put(None)
            self._thread.join(limit_s)

    def _run(self) -> None:
        over = False
        while not over:
            # Each waking costs whoever serves requests a turn of the interpreter, so many lines share one.
            self._ending.wait(_GATHER_S)
            batch = list(self._batch())
            over = batch[-1] is None
            self._write([self._line(event) for event in batch if event is not None])

    def _batch(self) -> Iterator[Served | Refusal | None]:
        """What waits, at least one; ends after None."""
        event = self._queue.get()
        yield event
        for _ in range(_BATCH):
            if event is None or self._queue.empty():
                return
            event = self._queue.get()
            yield event

    def _line(self, event: Served | Refusal) -> str:
        if isinstance(event, Served):
            return line(fields_of(event), self._form)
        began = time.monotonic()
        self._credit_s = min(_MOST_CREDIT_S, self._credit_s + (began - self._counted_at) * _SHARE)
        self._counted_at = began
        fields = fields_of(event, explained=self._credit_s > 0)
        self._credit_s -= time.monotonic() - began
        return line(fields, self._form)

    def _write(self, lines: list[str]) -> None:
        lost = self.lost
        if lost > self._told_lost:
            notice = {"time": _spelled(datetime.now(UTC)), "event": "lines lost", "count": lost - self._told_lost}
            text = f"{line(notice, self._form)}\n".encode()
        else:
            text = b""
        text += "".join(f"{one}\n" for one in lines).encode()
        try:
            self._append(text)
        except OSError as error:
            self.lost += len(lines)
            self._complain(f"the access log {self._path or '(standard output)'} cannot be written: {error.strerror}")
        else:
            self._told_lost, self.trouble = lost, None

    def _append(self, text: bytes) -> None:
        if not text:
            return
        descriptor = 1 if self._path is None else os.open(self._path, _APPEND, 0o600)
        try:
            if self._torn:
                text = b"\n" + text
            while text:
                text = text[os.write(descriptor, text) :]
                self._torn = bool(text)  # should the disk be full now, half a line stands there
        finally:
            if self._path is not None:
                os.close(descriptor)

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble and self._tell is not None:
            self._tell(trouble)
        self.trouble = trouble


# O_CLOEXEC comes by itself; O_BINARY keeps line ends as they are on Windows.
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


def _of_request(served: Served) -> dict[str, Any]:
    decision = served.decision
    return {
        "time": _spelled(served.at),
        "client": _socket(served.address, served.client_port),
        "event": "request",
        "status": served.status or "client left",
        "method": served.method,
        "target": served.target,
        "host": served.host,
        "identity": _named(decision.identity) or "none",
        "allowed": decision.allowed,
        "rule": decision.rule,
        "why": served.trouble or ("" if decision.allowed else decision.reason),
        "bytes": served.size,
        "seconds": round(served.seconds, 4),
    }


def _of_refusal(refusal: Refusal, *, explained: bool) -> dict[str, Any]:
    handshake = refusal.handshake
    failure = handshake.server.failure if handshake.server is not None else None
    fields = {
        "time": _spelled(handshake.at),
        "client": _socket(refusal.address, handshake.client_port or 0),
        "event": "handshake failed",
        "reason": failure and failure.reason,
        "verify": failure and failure.verify_code and verify_code_name(failure.verify_code),
    }
    if not explained:
        return fields
    explanation = explain(handshake.seen_by("server"))
    chain = handshake.client_chain
    return {
        **fields,
        "refused_by": explanation.refused_by,
        "cause": explanation.cause,
        "alert": getattr(explanation.alert, "name", explanation.alert),
        "server_name": handshake.server_name,
        # What the client showed: refused, so it proves nothing.
        "presented": _named(Identity.of(chain[0])) if chain else None,
        "why": f"{explanation.title}: {explanation.presented}",
    }


@lru_cache(maxsize=256)
def _named(identity: Identity | None) -> dict[str, Any]:
    return {} if identity is None else identity.as_dict()


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _socket(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _cut(value: Any) -> Any:
    """Bounded: so long a line, however much a client says."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_WORD else f"{value[:LONGEST_WORD]}...(+{len(value) - LONGEST_WORD})"
    if isinstance(value, list):
        more = [f"...(+{len(value) - MOST_NAMES})"] if len(value) > MOST_NAMES else []
        return [*map(_cut, value[:MOST_NAMES]), *more]
    return {name: _cut(one) for name, one in value.items()} if isinstance(value, dict) else value


def _pairs(fields: dict[str, Any], prefix: str = "") -> Iterable[str]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield f"{prefix}{name}={value if _PLAIN.fullmatch(value) else json.dumps(value)}"
        elif isinstance(value, dict):
            yield from _pairs(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for one in value:
                yield from _pairs({name: one}, prefix)
        else:
            yield f"{prefix}{name}={json.dumps(value)}"
