"""What there is to say about files or an endpoint: one remark each, and remarks as text that is safe to print."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

Level = Literal["wrong", "warning", "note", "good"]

LEVELS: tuple[Level, ...] = get_args(Level)
_HEADINGS: dict[Level, str] = {
    "wrong": "What is wrong",
    "warning": "What to watch",
    "note": "Worth knowing",
    "good": "What is good",
}
_LONGEST = 400
_WIDTH = 116


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One thing that was found."""

    level: Level
    """`wrong`: somebody refuses, or would. `warning`: goes well today. `note`: worth knowing. `good`: found sound."""
    title: str
    """It in one sentence, without a full stop."""
    why: str = ""
    """One or two sentences; empty where the title says it all."""
    fixes: tuple[tuple[str, str], ...] = ()
    """What mends it: (tool, what to do with it)."""
    evidence: tuple[str, ...] = ()
    """The facts it rests on, one line each. A peer's words stand here as they came: print them with `printable`."""
    cause: str | None = None
    """The slug of the cause, where it is one of those that `explain` knows."""
    refused_by: Literal["client", "server"] | None = None
    """Which end refuses the other because of it, or would."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "level": self.level,
            "title": self.title,
            "why": self.why,
            "fixes": [{"tool": tool, "text": text} for tool, text in self.fixes],
            "evidence": list(self.evidence),
            "cause": self.cause,
            "refused_by": self.refused_by,
        }


def printable(text: str, longest: int = _LONGEST) -> str:
    """The text with every control, bidirectional and unprintable character spelled out, and cut if it is very long.

    Names in certificates and words on the wire are a stranger's: an escape sequence in them would steer the terminal.
    """
    shown = text if len(text) <= longest else f"{text[: longest - 3]}..."
    return "".join(one if one.isprintable() else _escape(one) for one in shown)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def wrapped(label: str, text: str, *, indent: int, column: int) -> Iterator[str]:
    """`label` and `text` in two columns, the text wrapped within its own."""
    lead = f"{'':{indent}}{printable(label):<{column - indent}}"
    lead = lead if lead.endswith(" ") or not label else f"{lead} "
    yield from textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * column,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [lead.rstrip()]


def told(remarks: Iterable[Remark]) -> Iterator[str]:
    """The remarks as lines, by level, the worst first; of those that need no action, the title alone and the why."""
    remarks = tuple(remarks)
    for level in LEVELS:
        chosen = [remark for remark in remarks if remark.level == level]
        if chosen:
            yield from ("", _HEADINGS[level])
        for remark in chosen:
            yield from wrapped("-", remark.title, indent=2, column=4)
            if remark.why:
                yield from wrapped("", remark.why, indent=4, column=4)
            for number, (tool, text) in enumerate(remark.fixes):
                yield from wrapped("fix" if not number else "", f"{tool}: {text}", indent=4, column=9)


def told_evidence(remarks: Iterable[Remark], before: Iterable[str] = ()) -> Iterator[str]:
    """The lines `before`, then the facts behind what is wrong or to be watched; each once."""
    facts = [line for remark in remarks if remark.level in ("wrong", "warning") for line in remark.evidence]
    for line in dict.fromkeys((*before, *facts)):
        yield from wrapped("-", line, indent=2, column=4)
