"""Throw-away users of this machine, each with a home that is open to all: the worst case for what a lab writes there.

Made by `useradd` under reserved names and user ids, and taken away again: processes, homes, temporary files, entries.
What a trial that was killed has left is swept by the next one.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "mtlslabtrial"
"""How the names of these users begin, and nobody else's."""
FIRST_UID = 58_001
"""Above what `useradd` gives to people (60000 is its end) only by agreement: a taken one is refused."""
_SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108  # looked through, not written to
_RUNTIME = Path("/run/mtls-lab")


@dataclass(frozen=True, kw_only=True)
class User:
    """One of them."""

    name: str
    """The name to log in with."""
    uid: int
    """The user id, and the group's."""
    home: Path
    """The home, open to all (0755)."""


def make_users(count: int, homes: Path) -> list[User]:
    """That many users. Raises ValueError where a user id is taken."""
    homes.mkdir(mode=0o755)
    homes.chmod(0o755)
    users = [
        User(name=f"{PREFIX}{number:03}", uid=FIRST_UID + number, home=homes / f"u{number:03}")
        for number in range(count)
    ]
    taken = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    for user in users:
        if user.uid in taken:
            raise ValueError(f"the user id {user.uid} is {taken[user.uid]}'s: this machine has no room for the trial")
    for user in users:
        line = ["useradd", "--uid", str(user.uid), "--user-group", "--create-home", "--home-dir", str(user.home)]
        subprocess.run([*line, "--shell", "/bin/bash", user.name], check=True, capture_output=True, timeout=30)
        user.home.chmod(0o755)
    return users


def remove_users(users: Sequence[User]) -> None:
    """End what runs as these users, and take away all that is theirs."""
    uids = {user.uid for user in users}
    _end(uids)
    for user in users:
        subprocess.run(["userdel", user.name], check=False, capture_output=True, timeout=30)
        shutil.rmtree(user.home, ignore_errors=True)
        shutil.rmtree(_RUNTIME / str(user.uid), ignore_errors=True)
    for path in [path for folder in _SHARED for path in _entries(folder)]:
        if _owner(path) in uids:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()


def sweep() -> int:
    """Remove the users of a trial that was killed; how many there were."""
    left = [
        User(name=entry.pw_name, uid=entry.pw_uid, home=Path(entry.pw_dir))
        for entry in pwd.getpwall()
        if entry.pw_name.startswith(PREFIX)
    ]
    remove_users(left)
    return len(left)


def processes_of(uids: set[int]) -> Iterator[tuple[int, int]]:
    """Process id and user id of everything that runs as one of these users."""
    for path in _entries(Path("/proc")):
        if path.name.isdigit() and (uid := _owner(path)) in uids:
            yield int(path.name), uid


def started_by(pid: int) -> dict[int, int]:
    """What that process has started, and what they have: process id and moment of birth."""
    children: dict[int, dict[int, int]] = {}
    for path in _entries(Path("/proc")):
        if path.name.isdigit() and (found := _parent_and_birth(int(path.name))):
            children.setdefault(found[0], {})[int(path.name)] = found[1]
    started: dict[int, int] = {}
    row = {pid: 0}
    while row:
        row = {child: birth for one in row for child, birth in children.get(one, {}).items()}
        started |= row
    return started


def end_all(started: Mapping[int, int]) -> None:
    """End those of them that still live; a process id may have become somebody else's meanwhile."""
    for pid, birth in started.items():
        if (found := _parent_and_birth(pid)) and found[1] == birth:
            with suppress(ProcessLookupError):  # gone by itself
                os.kill(pid, signal.SIGKILL)


def _parent_and_birth(pid: int) -> tuple[int, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # it has just ended
    # The name of a program may hold spaces and brackets: what follows its last bracket is sure. See proc(5).
    columns = text.rpartition(")")[2].split()
    return int(columns[1]), int(columns[19])


def _end(uids: set[int]) -> None:
    """By process id, until none is left: one that dies may have just started another."""
    for _ in range(50):
        found = list(processes_of(uids))
        for pid, _uid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # gone by itself
        if not found:
            return
        time.sleep(0.1)  # the system takes a moment to end them


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _owner(path: Path) -> int:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return -1
