"""The timeline as an SVG drawing: time runs to the right, the server's lane lies above the client's.

The client's lane carries a bar for what the client is doing; its words say what the colour says.
"""

from collections.abc import Sequence
from math import atan2, degrees

from mtls_lab.views import svg
from mtls_lab.views.svg import span, stroke, text
from mtls_lab.views.timeline_story import WHEN, Event, Line

_LEFT, _HALF = 110, 156
"""Where time begins, and how wide half a round trip is."""
_END = svg.WIDTH - 24
_TOP, _PANEL = 74, 222
"""Where the first handshake begins, and how high each is."""
_SERVER, _CLIENT = 62, 136
"""The two lanes, from the top of a panel."""
_BAR = 24
"""How high the client's bar is."""
_HEAD = "M0 0 L-12 -5.5 V5.5 Z"


def draw(title: str, lines: Sequence[Line]) -> str:
    """The whole card."""
    bottom = _TOP + _PANEL * len(lines)
    return svg.card(
        bottom + 36,
        text(28, 40, span(title, size=21, weight=700)),
        *(_tick(halves, when, bottom) for halves, when in enumerate(WHEN)),
        text(_END, bottom + 16, span("round trips", size=13, fill=svg.SOFT), end=True),
        *(_panel(one, _TOP + _PANEL * place) for place, one in enumerate(lines)),
    )


def _x(halves: float) -> float:
    return _LEFT + halves * _HALF


def _tick(halves: int, when: str, bottom: int) -> str:
    label = span(when, fill=svg.SOFT)
    return (
        stroke(f"M{_x(halves):g} {_TOP} V{bottom}", svg.LINE, 1, dash="2 4")
        + f'<text x="{_x(halves):g}" y="{bottom + 16}" text-anchor="middle">{label}</text>'
    )


def _panel(line: Line, top: int) -> str:
    server, client = top + _SERVER, top + _CLIENT
    lanes = "".join(
        text(28, y + 5, span(role, weight=600, fill=colour)) + stroke(f"M{_LEFT} {y} H{_END}", colour, 2)
        for role, y, colour in (("server", server, svg.SERVER), ("client", client, svg.CLIENT))
    )
    events = "".join(_arrow(line, event, server, client) + _words(line, event, server, client) for event in line.events)
    return text(28, top + 14, span(line.version, size=16, weight=700)) + lanes + _bars(line, client) + events


def _tone(line: Line) -> str:
    return svg.GOOD if line.accepted else svg.BAD


def _bars(line: Line, y: int) -> str:
    """What the client is doing: inside its handshake call, and then."""
    bars = _bar(0, line.inside, y, "inside its handshake call", (svg.TINT, svg.CLIENT))
    fill = svg.PAPER if line.accepted else svg.ALARM
    return bars + (_bar(line.inside, 4, y, line.waits, (fill, _tone(line))) if line.waits else "")


def _bar(start: int, stop: int, y: int, words: str, colours: tuple[str, str]) -> str:
    fill, edge = colours
    return (
        f'<rect x="{_x(start):g}" y="{y - _BAR // 2}" width="{(stop - start) * _HALF}" height="{_BAR}" rx="4" '
        f'fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'
        f'<text x="{_x((start + stop) / 2):g}" y="{y + 5}" text-anchor="middle">'
        f"{span(words, size=13, weight=600, fill=edge)}</text>"
    )


def _arrow(line: Line, event: Event, server: int, client: int) -> str:
    """From lane to lane in half a round trip."""
    if not event.sends:
        return ""
    above, below = server + 3, client - _BAR // 2 - 3
    start, stop = (below, above) if event.role == "client" else (above, below)
    own = svg.CLIENT if event.role == "client" else svg.SERVER
    colour = _tone(line) if event.halves == 3 else own
    x, tip, turn = _x(event.halves), _x(event.halves + 1), degrees(atan2(stop - start, _HALF))
    head = svg.area(_HEAD, colour)
    return stroke(f"M{x:g} {start} L{tip - 8:g} {stop - 8 * (stop - start) / _HALF:.1f}", colour, 2) + (
        f'<g transform="translate({tip:g} {stop}) rotate({turn:.1f})">{head}</g>'
    )


def _words(line: Line, event: Event, server: int, client: int) -> str:
    """Above the server's lane what the server does, below the client's what the client does."""
    x, below = _x(event.halves) + 4, client + _BAR + 6
    notes = span(event.notes, weight=700, fill=_tone(line) if event.halves >= 3 else svg.INK)
    sends = span(event.sends, size=13)
    if event.role == "server":
        return text(x, server - 26, notes) + text(x, server - 9, sends)
    if event.halves == 4:
        # Hung up at the right edge, on a line of its own: the words before it may be wider in another font.
        return text(_END, below + 36, notes, end=True)
    return text(x, below, sends) + text(x, below + 18, notes)
