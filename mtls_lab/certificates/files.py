"""Files that hold keys and certificates: all of them are written, or none; keys are private from the first byte."""

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file that is to be written."""

    path: Path
    """Where; its folder must exist."""
    content: bytes = field(repr=False)
    """What it will hold."""
    mode: int = PUBLIC
    """Who may read it (less what the umask takes away)."""


def file_stem(name: str) -> str:
    """A file name made of a certificate's name, of letters that no system minds: `*.example.org` is `_.example.org`."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name.replace("*", "_")).strip("-.")
    return stem or "credential"


def write_files(files: Sequence[NewFile], *, overwrite: bool) -> None:
    """Write all these files, or leave everything as it was.

    Raises ValueError naming the first file that exists already, unless `overwrite`; OSError as the system gives it.
    """
    for position, file in enumerate(files):
        if os.path.lexists(file.path) and not overwrite:
            raise ValueError(f"{file.path} exists already and is left as it is: choose another name, or overwrite=True")
        if file.path in [other.path for other in files[:position]]:
            raise ValueError(f"{file.path} would be written twice: give each owner a name of its own")
    replaced = []
    with ExitStack() as undo:
        for file in files:
            if os.path.lexists(file.path):
                aside = file.path.with_name(f".{file.path.name}-{os.urandom(8).hex()}")
                file.path.rename(aside)
                undo.callback(aside.rename, file.path)
                replaced.append(aside)
            _create(file, undo)
        undo.pop_all()
    for aside in replaced:
        aside.unlink()


def _create(file: NewFile, undo: ExitStack) -> None:
    """Exclusive creation: what somebody else put there meanwhile, a link too, is never written to."""
    # O_BINARY: Windows would turn line feeds into carriage returns.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file.path, flags, file.mode)
    undo.callback(file.path.unlink)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(file.content)
