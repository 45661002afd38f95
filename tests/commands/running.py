"""`mtls-lab proxy` as a process of its own, and programs that call it."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from commands.issuing import ROOT
from tools import program

PATIENCE_S = 60
"""For a process to start or to say something: machines that run tests are busy."""


class Running:
    """The command, from its first word to its end; killed if it is still there then."""

    def __init__(self, folder: Path, *options: str, ready: bool = True) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.printed: list[str] = []
        self._heard = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mtls_lab.cli", "proxy", *options],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [
            threading.Thread(target=self._listen, args=(self.process.stderr, self.said), daemon=True),
            threading.Thread(target=self._listen, args=(self.process.stdout, self.printed), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self.port = int(self.wait_for(r"Proxying https://\S+:(\d+) ")[1]) if ready else 0

    def _listen(self, stream: "Sequence[str]", into: list[str]) -> None:
        for line in stream:
            with self._heard:
                into.append(line.rstrip("\n"))
                self._heard.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """It says so, on either stream."""
        found: re.Match[str] | None = None

        def heard() -> bool:
            nonlocal found
            found = re.search(pattern, self.text)
            return found is not None or (self.process.poll() is not None and not any(map(_alive, self._threads)))

        with self._heard:
            end = time.monotonic() + PATIENCE_S
            while not heard() and time.monotonic() < end:
                self._heard.wait(0.2)
        assert found is not None, f"{pattern!r} not in:\n{self.text}"
        return found

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join([*self.said, *self.printed])

    @property
    def url(self) -> str:
        """Where to call."""
        return f"https://localhost:{self.port}"

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code."""
        code = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(5)
        return code

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def _alive(thread: threading.Thread) -> bool:
    return thread.is_alive()


def refused(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code and what it says, of one that does not start."""
    with Running(folder, *options, ready=False) as running:
        return running.wait(), running.text


def curl(folder: Path, *arguments: str) -> tuple[int, str]:
    """Its exit code and all that it says."""
    done = subprocess.run(
        [program("curl"), "--silent", "--show-error", "--max-time", "20", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def listens(port: int) -> bool:
    """Somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
