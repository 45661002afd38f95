"""The recipes for a hub can be read by who has to read them, and agree with each other and with the package."""

import importlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).parents[2]
HUB = ROOT / "docs" / "hub"
VALUES = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (HUB / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPES = ("jupyterhub_config.py", "tljh_config.py")
LONGEST_SOCKET = 107


def recipe(name: str) -> Mapping[str, Any]:
    """What the hub's own loader makes of it."""
    return PyFileConfigLoader(str(HUB / name)).load_config()


def commands() -> dict[str, list[str]]:
    """The command that starts a learner's server, by recipe."""
    found = {name: list(recipe(name)["Spawner"]["cmd"]) for name in RECIPES}
    return found | {"values.yaml": VALUES["singleuser"]["cmd"]}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_only_what_jupyterhub_knows(name: str) -> None:
    if importlib.util.find_spec("jupyterhub") is None:
        if os.environ.get("MTLS_LAB_REQUIRE") == "1":
            pytest.fail("jupyterhub is not installed, and MTLS_LAB_REQUIRE=1 wants it")
        pytest.skip("jupyterhub is not installed")
    # By name: it is not installed everywhere where types are checked.
    spawner = importlib.import_module("jupyterhub.spawner").Spawner
    hub = importlib.import_module("jupyterhub.app").JupyterHub
    known = {"JupyterHub": hub.class_trait_names(config=True), "Spawner": spawner.class_trait_names(config=True)}

    unknown = [
        f"{section}.{key}"
        for section, settings in recipe(name).items()
        if section != "SystemdSpawner"  # not installed here: its name for this setting was read in its source
        for key in settings
        if key not in known[section]
    ]

    assert unknown == []
    assert spawner(config=recipe(name)).start_timeout == 180


def test_all_recipes_start_a_server_with_the_same_words() -> None:
    words = {tuple(line.strip() for line in command[2].strip().splitlines()) for command in commands().values()}

    assert len(words) == 1
    assert all(command[:2] == ["/bin/sh", "-c"] and len(command) == 4 for command in commands().values())


def test_all_recipes_have_kernels_on_sockets() -> None:
    sockets = ["--KernelManager.transport=ipc"]

    assert [recipe(name)["Spawner"]["args"] for name in RECIPES] == [sockets, sockets]
    assert VALUES["hub"]["config"]["KubeSpawner"]["args"] == sockets


@pytest.mark.skipif(os.name == "nt", reason="a hub's machine has users of the system and Unix sockets")
def test_a_kernels_socket_has_a_path_that_is_short_enough_whatever_the_learners_name() -> None:
    socket = "/kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-5"
    name = pwd.getpwuid(os.getuid()).pw_name
    spawner = SimpleNamespace(user=SimpleNamespace(name=name), unit_name="jupyter-" + "x" * 32)
    places = [recipe(one)["Spawner"]["environment"]["JUPYTER_RUNTIME_DIR"](spawner) for one in RECIPES]
    places.append(VALUES["singleuser"]["extraEnv"]["JUPYTER_RUNTIME_DIR"])

    assert [place for place in places if len(place + socket) > LONGEST_SOCKET] == []


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_a_server_starts_in_a_home_with_the_notebooks_laid_out_for_nobody_else(tmp_path: Path) -> None:
    """Up to the server itself, whose module is not started here."""
    done = start(tmp_path)

    laid_out = tmp_path / "mtls-lab"
    assert done.returncode == 0, done.stderr
    assert (laid_out / "00-two-switches.ipynb").exists()
    assert os.name == "nt" or {path.stat().st_mode & 0o077 for path in (laid_out, *laid_out.iterdir())} == {0}
    assert done.stdout.splitlines()[-1] == "-m jupyterhub.singleuser --KernelManager.transport=ipc"


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_nothing_is_added_to_a_workshops_folder(tmp_path: Path) -> None:
    (tmp_path / "mtls-lab").mkdir()
    (tmp_path / "mtls-lab" / "mtls-lab-learner.json").write_text('{"name": "ada", "seed": "x"}', encoding="utf-8")

    done = start(tmp_path)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "mtls-lab").iterdir()] == ["mtls-lab-learner.json"]


def start(home: Path) -> subprocess.CompletedProcess[str]:
    """Run the recipe's words in that home; in the server's place somebody repeats what it was called with."""
    python = home / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo "$@" || exec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    command = commands()["jupyterhub_config.py"]
    return subprocess.run(
        [*command[:3], str(python), *recipe("jupyterhub_config.py")["Spawner"]["args"]],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_image_that_is_built_is_the_one_that_is_pulled_and_of_this_version() -> None:
    image = VALUES["singleuser"]["image"]
    named = f"{image['name']}:{image['tag']}"

    assert image["tag"] == PROJECT["version"]
    assert f"-t {named} ." in DOCKERFILE
    assert f"-t {named} . && docker push {named}" in (HUB / "README.md").read_text(encoding="utf-8")


def test_the_images_python_is_one_that_the_package_takes_and_binders_too() -> None:
    python = re.search(r"(?m)^FROM python:(3\.\d+)-", DOCKERFILE)
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8")

    assert python is not None
    assert SpecifierSet(PROJECT["requires-python"]).contains(python[1])
    assert f"python={python[1]}\n" in environment


def test_the_image_is_checked_as_the_user_who_will_run_it() -> None:
    steps = re.findall(r"(?m)^(FROM|COPY|USER|RUN mtls-lab doctor|CMD)\b", DOCKERFILE)

    assert steps == ["FROM", "COPY", "USER", "RUN mtls-lab doctor", "CMD"]


def test_the_page_links_to_files_that_are_there() -> None:
    text = (HUB / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)

    assert links
    assert [link for link in links if not (HUB / link).exists()] == []
