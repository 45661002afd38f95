"""The answer key says what the sources say, and leaves nothing out."""

import re
from pathlib import Path

import pytest

import answer_key
import notebooks
from mtls_lab.exercises import find
from mtls_lab.exercises.outcome import Outcome, right, wrong
from wrong_answers import Told, wrong_answers

SOLVED = {target.name: target for target in notebooks.targets() if target.solved}


def written() -> str:
    return answer_key.PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert answer_key.main(["--check"]) == 0, "python tools/answer_key.py"


@pytest.mark.parametrize("name", SOLVED)
def test_every_exercise_of_a_notebook_is_in_it_with_its_solution(name: str) -> None:
    found = answer_key.answers(SOLVED[name])

    page = re.sub(r"\s+", " ", written())
    # A prediction stands in a table, where a bar is escaped.
    missing = [one.code for one in found if re.sub(r"\s+", " ", one.code) not in page.replace("\\|", "|")]

    assert found
    assert missing == []


@pytest.mark.parametrize("name", SOLVED)
def test_no_solution_is_told_that_it_is_wrong(name: str) -> None:
    judged = [one for one in answer_key.answers(SOLVED[name]) if one.slug or "predict(" in one.code]

    assert [one.code for one in judged if "✓" not in one.said or "✗" in one.said] == []


def test_every_check_is_in_once_with_three_hints_and_what_it_tells_wrong_answers() -> None:
    slugs = [one.slug for target in SOLVED.values() for one in answer_key.answers(target) if one.slug]

    assert len(slugs) == len(set(slugs)) > 20
    assert [slug for slug in slugs if len(find(slug).hints) != 3] == []
    assert [slug for slug in slugs if not wrong_answers(find(slug).check)] == []


def test_a_page_that_is_out_of_date_is_said_so_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "answer-key.md"
    stale.write_text("# Old\n", encoding="utf-8")
    monkeypatch.setattr(answer_key, "PAGE", stale)
    monkeypatch.setattr(answer_key, "page", lambda: "# New\n")

    assert answer_key.main(["--check"]) == 1

    told = capsys.readouterr()
    assert "-# Old" in told.out and "+# New" in told.out
    assert "python tools/answer_key.py" in told.err
    assert stale.read_text(encoding="utf-8") == "# Old\n"

    assert answer_key.main([]) == 0
    assert answer_key.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("words", "shown"),
    [("a * b and c_d", r"a \* b and c\_d"), ("`a * b` and <b>", r"`a * b` and \<b>"), ("two\n lines", "two lines")],
)
def test_words_are_not_taken_for_markup(words: str, shown: str) -> None:
    assert answer_key._plain(words) == shown


# what is read from a check


PLAIN = "A word that is the same for everybody."
TABLE = {"a": "The first of them is no good.", "b": "The second of them is no good.", "c": "short"}


def a_check(number: int, letter: str) -> Outcome:
    if number < 0:
        return wrong(f"{number} is below nothing." if letter else PLAIN)
    if number > 9:
        return wrong(f"Too much. {a_part(number)}")
    if letter in TABLE:
        return wrong(TABLE[letter])
    if number == 5:
        return wrong(f"{number}: {TABLE[letter]}")
    try:
        letter.encode("ascii")
    except UnicodeError:
        return wrong("Only letters of the English alphabet count.")
    return right("It is right, and no answer to a mistake.")


def a_part(number: int) -> str:
    """A part of the words, and a label that is none."""
    if number == 10:
        return "That is one more than there may be."
    return "a label"


def test_each_answer_to_a_mistake_is_found_with_its_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if they stood in a file of the exercises.
    for function in (a_check, a_part):
        monkeypatch.setattr(function, "__module__", "mtls_lab.exercises.made_up")

    assert wrong_answers(a_check) == (
        Told(when="number < 0 and letter", told="… is below nothing."),
        Told(when="number < 0", told=PLAIN),
        Told(when="number > 9", told="Too much. …"),
        Told(when="letter in TABLE and letter == 'a'", told=TABLE["a"]),
        Told(when="letter in TABLE and letter == 'b'", told=TABLE["b"]),
        Told(when="letter in TABLE and letter == 'c'", told=TABLE["c"]),
        Told(when="number == 5 and letter == 'a'", told=f"…: {TABLE['a']}"),
        Told(when="number == 5 and letter == 'b'", told=f"…: {TABLE['b']}"),
        Told(when="number == 5 and letter == 'c'", told=f"…: {TABLE['c']}"),
        Told(when="UnicodeError raised", told="Only letters of the English alphabet count."),
        Told(when="number == 10", told="That is one more than there may be."),
    )
