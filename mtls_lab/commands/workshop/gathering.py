"""Find and read what learners hand in. A file that is damaged, foreign or somewhere else's is named, and skipped."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.commands.workshop.roster import WORKSHOP_FILE
from mtls_lab.exercises.learner import LEARNER_FILE, read_learner
from mtls_lab.exercises.progress_file import PROGRESS_FILE
from mtls_lab.exercises.record import LARGEST, Record, from_bytes

_NOT_HANDED_IN = {WORKSHOP_FILE, LEARNER_FILE}


@dataclass(frozen=True, kw_only=True)
class HandedIn:
    """One learner's work."""

    label: str
    """The name in the table: the learner's, or where the file lies where it has none."""
    record: Record
    """What the file says."""


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """All that was found."""

    learners: tuple[HandedIn, ...]
    """By name."""
    remarks: tuple[str, ...]
    """What was skipped, or looks odd, each with its file."""


def gather(places: Iterable[Path]) -> Gathering:
    """Everything in these files and folders, and in the folders directly below."""
    found: list[HandedIn] = []
    remarks: list[str] = []
    for path in dict.fromkeys(one for place in places for one in _candidates(place, remarks)):
        if path.is_dir():
            found.append(HandedIn(label=_owner(path, remarks) or path.name, record=Record()))
            continue
        try:
            record = _read(path)
        except (OSError, ValueError) as error:
            remarks.append(f"{path}: {error.strerror if isinstance(error, OSError) else error}; it is left out")
            continue
        owner = _owner(path.parent, remarks) if path.name == PROGRESS_FILE else ""
        if owner and record.name and owner != record.name:
            remarks.append(f"{path}: it is {record.name}'s, in the folder of {owner}")
        found.append(HandedIn(label=record.name or owner or _place(path), record=record))
    return Gathering(learners=tuple(_told_apart(found, remarks)), remarks=tuple(remarks))


def _candidates(place: Path, remarks: list[str]) -> Iterator[Path]:
    """Files that may hold progress, and learners' folders that hold none yet."""
    if not place.is_dir():
        if place.exists():
            yield place
        else:
            remarks.append(f"{place}: there is no such file or folder")
        return
    try:
        inside = sorted(one for one in place.iterdir() if not one.name.startswith("."))
    except OSError as error:
        remarks.append(f"{place}: {error.strerror}; it is left out")
        return
    for folder in (place, *(one for one in inside if one.is_dir() and not one.is_symlink())):
        try:
            files = sorted(one for one in folder.glob("*.json") if _is_candidate(one))
        except OSError as error:
            remarks.append(f"{folder}: {error.strerror}; it is left out")
            continue
        yield from files
        if (folder / LEARNER_FILE).is_file() and not (folder / PROGRESS_FILE).exists():
            yield folder


def _is_candidate(path: Path) -> bool:
    return not path.name.startswith(".") and path.name not in _NOT_HANDED_IN and ".damaged-" not in path.name


def _read(path: Path) -> Record:
    """Only a plain file: a pipe would keep us waiting, a link may lead anywhere."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        return from_bytes(stream.read(LARGEST + 1))


def _owner(folder: Path, remarks: list[str]) -> str:
    """The name in a learner's folder; "" where there is none."""
    path = folder / LEARNER_FILE
    if not path.is_file():
        return ""
    try:
        return read_learner(path).name
    except ValueError as error:
        remarks.append(str(error).partition(":")[0])
        return ""


def _place(path: Path) -> str:
    return path.parent.name if path.name == PROGRESS_FILE and path.parent.name else path.stem


def _told_apart(found: Iterable[HandedIn], remarks: list[str]) -> Iterator[HandedIn]:
    """By name; who hands in twice stands there twice, and it is said."""
    seen: dict[str, int] = {}
    for one in sorted(found, key=lambda one: one.label.casefold()):
        number = seen[one.label] = seen.get(one.label, 0) + 1
        if number == 1:
            yield one
            continue
        remarks.append(f"{one.label}: handed in {number} times; each has a line of its own")
        yield HandedIn(label=f"{one.label} ({number})", record=one.record)
