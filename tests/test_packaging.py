"""What is installed, by which route, and that the routes agree."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mtls_lab import doctor

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"


@pytest.fixture(scope="module")
def lab() -> ModuleType:
    """The script lab.py, loaded by its path: the checkout itself is not on the path of the tests."""
    spec = importlib.util.spec_from_file_location("lab_script", ROOT / "lab.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


# the wheel


def test_the_wheel_carries_both_kinds_of_notebooks(wheel: zipfile.ZipFile) -> None:
    carried = {name.removeprefix("mtls_lab/") for name in wheel.namelist() if name.endswith(".ipynb")}
    saved = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/**/*.ipynb")}

    assert carried == {name for name in saved if ".ipynb_checkpoints" not in name}


def test_the_wheel_carries_the_package_its_types_and_its_licence_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}

    assert "mtls_lab/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert tops == {"mtls_lab", next(top for top in tops if top.endswith(".dist-info"))}


def test_an_unpacked_wheel_lays_out_its_notebooks(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    script = "from pathlib import Path; from mtls_lab import cli; cli.lay_out(Path('mine'))"

    subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
    )

    laid_out = {path.relative_to(tmp_path / "mine") for path in (tmp_path / "mine").rglob("*.ipynb")}
    assert laid_out == {path.relative_to(ROOT / "notebooks") for path in ROOT.glob("notebooks/**/[0-9]*.ipynb")
                        if ".ipynb_checkpoints" not in path.parts}  # fmt: skip


def test_the_command_is_the_functions_name() -> None:
    module, function = PROJECT["project"]["scripts"]["mtls-lab"].split(":")

    assert callable(getattr(importlib.import_module(module), function))


# environment.yml


def test_conda_gets_the_same_packages_with_the_same_bounds() -> None:
    """Names and bounds only: nothing here can say whether conda finds a solution."""
    needed = {one.name: one.specifier for one in map(Requirement, PROJECT["project"]["dependencies"])}
    listed = {one.name: one.specifier for one in map(Requirement, conda_lines()) if one.name in needed}

    assert listed == needed


def test_conda_gets_one_python_that_the_package_takes() -> None:
    """Binder takes an old Python unless the file pins one."""
    pin = next(line for line in ENVIRONMENT["dependencies"] if str(line).startswith("python="))

    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(pin.split("=")[1])


def test_conda_installs_this_checkout_from_conda_forge_alone() -> None:
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    assert ENVIRONMENT["dependencies"][-1] == {"pip": ["-e ."]}


def conda_lines() -> list[str]:
    return [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str) and not line.startswith("python=")]


# lab.py


def test_the_script_can_be_read_by_an_old_python() -> None:
    ast.parse((ROOT / "lab.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "lab.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.skipif(os.name == "nt", reason="plants programs on PATH as shell scripts")
def test_a_python_that_is_too_old_goes_on_with_a_newer_one(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(tmp_path / "python3.14", "exit 1")
    plant(tmp_path / "python3.13", "echo ready")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(lab.sys, "version_info", (3, 9, 18))
    became: list[list[str]] = []
    monkeypatch.setattr(lab.os, "execve", lambda program, command, environment: became.append(command))

    lab.use_new_enough_python(["doctor"])

    assert became == [[str(tmp_path / "python3.13"), str(ROOT / "lab.py"), "doctor"]]


def test_a_python_that_is_too_old_alone_is_told_what_to_do(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(lab.sys, "version_info", (3, 9, 18))

    with pytest.raises(SystemExit) as ended:
        lab.use_new_enough_python([])

    assert ended.value.code == 1
    assert "needs Python 3.11 or newer; this is Python 3.9.18" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="plants a program in a home folder as a shell script")
def test_uv_is_found_in_its_usual_folder_when_path_lacks_it(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(tmp_path / ".local" / "bin" / "uv", "exit 0")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert lab.find_uv() == str(tmp_path / ".local" / "bin" / "uv")


def test_a_python_that_cannot_make_environments_is_told_the_package(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(lab, "answers", lambda command: None)

    with pytest.raises(SystemExit) as ended:
        lab.make_venv(None)

    assert ended.value.code == 1
    assert "sudo apt install python3-venv" in capsys.readouterr().err


def test_an_environment_is_used_again_until_the_project_changes(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def install(command: list[str], doing: str) -> bool:
        ran.append(command[-1])
        return True

    monkeypatch.setattr(lab, "HERE", str(tmp_path))
    monkeypatch.setattr(lab, "PYTHON", sys.executable)
    monkeypatch.setattr(lab, "STAMP", str(tmp_path / "stamp.json"))
    monkeypatch.setattr(lab, "installer", lambda uv, same_python: ["install"])
    monkeypatch.setattr(lab, "watch", install)
    (tmp_path / "pyproject.toml").write_text("one", encoding="utf-8")

    lab.prepare([])
    lab.prepare([])
    lab.prepare(["test"])
    lab.prepare([])
    (tmp_path / "pyproject.toml").write_text("two", encoding="utf-8")
    lab.prepare([])

    plain, tested = str(tmp_path), f"{tmp_path}[test]"
    assert ran == [plain, tested, tested]


def test_an_environment_that_lost_its_packages_is_filled_again(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    venv.create(tmp_path / "empty", symlinks=os.name != "nt")
    monkeypatch.setattr(lab, "STAMP", str(tmp_path / "stamp.json"))
    monkeypatch.setattr(
        lab, "PYTHON", str(tmp_path / "empty" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    )
    (tmp_path / "stamp.json").write_text(json.dumps(lab.wanted([])), encoding="utf-8")

    assert lab.stamped() == {}


def test_an_installation_that_was_cut_off_does_not_look_finished(
    lab: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp = tmp_path / "stamp.json"
    stamp.write_text(json.dumps({"pyproject": "older", "extras": []}), encoding="utf-8")
    monkeypatch.setattr(lab, "STAMP", str(stamp))
    monkeypatch.setattr(lab, "PYTHON", sys.executable)
    monkeypatch.setattr(lab, "installer", lambda uv, same_python: ["install"])
    monkeypatch.setattr(lab, "watch", lambda command, doing: False)

    with pytest.raises(SystemExit):
        lab.prepare([])

    assert not stamp.exists()


def plant(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


# the rest of the house


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("script", [".ci/run", "postBuild"])
def test_a_shell_script_can_be_parsed_and_run(script: str) -> None:
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)

    assert os.name == "nt" or os.access(ROOT / script, os.X_OK)


def test_ci_runs_the_command_of_the_readme() -> None:
    command = "lab.py test"

    assert f"python3 {command}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"python {command}" in WORKFLOW.read_text(encoding="utf-8")


def test_ci_covers_every_python_and_system_that_we_name() -> None:
    matrix = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))

    assert matrix["python"] == named
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_no_file_names_a_package_index() -> None:
    named = [
        path.name
        for path in [*ROOT.glob("*"), ROOT / ".ci" / "run", WORKFLOW]
        if path.is_file()
        and re.search(r"--(extra-)?index-url|//pypi|pythonhosted|npmjs\.|find-links", path.read_text("utf-8"))
    ]

    assert named == []


def test_the_changelog_and_the_clock_check_agree_on_the_day() -> None:
    day = re.search(r"(?m)^## \S+ - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))

    assert day is not None
    assert datetime.fromisoformat(day[1]).replace(tzinfo=UTC) == doctor.BUILT


def test_the_changelogs_newest_version_is_this_one() -> None:
    version = re.search(r"(?m)^## (\d\S*) - ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))

    assert version is not None
    assert version[1] == PROJECT["project"]["version"]
