"""The course: its notebooks, by what lies in the folder that the learner works in, else by what the package brings."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.exercises.progress_file import place

_BEGINNING = 8_192
"""Bytes of a notebook: its title stands in the first cell."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One notebook."""

    number: str
    """`04`."""
    name: str
    """Its file's name without the ending."""
    title: str
    """The question that it asks."""


def lessons() -> tuple[Lesson, ...]:
    """The notebooks at hand, in order."""
    path = place()
    folders = [home()] if path is None else [path.parent, home()]
    found = next((files for folder in folders if (files := sorted(folder.glob("[0-9][0-9]-*.ipynb")))), [])
    return tuple(Lesson(number=one.name[:2], name=one.stem, title=_title(one)) for one in found)


def home() -> Path:
    """The folder of the notebooks that this package brings: in a checkout beside it, in a wheel inside it."""
    package = Path(__file__).parents[1]
    return (package.parent if (package.parent / "pyproject.toml").exists() else package) / "notebooks"


def _title(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        found = re.search(r'"# ((?:[^"\\]|\\.)+?)(?:\\n)?"', stream.read(_BEGINNING))
    return str(json.loads(f'"{found[1]}"')) if found else path.stem
