"""Who learns here: MTLS_LAB_SEED, else the workshop's file in this folder or above, else "lab"."""

import json
from pathlib import Path

import pytest

from mtls_lab.exercises.learner import LEARNER_FILE, learner, seed


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.delenv("MTLS_LAB_SEED", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hand_out(folder: Path, content: object) -> None:
    (folder / LEARNER_FILE).write_text(json.dumps(content), encoding="utf-8")


def test_who_learns_alone_has_the_labs_seed(course: Path) -> None:
    assert (seed(), learner().name) == ("lab", "")


def test_the_workshops_file_gives_name_and_seed_also_in_a_folder_below(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_out(course, {"name": "Zoë", "seed": "5eed"})
    (course / "mine").mkdir()
    monkeypatch.chdir(course / "mine")

    assert (seed(), learner().name) == ("5eed", "Zoë")


def test_the_variable_comes_before_the_file(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_out(course, {"name": "ada", "seed": "5eed"})
    monkeypatch.setenv("MTLS_LAB_SEED", "another")

    assert seed() == "another"


@pytest.mark.parametrize("content", ["a word", {"name": "ada"}, {"seed": 7}, {"seed": " "}, []])
def test_a_file_without_a_seed_is_named_with_a_remedy_and_not_taken_for_none(course: Path, content: object) -> None:
    hand_out(course, content)

    with pytest.raises(ValueError, match=rf"{LEARNER_FILE}.*MTLS_LAB_SEED"):
        seed()


def test_a_damaged_file_is_named(course: Path) -> None:
    (course / LEARNER_FILE).write_bytes(b"\xff{")

    with pytest.raises(ValueError, match="cannot be read"):
        seed()
