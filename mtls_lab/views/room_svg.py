"""The map of the escape room as a drawing: clients on the left, the database on the right, an arrow for each door."""

from collections.abc import Iterable

from mtls_lab.views import svg
from mtls_lab.views.svg import sign, span, stroke, text

Arrow = tuple[int, tuple[str, str], str]
"""The door's number, the two ends of its arrow, and how it stands."""

_LINE, _TOP = 52, 34
_CALLERS, _MIDDLE, _SERVICES, _DATABASE = (22, 126), (302, 110), (530, 90), (744, 96)
"""Each column's left edge and width."""
_BOXES: dict[str, tuple[tuple[int, int], float, float, str]] = {
    "alice": (_CALLERS, 0, 0, "alice"),
    "people": (_CALLERS, 1, 1, "sales, guests"),
    "report": (_CALLERS, 2, 2, "report"),
    "robot": (_CALLERS, 3, 3, "the robot"),
    "bob": (_CALLERS, 4, 4, "bob"),
    "you": (_CALLERS, 5, 5, "you"),
    "gateway": (_MIDDLE, 0, 3, "gateway"),
    "desk": (_MIDDLE, 4, 4, "wages desk"),
    "vault": (_MIDDLE, 5, 5, "vault"),
    "orders": (_SERVICES, 0.5, 0.5, "orders"),
    "stock": (_SERVICES, 2.5, 2.5, "stock"),
    "database": (_DATABASE, 0, 3, "database"),
}
"""Its column, its first and last row, and what is written in it."""
_COLOURS = {"open": svg.GOOD, "shut": svg.BAD, "ajar": svg.WARN}
_SIGNS = {"open": "✓", "shut": "✗", "ajar": "!"}
_DASHES = {"open": "", "shut": "3 5", "ajar": "9 5"}


def draw(arrows: Iterable[Arrow]) -> str:
    """The whole card."""
    parts = [_box(*place) for place in _BOXES.values()]
    parts += [_arrow(*one) for one in arrows]
    return svg.card(_TOP + _LINE * 6 + 8, *parts)


def _middle(row: float) -> float:
    return _TOP + _LINE * row + 22


def _box(column: tuple[int, int], first: float, last: float, words: str) -> str:
    x, width = column
    y, height = _middle(first) - 18, _LINE * (last - first) + 36
    return (
        f'<rect x="{x}" y="{y:g}" width="{width}" height="{height:g}" rx="8" fill="#fff" stroke="{svg.SOFT}"/>'
        + text(x + 11, y + height / 2 + 5, span(words, size=13, weight=600))
    )


def _arrow(number: int, calls: tuple[str, str], state: str) -> str:
    """From the caller's box to the other one, level, at the row of the smaller of the two."""
    for name in calls:
        if name not in _BOXES:
            raise ValueError(f"door {number}: {name!r} has no place on the map; there are {', '.join(_BOXES)}")
    (first, top, bottom, _), (second, other_top, other_bottom, _) = (_BOXES[name] for name in calls)
    row = (top + bottom) / 2 if bottom - top <= other_bottom - other_top else (other_top + other_bottom) / 2
    begin, end, y = first[0] + first[1], second[0], _middle(row)
    colour = _COLOURS[state]
    # The sign stands where a refused call ends; the word and the number are beside it.
    return (
        stroke(f"M{begin + 3} {y:g} H{end - 11}", colour, 2.4, dash=_DASHES[state])
        + svg.area(f"M{end - 2} {y:g} l-11 -6.5 v13 Z", colour)
        + sign(_SIGNS[state], begin + 22, y - 17, colour, 0.72)
        + text(
            begin + 36, y - 12, span(f"{number}", size=15, weight=700), svg.space(6), span(state, size=13, fill=colour)
        )
    )
