"""What the course changed: both runs of the self-test side by side."""

from collections.abc import Mapping

from mtls_lab.exercises.progress_file import kept
from mtls_lab.exercises.record import Given
from mtls_lab.exercises.self_test.questions import QUESTIONS
from mtls_lab.exercises.tables import Group, Table

_MARKS = {None: "○ not answered", True: "✓ held", False: "✗ did not hold"}


def what_changed() -> Table:
    """Each question before and after the course, and the notebooks that are worth another look.

    While the first run is unfinished it tells nothing about it.
    """
    record, note = kept()
    told = record.before if all(one.slug in record.before for one in QUESTIONS) else {}
    rows = tuple(
        (
            f"{number}. {one.title}",
            _MARKS[_held(told.get(one.slug))] if told or one.slug not in record.before else "● noted",
            _MARKS[_held(record.after.get(one.slug))],
            _word(_held(told.get(one.slug)), _held(record.after.get(one.slug))),
        )
        for number, one in enumerate(QUESTIONS, 1)
    )
    again = sorted({one.notebook for one in QUESTIONS if _held(record.after.get(one.slug)) is False})
    look = f"Worth another look: notebook {', '.join(again)}." if again else ""
    counts = [_count(run) for run in (told, record.after)]
    return Table(
        title="What you believed before the course, and after it",
        head=("question", "before", "after", "what changed"),
        groups=(Group(title="", rows=rows),),
        before=(f"Answers that held: before, {counts[0]}; after, {counts[1]}.",),
        after=tuple(filter(None, (look, note))),
    )


def _count(run: Mapping[str, Given]) -> str:
    return f"{sum(one.right for one in run.values())} of {len(QUESTIONS)}" if run else "not known yet"


def _held(given: Given | None) -> bool | None:
    return None if given is None else given.right


def _word(before: bool | None, after: bool | None) -> str:
    if before is None or after is None:
        return ""
    return {(False, True): "learned", (True, False): "look again", (True, True): "known"}.get(
        (before, after), "still to learn"
    )
