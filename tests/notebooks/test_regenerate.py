"""Every committed notebook is what its source makes, byte for byte."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import nbformat
import pytest

import notebooks

TARGETS = {target.name: target for target in notebooks.targets()}


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Makes the notebooks that were asked for, two at a time, and hands out their text."""
    asked = [item.callspec.params["name"] for item in request.session.items if hasattr(item, "callspec")
             and item.path == request.path and "name" in item.callspec.params]  # fmt: skip
    with ThreadPoolExecutor(max_workers=2) as pool:
        running: dict[str, Future[str]] = {name: pool.submit(notebooks.make, TARGETS[name]) for name in asked}
        yield lambda name: running[name].result()


def test_there_are_notebooks() -> None:
    assert TARGETS, "notebooks/sources holds no NN-slug.py"


@pytest.mark.parametrize("name", TARGETS)
def test_regenerating_changes_nothing(name: str, made: Callable[[str], str]) -> None:
    difference = notebooks.difference(TARGETS[name], made(name))

    assert not difference, f"run `python tools/notebooks.py {TARGETS[name].source.stem}` and look at:\n{difference}"


def test_every_notebook_has_a_source() -> None:
    saved = {*notebooks.NOTEBOOKS.glob("*.ipynb"), *notebooks.NOTEBOOKS.glob("solved/*.ipynb")}

    assert saved == {target.path for target in TARGETS.values()}


@pytest.mark.parametrize("lesson", [name for name in TARGETS if not name.startswith("solved/")])
def test_a_lesson_and_its_solution_differ_in_the_exercises_only(lesson: str) -> None:
    ours, theirs = (
        {cell.id: cell for cell in nbformat.read(TARGETS[name].path, as_version=4).cells}
        for name in (lesson, f"solved/{lesson}")
    )

    both = ours.keys() & theirs.keys()
    own = {"exercise", "lesson-only", "solution", "solved-only"}
    unpaired = [cell for cells in (ours, theirs) for key, cell in cells.items() if key not in both]
    assert all(own & set(cell.metadata.get("tags", ())) for cell in unpaired)
    assert all(ours[key].source == theirs[key].source.replace("](../glossary.md#", "](glossary.md#") for key in both)
