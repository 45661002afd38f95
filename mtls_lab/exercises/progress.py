"""How far you are: every notebook and exercise of the course, and what to do next."""

from collections.abc import Mapping
from dataclasses import replace

from mtls_lab.exercises.course import lessons
from mtls_lab.exercises.exercise import Exercise, exercises
from mtls_lab.exercises.points import FULL, Score, Standing
from mtls_lab.exercises.progress_file import forget, kept
from mtls_lab.exercises.record import RUNS, Record, Run
from mtls_lab.exercises.tables import Group, Table

MARKS: Mapping[Standing, str] = {"untouched": "○ untouched", "tried": "◐ tried", "right": "✓ right"}
_TESTS: Mapping[str, Run] = {f"self-test-{run}": run for run in RUNS}
_QUESTIONS = 12


def progress() -> Table:
    """Every exercise of the notebooks at hand: where you stand, hints taken, points, and what to do next."""
    record, note = kept()
    every, titles = exercises(), {one.number: one.title for one in lessons()}
    # A workshop may have handed out some notebooks only; what was done in others still counts.
    every = tuple(one for one in every if not titles or _number(one) in titles or one.slug in record.scores)
    right = [one for one in every if record.score(one.slug).points]
    points = sum(record.score(one.slug).points for one in every)
    return Table(
        title="Your progress, by notebook and exercise",
        head=("exercise", "you stand at", "hints taken", "points"),
        groups=_groups(record, every, titles),
        before=(f"{_counted(len(right), len(every), points)} {_tests(record)}",),
        after=(*_next(record, every), *([note] if note else [])),
    )


def reset(slug: str | None = None, *, confirm: bool = False) -> str:
    """Forget what is kept: of one exercise, of "self-test-before" or "self-test-after", or everything.

    Without `confirm=True` nothing is lost: it says what would be.
    """
    record, _ = kept()
    if slug is not None and slug not in _TESTS and slug not in {one.slug for one in exercises()}:
        raise ValueError(
            f"slug={slug!r} is no exercise, and neither {' nor '.join(_TESTS)}; reset() without one is about everything"
        )
    what = _what(record, slug)
    if what is None:
        return "There is nothing to forget."
    if not confirm:
        given = "" if slug is None else f"{slug!r}, "
        return f"Nothing is lost yet. reset({given}confirm=True) forgets {what}."
    forget(lambda found: _without(found, slug))
    return f"Forgotten: {what}."


def _counted(right: int, every: int, points: int) -> str:
    return f"{right} of {every} exercises are right, {points} of {FULL * every} points."


def _groups(record: Record, every: tuple[Exercise, ...], titles: Mapping[str, str]) -> tuple[Group, ...]:
    numbers = sorted({*titles, *(_number(one) for one in every)})
    return tuple(
        Group(
            title=f"{number}  {titles.get(number, '')}".rstrip(),
            rows=tuple(_row(record, one) for one in every if _number(one) == number),
        )
        for number in numbers
    )


def _row(record: Record, one: Exercise) -> tuple[str, ...]:
    score = record.score(one.slug)
    hints = f"{score.hints} of {len(one.hints)}" if score.hints else "none"
    points = f"{score.points} of {FULL}" if score.standing != "untouched" else "-"
    return one.slug, MARKS[score.standing], hints, points


def _number(one: Exercise) -> str:
    return one.slug.partition("-")[0]


def _tests(record: Record) -> str:
    told = [f"{run} {_told(record, run)}" for run in RUNS]
    return f"Self-test: {', '.join(told)}."


def _told(record: Record, run: Run) -> str:
    number = len(record.given(run))
    return "not begun" if not number else "done" if number >= _QUESTIONS else f"{number} of {_QUESTIONS} answered"


def _next(record: Record, every: tuple[Exercise, ...]) -> tuple[str, ...]:
    """What you have begun comes before what you have not."""
    if record == Record(name=record.name):
        return ('Next: self_test("before"), in notebook 16, then notebook 00.',)
    open_ones = [one for one in every if not record.score(one.slug).points]
    begun = [one for one in open_ones if record.score(one.slug).tries]
    if not open_ones:
        return ('Next: self_test("after"), in notebook 16, and what_changed().',)
    one = (begun or open_ones)[0]
    return (f"Next: {one.slug}, in notebook {_number(one)}. {one.task}",)


def _what(record: Record, slug: str | None) -> str | None:
    """What would be forgotten, in words; None where nothing is kept."""
    if slug is not None and slug in _TESTS:
        answers = record.given(_TESTS[slug])
        return f"{len(answers)} answers of the self-test {_TESTS[slug]} the course" if answers else None
    if slug is not None:
        score = record.score(slug)
        told = f"{slug}: {MARKS[score.standing]}, {score.points} points, {score.hints} hints"
        return None if score == Score() else told
    if record == Record(name=record.name):
        return None
    points = sum(score.points for score in record.scores.values())
    answers_given = len(record.before) + len(record.after)
    return f"everything: {len(record.scores)} exercises, {points} points, {answers_given} answers of the self-test"


def _without(record: Record, slug: str | None) -> Record:
    if slug is None:
        return Record(name=record.name)
    if slug in _TESTS:
        return record.answered(_TESTS[slug], {})
    return replace(record, scores={one: score for one, score in record.scores.items() if one != slug})
