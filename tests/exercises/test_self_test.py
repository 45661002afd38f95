"""The self-test: an experiment decides each question, nothing is told too early, both halves are compared."""

import os
import re
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority
from mtls_lab.clients.postgres import NoPostgreSQL, PostgreSQL, find_build, psql
from mtls_lab.exercises import progress_file, reset, self_test, what_changed
from mtls_lab.exercises.self_test import Question, SelfTest
from mtls_lab.exercises.self_test.experiments import PSQL_SAID
from mtls_lab.exercises.self_test.questions import QUESTIONS
from tools import program

ROOT = Path(__file__).parents[2]
NUMBERS = range(1, 13)


@pytest.fixture(autouse=True)
def nothing_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_file, "_KERNEL", progress_file._Kernel())


@pytest.fixture(scope="module")
def true_letters() -> str:
    """Found by experiment, as everywhere."""
    return "".join(next(letter for letter in one.letters if one.judge(letter)[0]) for one in QUESTIONS)


def answer_all(test: SelfTest, letters: str) -> None:
    for number, letter in enumerate(letters, 1):
        test.answer(number, letter)


def not_so(letter: str) -> str:
    return "b" if letter == "a" else "a"


# the questions


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.slug)
def test_exactly_one_option_is_what_the_experiment_finds(question: Question) -> None:
    finding = question.experiment()

    assert [option.expects for option in question.options].count(finding.found) == 1
    assert finding == question.experiment(), "another run says something else"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.slug)
def test_each_wrong_option_has_an_explanation_of_its_own_and_the_true_one_none(question: Question) -> None:
    found = question.experiment().found
    wrong = [option for option in question.options if option.expects != found]

    assert len({option.why for option in wrong}) == len(wrong) >= 2
    assert all(option.why for option in wrong)
    assert [option.why for option in question.options if option.expects == found] == [""]


def test_there_are_twelve_questions_with_names_of_their_own() -> None:
    assert len({one.slug for one in QUESTIONS}) == len({one.title for one in QUESTIONS}) == len(QUESTIONS) == 12


def test_no_letter_is_the_right_one_more_often_than_half_of_the_time(true_letters: str) -> None:
    assert max(map(true_letters.count, "abcd")) <= 6


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.slug)
def test_the_notebook_that_shows_it_is_there(question: Question) -> None:
    assert list((ROOT / "notebooks" / "sources").glob(f"{question.notebook}-*.py"))


@pytest.mark.live
def test_the_recorded_answer_of_psql_is_still_what_psql_does(tmp_path: Path) -> None:
    program("psql")
    stranger, root = Authority.create("Stranger CA"), Authority.create("Lab Root CA")
    (tmp_path / "root.pem").write_bytes(root.certificate.pem)
    try:
        find_build()
    except NoPostgreSQL as error:
        if os.environ.get("MTLS_LAB_REQUIRE") == "1":
            raise
        pytest.skip(str(error))
    with PostgreSQL(
        presents=stranger.issue("localhost", purpose="serverAuth"),
        trusts=(stranger.certificate,),
        roles=("alice",),
        hba=("hostssl all all 127.0.0.1/32 trust",),
    ) as server:
        # verify-ca and verify-full need a root file; with one, require would act as verify-ca.
        files = {"require": None, "verify-ca": "root.pem", "verify-full": "root.pem"}
        calls = {mode: psql(server, folder=tmp_path, sslmode=mode, sslrootcert=file) for mode, file in files.items()}

    said = {mode: "connected" if call.accepted else "refused the server" for mode, call in calls.items()}
    assert said == PSQL_SAID


# before


def test_before_the_course_nothing_is_told_until_all_are_answered(true_letters: str) -> None:
    test = self_test("before")

    outcomes = [test.answer(number, letter) for number, letter in enumerate(true_letters, 1)]

    assert {one.state for one in outcomes} == {"noted"}
    assert {re.sub(r"^\d+", "N", one.message) for one in outcomes[:-1]} == {
        "N of 12 answered. You are told when all of them are."
    }
    assert outcomes[-1].message == "All 12 are answered, and 12 of the answers hold."


def test_while_the_first_half_is_open_neither_its_result_nor_the_comparison_tells_what_holds(true_letters: str) -> None:
    test = self_test("before")
    answer_all(test, true_letters[:-1])

    told = f"{test.result!r}{what_changed().text}"

    assert "11 of 12 answered" in told
    assert "✓" not in told
    assert "✗" not in told


def test_before_the_end_an_answer_can_be_changed_and_after_it_not(true_letters: str) -> None:
    test = self_test("before")
    test.answer(1, not_so(true_letters[0]))
    answer_all(test, true_letters)

    late = test.answer(1, not_so(true_letters[0]))

    assert test.chosen(1) == true_letters[0]
    assert late.state == "wrong"
    assert "the answer that you gave first is kept" in late.message


def test_all_answered_each_wrong_one_is_explained_and_names_its_notebook(true_letters: str) -> None:
    test = self_test("before")
    answer_all(test, "".join(map(not_so, true_letters)))

    rows = test.result.groups[0].rows

    assert [row[1][0] for row in rows] == ["✗"] * 12
    assert all(row[2].endswith(f"(notebook {one.notebook})") for row, one in zip(rows, QUESTIONS, strict=True))


# after


def test_after_the_course_each_answer_is_judged_at_once_and_the_first_counts(true_letters: str) -> None:
    test = self_test("after")

    first, second = test.answer(9, not_so(true_letters[8])), test.answer(9, true_letters[8])

    assert (first.state, second.state) == ("wrong", "right")
    assert "Notebook 06 shows it." in first.message
    assert test.chosen(9) == not_so(true_letters[8])


def test_a_half_can_be_begun_again(true_letters: str) -> None:
    answer_all(self_test("after"), true_letters)

    reset("self-test-after", confirm=True)

    assert self_test("after").chosen(1) is None


def test_what_changed_tells_learned_from_known_and_from_what_to_look_at_again(true_letters: str) -> None:
    before = not_so(true_letters[0]) + not_so(true_letters[1]) + true_letters[2:]
    after = true_letters[0] + not_so(true_letters[1]) + true_letters[2] + not_so(true_letters[3]) + true_letters[4:]
    answer_all(self_test("before"), before)
    answer_all(self_test("after"), after)

    changes = [row[-1] for row in what_changed().groups[0].rows]

    assert changes == ["learned", "still to learn", "known", "look again", *["known"] * 8]
    assert what_changed().before == ("Answers that held: before, 10 of 12; after, 10 of 12.",)
    assert what_changed().after == ("Worth another look: notebook 02, 10.",)


# misuse


@pytest.mark.parametrize("dots", [..., ".", ""])
def test_dots_are_no_answer(dots: object) -> None:
    assert self_test("before").answer(1, dots).state == "untouched"
    assert self_test("before").chosen(1) is None


@pytest.mark.parametrize("choice", ["e", "A", "ab", 1, None])
def test_another_choice_is_refused_with_the_letters_there_are(choice: object) -> None:
    with pytest.raises(ValueError, match=r"no option of question 1: say a, b, c or d"):
        self_test("after").answer(1, choice)


@pytest.mark.parametrize("number", [0, 13, "1", True, 1.0])
def test_another_number_is_refused_with_the_numbers_there_are(number: object) -> None:
    with pytest.raises(ValueError, match="the numbers 1 to 12"):
        self_test("after").answer(number, "a")  # type: ignore[arg-type]


def test_another_half_is_refused() -> None:
    with pytest.raises(ValueError, match="'before' or 'after'"):
        self_test("middle")  # type: ignore[arg-type]
