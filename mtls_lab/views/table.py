"""The truth table: every position of both switches, measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape

from mtls_lab.certificates import Credential
from mtls_lab.handshake import (
    CLIENT_LEVELS,
    SERVER_LEVELS,
    VERSIONS,
    ClientLevel,
    Endpoint,
    Explanation,
    Scenario,
    ServerLevel,
    Version,
    explain,
    rehearse_all,
)
from mtls_lab.views.verdict import verdict
from mtls_lab.views.words import printable

_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_TABLE = "border-collapse:collapse;max-width:860px"
_CAPTION = "text-align:left;padding:4px 0;color:inherit"
_EDGES = {"good": "#2e8b57", "warn": "#b7791f", "bad": "#d64545", "unknown": "#7a8794"}
_LEGEND = "✓ accepted · ! accepted, though somebody went unverified · ✗ refused"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One handshake: three settings and how it ended."""

    presents: str
    """What the client presents, by the name given to it."""
    client_verifies: ClientLevel
    """The client's level."""
    server_verifies: ServerLevel
    """The server's level."""
    explanation: Explanation
    """Who refused whom, and why."""

    @property
    def words(self) -> str:
        """`✓ accepted`, `! accepted`, `✗ server refused: absent`."""
        result, who = verdict(self.explanation), self.explanation.refused_by
        return f"{result.mark} " + ("accepted" if who == "neither" else f"{who} refused: {self.explanation.cause}")


@dataclass(frozen=True, kw_only=True)
class TruthTable:
    """A matrix of handshakes; each cell was measured, none is argued."""

    rows: tuple[Row, ...]
    """Every combination, by what the client presents, then by its level, then by the server's."""

    def explanation(self, *, presents: str, client_verifies: ClientLevel, server_verifies: ServerLevel) -> Explanation:
        """Look one cell up. Raises KeyError, naming what there is, for a combination that was not measured."""
        for row in self.rows:
            if (row.presents, row.client_verifies, row.server_verifies) == (presents, client_verifies, server_verifies):
                return row.explanation
        raise KeyError(
            f"no cell for presents={presents!r}, client_verifies={client_verifies!r}, "
            f"server_verifies={server_verifies!r}; the client presents one of {', '.join(map(repr, self.presents))}"
        )

    @property
    def presents(self) -> tuple[str, ...]:
        """What the client presented, each once, in order."""
        return tuple(dict.fromkeys(row.presents for row in self.rows))

    @property
    def text(self) -> str:
        """The table in aligned columns."""
        return "\n".join(line.rstrip() for line in self._text_lines())

    @property
    def html(self) -> str:
        """The table in HTML, with headers that a screen reader can follow."""
        heads = "".join(
            f'<th scope="col" style="{_CELL}">{head}</th>'
            for head in (
                "client presents",
                "client verifies server",
                *(f"server verifies client: {level}" for level in SERVER_LEVELS),
            )
        )
        return (
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">Who refuses whom, at every position of both '
            f"switches: one real handshake a cell.<br>{escape(_LEGEND)}</caption><thead><tr>{heads}</tr></thead>"
            f"{''.join(self._group(presents) for presents in self.presents)}</table>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text

    def _line(self, presents: str, level: ClientLevel) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if (row.presents, row.client_verifies) == (presents, level))

    def _text_lines(self) -> Iterator[str]:
        head = ("client presents", "client verifies", *(f"server: {level}" for level in SERVER_LEVELS))
        table = [head]
        for presents in self.presents:
            for level in CLIENT_LEVELS:
                cells = self._line(presents, level)
                table.append((presents if level == CLIENT_LEVELS[0] else "", level, *(row.words for row in cells)))
        widths = [max(len(line[column]) for line in table) for column in range(len(head))]
        for place, line in enumerate(table):
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            if place % len(CLIENT_LEVELS) == 0:
                yield "  ".join("─" * width for width in widths)
        yield _LEGEND

    def _group(self, presents: str) -> str:
        lines = []
        for level in CLIENT_LEVELS:
            head = f'<th scope="rowgroup" rowspan="{len(CLIENT_LEVELS)}" style="{_CELL}">{escape(presents)}</th>'
            cells = "".join(map(_cell, self._line(presents, level)))
            first = head if level == CLIENT_LEVELS[0] else ""
            lines.append(f'<tr>{first}<th scope="row" style="{_CELL};font-weight:normal">{level}</th>{cells}</tr>')
        return f"<tbody>{''.join(lines)}</tbody>"


def _cell(row: Row) -> str:
    tone, cause = verdict(row.explanation).tone, row.explanation.cause
    aside = f"<br><small>{escape(cause)}</small>" if tone == "warn" else ""
    return f'<td style="{_CELL};border-left:4px solid {_EDGES[tone]}">{escape(row.words)}{aside}</td>'


def truth_table(
    client: Endpoint,
    server: Endpoint,
    *,
    client_presents: Mapping[str, Credential | None],
    server_name: str = "localhost",
    versions: tuple[Version, ...] = VERSIONS,
) -> TruthTable:
    """Rehearse every client level with every server level, for each thing that the client may present.

    The levels and the credential of `client`, and the level of `server`, are replaced; trust anchors and the
    server's credential stay.
    """
    if not client_presents:
        raise ValueError('client_presents={} leaves nothing to measure: {"nothing": None, "alice": alice}')
    clients = [
        (name, level, replace(client, presents=credential, verifies=level))
        for name, credential in client_presents.items()
        for level in CLIENT_LEVELS
    ]
    servers = [(level, replace(server, verifies=level)) for level in SERVER_LEVELS]
    settings = [(*one, *other) for one in clients for other in servers]
    handshakes = rehearse_all(
        Scenario(client=end, server=peer, server_name=server_name, versions=versions) for _, _, end, _, peer in settings
    )
    rows = (
        Row(presents=printable(name), client_verifies=level, server_verifies=peer_level, explanation=explain(handshake))
        for (name, level, _, peer_level, _), handshake in zip(settings, handshakes, strict=True)
    )
    return TruthTable(rows=tuple(rows))
