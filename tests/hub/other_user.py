"""Programs that run as another user of this machine: only root can start them."""

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

STRANGER = 61_999
"""A user id that nobody here has; a process needs no entry in /etc/passwd to run as one."""


def need_two_users() -> str:
    """The Python that another user runs. Skips, by name, where there is no root or no such Python."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root, to run a program as another user")
    for python in (shutil.which("python3", path="/usr/bin:/usr/local/bin"), os.path.realpath("/proc/self/exe")):
        if python and as_user(python, "print('here')", uid=STRANGER).stdout == "here\n":
            return python
    pytest.skip("no Python here that another user may run")


def as_user(python: str, script: str, *arguments: str, uid: int) -> subprocess.CompletedProcess[str]:
    """What a script says that runs as that user."""
    return subprocess.run(
        [python, "-I", "-c", textwrap.dedent(script), *arguments],
        user=uid,
        group=uid,
        extra_groups=[],
        cwd=Path("/"),
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
