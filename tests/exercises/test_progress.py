"""What a check leaves behind, and what it does not: the file, its lock, its damage, and the table made of it."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mtls_lab.exercises import check, hint, progress, reset
from mtls_lab.exercises import progress_file as kept_in
from mtls_lab.exercises.exercise import exercises
from mtls_lab.exercises.learner import LEARNER_FILE
from mtls_lab.exercises.progress_file import PROGRESS_FILE, keep, kept, place
from mtls_lab.exercises.record import FORMAT, Given, Record, from_bytes, to_text

ROOT = Path(__file__).parents[2]
WRONG, RIGHT = {"a"}, {"b", "d"}
SLUG = "04-dead-weight"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has just started: it remembers nothing."""
    monkeypatch.setattr(kept_in, "_KERNEL", kept_in._Kernel())


@pytest.fixture
def course(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a notebook in it, to work in."""
    monkeypatch.delenv("MTLS_LAB_PROGRESS")
    (tmp_path / "04-server-verifies.ipynb").write_text('{"cells": [{"source": ["# Who asks?\\n"]}]}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def in_memory(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLS_LAB_PROGRESS", "off")


def answer(*, right: bool) -> None:
    """An answer to the exercise, without its handshakes: what becomes of it is the question here."""
    keep(lambda record: record.scored(SLUG, record.score(SLUG).judged(right=right)))


def read(folder: Path) -> Record:
    return from_bytes((folder / PROGRESS_FILE).read_bytes())


# what is kept


def test_a_wrong_answer_that_breaks_is_kept_as_a_try(course: Path) -> None:
    outcome = check(SLUG, None, None)

    assert outcome.state == "wrong"
    assert read(course).score(SLUG).tries == 1


def test_an_untouched_exercise_leaves_no_file(course: Path) -> None:
    check(SLUG, ...)

    assert [path.name for path in course.iterdir()] == ["04-server-verifies.ipynb"]


def test_hints_are_kept_and_cost_points(course: Path) -> None:
    hint(SLUG)
    hint(SLUG, 3)
    answer(right=True)

    assert (read(course).score(SLUG).hints, read(course).score(SLUG).points) == (3, 1)


def test_what_check_and_hint_say_does_not_depend_on_what_is_kept(course: Path) -> None:
    before = repr(check(SLUG, None, None)), hint(SLUG, 2)
    answer(right=True)

    assert (repr(check(SLUG, None, None)), hint(SLUG, 2)) == before


def test_the_file_is_its_owners_only_and_holds_no_more_than_it_must(course: Path) -> None:
    (course / LEARNER_FILE).write_text(json.dumps({"name": "ada", "seed": "s3cr3t"}), encoding="utf-8")
    answer(right=True)

    content = json.loads((course / PROGRESS_FILE).read_text(encoding="utf-8"))

    assert content == {
        "format": FORMAT,
        "name": "ada",
        "exercises": {SLUG: {"tries": 1, "hints": 0, "points": 3}},
        "self_test": {"before": {}, "after": {}},
    }
    assert stat.S_IMODE((course / PROGRESS_FILE).stat().st_mode) == 0o600


def test_a_record_comes_back_from_its_text() -> None:
    record = Record(name="Zoë", before={"sent": Given(choice="b", right=True)}).scored(
        SLUG, Record().score(SLUG).judged(right=True)
    )

    assert from_bytes(to_text(record).encode()) == record


# where


def test_a_folder_below_the_notebooks_shares_their_file(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (course / "mine").mkdir()
    monkeypatch.chdir(course / "mine")

    assert place() == course / PROGRESS_FILE


@pytest.mark.parametrize("where", ["elsewhere", "solved"])
def test_outside_the_course_and_among_the_solutions_nothing_is_written(
    course: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = (course if where == "solved" else tmp_path_factory.mktemp("nothing")) / where
    folder.mkdir()
    if where == "solved":
        (folder / "04-server-verifies.ipynb").touch()
    monkeypatch.chdir(folder)

    answer(right=True)

    assert place() is None
    assert not list(course.rglob("*progress*"))
    assert kept()[0].score(SLUG).points == 3


def test_a_variable_names_another_file(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLS_LAB_PROGRESS", str(course / "elsewhere.json"))
    answer(right=True)

    assert from_bytes((course / "elsewhere.json").read_bytes()).score(SLUG).points == 3
    assert not (course / PROGRESS_FILE).exists()


def test_switched_off_the_kernel_remembers_and_nothing_is_written(
    in_memory: None, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLS_LAB_PROGRESS", "off")
    answer(right=True)

    assert kept() == (Record().scored(SLUG, Record().score(SLUG).judged(right=True)), "")
    assert not (course / PROGRESS_FILE).exists()


# what goes wrong


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"format": "another program"}',
        b'{"format": "mtls_lab progress 2"}',
        to_text(Record()).encode().replace(b'"exercises": {}', b'"exercises": []'),
        to_text(Record()).encode().replace(b'"exercises": {}', b'"exercises": {"a": {"tries": true}}'),
        to_text(Record())
        .encode()
        .replace(b'"exercises": {}', b'"exercises": {"a": {"tries":1,"hints":0,"points":99}}'),
        to_text(Record()).encode().replace(b'"name": ""', b'"name": "a\\nb"'),
        b"[" * 900_000,
        b" " * 1_000_001,
    ],
    ids=range(13),
)
def test_a_file_that_cannot_be_understood_is_set_aside_and_the_next_begins(
    course: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (course / PROGRESS_FILE).write_bytes(content)

    answer(right=True)

    assert (course / "mtls-lab-progress.damaged-1.json").read_bytes() == content
    assert read(course).score(SLUG).points == 3
    assert "set aside as mtls-lab-progress.damaged-1.json" in capsys.readouterr().err


def test_a_second_damaged_file_does_not_replace_the_first(course: Path) -> None:
    for content in (b"one", b"two"):
        (course / PROGRESS_FILE).write_bytes(content)
        answer(right=False)

    assert [path.read_bytes() for path in sorted(course.glob("*damaged*"))] == [b"one", b"two"]


def test_looking_at_a_damaged_file_leaves_it_alone_and_says_so(course: Path) -> None:
    (course / PROGRESS_FILE).write_bytes(b"damaged")

    assert "cannot be read" in progress().text
    assert (course / PROGRESS_FILE).read_bytes() == b"damaged"


def test_a_place_that_cannot_be_written_breaks_no_check_is_said_once_and_costs_no_point(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MTLS_LAB_PROGRESS", str(course / "04-server-verifies.ipynb" / "no folder"))

    states = [check(SLUG, None, None).state for _ in range(3)]
    answer(right=True)

    assert states == ["wrong"] * 3
    assert capsys.readouterr().err.count("kept in this kernel only") == 1
    assert (kept()[0].score(SLUG).tries, kept()[0].score(SLUG).points) == (4, 3)


def test_what_could_not_be_written_is_written_with_the_next_change_that_can(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(right=False)
    monkeypatch.setenv("MTLS_LAB_PROGRESS", str(course / "04-server-verifies.ipynb" / "no folder"))
    answer(right=True)
    monkeypatch.delenv("MTLS_LAB_PROGRESS")
    hint("04-guest-list", 2)

    assert read(course).score(SLUG).points == 3
    assert read(course).score("04-guest-list").hints == 2


def test_a_lock_that_is_never_given_back_costs_two_seconds_and_no_point(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kept_in, "_PATIENCE_S", 0.1)
    with kept_in._alone(course / PROGRESS_FILE):
        answer(right=True)

    assert "another kernel has held" in capsys.readouterr().err
    assert kept()[0].score(SLUG).points == 3


WRITER = f"""
import sys
from mtls_lab.exercises.progress_file import keep
for number in range(20):
    keep(lambda record: record.scored({SLUG!r}, record.score({SLUG!r}).judged(right=False)))
"""


@pytest.mark.live
def test_four_kernels_at_once_lose_nothing(course: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ThreadPoolExecutor(4) as pool:
        done = [
            pool.submit(
                subprocess.run,
                [sys.executable, "-c", WRITER],
                cwd=course,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=100,
            )
            for _ in range(4)
        ]

    assert [one.result().stderr for one in done] == [""] * 4
    assert read(course).score(SLUG).tries == 80
    assert not list(course.glob(".mtls-lab-progress.json-*")), "a half-written file is left"


# progress and reset


def test_progress_shows_every_exercise_of_the_notebooks_at_hand(course: Path) -> None:
    answer(right=True)

    shown = "\n".join(" ".join(line.split()) for line in progress().text.splitlines())

    assert "04 Who asks?" in shown
    assert "04-guest-list ○ untouched none -" in shown
    assert "04-dead-weight ✓ right none 3 of 3" in shown
    assert "1 of 2 exercises are right, 3 of 6 points." in shown
    assert "Next: 04-guest-list, in notebook 04." in shown
    assert "02-mend" not in shown


def test_what_was_begun_comes_before_what_was_not(course: Path) -> None:
    answer(right=False)

    assert f"Next: {SLUG}, in notebook 04." in progress().text
    assert "04-dead-weight  ◐ tried" in progress().text


def test_without_notebooks_at_hand_progress_shows_the_whole_course(in_memory: None) -> None:
    answer(right=True)

    shown, there = progress().text, {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}

    assert [one.slug for one in exercises() if one.slug[:2] in there and one.slug not in shown] == []


def test_at_the_very_beginning_the_self_test_is_next(in_memory: None) -> None:
    assert 'Next: self_test("before")' in progress().text


def test_the_tables_html_can_be_followed_by_a_screen_reader_and_holds_no_colour_of_its_own(in_memory: None) -> None:
    shown = progress().html

    assert shown.count('scope="col"') == 4
    assert shown.count('scope="row"') == len([one for one in exercises() if one.slug in progress().text])
    assert 'scope="rowgroup"' in shown
    assert "<caption" in shown
    assert not any(word in shown for word in ("background", "color:#", "<script", "<style"))


def test_nothing_is_forgotten_without_being_told_to(course: Path) -> None:
    answer(right=True)
    content = (course / PROGRESS_FILE).read_bytes()

    words = reset(SLUG), reset()

    assert words[0] == f"Nothing is lost yet. reset('{SLUG}', confirm=True) forgets {SLUG}: ✓ right, 3 points, 0 hints."
    assert words[1].startswith("Nothing is lost yet. reset(confirm=True) forgets everything: 1 exercises, 3 points")
    assert (course / PROGRESS_FILE).read_bytes() == content


def test_one_exercise_is_forgotten_and_the_others_stay(course: Path) -> None:
    answer(right=True)
    hint("04-guest-list", 2)

    reset(SLUG, confirm=True)

    assert read(course).scores.keys() == {"04-guest-list"}


def test_everything_is_forgotten_but_the_name(course: Path) -> None:
    (course / LEARNER_FILE).write_text(json.dumps({"name": "ada", "seed": "1"}), encoding="utf-8")
    answer(right=True)

    reset(confirm=True)

    assert read(course) == Record(name="ada")
    assert reset(confirm=True) == "There is nothing to forget."


def test_an_exercise_that_there_is_not_cannot_be_forgotten(in_memory: None) -> None:
    with pytest.raises(ValueError, match="'04-guests' is no exercise.*self-test-before"):
        reset("04-guests", confirm=True)
