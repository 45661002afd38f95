"""The error atlas as data for a page: what `look_up` knows, with the cures, in a form that JavaScript can search."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtls_lab.clients.atlas import HINTS, OPENING, SHOWN, called, possible
from mtls_lab.clients.rosetta import recorded
from mtls_lab.clients.rosetta.index import Entry, entries

# The page does what this module does, with the same expressions.
from mtls_lab.clients.rosetta.patterns import _LONGEST, _NOISE, _WIDEST_HOLE, HOLE, SHORTEST_KEY
from mtls_lab.handshake import Explanation, Role
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import visit


@dataclass(frozen=True, kw_only=True)
class AtlasData:
    """All that the page says."""

    entries: tuple[Entry, ...]
    """The words, who says them and what was behind them."""
    causes: tuple[dict[str, Any], ...]
    """Every fault of either end that is behind some words, in the order in which equals are listed."""

    def script(self) -> str:
        """The data as a script: a page from a disk may load one, but may not fetch a file."""
        return f"window.MTLS_LAB_ATLAS = {json.dumps(self._plain(), ensure_ascii=False, separators=(',', ':'))};\n"

    def _plain(self) -> dict[str, Any]:
        numbers = {(one["slug"], one["side"]): place for place, one in enumerate(self.causes)}
        speakers = list(dict.fromkeys(map(_speaker, self.entries)))
        places = {speaker: place for place, speaker in enumerate(speakers)}
        return {
            "longest": _LONGEST,
            "shortestKey": SHORTEST_KEY,
            "widestHole": _WIDEST_HOLE,
            "hole": HOLE,
            "shown": SHOWN,
            "opening": OPENING,
            "noise": [[*_for_javascript(pattern.pattern), stands] for pattern, stands in _NOISE],
            "hints": [[_for_javascript(pattern)[0], list(names)] for pattern, names in HINTS],
            "speakers": speakers,
            "causes": self.causes,
            "entries": [
                [
                    places[_speaker(entry)],
                    entry.key.text,
                    [number for fault, count in entry.faults for number in (numbers[fault], count)],
                ]
                for entry in self.entries
            ],
        }


def gather() -> AtlasData:
    """The recording, what was measured elsewhere, and every cause with what the lab says of it."""
    found = entries(recorded())
    place = {slug: number for number, slug in enumerate(EXHIBITS)}
    faults = sorted(
        {fault for entry in found for fault, _ in entry.faults}, key=lambda one: (place.get(one[0], len(place)), one)
    )
    cast = Cast.gather()
    return AtlasData(entries=found, causes=tuple(_cause(slug, side, cast) for slug, side in faults))


def write(folder: Path, data: AtlasData) -> None:
    """Write the script."""
    (folder / "atlas-data.js").write_text(data.script(), encoding="utf-8")


def _cause(slug: str, side: Role, cast: Cast) -> dict[str, Any]:
    known, told = possible(slug, side, 1), _played(slug, side, cast)
    return {
        "slug": slug,
        "side": side,
        "title": known.title,
        "refusedBy": known.refused_by,
        "decides": known.decides,
        "verdicts": _once(str(one.verify_code) for one in told if one.verify_code),
        "alerts": _once(alert_name(one.alert) for one in told if one.alert is not None),
        "fixes": [[fix.tool, fix.text] for fix in told[0].fixes] if told else [],
        "isExhibit": slug in EXHIBITS,
    }


def _played(slug: str, side: Role, cast: Cast) -> list[Explanation]:
    """What the lab says when it plays the fault, newest version first."""
    exhibit = EXHIBITS.get(slug)
    if exhibit is None or side not in exhibit.sides:
        return []
    return [visit(slug, side, version, cast=cast).explanation for version in reversed(exhibit.versions)]


def _once(words: Any) -> list[str]:
    return list(dict.fromkeys(words))


def _speaker(entry: Entry) -> tuple[str, str, Role, str]:
    return entry.program, called(entry), entry.said_by, entry.source


def _for_javascript(pattern: str) -> tuple[str, str]:
    """The expression and its flags: JavaScript writes flags apart. Nothing else that we use is written otherwise."""
    flags = "gm" if pattern.startswith("(?m)") else "g"
    plain = pattern.removeprefix("(?m)")
    if odd := re.search(r"\(\?(?![:=!]|<[=!])|\\[AZ]", plain):
        raise ValueError(f"{pattern!r}: JavaScript does not know {odd[0]!r}")
    return plain, flags
