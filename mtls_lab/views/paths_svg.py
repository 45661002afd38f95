"""The paths as an SVG drawing: a column for the chain as sent, and one for each verifier; the leaf on top."""

from collections.abc import Sequence
from textwrap import wrap

from mtls_lab.views import svg
from mtls_lab.views.paths_story import Route, Routes, Step
from mtls_lab.views.svg import sign, span, stroke, text
from mtls_lab.views.words import shown

_EDGE, _GUTTER, _PAD = 24, 18, 14
_TOP, _LINE, _GAP = 30, 19, 26
"""The first heading, a line of text, and the room between two boxes."""
_LETTER = 7.3
"""A letter of 13 pixels is hardly wider, in any font."""

Line = tuple[str, str, int, float]
"""Words, colour, weight and size."""


def draw(routes: Routes) -> str:
    """The whole card."""
    columns: list[tuple[Step, ...]] = [routes.sent, *(one.steps for one in routes.routes)]
    width = (svg.WIDTH - 2 * _EDGE - _GUTTER * (len(columns) - 1)) / len(columns)
    letters = int((width - 2 * _PAD) / _LETTER)
    heads = [
        _head("sent", "", letters),
        *(_head(one.verifier, f"trusts {one.trusts}", letters) for one in routes.routes),
    ]
    boxes = [[_box_lines(one, letters) for one in column] for column in columns]
    tops, bottom = _rows(boxes, _TOP + _LINE * max(map(len, heads)))
    endings = [_ending(one, letters) for one in routes.routes]
    parts: list[str] = []
    for place, (column, lines) in enumerate(zip(columns, boxes, strict=True)):
        x = _EDGE + place * (width + _GUTTER)
        parts.append(_words(heads[place], x, _TOP))
        parts += [_box(one, x, y, width, step) for one, y, step in zip(lines, tops, column, strict=False)]
        if place:
            parts += _arrows(lines, tops, x)
            parts.append(_end(routes.routes[place - 1], endings[place - 1], x, tops, lines))
    lowest = max(
        _foot(lines, tops) + _GAP + _LINE * len(words) for lines, words in zip(boxes[1:], endings, strict=True)
    )
    return svg.card(round(max(bottom, lowest) + 22), *parts)


def _head(name: str, more: str, letters: int) -> list[Line]:
    return [
        *((line, svg.INK, 700, 16.0) for line in wrap(name, letters - 4)),
        *((line, svg.SOFT, 400, 13.0) for line in wrap(more, letters + 2)),
    ]


def _box_lines(one: Step, letters: int) -> list[Line]:
    lines: list[Line] = [(line, svg.INK, 700, 15.0) for line in wrap(one.name, letters - 3)[:2]]
    if one.key:
        lines.append((one.key, svg.WARN, 700, 13.0))
    lines += [(line, svg.INK, 400, 13.0) for line in wrap(one.issuer, letters)]
    lines += [(line, svg.SOFT, 400, 13.0) for line in wrap(one.source, letters)]
    # Bold letters are wider.
    return lines + [
        (line, svg.BAD, 700, 13.0) for line in wrap(f"✗ {one.trouble}", letters - letters // 7) if one.trouble
    ]


def _rows(boxes: Sequence[Sequence[list[Line]]], start: int) -> tuple[list[int], int]:
    """Where each row of boxes begins: certificates of one depth stand beside each other."""
    tops, y = [], start + 2
    for depth in range(max(map(len, boxes))):
        tops.append(y)
        y += max(_height(column[depth]) for column in boxes if depth < len(column)) + _GAP
    return tops, y - _GAP


def _height(lines: list[Line]) -> int:
    return 16 + _LINE * len(lines)


def _foot(lines: Sequence[list[Line]], tops: Sequence[int]) -> int:
    return tops[len(lines) - 1] + _height(lines[-1])


def _words(lines: list[Line], x: float, y: float) -> str:
    return "".join(
        text(round(x, 1), y + _LINE * row, span(shown(words, limit=120), size=size, weight=weight, fill=fill))
        for row, (words, fill, weight, size) in enumerate(lines)
    )


def _box(lines: list[Line], x: float, y: int, width: float, step: Step) -> str:
    dashes = ' stroke-dasharray="5 4"' if step.source.startswith("not used") else ""
    own = step.source.endswith("trust store")
    edge, fill = (svg.BAD if step.trouble else svg.WARN if own else svg.LINE), (svg.TINT if own else "#fff")
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_height(lines)}" rx="8" fill="{fill}" '
        f'stroke="{edge}" stroke-width="1.5"{dashes}/>' + _words(lines, x + _PAD, y + 22)
    )


def _arrows(lines: Sequence[list[Line]], tops: Sequence[int], x: float) -> list[str]:
    """From each certificate to the one that vouches for it."""
    middle = round(x + 34, 1)
    return [
        stroke(f"M{middle} {tops[row] + _height(one)} V{tops[row + 1] - 9}", svg.SOFT, 2)
        + svg.area(f"M{middle} {tops[row + 1] - 1} l-6 -10 h12 Z", svg.SOFT)
        for row, one in enumerate(lines[:-1])
    ]


def _ending(route: Route, letters: int) -> list[Line]:
    colour = svg.GOOD if route.accepted else svg.BAD
    said = f"accepted: {route.ending}" if route.accepted else f"{route.ending} (verify code {route.verify_code})"
    return [(line, colour, 600, 13.0) for line in wrap(said, letters - letters // 7)]


def _end(route: Route, words: list[Line], x: float, tops: Sequence[int], lines: Sequence[list[Line]]) -> str:
    y, colour = _foot(lines, tops) + _GAP, svg.GOOD if route.accepted else svg.BAD
    return sign("✓" if route.accepted else "✗", round(x + 14, 1), y - 1, colour, 0.8) + _words(words, x + 32, y + 4)
