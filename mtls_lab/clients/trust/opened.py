"""Which trust files a line opened: the note's `strace curl ... |& grep open`, as a record."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab.clients.trust import own_words, strace
from mtls_lab.clients.trust.looks import Look, looks
from mtls_lab.clients.trust.running import Ran, run, words_of

_NOT_TRACED = "strace is here, but this system lets nobody trace (ptrace is forbidden, as in some containers)"
_PORT = re.compile(r"(?<=:)\d{2,5}(?=/|\b)|(?<=port=)\d+")


@dataclass(frozen=True, kw_only=True, repr=False)
class Opened:
    """One run of a line, and where it looked for trust anchors."""

    line: str
    """What was typed."""
    way: str
    """How it is known: `strace`, or in whose words; "" where nobody could say."""
    why: str
    """Why it is not known from strace; "" where it is."""
    looks: tuple[Look, ...]
    """The files and directories, in the order in which they were first touched; files first."""
    exit_code: int | None
    """The line's exit code; None when it was stopped."""
    output: str
    """What it printed."""

    @property
    def accepted(self) -> bool:
        """The line ended without an error."""
        return self.exit_code == 0

    @property
    def files(self) -> tuple[str, ...]:
        """The names, without their folders, of the files that were there."""
        return tuple(Path(one.path).name for one in self.looks if one.kind == "file" and one.found)

    @property
    def directories(self) -> tuple[str, ...]:
        """The names, without their folders, of the directories."""
        return tuple(Path(one.path).name for one in self.looks if one.kind == "directory")

    def __str__(self) -> str:
        source = f"(known from {self.way})" if self.way else "(where it looked, nobody here can say)"
        aside = [f"  {self.why}"] if self.why else []
        nothing = ["  no file or directory of trust anchors"] if self.way and not self.looks else []
        return "\n".join([f"{self.typed}  {source}", *aside, *nothing, *(f"  {one}" for one in self.looks)])

    def __repr__(self) -> str:
        return str(self)

    @property
    def typed(self) -> str:
        """The line, with PORT for what differs by run."""
        return _PORT.sub("PORT", self.line)


def opened(
    line: str | Sequence[str],
    *,
    folder: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    tracing: bool = True,
) -> Opened:
    """Run a line and tell which trust files and directories it opened or looked for.

    By strace where that is to be had; else Python, curl and openssl are asked themselves, and others tell nothing. The
    line runs in the folder (an empty one unless given), with no variable that bears on trust but those of
    `environment`; give `os.environ` to see it as at your own prompt. `python` is the Python that runs this. With
    `tracing=False` strace is left alone. Raises ValueError for a line without a program, FileNotFoundError where the
    program is not there.
    """
    words = words_of(line)
    typed = line if isinstance(line, str) else shlex.join(line)
    with TemporaryDirectory(prefix="mtls-lab-") as scratch:
        place = Path(folder or scratch).resolve()
        variables = {"HOME": scratch} | dict(environment or {})
        named = _named(words, variables, place)
        why = strace.missing() if tracing else "strace was not asked"
        if why is None:
            ran, found = _traced(words, variables, place, Path(scratch, "strace.log"), named, timeout_s)
            if found is not None:
                return _told(typed, "strace", "", ran, _shortened(found, place, variables["HOME"]))
            why = _NOT_TRACED
        ran, found = own_words.told(words, variables, place, Path(scratch), timeout_s=timeout_s)
        way = own_words.ways().get(own_words.name_of(words), "")
        return _told(typed, way, why, ran, _shortened(found, place, variables["HOME"]))


def _told(line: str, way: str, why: str, ran: Ran, found: tuple[Look, ...]) -> Opened:
    return Opened(line=line, way=way, why=why, looks=found, exit_code=ran.exit_code, output=ran.output)


def _shortened(found: tuple[Look, ...], folder: Path, home: str) -> tuple[Look, ...]:
    """The paths as a person at that prompt would write them: from the folder, or from HOME by `~`."""
    return tuple(replace(one, path=_short(one.path, str(folder), home)) for one in found)


def _short(path: str, folder: str, home: str) -> str:
    for start, instead in ((folder, ""), (os.path.normpath(home), "~/"), (os.path.realpath(home), "~/")):
        if start not in ("", "/") and path.startswith(start + os.sep):
            return instead + path[len(start) + 1 :]
    return path


def _traced(
    words: list[str], variables: Mapping[str, str], folder: Path, log: Path, named: frozenset[str], timeout_s: float
) -> tuple[Ran, tuple[Look, ...] | None]:
    ran = run(strace.wrapped(words, log), variables, folder, timeout_s=timeout_s)
    touched = strace.touched(log, folder)
    return ran, None if touched is None else looks(touched, named)


def _named(words: Sequence[str], variables: Mapping[str, str], folder: Path) -> frozenset[str]:
    """Every path that stands on the line or in a variable: missing, it is worth telling."""
    said = [one.rpartition("=")[2] for one in (*words[1:], *variables.values())]
    return frozenset(os.path.normpath(folder / one) for one in said if one and "://" not in one)
