"""A chain as an SVG drawing: the leaf on top, each certificate hanging on its issuer by an arrow."""

from textwrap import wrap

from mtls_lab.views import svg
from mtls_lab.views.anatomy import PLACES, Anatomy, Link, Place
from mtls_lab.views.svg import span, stroke, text
from mtls_lab.views.words import shown

_COLOURS: dict[Place, str] = {"leaf": svg.CLIENT, "intermediate": svg.SERVER, "root": svg.WARN}
_SHOWN = ("names (subjectAltName)", "purpose (extendedKeyUsage)", "key usage", "basic constraints")
_MORE = ("name constraints", "problem")
_LEFT, _INSET, _VALUES = 28, 52, 264
_STEP, _GAP, _GHOST = 21, 58, 50
_ABSENT = "not here: the verifier must find it among its trust anchors"


def draw(anatomies: tuple[Anatomy, ...], links: tuple[Link | None, ...], key: str) -> str:
    """The whole card. `key` says whether the private key belongs to the leaf; "" where there is none."""
    parts: list[str] = []
    y = 22
    for place, (one, hold) in enumerate(zip(anatomies, links, strict=True)):
        lines = _lines(one, key if place == 0 else "")
        height = 48 + _STEP * len(lines)
        parts.append(_box(one, lines, y, height))
        y += height
        if hold is not None:
            parts.append(_arrow(hold, y))
            y += _GAP
    if links[-1] is not None:
        parts.append(_ghost(links[-1], y))
        y += _GHOST
    return svg.card(y + 22, *parts)


def _lines(one: Anatomy, key: str) -> list[tuple[str, str]]:
    """Label and words of each line; what is long goes on below, without a label."""
    facts = dict(one.facts)
    rows = [(label, facts[label]) for label in _SHOWN if one.place == "leaf" or label != "names (subjectAltName)"]
    rows += [(label, facts[label]) for label in _MORE if label in facts]
    if key:
        rows.append(("private key", key.removeprefix("private key ")))
    broken = ((label, wrap(words, 72) or [""]) for label, words in rows)
    return [(label if place == 0 else "", line) for label, lines in broken for place, line in enumerate(lines)]


def _box(one: Anatomy, lines: list[tuple[str, str]], y: int, height: int) -> str:
    colour, right = _COLOURS[one.place], svg.WIDTH - _LEFT
    name = span(shown(one.name, limit=34), size=17, weight=700, fill=colour)
    place = span(PLACES[one.place], size=13, fill=svg.SOFT)
    clock = (
        span(shown(one.validity), size=13, fill=svg.SOFT)
        if one.in_time
        else span(f"✗ {shown(one.validity)}", size=13, weight=700, fill=svg.BAD)
    )
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{right - _LEFT}" height="{height}" rx="8" fill="#fff" stroke="{svg.LINE}"/>'
        + svg.area(f"M{_LEFT + 8} {y} a8 8 0 0 0 -8 8 v{height - 16} a8 8 0 0 0 8 8 Z", colour)
        + text(_INSET, y + 28, name, svg.space(12), place)
        + text(right - 18, y + 28, clock, end=True)
        + "".join(_line(label, words, y + 54 + _STEP * row) for row, (label, words) in enumerate(lines))
    )


def _line(label: str, words: str, y: int) -> str:
    fill = svg.BAD if words.startswith("✗") else svg.INK
    return text(_INSET, y, span(shown(label), size=13, fill=svg.SOFT)) + text(
        _VALUES, y, span(shown(words, limit=90), fill=fill)
    )


def _arrow(hold: Link, y: int) -> str:
    colour = {True: svg.GOOD, False: svg.BAD, None: svg.SOFT}[hold.signed]
    return (
        stroke(f"M60 {y} V{y + _GAP - 12}", colour, 2, dash="4 4" if hold.signed is None else "")
        + svg.area(f"M60 {y + _GAP - 3} l-6.5 -11 h13 Z", colour)
        + text(80, y + _GAP // 2 + 4, span(shown(hold.words, limit=110), fill=colour))
    )


def _ghost(hold: Link, y: int) -> str:
    name = span(shown(hold.issuer, limit=34), size=17, weight=700, fill=svg.SOFT)
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{svg.WIDTH - 2 * _LEFT}" height="{_GHOST}" rx="8" fill="none" '
        f'stroke="{svg.SOFT}" stroke-dasharray="5 4"/>'
        + text(_INSET, y + 31, name, svg.space(12), span(_ABSENT, size=13, fill=svg.SOFT))
    )
