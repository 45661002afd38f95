"""Binder's and the dev container's steps, in their order, as far as they can be taken without Binder or Docker."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(os.name == "nt", reason="both run Linux")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with this checkout's wheel; what it depends on is borrowed, so no index is needed."""
    folder = tmp_path_factory.mktemp("binder")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    venv.create(folder / "env", with_pip=True, symlinks=True)
    python = folder / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(next(folder.glob("*.whl")))]
    subprocess.run(install, check=True, capture_output=True, env=_without_pythonpath())
    lent = sysconfig.get_path("purelib")
    site = next((folder / "env" / "lib").glob("python3*/site-packages"))
    # After the environment's own, so that its mtls_lab comes first; the borrowed folder's .pth files are not read.
    (site / "borrowed.pth").write_text(f"{lent}\n", encoding="utf-8")
    # As if JupyterLab were installed there: it writes into the environment of the Python that runs it.
    jupyter = folder / "env" / "bin" / "jupyter"
    jupyter.write_text(f'#!/bin/sh\nshift\nexec {python} -m jupyterlab.labextensions "$@"\n', encoding="utf-8")
    jupyter.chmod(0o755)
    return folder / "env"


def _without_pythonpath() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def inside(environment: Path, *command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who has activated the environment."""
    surroundings = _without_pythonpath() | {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "VIRTUAL_ENV": str(environment),
    }
    return subprocess.run(command, cwd=home, env=surroundings, capture_output=True, text=True, check=False, timeout=120)


def test_binder_finds_its_files_where_it_looks() -> None:
    """repo2docker takes environment.yml before all else but a Dockerfile, at the root or in binder/; then postBuild."""
    rivals = [name for name in ("Dockerfile", "binder", ".binder", "requirements.txt") if (ROOT / name).exists()]

    assert rivals == []
    assert yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"][-1] == {
        "pip": ["-e ."]
    }
    assert (ROOT / "postBuild").read_text(encoding="utf-8").startswith("#!/bin/bash\n")
    assert os.access(ROOT / "postBuild", os.X_OK)


def test_after_the_environment_postbuild_runs_and_the_lab_can_run(environment: Path, tmp_path: Path) -> None:
    done = inside(environment, "bash", str(ROOT / "postBuild"), home=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The lab can run." in done.stdout
    disabled = [path.read_text(encoding="utf-8") for path in environment.rglob("page_config.json")]
    assert any("@jupyterlab/apputils-extension:announcements" in text for text in disabled)


def test_the_wheel_alone_lays_out_notebooks_and_their_glossary(environment: Path, tmp_path: Path) -> None:
    layout = "import mtls_lab; from pathlib import Path; from mtls_lab.cli import lay_out; lay_out(Path('mine'))"
    where = "import mtls_lab; print(mtls_lab.__file__)"

    done = inside(environment, "python", "-P", "-c", layout, home=tmp_path)
    came_from = inside(environment, "python", "-P", "-c", where, home=tmp_path).stdout

    assert done.returncode == 0, done.stderr
    assert Path(came_from.strip()).is_relative_to(environment)
    laid_out = {path.relative_to(tmp_path / "mine").as_posix() for path in (tmp_path / "mine").rglob("*.*")}
    wanted = {path.relative_to(ROOT / "notebooks").as_posix() for path in ROOT.glob("notebooks/**/[0-9]*.ipynb")
              if ".ipynb_checkpoints" not in path.parts}  # fmt: skip
    assert wanted <= laid_out
    assert "glossary.md" in laid_out


def test_the_commands_version_is_the_wheels(environment: Path, tmp_path: Path) -> None:
    assert re.fullmatch(r"mtls-lab \d+\.\d+\.\d+\n", inside(environment, "mtls-lab", "--version", home=tmp_path).stdout)


# the dev container


def test_the_container_is_of_a_public_image_has_its_user_and_forwards_no_port_by_itself() -> None:
    steps = (ROOT / ".devcontainer" / CONTAINER["build"]["dockerfile"]).read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.\d+-\w+$", steps, re.MULTILINE)
    assert re.search(rf"useradd .* {CONTAINER['remoteUser']}$", steps, re.MULTILINE)
    assert CONTAINER["otherPortsAttributes"] == {"onAutoForward": "ignore"}
    assert not {"forwardPorts", "appPort", "runArgs", "privileged", "mounts"} & CONTAINER.keys()


def test_the_containers_fields_are_ones_that_the_specification_knows() -> None:
    known = {"name", "build", "postCreateCommand", "remoteUser", "otherPortsAttributes", "customizations", "features"}

    assert CONTAINER.keys() <= known
    assert all(isinstance(CONTAINER[name], str) for name in ("name", "postCreateCommand", "remoteUser"))
    assert CONTAINER["customizations"].keys() == {"vscode"}


def test_what_the_container_runs_is_there_and_makes_the_environment_that_the_editor_uses() -> None:
    shell, script = CONTAINER["postCreateCommand"].split()

    subprocess.run([program_path(shell), "-n", str(ROOT / script)], check=True)
    assert "python3 lab.py doctor\n" in (ROOT / script).read_text(encoding="utf-8")
    interpreter = CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${containerWorkspaceFolder}/.venv/bin/python"
    assert 'VENV = os.path.join(HERE, ".venv")' in (ROOT / "lab.py").read_text(encoding="utf-8")


def program_path(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found
