"""The sslmode ladder: what libpq does at each of its six modes, against the right server and against impostors."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path

from mtls_lab.clients.postgres import MODES, DatabaseCall, Server, psql
from mtls_lab.views.words import printable

_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_TABLE = "border-collapse:collapse;max-width:860px"
_CAPTION = "text-align:left;padding:4px 0;color:inherit"
_EDGES = {"✓": "#2e8b57", "!": "#b7791f", "‼": "#d64545", "✗": "#7a8794"}
_LEGEND = (
    "✓ as it should be · ! anybody on the way can read it · ‼ fooled by an impostor · ✗ no way to the right server"
)
_AT_ONCE = 2
"""Calls at a time: each is two processes."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One call: a mode and a server."""

    mode: str
    """The sslmode."""
    server: str
    """Whom it called, by the name given."""
    honest: bool
    """It was the right server."""
    call: DatabaseCall
    """What happened."""

    @property
    def mark(self) -> str:
        """How good that is, in one sign of the legend."""
        if not self.call.accepted:
            return "✗" if self.honest else "✓"
        if not self.honest:
            return "‼"
        return "✓" if self.call.encrypted else "!"

    @property
    def words(self) -> str:
        """`✓ over TLS`, `‼ fooled, in the clear`, `✓ refused`."""
        if self.call.missing:
            return "not run"
        if not self.call.accepted:
            return f"{self.mark} refused"
        way = "over TLS" if self.call.encrypted else "in the clear"
        return f"{self.mark} {way}" if self.honest else f"{self.mark} fooled, {way}"


@dataclass(frozen=True, kw_only=True)
class SslmodeLadder:
    """Every mode with every server; each cell was measured, none is argued."""

    sslrootcert: str | None
    """The root file that was named; None: none was."""
    rungs: tuple[Rung, ...]
    """By mode, then by server."""

    def call(self, mode: str, server: str) -> DatabaseCall:
        """Look one cell up. Raises KeyError, naming what there is."""
        for rung in self.rungs:
            if (rung.mode, rung.server) == (mode, server):
                return rung.call
        raise KeyError(f"no cell for mode={mode!r}, server={server!r}; servers: {', '.join(map(repr, self.servers))}")

    @property
    def servers(self) -> tuple[str, ...]:
        """Whom it called, in order."""
        return tuple(dict.fromkeys(rung.server for rung in self.rungs))

    @property
    def title(self) -> str:
        """What was held still."""
        return (
            f"sslrootcert={self.sslrootcert}" if self.sslrootcert else "no sslrootcert, and no ~/.postgresql/root.crt"
        )

    @property
    def text(self) -> str:
        """The table in aligned columns."""
        return "\n".join(line.rstrip() for line in self._text_lines())

    @property
    def html(self) -> str:
        """The table in HTML, with headers that a screen reader can follow."""
        heads = "".join(f'<th scope="col" style="{_CELL}">{escape(head)}</th>' for head in ("sslmode", *self.servers))
        rows = "".join(self._row(mode) for mode in self._modes)
        return (
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">psql at each sslmode, with {escape(self.title)}: one '
            f"real call a cell.<br>{escape(_LEGEND)}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text

    @property
    def _modes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rung.mode for rung in self.rungs))

    def _of(self, mode: str) -> tuple[Rung, ...]:
        return tuple(rung for rung in self.rungs if rung.mode == mode)

    def _text_lines(self) -> Iterator[str]:
        table = [("sslmode", *self.servers), *((mode, *(one.words for one in self._of(mode))) for mode in self._modes)]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        yield f"With {self.title}:"
        for place, line in enumerate(table):
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            if place == 0:
                yield "  ".join("─" * width for width in widths)
        yield _LEGEND

    def _row(self, mode: str) -> str:
        cells = "".join(
            f'<td style="{_CELL};border-left:4px solid {_EDGES[one.mark]}">{escape(one.words)}</td>'
            for one in self._of(mode)
        )
        return f'<tr><th scope="row" style="{_CELL}">{mode}</th>{cells}</tr>'


def sslmode_ladder(
    servers: Mapping[str, Server], *, folder: str | Path, sslrootcert: str | None = None, host: str = "localhost"
) -> SslmodeLadder:
    """Call each server at each mode. The first server is the right one, every other an impostor."""
    if not servers:
        raise ValueError('servers={} leaves nobody to call: {"the right server": right, "an impostor": impostor}')
    right = next(iter(servers))
    pairs = [(mode, name) for mode in MODES for name in servers]

    def call(pair: tuple[str, str]) -> DatabaseCall:
        return psql(servers[pair[1]], folder=folder, host=host, sslmode=pair[0], sslrootcert=sslrootcert)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        calls = pool.map(call, pairs)
        rungs = tuple(
            Rung(mode=mode, server=printable(name), honest=name == right, call=one)
            for (mode, name), one in zip(pairs, calls, strict=True)
        )
    return SslmodeLadder(sslrootcert=sslrootcert, rungs=rungs)
