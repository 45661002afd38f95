"""The guide for instructors speaks of the notebooks as they are."""

import re
from pathlib import Path

import pytest

import notebook_lint
import notebooks
from mtls_lab.exercises import find

GUIDE = Path(__file__).parents[1] / "docs" / "instructor.md"
TEXT = GUIDE.read_text(encoding="utf-8")
SOURCES = {target.source.stem[:2]: target.source for target in notebooks.targets()}
PATHS = dict(re.findall(r"(?ms)^### (\d+) minutes\n(.*?)(?=^##)", TEXT))
CHAPTERS = dict(re.findall(r"(?ms)^### (\d\d)\n(.*?)(?=^##|\Z)", TEXT))


def minutes(number: str) -> int:
    """What the first cell of that notebook says."""
    found = re.search(r"\*\*Minutes:\*\* (\d+)", SOURCES[number].read_text(encoding="utf-8"))
    assert found
    return int(found[1])


def headings(number: str) -> list[str]:
    return re.findall(r"(?m)^# ## (.*)$", SOURCES[number].read_text(encoding="utf-8"))


def rows(path: str) -> list[list[str]]:
    """The cells of a path's table, without its head."""
    lines = [line for line in PATHS[path].splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_there_are_three_paths_and_a_chapter_for_every_notebook() -> None:
    assert list(PATHS) == ["45", "90", "180"]
    assert sorted(CHAPTERS) == sorted(SOURCES)


@pytest.mark.parametrize("path", PATHS)
def test_the_minutes_of_a_path_add_up_to_its_name(path: str) -> None:
    assert sum(int(row[0]) for row in rows(path)) == int(path)


@pytest.mark.parametrize("path", PATHS)
def test_no_notebook_gets_more_minutes_than_it_takes(path: str) -> None:
    given: dict[str, int] = {}
    for time, number, *_ in rows(path):
        given[number] = given.get(number, 0) + int(time)

    assert {number: time for number, time in given.items() if number != "-" and time > minutes(number)} == {}


@pytest.mark.parametrize("path", PATHS)
def test_the_sections_and_exercises_of_a_path_exist_in_that_notebook(path: str) -> None:
    unknown = [
        f"{number}: {section}"
        for _, number, *cells in rows(path)
        for section in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", " ".join(cells))
        if not any(heading.startswith(section.rstrip(":")) for heading in headings(number))
    ]
    slugs = [
        (number, slug) for _, number, *cells in rows(path) for slug in re.findall(r"`(\d\d-[\w-]+)`", " ".join(cells))
    ]

    assert unknown == []
    assert slugs
    assert [slug for number, slug in slugs if find(slug).slug != slug or not slug.startswith(number)] == []


@pytest.mark.parametrize("number", SOURCES)
def test_the_minutes_of_a_chapter_are_those_of_the_notebook(number: str) -> None:
    found = re.search(r"\*\*Minutes:\*\* (\d+)\.", CHAPTERS[number])

    assert found
    assert int(found[1]) == minutes(number)


@pytest.mark.parametrize("number", SOURCES)
def test_a_chapter_has_the_aim_the_demo_order_the_pitfalls_and_a_question(number: str) -> None:
    lacking = [part for part in ("*Afterwards they can say:*", "*Demo order:*", "*Pitfalls:*", '- *"')
               if part not in CHAPTERS[number]]  # fmt: skip

    assert lacking == []


def test_the_length_of_the_whole_course_is_the_sum_of_its_notebooks() -> None:
    found = re.search(r"take (\d+) h (\d+) min", TEXT)

    assert found
    assert int(found[1]) * 60 + int(found[2]) == sum(map(minutes, SOURCES))


def test_its_links_lead_to_files() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]

    assert [target for target in targets if not (GUIDE.parent / target).exists()] == []


def test_it_uses_the_words_of_the_guide() -> None:
    assert list(notebook_lint.forbidden_words(TEXT)) == []
