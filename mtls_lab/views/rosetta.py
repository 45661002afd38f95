"""Rosetta's table: one fault, the lab's explanation, and what each program says of it in its own words.

The words come from the recording, so that the table is the same on every machine, or from a live run. Where a program
says the same to everybody, that is one line; where not, each line says to whom.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from mtls_lab.clients.rosetta import (
    CLIENTS,
    SERVERS,
    STARTING,
    Row,
    Spoken,
    Staging,
    Troupe,
    lab_server,
    merge,
    play,
    recorded,
    stagings,
)
from mtls_lab.handshake import Explanation, Role, Version, explain, rehearse, verify_code_name
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.views.card import verdict_html
from mtls_lab.views.verdict import verdict
from mtls_lab.views.words import capital, printable, version_words

ACCEPTS = "accepts: no error"
SILENT = "says nothing"
_LIMIT = 500
"""Characters of one program's words that are shown."""
CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_CODE = (
    "font-size:13px;white-space:pre-wrap;overflow-wrap:anywhere;font-family:var(--jp-code-font-family, monospace);"
    "background:none;color:inherit;padding:0"
)


@dataclass(frozen=True, kw_only=True)
class Says:
    """What one program says, and to whom."""

    words: str
    """Its words; `ACCEPTS`, or `SILENT`."""
    to: tuple[str, ...]
    """The programs at the other end; () where it says so to everybody."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One program in the table."""

    spoken: Spoken
    """Its name and version, and when it said so."""
    recorded: bool
    """It was not run just now."""
    says: tuple[Says, ...]
    """All that it says of this fault."""

    @property
    def name(self) -> str:
        """`curl 7.88.1 (OpenSSL 3.0.19)`."""
        said = self.spoken.name.lower() in self.spoken.version.lower()
        return self.spoken.version if said else f"{self.spoken.name}: {self.spoken.version}".removesuffix(": ")

    @property
    def label(self) -> str:
        """`curl 7.88.1 (OpenSSL 3.0.19), recorded 2026-11-24`."""
        return f"{self.name}, recorded {self.spoken.on}" if self.recorded else self.name

    @property
    def label_html(self) -> str:
        """The same in HTML."""
        aside = f"<br><small>recorded {escape(self.spoken.on)}</small>" if self.recorded else ""
        return f"{escape(self.name)}{aside}"


@dataclass(frozen=True, kw_only=True)
class Rosetta:
    """One fault on one side in one TLS version, and what everybody said."""

    fault: str
    """The exhibit's slug."""
    side: Role
    """Who has it."""
    tls: Version
    """The TLS version."""
    explanation: Explanation
    """The lab's own word on it, both sides known."""
    rows: tuple[Row, ...]
    """Every pair of programs."""

    @classmethod
    def of(cls, staging: Staging, rows: Iterable[Row]) -> "Rosetta":
        """The table for that staging: the handshake is rehearsed and explained now, the rows are given."""
        return cls(
            fault=staging.fault,
            side=staging.side,
            tls=staging.tls,
            explanation=explain(rehearse(staging.scenario)),
            rows=tuple(rows),
        )

    @property
    def heading(self) -> str:
        """`Expired (expired), at the server, TLS 1.3`."""
        return f"{EXHIBITS[self.fault].title} ({self.fault}), at the {self.side}, {version_words(self.tls)}"

    @property
    def clients(self) -> tuple[Speaker, ...]:
        """What each client program says."""
        return _speakers((row for row in self.rows if row.client.name != STARTING), "client")

    @property
    def servers(self) -> tuple[Speaker, ...]:
        """What each server program says."""
        return _speakers(self.rows, "server")

    @property
    def text(self) -> str:
        """The table in plain text, 100 columns at most."""
        return "\n".join(self._text_lines())

    @property
    def html(self) -> str:
        """The table in HTML: no script, no style sheet, headers that a screen reader can follow."""
        exhibit = EXHIBITS[self.fault]
        sentence = " ".join(exhibit.sentence.split())
        return (
            f'<div style="max-width:960px;line-height:1.5"><p style="margin:4px 0"><strong>{escape(self.heading)}'
            f"</strong><br>{escape(sentence)} <small>{escape(exhibit.reference)}</small></p>"
            f"{verdict_html(verdict(self.explanation))}{_facts_html(self.explanation)}"
            f"{_table('What each client says', 'to', self.clients)}"
            f"{_table('What each server says', 'of', self.servers)}</div>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text

    def _text_lines(self) -> Iterator[str]:
        exhibit = EXHIBITS[self.fault]
        yield self.heading
        yield from wrap(f"{' '.join(exhibit.sentence.split())} {exhibit.reference}", 98)
        yield ""
        yield from wrap(f"the lab: {verdict(self.explanation).line}", 98, subsequent_indent="  ")
        if facts := "; ".join(_facts(self.explanation)):
            yield from wrap(facts, 98, initial_indent="  ", subsequent_indent="  ")
        for title, to, speakers in (("clients", "to", self.clients), ("servers", "of", self.servers)):
            yield ""
            yield title if speakers else f"{title}: nobody was asked"
            for speaker in speakers:
                yield f"  {speaker.label}"
                for one in speaker.says:
                    aside = f"[{to} {', '.join(one.to)}] " if one.to else ""
                    for line in _shown(one.words).splitlines():
                        yield from wrap(f"{aside}{line}", 98, initial_indent=" " * 6, subsequent_indent=" " * 8)
                        aside = ""


def rosetta(fault: str, *, side: Role | None = None, tls: Version = "TLSv1.3", live: bool = False) -> Rosetta:
    """One fault in everybody's words: from the recording, or `live` with every program that this machine has.

    Without a side it is the server's fault where a server can have it. Raises ValueError for a fault, side or
    version that there is not.
    """
    if fault not in EXHIBITS:
        raise ValueError(f"fault={fault!r} is none of the gallery's: choose one of {', '.join(EXHIBITS)}")
    chosen = side or ("server" if "server" in EXHIBITS[fault].sides else "client")
    staged = list(stagings([fault], sides=[chosen], versions=[tls]))
    if not staged:
        exhibit = EXHIBITS[fault]
        raise ValueError(
            f"side={side!r}, tls={tls!r}: {fault!r} is there for {' and '.join(exhibit.sides)}, "
            f"in {' and '.join(exhibit.versions)}"
        )
    rows = tuple(row for row in recorded() if (row.fault, row.side, row.tls) == (fault, chosen, tls))
    if live:
        # Only here: what is recorded needs no sockets.
        from mtls_lab.proxy import Proxy

        troupe = Troupe.gather(CLIENTS.values(), [lab_server(Proxy), *SERVERS.values()])
        rows = merge(rows, play(staged, troupe))
    return Rosetta.of(staged[0], rows)


def rosetta_of(fault: str, *, side: Role, tls: Version, rows: Iterable[Row], cast: Cast) -> Rosetta:
    """The table of these rows, with a cast that is there already."""
    return Rosetta.of(Staging(fault=fault, side=side, tls=tls, scenario=EXHIBITS[fault].stage(cast, side, tls)), rows)


def _speakers(rows: Iterable[Row], role: Role) -> tuple[Speaker, ...]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault((row.client if role == "client" else row.server).name, []).append(row)
    order = list(CLIENTS) if role == "client" else ["mtls_lab", *SERVERS]
    names = sorted(by_name, key=lambda name: order.index(name) if name in order else len(order))
    return tuple(_speaker(by_name[name], role) for name in names)


def _speaker(rows: list[Row], role: Role) -> Speaker:
    said: dict[str, list[str]] = {}
    for row in rows:
        words = row.client_words if role == "client" else row.server_words
        words = ACCEPTS if row.accepted else words or SILENT
        said.setdefault(words, []).append((row.server if role == "client" else row.client).name)
    alone = len(said) == 1
    newest = max(rows, key=lambda row: (row.client if role == "client" else row.server).on)
    return Speaker(
        spoken=newest.client if role == "client" else newest.server,
        recorded=all(row.recorded for row in rows),
        says=tuple(
            Says(words=words, to=() if alone else tuple(to)) for words, to in sorted(said.items(), key=_most_said)
        ),
    )


def _most_said(item: tuple[str, list[str]]) -> tuple[int, str]:
    return -len(item[1]), item[0]


def _shown(words: str) -> str:
    return "\n".join(printable(line, limit=_LIMIT) for line in words.splitlines())


def _facts(explanation: Explanation) -> Iterator[str]:
    if explanation.which:
        yield explanation.which
    if explanation.verify_code is not None:
        yield f"OpenSSL says {verify_code_name(explanation.verify_code)}"
    yield f"alert {alert_name(explanation.alert)}" if explanation.alert is not None else "no alert on the wire"


def _facts_html(explanation: Explanation) -> str:
    return f'<p style="margin:4px 0">{escape(capital("; ".join(_facts(explanation))))}</p>'


def _table(caption: str, to: str, speakers: tuple[Speaker, ...]) -> str:
    if not speakers:
        return f'<p style="margin:8px 0"><strong>{escape(caption)}</strong>: nobody was asked.</p>'
    rows = "".join(
        f'<tr><th scope="row" style="{CELL};width:210px;font-weight:normal">{speaker.label_html}</th>'
        f'<td style="{CELL}">{"".join(_says(one, to) for one in speaker.says)}</td></tr>'
        for speaker in speakers
    )
    return (
        f'<table style="border-collapse:collapse;margin:8px 0;width:100%">'
        f'<caption style="text-align:left;font-weight:bold;padding:4px 0;color:inherit">{escape(caption)}</caption>'
        f'<thead><tr><th scope="col" style="{CELL};width:210px">Program</th>'
        f'<th scope="col" style="{CELL}">Its words</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _says(one: Says, to: str) -> str:
    aside = f"<small>{to} {escape(', '.join(one.to))}:</small> " if one.to else ""
    if one.words in (ACCEPTS, SILENT):
        return f"<div>{aside}<em>{one.words}</em></div>"
    return f'<div>{aside}<code style="{_CODE}">{escape(_shown(one.words))}</code></div>'
