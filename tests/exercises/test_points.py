"""Points: fewer hints, more points; what is earned stays."""

import pytest

from mtls_lab.exercises.points import FULL, Score


@pytest.mark.parametrize(("hints", "points"), [(0, 3), (1, 3), (2, 2), (3, 1), (9, 1)])
def test_each_hint_after_the_first_costs_a_point_and_one_remains(hints: int, points: int) -> None:
    assert Score(hints=hints).judged(right=True).points == points


def test_what_is_earned_stays_through_wrong_answers_hints_and_more_right_ones() -> None:
    score = Score().judged(right=True).hinted(3).judged(right=False).judged(right=True)

    assert score == Score(tries=3, hints=0, points=FULL)


def test_a_hint_read_twice_counts_once_and_an_earlier_one_not_at_all() -> None:
    assert Score().hinted(2).hinted(2).hinted(1) == Score(hints=2)


@pytest.mark.parametrize(
    ("score", "standing"),
    [
        (Score(), "untouched"),
        (Score(hints=2), "untouched"),
        (Score(tries=1), "tried"),
        (Score(tries=1, points=1), "right"),
    ],
)
def test_where_a_learner_stands(score: Score, standing: str) -> None:
    assert score.standing == standing


def test_two_accounts_of_one_exercise_join_at_the_learners_best() -> None:
    joined = Score(tries=2, hints=1, points=3).joined(Score(tries=5, hints=3, points=1))

    assert joined == Score(tries=5, hints=1, points=3)
