"""What is said of a door: the calls that were made, and what became of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

from mtls_lab.handshake import Handshake

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

Layer = Literal["client", "server", "file", "environment", "authorization", "database", "earned"]
State = Literal["open", "shut", "ajar"]
"""`shut`: the call that is meant to come in is refused. `ajar`: it comes in, and so does somebody who must not."""

MARKS: dict[State, str] = {"open": "✓ open", "shut": "✗ shut", "ajar": "! ajar"}


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One call through a door."""

    who: str
    """Who calls: `alice`, `mallory, with a stranger's certificate`."""
    wanted: bool
    """This one is meant to come in."""
    came_in: bool
    """It did."""
    client_reads: str = ""
    """What the client has in hand when it was refused; "" for nothing."""
    server_reads: str = ""
    """The same of the server."""
    hint: str = ""
    """What to think about when this one did not end as it should."""
    handshake: Handshake | None = field(default=None, repr=False)
    """What both sides saw; None where there was no TLS."""

    @property
    def as_it_should(self) -> bool:
        """Wanted and in, or unwanted and out."""
        return self.wanted == self.came_in


@dataclass(frozen=True, kw_only=True, repr=False)
class Evidence:
    """What was tried at one door, and what both sides had to say. No verdict on the cause: that is yours."""

    number: int
    """The door."""
    title: str
    """Who calls whom."""
    knocks: tuple[Knock, ...]
    """The calls, the intended ones first."""

    @property
    def state(self) -> State:
        """How the door stands."""
        if all(one.as_it_should for one in self.knocks):
            return "open"
        return "shut" if any(one.wanted and not one.came_in for one in self.knocks) else "ajar"

    @property
    def trouble(self) -> Knock | None:
        """The first call that did not end as it should; None where all did."""
        return next((one for one in self.knocks if not one.as_it_should), None)

    @property
    def handshake(self) -> Handshake | None:
        """That of the first call that did not end as it should, else of the first call; None where there was no TLS."""
        first = self.trouble or self.knocks[0]
        return first.handshake

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Door {self.number}. {self.title}: {MARKS[self.state]}"
        for one in self.knocks:
            mark = "✓" if one.as_it_should else "✗" if one.wanted else "!"
            yield f"  {mark} {one.who}: {'comes in' if one.came_in else 'stays out'}"
            if not one.as_it_should:
                yield from (
                    f"      {who} reads: {words}"
                    for who, words in (("client", one.client_reads), ("server", one.server_reads))
                    if words
                )


@dataclass(frozen=True, kw_only=True)
class Door:
    """One arrow of the system, and what belongs to it."""

    number: int
    """1 to 10."""
    title: str
    """Who calls whom."""
    calls: tuple[str, str]
    """The two ends of its arrow on the map."""
    layer: Layer
    """Where its fault lies."""
    yours: str
    """What you may change."""
    task: str
    """What must hold, in one sentence."""
    knocks: "Callable[[EscapeRoom], Iterator[Knock]]"
    """Makes the calls."""
    settings: "Callable[[EscapeRoom], object]"
    """What may be changed, as it is now: compared to see whether somebody has been here."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A door as it stands now."""

    number: int
    """1 to 10."""
    title: str
    """Who calls whom."""
    calls: tuple[str, str]
    """The two ends of its arrow on the map."""
    layer: Layer
    """Where its fault lies."""
    yours: str
    """What you may change."""
    state: State
    """How it stands."""
    reason: str
    """Why it is not open, in a few words; "" where it is."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Doors:
    """The ten doors as they stand now. `room_map` draws them."""

    doors: tuple[Seen, ...]
    """In order."""

    @property
    def open_count(self) -> int:
        """How many are open."""
        return sum(one.state == "open" for one in self.doors)

    def __iter__(self) -> Iterator[Seen]:
        return iter(self.doors)

    def __repr__(self) -> str:
        rows = [(f"{one.number}", MARKS[one.state], one.title, one.reason or "") for one in self.doors]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, f"{self.open_count} of {len(self.doors)} doors are open."])

    def _repr_html_(self) -> str:
        cell = "text-align:left;vertical-align:top;padding:3px 10px;white-space:normal"
        heads = "".join(
            f'<th scope="col" style="{cell}">{one}</th>' for one in ("door", "stands", "who calls", "why", "yours")
        )
        rows = "".join(
            f'<tr><th scope="row" style="{cell}">{one.number}</th>'
            + "".join(f'<td style="{cell}">{escape(words)}</td>' for words in (MARKS[one.state], one.title, one.reason))
            + f'<td style="{cell}"><code>{escape(one.yours)}</code></td></tr>'
            for one in self.doors
        )
        return (
            f'<table style="border-collapse:collapse"><caption style="text-align:left;color:inherit">'
            f"{self.open_count} of {len(self.doors)} doors are open.</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that can be wrong at one door."""

    slug: str
    """Its name: unique at its door."""
    door: int
    """Where it is put."""
    level: int
    """1 (the message nearly says it), 2 (two ends must be compared), 3 (no message says it)."""
    breaks: "Callable[[EscapeRoom, Chance], None]"
    """Puts it into a system where nothing is wrong at that door."""
    mends: "Callable[[EscapeRoom], None]"
    """The reference solution: with the tools of the course and what the room hands out."""
    hints: tuple[str, str, str]
    """From a nudge to nearly the answer."""


if TYPE_CHECKING:
    from random import Random as Chance
