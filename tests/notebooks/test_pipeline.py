"""The notebook pipeline itself, on a small source made for the purpose."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbval.plugin import get_sanitize_patterns

import notebooks
from stable import WIDGET_STATE

SOURCE = """\
# %% [markdown]
# # Does it work?

# %%
import ipywidgets
from IPython.display import HTML

unseen = ipywidgets.IntSlider()
switch = ipywidgets.ToggleButtons(options=["one", "two"])
answer = ipywidgets.HTML("one")
switch.observe(lambda change: setattr(answer, "value", change["new"]), "value")
ipywidgets.VBox([switch, answer])

# %%
HTML('<img alt="a lane" src="data:image/svg+xml;base64,PHN2Zy8+">')

# %% tags=["raises-exception"]
raise ValueError("this is the lesson")

# %% tags=["exercise"]
number = ...
print(number)

# %% tags=["solution"]
number = 42
print(number)

# %% tags=["lesson-only"]
print("for the lesson")

# %% tags=["solved-only"]
print("for the solved notebook")

# %% tags=["nbval-ignore-output"]
import os

print(os.getpid())
"""


def write_source(folder: Path, text: str = SOURCE, name: str = "00-demo") -> tuple[notebooks.Target, notebooks.Target]:
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / f"{name}.py").write_text(text, encoding="utf-8")
    lesson, solved = (target for target in notebooks.targets(folder) if target.source.stem == name)
    return lesson, solved


def sources(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Both notebooks of the demo, made once."""
    folder = tmp_path_factory.mktemp("demo")
    write_source(folder)
    assert notebooks.main([], folder) == 0
    return folder, {target.name: target.path.read_text(encoding="utf-8") for target in notebooks.targets(folder)}


def test_a_lesson_keeps_the_stub_and_a_solved_notebook_the_solution(tmp_path: Path) -> None:
    lesson, solved = map(sources, map(notebooks.compose, write_source(tmp_path)))

    assert "number = ..." in lesson
    assert "number = 42" not in lesson
    assert "number = ..." not in solved
    assert "number = 42" in solved


def test_cells_for_one_of_the_two_stay_out_of_the_other(tmp_path: Path) -> None:
    lesson, solved = map(sources, map(notebooks.compose, write_source(tmp_path)))

    assert "for the lesson" in lesson
    assert "for the lesson" not in solved
    assert "for the solved" in solved
    assert "for the solved" not in lesson


def test_a_cell_has_the_same_id_in_both(tmp_path: Path) -> None:
    lesson, solved = map(notebooks.compose, write_source(tmp_path))
    shared = {cell.source: cell.id for cell in lesson.cells}

    assert all(shared.get(cell.source, cell.id) == cell.id for cell in solved.cells)


def test_a_link_to_the_glossary_leads_one_folder_up_in_a_solved_notebook(tmp_path: Path) -> None:
    linked = "# %% [markdown]\n# An [**alert**](glossary.md#alert).\n\n# %%\nprint('](glossary.md#alert)')\n"

    lesson, solved = map(notebooks.compose, write_source(tmp_path, linked))

    assert [cell.source for cell in lesson.cells] == [
        "An [**alert**](glossary.md#alert).",
        "print('](glossary.md#alert)')",
    ]
    assert [cell.source for cell in solved.cells] == [
        "An [**alert**](../glossary.md#alert).",
        "print('](glossary.md#alert)')",
    ]


@pytest.mark.parametrize(
    "cells",
    [
        '# %% tags=["exercise"]\nx = ...\n\n# %%\nprint(1)\n',
        '# %%\nprint(1)\n\n# %% tags=["solution"]\nx = 1\n',
        '# %% tags=["exercise"]\nx = ...\n',
    ],
    ids=["no solution after it", "no exercise before it", "at the end"],
)
def test_an_exercise_and_its_solution_that_do_not_pair_are_refused(tmp_path: Path, cells: str) -> None:
    lesson, _ = write_source(tmp_path, cells)

    with pytest.raises(ValueError, match="solution"):
        notebooks.compose(lesson)


def test_making_it_again_changes_no_byte(made: tuple[Path, dict[str, str]]) -> None:
    folder, before = made
    for target in notebooks.targets(folder):
        target.path.unlink()

    notebooks.main([], folder)

    for target in notebooks.targets(folder):
        # The pid is what the tag is for; all else is compared as bytes.
        again = re.sub(r'"\d+\\n"', "PID", target.path.read_text(encoding="utf-8"))
        assert again == re.sub(r'"\d+\\n"', "PID", before[target.name])


def test_a_notebook_in_which_only_uncompared_outputs_differ_is_left_as_it_is(
    made: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = made
    before = [target.path.read_bytes() for target in notebooks.targets(folder)]

    notebooks.main([], folder)

    assert [target.path.read_bytes() for target in notebooks.targets(folder)] == before
    assert capsys.readouterr().out.count("unchanged") == 2


def test_only_the_widgets_that_are_shown_are_saved_with_numbered_ids(made: tuple[Path, dict[str, str]]) -> None:
    notebook = json.loads(made[1]["00-demo"])
    state = notebook["metadata"]["widgets"][WIDGET_STATE]["state"]
    names = [model["model_name"] for _, model in sorted(state.items())]

    assert sorted(state) == [f"{number:032x}" for number in range(1, len(state) + 1)]
    assert names[0] == "VBoxModel"
    assert "ToggleButtonsModel" in names
    assert "IntSliderModel" not in names


def test_nothing_of_this_python_is_saved(made: tuple[Path, dict[str, str]]) -> None:
    assert sorted(json.loads(made[1]["00-demo"])["metadata"]) == ["kernelspec", "widgets"]


def test_an_expected_exception_is_saved_without_its_frames(made: tuple[Path, dict[str, str]]) -> None:
    notebook = nbformat.reads(made[1]["00-demo"], as_version=4)
    errors = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.output_type == "error"]

    assert [error.traceback for error in errors] == [["ValueError: this is the lesson"]]


def test_check_says_what_would_change_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson, _ = write_source(tmp_path, '# %%\nprint("before")\n')
    notebooks.main([], tmp_path)
    saved = lesson.path.read_bytes()
    write_source(tmp_path, '# %%\nprint("after")\n')
    capsys.readouterr()

    code = notebooks.main(["--check"], tmp_path)

    out = capsys.readouterr().out
    assert code == 1
    assert re.search(r"(?m)^-.*before", out)
    assert re.search(r"(?m)^\+.*after", out)
    assert lesson.path.read_bytes() == saved


def test_check_notices_a_notebook_that_something_else_saved(tmp_path: Path) -> None:
    lesson, _ = write_source(tmp_path, "# %%\nprint(1)\n")
    notebooks.main([], tmp_path)
    notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python"}

    lesson.path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")

    assert notebooks.main(["--check"], tmp_path) == 1


def test_a_cell_that_fails_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson, _ = write_source(tmp_path, "# %%\n1 / 0\n")

    assert notebooks.main(["00"], tmp_path) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert not lesson.path.exists()


def test_a_notebook_runs_in_its_own_folder_without_trust_and_proxy_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("https_proxy", "http://proxy.test:1")
    variables = "'REQUESTS_CA_BUNDLE' in os.environ, 'https_proxy' in os.environ"
    code = f"import os\nprint(os.path.basename(os.getcwd()), {variables})"
    _, solved = write_source(tmp_path, f"# %%\n{code}\n")

    made = nbformat.reads(notebooks.make(solved), as_version=4)

    assert made.cells[0].outputs[0].text == "solved False False\n"


def test_an_unexpected_failure_is_nbclients_own_error(tmp_path: Path) -> None:
    lesson, _ = write_source(tmp_path, "# %%\nundefined\n")

    with pytest.raises(CellExecutionError, match="NameError"):
        notebooks.make(lesson)


def test_nbval_reads_every_pattern_of_the_sanitize_file() -> None:
    """A `replace:` without its one space is ignored in silence."""
    text = (notebooks.NOTEBOOKS / "sanitize.cfg").read_text(encoding="ascii")

    assert len(get_sanitize_patterns(text)) == len(re.findall(r"(?m)^regex:", text)) > 0


def test_nbval_is_given_the_sanitize_file_by_its_absolute_path(pytestconfig: pytest.Config) -> None:
    assert Path(pytestconfig.option.nbval_sanitize_with) == notebooks.NOTEBOOKS / "sanitize.cfg"
