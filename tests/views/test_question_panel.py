"""The self-test's panel: choosing is not answering, the next question comes by itself, the end tells the result."""

import re
from typing import Any

import pytest

from mtls_lab.exercises import progress_file, self_test
from mtls_lab.views.question_panel import QuestionPanel


@pytest.fixture(autouse=True)
def nothing_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_file, "_KERNEL", progress_file._Kernel())


def status(panel: QuestionPanel) -> str:
    return re.sub(r"<[^>]+>", "", panel._status.value)


def button(panel: QuestionPanel, words: str) -> Any:
    return next(one for one in panel.children[3].children if one.description == words)


def test_choosing_answers_nothing_and_the_button_does() -> None:
    test = self_test("before")
    panel = QuestionPanel(test)

    panel._radio.index = 1
    chosen_only = test.chosen(1)
    button(panel, "Answer").click()

    assert (chosen_only, test.chosen(1)) == (None, "b")
    assert status(panel) == "Question 1: ● Noted. 1 of 12 answered. You are told when all of them are."
    assert (panel.number, panel.choice) == (2, "")


def test_the_button_without_a_choice_says_what_to_do() -> None:
    panel = QuestionPanel(self_test("before"))

    button(panel, "Answer").click()

    assert (panel.number, status(panel)) == (1, "Choose an answer first.")


def test_an_answer_that_was_given_is_chosen_when_its_question_comes_back() -> None:
    test = self_test("before")
    test.answer(2, "c")
    panel = QuestionPanel(test)

    button(panel, "Next question").click()

    assert (panel.number, panel.choice, panel._radio.index) == (2, "c", 2)


def test_the_questions_go_round_and_a_panel_begins_at_the_first_that_is_open() -> None:
    test = self_test("before")
    test.answer(1, "a")
    panel = QuestionPanel(test)
    began = panel.number

    panel.turn(-2)

    assert (began, panel.number) == (2, 12)


def test_the_result_shows_when_the_last_question_is_answered_and_not_before() -> None:
    panel = QuestionPanel(self_test("before"))
    shown = []

    for _ in range(12):
        panel.choice = "a"
        panel.answer()
        shown.append("what a handshake says" in panel._result.value)

    assert shown == [*[False] * 11, True]


def test_after_the_course_each_answer_is_judged_at_once() -> None:
    panel = QuestionPanel(self_test("after"))

    panel.choice = "c"
    panel.answer()

    assert status(panel).startswith("Question 1: ✓ Right.")


def test_what_a_screen_reader_announces_is_there_before_anything_is_said() -> None:
    assert 'role="status" aria-live="polite"' in QuestionPanel(self_test("before"))._status.value


def test_a_saved_notebook_tells_the_question_without_a_kernel() -> None:
    text = QuestionPanel(self_test("before"))._repr_mimebundle_()["text/plain"]

    assert text.startswith("Question 1 of 12\n")
    assert "   d  " in text


def test_an_answer_that_cannot_be_judged_is_said_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = QuestionPanel(self_test("before"))
    panel.choice = "z"

    panel.answer()

    assert status(panel).startswith("This could not be judged. ValueError")
