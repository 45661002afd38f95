"""The ladder as an SVG drawing: two lifelines, the client's on the left, the server's on the right.

Every difference is told by shape and word as well as by colour: an encrypted message is a double line with a
padlock, a refusal a cross and the word, a switch stands left, in the middle or right.
"""

from textwrap import wrap

from mtls_lab.views import svg
from mtls_lab.views.story import Lane, Row, Story
from mtls_lab.views.svg import span, stroke, text
from mtls_lab.views.words import shown

_LEFT, _RIGHT = 62, svg.WIDTH - 62
_HEAD = 132
"""The height of the icons' middle."""
_TOP = 212
"""Where the rows begin."""
_HEIGHTS = {"message": 38, "mark": 40, "line": 30}
_ROOM = 32
"""Characters beside an icon: two such lines do not meet in the middle."""
_TURN = 8
"""More room where the other end begins to speak."""
_TONES = {"good": svg.GOOD, "warn": svg.WARN, "bad": svg.BAD, "unknown": svg.SOFT, "plain": svg.INK, "dim": svg.SOFT}
_ICONS = {
    "client": '<rect x="-9" y="-8" width="18" height="12" rx="1.5"/><path d="M-12.5 7.5 H12.5"/>',
    "server": (
        '<rect x="-9" y="-9.5" width="18" height="8" rx="1.5"/><rect x="-9" y="1.5" width="18" height="8" rx="1.5"/>'
        '<path d="M-5 -5.5 h.1 M-5 5.5 h.1"/>'
    ),
}


def draw(story: Story) -> str:
    """The whole card."""
    tops, bottom = _places(story.rows)
    heard = wrap(story.eavesdropper, 100)
    return svg.card(
        bottom + 62 + 20 * len(heard),
        _headline(story),
        _tints(story.rows, (*tops, bottom - 10)),
        *(_lifeline(x, bottom, colour) for x, colour in ((_LEFT, svg.CLIENT), (_RIGHT, svg.SERVER))),
        _head(story.client, f"dials {story.server_name}"),
        _head(story.server, ""),
        *(_ROWS[row.kind](row, top) for row, top in zip(story.rows, tops, strict=True)),
        _foot(heard, bottom),
    )


def _places(rows: tuple[Row, ...]) -> tuple[list[int], int]:
    """The top of each row, and the bottom of all."""
    tops, y = [], _TOP
    for before, row in zip((None, *rows), rows, strict=False):
        if before is not None and before.kind == row.kind == "message" and before.side != row.side:
            y += _TURN
        tops.append(y)
        y += _HEIGHTS[row.kind]
    return tops, y + 10


def _headline(story: Story) -> str:
    verdict = story.verdict
    colour = _TONES[verdict.tone]
    title = span(shown(verdict.headline, limit=70), size=21, weight=700, fill=colour)
    return (
        svg.sign(verdict.mark, 42, 42, colour, 1.25)
        + text(66, 40 if verdict.detail else 49, title)
        + (text(66, 62, span(shown(verdict.detail, limit=90), size=15)) if verdict.detail else "")
        + text(svg.WIDTH - 28, 40, span(shown(story.version), size=15, weight=600, fill=svg.SOFT), end=True)
        + stroke(f"M24 84 H{svg.WIDTH - 24}", svg.LINE, 1)
    )


def _lifeline(x: int, bottom: int, colour: str) -> str:
    return stroke(f"M{x} {_HEAD + 25} V{bottom}", colour, 2, more=' stroke-opacity=".45"')


def _head(lane: Lane, aside: str) -> str:
    """Who stands here: an icon on the lifeline, the settings beside it."""
    end = lane.role == "server"
    x, inward, colour = (_RIGHT, -1, svg.SERVER) if end else (_LEFT, 1, svg.CLIENT)
    beside, other = x + inward * 36, "client" if end else "server"

    def line(y: int, label: str, value: str, weight: int = 400, inset: int = 0) -> str:
        label, value = span(f"{label} ", fill=svg.SOFT), span(value, weight=weight)
        # A right-hand line is anchored at its end, but it still reads from left to right.
        pieces = (value, label) if end else (label, value)
        return text(beside + inward * inset, y, *pieces, end=end)

    return (
        f'<circle cx="{x}" cy="{_HEAD}" r="25" fill="{svg.PAPER}" stroke="{colour}" stroke-width="2"/>'
        f'<g transform="translate({x} {_HEAD})" fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round">'
        f"{_ICONS[lane.role]}</g>"
        + text(
            beside,
            118,
            span(lane.role, size=17, weight=700, fill=colour),
            span(f"&#160;&#160;{shown(aside)}" if aside else "", size=13, fill=svg.SOFT),
            end=end,
        )
        + line(140, "presents", shown(lane.presents, limit=_ROOM), weight=600)
        + line(160, "trusts", shown(lane.trusts, limit=_ROOM))
        + line(182, f"verifies the {other}:", shown(lane.verifies), weight=600, inset=44)
        + ("" if lane.position is None else _switch(beside - 34 if end else beside, 171, lane.position, colour))
    )


def _switch(x: int, y: int, position: int, colour: str) -> str:
    """A slide switch: left is off, the middle half, right full."""
    fill, edge, knob = (colour, colour, svg.PAPER) if position else (svg.PAPER, svg.FAINT, svg.FAINT)
    return (
        f'<rect x="{x + 0.75}" y="{y - 0.25}" width="32.5" height="14.5" rx="7.25" fill="{fill}" '
        f'fill-opacity="{0.55 if position == 1 else 1}" stroke="{edge}" stroke-width="1.5"/>'
        f'<circle cx="{x + (7.5, 17, 26.5)[position]}" cy="{y + 7}" r="4.8" fill="{knob}"/>'
    )


def _tints(rows: tuple[Row, ...], edges: tuple[int, ...]) -> str:
    """A tint behind what an eavesdropper cannot read, another one behind a refusal."""
    parts, secret = [], False
    for row, top, below in zip(rows, edges, edges[1:], strict=False):
        if row.kind == "message" and row.tone != "dim":
            secret = row.encrypted
        elif row.kind == "line" and row.tone == "dim":
            secret = True
        fill = svg.ALARM if row.tone == "bad" else svg.TINT if secret else ""
        if fill:
            parts.append(f'<rect x="{_LEFT}" y="{top}" width="{_RIGHT - _LEFT}" height="{below - top}" fill="{fill}"/>')
    return "".join(parts)


def _message(row: Row, top: int) -> str:
    """The name at the sender's lifeline, the arrow below it."""
    end = row.side == "server"
    x, inward = (_RIGHT, -1) if end else (_LEFT, 1)
    own = svg.SERVER if end else svg.CLIENT
    line, words = {"bad": (svg.BAD, svg.BAD), "dim": (svg.FAINT, svg.SOFT)}.get(row.tone, (own, svg.INK))
    name = span(shown(row.text, limit=60), weight=400 if row.tone == "dim" else 650, fill=words)
    lock = svg.padlock(x + inward * 21, top + 13, line) if row.encrypted else ""
    label = text(x + inward * (34 if row.encrypted else 16), top + 18, name, *_note(row), end=end)
    return lock + label + _arrow(row, top + 28, line)


def _note(row: Row) -> tuple[str, ...]:
    return (svg.space(13), span(shown(row.note, limit=80), size=13, fill=svg.SOFT)) if row.note else ()


def _arrow(row: Row, y: int, colour: str) -> str:
    start, stop, sign = (_RIGHT, _LEFT, -1) if row.side == "server" else (_LEFT, _RIGHT, 1)
    neck = stop - sign * 13
    width = {"bad": 2.2, "dim": 1.2}.get(row.tone, 1.7)
    head = svg.area(f"M{stop - sign * 3} {y} L{neck} {y - 5.5} V{y + 5.5} Z", colour)
    if row.encrypted:
        return stroke(f"M{start} {y - 1.8} H{neck} M{start} {y + 1.8} H{neck}", colour, width * 0.75) + head
    return stroke(f"M{start} {y} H{neck}", colour, width, dash="3 4" if row.tone == "dim" else "") + head


def _mark(row: Row, top: int) -> str:
    """A sign on the lifeline, and the words beside it."""
    end = row.side == "server"
    x, inward, own = (_RIGHT, -1, svg.SERVER) if end else (_LEFT, 1, svg.CLIENT)
    y, colour = top + 20, _TONES[row.tone]
    ring = f'<circle cx="{x}" cy="{y}" r="7" fill="{svg.PAPER}" stroke="{own}" stroke-width="2.2"/>'
    disc = {"good": svg.sign("✓", x, y, colour), "bad": svg.sign("✗", x, y, colour)}.get(row.tone, ring)
    name = span(f"{row.side}: {shown(row.text)}", weight=700, fill=colour)
    return disc + text(x + inward * 20, y + 5, name, *_note(row), end=end)


def _divider(row: Row, top: int) -> str:
    """Words in the middle of a line through both lanes: dotted, or double with two heads for data both ways."""
    y, middle, half = top + 15, svg.WIDTH // 2, 12 + len(row.text) * 3.6
    both_ways = row.tone == "good"
    colour, inset = (svg.GOOD, 13) if both_ways else (svg.FAINT, 0)
    left, right = f"M{_LEFT + inset} {{0}} H{middle - half:g}", f"M{middle + half:g} {{0}} H{_RIGHT - inset}"
    path = " ".join(f"{left} {right}".format(y + shift) for shift in ((-1.8, 1.8) if both_ways else (0,)))
    heads = svg.area(f"M{_LEFT + 3} {y} l10 -5.5 v11 Z M{_RIGHT - 3} {y} l-10 -5.5 v11 Z", colour) if both_ways else ""
    label = span(shown(row.text), size=13, fill=_TONES[row.tone])
    words = f'<text x="{middle}" y="{y + 4.5}" text-anchor="middle">{label}</text>'
    return stroke(path, colour, 1.2, dash="" if both_ways else "2 4") + heads + words


_ROWS = {"message": _message, "mark": _mark, "line": _divider}


def _foot(heard: list[str], bottom: int) -> str:
    """The legend, and what somebody in between learns."""
    y = bottom + 28
    return (
        stroke(f"M24 {bottom + 4} H{svg.WIDTH - 24}", svg.LINE, 1)
        + stroke(f"M36 {y} h30", svg.SOFT)
        + text(74, y + 5, span("readable on the wire", size=13, fill=svg.SOFT))
        + stroke(f"M236 {y - 1.8} h30 M236 {y + 1.8} h30", svg.SOFT, 1.3)
        + svg.padlock(280, y - 2, svg.SOFT)
        + text(294, y + 5, span("encrypted", size=13, fill=svg.SOFT))
        + "".join(text(36, y + 32 + 20 * place, shown(line, limit=200)) for place, line in enumerate(heard))
    )
