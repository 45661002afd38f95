"""strace: what a program asked the system for, told by the system. Linux only, and only where tracing is allowed."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mtls_lab.clients.trust.looks import Touched

INSTALL = "strace is not installed: `apt install strace` or `dnf install strace`; it is there for Linux only"
_CALL = re.compile(r'^(?:\d+ +)?(\w+)\((?:[\w-]+, )?"((?:[^"\\]|\\.)*)"(\.\.\.)?(.*)$')
_OPENING = ("open", "openat", "openat2")
_LOOKING = ("stat", "lstat", "stat64", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2")


def missing() -> str | None:
    """None when strace is installed, else how to install it."""
    return None if shutil.which("strace") else INSTALL


def wrapped(command: list[str], log: Path) -> list[str]:
    """The command under strace: itself and its children, every system call that takes a file name, into the log."""
    return ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=%file", "-e", "signal=none", "-o", str(log), *command]


def touched(log: Path, folder: Path) -> tuple[Touched, ...] | None:
    """The names in the log, relative ones taken from the folder; None when nothing was traced (ptrace is forbidden)."""
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    found = tuple(_read(lines, folder))
    return found or None


def _read(lines: list[str], folder: Path) -> Iterator[Touched]:
    for line in lines:
        call = _CALL.match(line)
        if call is None or call[1] not in (*_OPENING, *_LOOKING) or not call[2]:
            continue
        path = os.path.normpath(folder / _unescaped(call[2]))
        # What another thread interrupts has its result on a line of its own; then it counts for opened.
        failed = re.search(r"\) += -1 ", call[4]) is not None
        yield Touched(path=path, opened=call[1] in _OPENING and not failed, failed=failed)


def _unescaped(text: str) -> str:
    """strace writes what is no printable ASCII as octal or by a letter."""
    return text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
