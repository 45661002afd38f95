"""One line, run as a person would type it, in surroundings that are chosen."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")
"""What a program needs to start at all, as in `children`: no variable that bears on trust, no proxy, no HOME."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of it."""

    exit_code: int | None
    """None when it was stopped because its time was up."""
    output: str
    """What it printed, both its outputs."""


def words_of(line: str | Sequence[str]) -> list[str]:
    """The line as words; `python` is the Python that runs this. Raises ValueError for a line without a program.

    Raises FileNotFoundError where the program is not there.
    """
    words = shlex.split(line) if isinstance(line, str) else list(line)
    if not words:
        raise ValueError(f'line={line!r} names no program: "curl https://localhost:8443/"')
    if words[0] in ("python", "python3"):
        words[0] = sys.executable
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(f"line={line!r}: there is no program {words[0]!r} here; install it or name another")
    return words


def surroundings(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment: what a program needs, a HOME that is the folder, and these variables."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"HOME": str(folder), "LC_ALL": "C"} | dict(variables)


def run(
    words: Sequence[str], variables: Mapping[str, str], folder: Path, *, timeout_s: float, stdin: bytes = b""
) -> Ran:
    """Run it in the folder with just these variables, and wait for its end or stop it when its time is up."""
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            cwd=folder,
            env=surroundings(variables, folder),
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as late:
        return Ran(exit_code=None, output=_text(late.stdout, late.stderr))
    return Ran(exit_code=done.returncode, output=_text(done.stdout, done.stderr))


def _text(out: bytes | None, err: bytes | None) -> str:
    return ((out or b"") + (err or b"")).decode("utf-8", "replace")
