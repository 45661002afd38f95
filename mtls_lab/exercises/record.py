"""What is kept of a learner's work, and the file's text: read with suspicion, since anybody may have written it.

No key, no host name, no path, no time: the name that the workshop gave, and for each exercise and each question of the
self-test what became of it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from mtls_lab.exercises.points import FULL, Score

Run = Literal["before", "after"]
RUNS: tuple[Run, ...] = ("before", "after")
FORMAT = "mtls_lab progress 1"
LARGEST = 1_000_000
"""Bytes. A learner's file has some thousands."""
_LONGEST, _MOST = 80, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Given:
    """One answer to the self-test."""

    choice: str
    """The letter."""
    right: bool
    """What the handshake said to it."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """All that is kept of one learner."""

    name: str = ""
    """The name that a workshop gave; empty for who learns alone."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    """By exercise; an exercise that is missing is untouched."""
    before: Mapping[str, Given] = field(default_factory=dict)
    """The self-test at the start, by question."""
    after: Mapping[str, Given] = field(default_factory=dict)
    """The same at the end."""

    def score(self, slug: str) -> Score:
        """What is kept of that exercise."""
        return self.scores.get(slug, Score())

    def scored(self, slug: str, score: Score) -> "Record":
        """The same with that score."""
        return replace(self, scores={**self.scores, slug: score})

    def given(self, run: Run) -> Mapping[str, Given]:
        """The answers of one run of the self-test."""
        return self.before if run == "before" else self.after

    def answered(self, run: Run, answers: Mapping[str, Given]) -> "Record":
        """The same with these answers in place of that run's."""
        return replace(self, before=answers) if run == "before" else replace(self, after=answers)

    def joined(self, other: "Record") -> "Record":
        """Both accounts in one; where two answers to one question differ, this record's holds."""
        slugs = dict.fromkeys([*self.scores, *other.scores])
        return Record(
            name=self.name or other.name,
            scores={slug: self.score(slug).joined(other.score(slug)) for slug in slugs},
            before={**other.before, **self.before},
            after={**other.after, **self.after},
        )


def to_text(record: Record) -> str:
    """The file's content; the same record gives the same text."""
    content = {
        "format": FORMAT,
        "name": record.name,
        "exercises": {slug: asdict(score) for slug, score in sorted(record.scores.items())},
        "self_test": {run: {slug: asdict(one) for slug, one in record.given(run).items()} for run in RUNS},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def from_bytes(content: bytes) -> Record:
    """The record in a file's content. Raises ValueError that says what is wrong with it."""
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    try:
        read = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({type(error).__name__})") from error
    if not isinstance(read, dict) or not str(read.get("format", "")).startswith("mtls_lab progress"):
        raise ValueError("it is no progress file of mtls_lab")
    if read["format"] != FORMAT:
        raise ValueError(f"its format is {str(read['format'])[:40]!r}, and this mtls_lab reads {FORMAT!r}")
    tests = _table(read.get("self_test", {}), "self_test")
    return Record(
        name=_word(read.get("name", ""), "name"),
        scores={_word(slug, "a slug"): _score(one, slug) for slug, one in _items(read, "exercises")},
        before={_word(slug, "a slug"): _given(one, slug) for slug, one in _items(tests, "before")},
        after={_word(slug, "a slug"): _given(one, slug) for slug, one in _items(tests, "after")},
    )


def _items(read: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    return list(_table(read.get(name, {}), name).items())


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"its {name} is no table")  # noqa: TRY004 - of a file, not of an argument
    return value


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"its {name} is no short line of text")
    return value


def _number(value: Any, name: str, *, most: int = _MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"its {name} is no number from 0 to {most}")
    return value


def _score(value: Any, slug: str) -> Score:
    one = _table(value, f"exercise {slug[:_LONGEST]!r}")
    return Score(
        tries=_number(one.get("tries"), "tries"),
        hints=_number(one.get("hints"), "hints"),
        points=_number(one.get("points"), "points", most=FULL),
    )


def _given(value: Any, slug: str) -> Given:
    one = _table(value, f"question {slug[:_LONGEST]!r}")
    if type(one.get("right")) is not bool:
        raise ValueError('its "right" is neither true nor false')
    return Given(choice=_word(one.get("choice"), "choice"), right=one["right"])
