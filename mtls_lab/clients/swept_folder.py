"""A private folder that is gone when this process is, however it ends.

A kernel that is stopped with SIGKILL tidies nothing up. So a small process of its own waits at the other end of a pipe;
when the pipe closes, it removes the folder and ends.
"""

import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

_WAITS = "import shutil, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.stdin.buffer.read(); "
_SWEEPS = "shutil.rmtree(sys.argv[1], ignore_errors=True)"
_PATIENCE_S = 5.0


class SweptFolder:
    """A new folder that only this user can read, until `close()`, the end of its block, or the end of this process."""

    def __init__(self, *, prefix: str = "mtls-lab-") -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        """Where it is; 0700."""
        try:
            sweeper = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WAITS + _SWEEPS, str(self.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self.path.parent,
                start_new_session=True,
            )
        except BaseException:
            self.path.rmdir()
            raise
        self._close = weakref.finalize(self, _sweep, sweeper, self.path)

    def close(self) -> None:
        """Remove the folder with all that is in it; may be called twice."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _sweep(sweeper: "subprocess.Popen[bytes]", path: Path) -> None:
    if sweeper.stdin is not None:
        sweeper.stdin.close()
    try:
        sweeper.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        sweeper.kill()
        sweeper.wait()
    # Whatever became of the sweeper.
    shutil.rmtree(path, ignore_errors=True)
