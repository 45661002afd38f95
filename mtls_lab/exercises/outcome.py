"""What a check answers, in words: untouched, wrong or right. The self-test has a fourth: noted, and not told yet."""

import html
from dataclasses import dataclass
from typing import Literal

State = Literal["untouched", "noted", "wrong", "right"]
_MARKS: dict[State, str] = {
    "untouched": "○ Not answered yet",
    "noted": "● Noted",
    "wrong": "✗ Not yet",
    "right": "✓ Right",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answer of a check or a prediction; shows itself in a notebook."""

    state: State
    """Untouched, wrong or right; `noted` where the self-test keeps its verdict for later."""
    message: str
    """What was found, and for a wrong answer the hint that belongs to it."""

    def __repr__(self) -> str:
        return f"{_MARKS[self.state]}. {self.message}"

    def _repr_html_(self) -> str:
        return (
            '<div style="border-left: 4px solid currentColor; padding: 0.3em 0.8em; margin: 0.3em 0">'
            f"<strong>{_MARKS[self.state]}.</strong> {html.escape(self.message)}</div>"
        )


def untouched(message: str) -> Outcome:
    """The stub is still there."""
    return Outcome(state="untouched", message=message)


def noted(message: str) -> Outcome:
    """An answer whose verdict comes later."""
    return Outcome(state="noted", message=message)


def wrong(message: str) -> Outcome:
    """An answer that does not hold, with a hint for just that answer."""
    return Outcome(state="wrong", message=message)


def right(message: str) -> Outcome:
    """An answer that holds."""
    return Outcome(state="right", message=message)
