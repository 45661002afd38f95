"""What holds for every exercise of the course, whatever it is about."""

import pytest

from mtls_lab.exercises import check, hint
from mtls_lab.exercises.exercise import Exercise, exercises

EVERY = [pytest.param(one, id=one.slug) for one in exercises()]


def test_every_notebook_has_exercises_but_the_self_test() -> None:
    numbers = {one.slug.partition("-")[0] for one in exercises()}

    assert numbers == {f"{number:02}" for number in range(16)}


@pytest.mark.parametrize("one", EVERY)
def test_an_untouched_exercise_says_what_to_do(one: Exercise) -> None:
    for answers in ((), (...,), (..., None)):
        outcome = check(one.slug, *answers)

        assert outcome.state == "untouched"
        assert outcome.message == one.task != ""


@pytest.mark.parametrize("one", EVERY)
def test_an_answer_that_breaks_is_wrong_and_no_traceback(one: Exercise) -> None:
    assert check(one.slug, None, None, None).state == "wrong"


@pytest.mark.parametrize("one", EVERY)
def test_hints_go_in_three_steps(one: Exercise) -> None:
    steps = [hint(one.slug, step) for step in (1, 2, 3, 4)]

    assert len(set(steps)) == 3
    assert steps[2] == steps[3]
