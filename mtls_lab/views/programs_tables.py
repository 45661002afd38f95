"""The tables of who gets in: a line for each program, and what three callers saw of each server."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from mtls_lab.clients.recipes import CALLERS
from mtls_lab.clients.rosetta import Row, Spoken
from mtls_lab.views.words import printable

_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_TABLE = "border-collapse:collapse;margin:8px 0"
_CAPTION = "text-align:left;font-weight:bold;padding:4px 0;color:inherit"
_WORDS = 110
"""Characters of one program's words that are shown."""
_CALLERS_WORDS = ("alice", "nobody: no certificate", "mallory: a stranger's certificate")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One program in a table."""

    name: str
    """The program's name."""
    row: Row
    """What came of it."""
    missing: str = ""
    """Why it was not run here; "" when it was."""

    @property
    def label(self) -> str:
        """Name and version, when it was run or recorded."""
        return _label(self.row.client)

    @property
    def ran(self) -> str:
        """`live`, or `not run here: recorded 2026-11-24`."""
        return _ran(self.missing, self.row.client.on)

    @property
    def verdict(self) -> str:
        """`in, as CN=alice`, or `refused`."""
        return f"in, as {self.row.server_words}" if self.row.accepted else "refused"


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Who got in, and as whom."""

    lines: tuple[Line, ...]
    """A line for each program."""

    @property
    def verdicts(self) -> dict[str, str]:
        """What came of each, live or recorded: the same on every machine."""
        return {line.name: line.verdict for line in self.lines}

    @property
    def text(self) -> str:
        """The table in aligned columns."""
        head = ("program", "run", "the server says")
        return "\n".join(_columns([head, *((line.label, line.ran, _said(line)) for line in self.lines)]))

    @property
    def html(self) -> str:
        """The table in HTML, with headers that a screen reader can follow."""
        caption = "Who got in, and as whom: the server's word for it"
        rows = ((escape(line.label), escape(line.ran), escape(_said(line))) for line in self.lines)
        return _html(caption, ("Program", "Run", "The server says"), rows)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server in a table."""

    name: str
    """The program's name."""
    receptions: dict[str, Row]
    """What each caller met with."""
    missing: str = ""
    """Why it was not run here; "" when it was."""

    @property
    def label(self) -> str:
        """Name and version, when it was run or recorded."""
        return _label(self.receptions["alice"].server)

    @property
    def ran(self) -> str:
        """`live`, or when it was recorded."""
        return _ran(self.missing, self.receptions["alice"].server.on)

    @property
    def verdicts(self) -> tuple[str, ...]:
        """For alice, nobody and mallory."""
        return tuple(self.receptions[caller].server_words for caller in CALLERS)


@dataclass(frozen=True, kw_only=True)
class Policies:
    """One policy on several servers: what each of three callers met with."""

    servers: tuple[Server, ...]
    """A row for each server."""

    @property
    def verdicts(self) -> dict[str, tuple[str, ...]]:
        """What alice, nobody and mallory met with, live or recorded: the same on every machine."""
        return {server.name: server.verdicts for server in self.servers}

    @property
    def text(self) -> str:
        """Each server with what its callers saw."""
        return "\n".join(self._text_lines())

    @property
    def html(self) -> str:
        """The table in HTML, with headers that a screen reader can follow."""
        caption = "The same policy on each server, and what three callers saw"
        rows = (
            (
                f"{escape(server.label)}<br><small>{escape(server.ran)}</small>",
                *(_reception_html(server.receptions[caller]) for caller in CALLERS),
            )
            for server in self.servers
        )
        return _html(caption, ("Server", *_CALLERS_WORDS), rows)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text

    def _text_lines(self) -> Iterator[str]:
        for server in self.servers:
            yield f"{server.label} ({server.ran})"
            for caller in CALLERS:
                row = server.receptions[caller]
                head = f"    {caller:8} {row.server_words}"
                aside = f": {_words(row.client_words)}"
                yield from wrap(head + aside, 98, subsequent_indent=" " * 13)


def _label(program: Spoken) -> str:
    """`curl 7.88.1`, `urllib (Python 3.11.7)`."""
    named = program.version.lower().startswith(program.name.lower())
    return program.version if named else f"{program.name} ({program.version})"


def _ran(missing: str, on: str) -> str:
    if not missing:
        return "live"
    return f"{'not installed here' if 'not installed' in missing else 'did not run here'}: recorded {on}"


def _said(line: Line) -> str:
    return line.verdict if line.row.accepted else f"refused; the program: {_words(line.row.client_words)}"


def _words(words: str) -> str:
    return printable(" ".join(words.split()), limit=_WORDS)


def _reception_html(row: Row) -> str:
    style = "font-size:13px;overflow-wrap:break-word;background:none;color:inherit;padding:0"
    words = escape(_words(row.client_words))
    return f'<strong>{escape(row.server_words)}</strong><br><code style="{style}">{words}</code>'


def _columns(table: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _html(caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; what is in `rows` is HTML already."""
    lines = "".join(
        f'<tr><th scope="row" style="{_CELL};font-weight:normal">{first}</th>'
        f"{''.join(f'<td style={chr(34)}{_CELL}{chr(34)}>{cell}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    columns = "".join(f'<th scope="col" style="{_CELL}">{escape(head)}</th>' for head in heads)
    return (
        f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table>"
    )
