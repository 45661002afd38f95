"""The index of the atlas: every program's words, as what to look for, and how often each fault was behind them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mtls_lab.clients.rosetta.elsewhere import ELSEWHERE, MEASURED
from mtls_lab.clients.rosetta.patterns import Key, keys_of
from mtls_lab.clients.rosetta.row import Row, Spoken
from mtls_lab.handshake import Role
from mtls_lab.handshake.exhibits import EXHIBITS

FaultAt = tuple[str, Role]
"""A fault's slug, and whose it is."""
_Speaker = tuple[str, str, Role, str]
"""Program, version, role, source."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One program's words, and how often each fault was behind them."""

    program: str
    """The program's name."""
    version: str
    """The version that was heard; "" where the name holds it."""
    said_by: Role
    """Which end it was."""
    source: str
    """When it was measured, and whether here."""
    key: Key
    """The words."""
    faults: tuple[tuple[FaultAt, int], ...]
    """How often each fault was behind them, the most frequent first."""


def entries(rows: Iterable[Row]) -> tuple[Entry, ...]:
    """The index of these rows and of what was measured elsewhere."""
    counts: dict[tuple[_Speaker, str], Counter[FaultAt]] = defaultdict(Counter)
    for (speaker, words), faults in _said(rows).items():
        for key in keys_of(words):
            counts[speaker, key.text].update(faults)
    return tuple(
        Entry(
            program=program,
            version=version,
            said_by=role,
            source=source,
            key=Key(text=text),
            faults=by_count(faults),
        )
        for ((program, version, role, source), text), faults in counts.items()
    )


def by_count(faults: Counter[FaultAt]) -> tuple[tuple[FaultAt, int], ...]:
    """The most frequent first; where two are as frequent, in the order of the gallery."""
    place = {slug: number for number, slug in enumerate(EXHIBITS)}
    return tuple(sorted(faults.items(), key=lambda item: (-item[1], place.get(item[0][0], len(place)), item[0])))


def _said(rows: Iterable[Row]) -> dict[tuple[_Speaker, str], Counter[FaultAt]]:
    """Each text once: most are said in many rows, and making a key takes time."""
    said: dict[tuple[_Speaker, str], Counter[FaultAt]] = defaultdict(Counter)
    for row in rows:
        if not row.accepted:
            said[_speaker(row.client, "client"), row.client_words][row.fault, row.side] += 1
            said[_speaker(row.server, "server"), row.server_words][row.fault, row.side] += 1
    for other in ELSEWHERE:
        faults: dict[FaultAt, int] = {(fault, other.side): 1 for fault in other.faults}
        said[(other.program, "", other.said_by, MEASURED), other.words].update(faults)
    return said


def _speaker(one: Spoken, role: Role) -> _Speaker:
    return one.name, one.version, role, f"measured {one.on}"
