"""The map of the escape room: who calls whom, and which of the ten doors are open, shut or ajar."""

from collections.abc import Iterable, Iterator
from html import escape
from textwrap import wrap
from typing import Protocol

from mtls_lab.views import svg
from mtls_lab.views.picture import Picture, image
from mtls_lab.views.room_svg import draw
from mtls_lab.views.words import printable

_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_LIMIT = 300
STATES = {
    "open": ("✓", "open: whoever is meant to comes in, and nobody else"),
    "shut": ("✗", "shut: who is meant to come in is refused"),
    "ajar": ("!", "ajar: it lets in who must not come in"),
}


class AnyDoor(Protocol):
    """What the map needs to know of a door."""

    @property
    def number(self) -> int:
        """1 to 10."""

    @property
    def title(self) -> str:
        """Who calls whom."""

    @property
    def calls(self) -> tuple[str, str]:
        """The two ends of its arrow."""

    @property
    def yours(self) -> str:
        """What one may change."""

    @property
    def state(self) -> str:
        """`open`, `shut` or `ajar`."""

    @property
    def reason(self) -> str:
        """Why it is not open."""


def room_map(doors: Iterable[AnyDoor]) -> Picture:
    """Draw the doors as they stand. Raises ValueError for an end or a state that has no place on the map."""
    shown = tuple(doors)
    for one in shown:
        if one.state not in STATES:
            raise ValueError(f"door {one.number}: state={one.state!r} must be one of {', '.join(STATES)}")
    drawing, alt = draw([(one.number, one.calls, one.state) for one in shown]), " ".join(_sentences(shown))
    return Picture(
        text="\n".join(_lines(shown)),
        html=f"<div>{image(drawing, alt=alt, width=svg.WIDTH)}</div>\n{_table(shown)}",
        alt=alt,
        svg=drawing,
    )


def _count(doors: tuple[AnyDoor, ...]) -> str:
    return f"{sum(one.state == 'open' for one in doors)} of {len(doors)} doors are open"


def _sentences(doors: tuple[AnyDoor, ...]) -> Iterator[str]:
    yield f"A map of the system: {_count(doors)}."
    for one in doors:
        yield f"Door {one.number}, {one.calls[0]} to {one.calls[1]}: {one.state}."


def _lines(doors: tuple[AnyDoor, ...]) -> Iterator[str]:
    wide = max(len(" --> ".join(one.calls)) for one in doors)
    for one in doors:
        arrow = f"{one.calls[0]} --> {one.calls[1]}".ljust(wide)
        yield f"{one.number:>2}  {STATES[one.state][0]} {one.state}  {arrow}  {one.title}"
        if one.reason:
            yield from wrap(
                printable(one.reason, limit=_LIMIT), 80, initial_indent=" " * 12, subsequent_indent=" " * 12
            )
    yield _count(doors)


def _table(doors: tuple[AnyDoor, ...]) -> str:
    heads = "".join(
        f'<th scope="col" style="{_CELL}">{one}</th>' for one in ("door", "stands", "why", "yours to change")
    )
    rows = "".join(map(_row, doors))
    legend = " · ".join(f"{mark} {words}" for mark, words in STATES.values())
    return (
        f'<table style="border-collapse:collapse;max-width:{svg.WIDTH}px">'
        f'<caption style="text-align:left;color:inherit;padding:4px 0">{escape(_count(doors))}.<br>'
        f"{escape(legend)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(one: AnyDoor) -> str:
    words = printable(one.reason, limit=_LIMIT)
    return (
        f'<tr><th scope="row" style="{_CELL};font-weight:normal">{one.number}. {escape(one.title)}</th>'
        f'<td style="{_CELL};white-space:nowrap">{STATES[one.state][0]} {one.state}</td>'
        f'<td style="{_CELL}">{escape(words)}</td><td style="{_CELL}"><code>{escape(one.yours)}</code></td></tr>'
    )
