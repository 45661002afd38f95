"""One run of a database client, as a `Call`."""

import re
from dataclasses import dataclass

from mtls_lab.clients.call import Call
from mtls_lab.clients.postgres.said import plain
from mtls_lab.clients.postgres.tap import Attempt

_WHERE = re.compile(
    r"^(?:psql: )?(?:error: )?(?:connection to server at .*? failed: |connection failed: )*", re.MULTILINE
)
_FATAL = re.compile(r"^FATAL:  ", re.MULTILINE)
_HINTS = ("Either provide the file", "Either ", "\tIs the server", "connection to server on socket")


@dataclass(frozen=True, kw_only=True, repr=False)
class DatabaseCall(Call):
    """One run of psql or psycopg. `print(call)` is the same on every run: ports and one version's dialect are left out.

    libpq has no numbers for its refusals, so their words stand here, in the form that all versions share.
    """

    attempts: tuple[Attempt, ...] = ()
    """Each connection that it made, in order; `prefer` and `allow` may make two."""
    recorded_on: str | None = None
    """The day it was recorded, with the server that answered; None: it was run just now."""

    @property
    def accepted(self) -> bool:
        """The query was answered."""
        return self.body is not None

    @property
    def encrypted(self) -> bool:
        """The connection that answered, or was refused last, spoke TLS."""
        return bool(self.attempts) and self.attempts[-1].encrypted

    @property
    def reason(self) -> str:
        """Why there was no answer, in the client's words: one sentence for each connection; "" when there was one."""
        return "" if self.accepted else self.missing or said_by_client(self.output) or "no answer came in time"

    @property
    def server_said(self) -> tuple[str, ...]:
        """What the server wrote into its log about it, normalised."""
        return tuple(words for attempt in self.attempts for words in attempt.server_said)

    @property
    def verdict(self) -> str:
        """One line: `accepted, over TLS`, `accepted, in the clear`, `refused: ...`."""
        if self.accepted:
            return "accepted, over TLS" if self.encrypted else "accepted, in the clear"
        return f"not run: {self.missing}" if self.missing else f"refused: {self.reason}"

    def __str__(self) -> str:
        line = re.sub(rf"(port=){self.port}\b", r"\1PORT", self.line)
        tried = [f"  attempt {number}, {one}" for number, one in enumerate(self.attempts, 1)]
        return "\n".join([line, *(tried if len(tried) > 1 else ()), self.verdict])

    def __repr__(self) -> str:
        return f"DatabaseCall({self.program!r}, {self.verdict})"


def said_by_client(output: str) -> str:
    """What the client complained of, without addresses and hints; several connections' complaints side by side."""
    lines = [line for line in output.splitlines() if line and not line.startswith(_HINTS)]
    bare = (_FATAL.sub("", _WHERE.sub("", line)).strip() for line in lines)
    return "; ".join(dict.fromkeys(plain(line) for line in bare if line))
