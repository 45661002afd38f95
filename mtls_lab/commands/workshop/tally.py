"""What a room did: for each learner, and for each exercise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtls_lab.commands.workshop.gathering import HandedIn
from mtls_lab.exercises.record import Record


@dataclass(frozen=True, kw_only=True)
class LearnerLine:
    """One learner."""

    name: str
    """As in the table."""
    right: int
    """Exercises that are right."""
    tried: int
    """Exercises that were tried and are not right yet."""
    points: int
    """Their sum."""
    hints: int
    """Steps of the ladders, all together."""
    before: int | None
    """Answers of the first self-test that held; None where it was not begun."""
    after: int | None
    """The same of the second."""


@dataclass(frozen=True, kw_only=True)
class ExerciseLine:
    """One exercise."""

    slug: str
    """Its name."""
    right: int
    """Learners who have it."""
    tried: int
    """Learners who tried and have it not yet."""
    untouched: int
    """Learners who have not tried."""
    tries: int
    """Answers, all together."""
    hints: int
    """Steps of the ladder, all together."""


def learner_line(one: HandedIn) -> LearnerLine:
    """What that learner did."""
    standings = [score.standing for score in one.record.scores.values()]
    return LearnerLine(
        name=one.label,
        right=standings.count("right"),
        tried=standings.count("tried"),
        points=sum(score.points for score in one.record.scores.values()),
        hints=sum(score.hints for score in one.record.scores.values()),
        before=_held(one.record, after=False),
        after=_held(one.record, after=True),
    )


def exercise_lines(learners: Sequence[HandedIn], known: Iterable[str]) -> tuple[ExerciseLine, ...]:
    """Each exercise that somebody touched, in the course's order; unknown ones (another version's) at the end."""
    touched = {slug for one in learners for slug in one.record.scores}
    order = [slug for slug in known if slug in touched]
    return tuple(_exercise_line(slug, learners) for slug in [*order, *sorted(touched - set(order))])


def most_missed(lines: Iterable[ExerciseLine]) -> ExerciseLine | None:
    """The exercise that most learners tried in vain; among equals the one that took most hints, then most answers."""
    missed = [one for one in lines if one.tried]
    return max(missed, key=lambda one: (one.tried, one.hints, one.tries), default=None)


def _exercise_line(slug: str, learners: Sequence[HandedIn]) -> ExerciseLine:
    scores = [one.record.score(slug) for one in learners]
    standings = [score.standing for score in scores]
    return ExerciseLine(
        slug=slug,
        right=standings.count("right"),
        tried=standings.count("tried"),
        untouched=standings.count("untouched"),
        tries=sum(score.tries for score in scores),
        hints=sum(score.hints for score in scores),
    )


def _held(record: Record, *, after: bool) -> int | None:
    answers = record.after if after else record.before
    return sum(one.right for one in answers.values()) if answers else None
