"""Where progress is kept, and how: a small file beside the notebooks, and nobody is told.

1. The file is that of the course's folder: the working folder, or the nearest above it, that holds notebooks of the
   course, a workshop's file or a progress file. Anywhere else, and among the solutions, nothing is written: the kernel
   remembers while it runs. MTLS_LAB_PROGRESS names another file, or is `off`: then nothing is written, either.
2. Several kernels of one learner share it. Who changes it holds a lock, reads it anew, and writes it whole under
   another name that then takes its place: nobody sees half a file, and a power failure leaves the old or the new one.
3. A file that cannot be understood is set aside under another name, never overwritten.
4. `check` works whatever becomes of the file. What cannot be written is said once, kept in memory, and written with
   the next change that can be.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.exercises.learner import LEARNER_FILE, learner
from mtls_lab.exercises.record import LARGEST, Record, from_bytes, to_text

PROGRESS_FILE = "mtls-lab-progress.json"
OFF = "off"
_MARKS = (PROGRESS_FILE, LEARNER_FILE, ".mtls-lab.json")
_LESSON = "[0-9][0-9]-*.ipynb"
_PATIENCE_S, _PAUSE_S = 2.0, 0.02


@dataclass
class _Kernel:
    """What this process remembers. The one mutable thing here: a file that cannot be written must not cost a point."""

    unwritten: Record = field(default_factory=Record)
    """What no file holds yet."""
    said: bool = False
    """The learner knows that something is not kept."""


_KERNEL = _Kernel()


def place() -> Path | None:
    """The file of this course's folder, whether it is there or not; None where nothing is to be written."""
    named = os.environ.get("MTLS_LAB_PROGRESS", "").strip()
    if named:
        return None if named == OFF else Path(named).expanduser()
    here = Path.cwd()
    if here.name == "solved":
        return None
    folder = next((one for one in (here, *here.parents) if _is_course(one)), None)
    return None if folder is None else folder / PROGRESS_FILE


def kept() -> tuple[Record, str]:
    """What is kept, and what the learner should know about it: "" where all is well. Never raises."""
    try:
        path = place()
        found = Record() if path is None else _read(path)
    except (OSError, ValueError) as error:
        return _KERNEL.unwritten, f"What was kept cannot be read: {_reason(error)}"
    note = "Some of this is not written to the file yet." if path and _KERNEL.unwritten != Record() else ""
    return found.joined(_KERNEL.unwritten), note


def keep(change: Callable[[Record], Record]) -> None:
    """Change what is kept. Never raises: what cannot be written is said once and kept in memory."""
    try:
        path = place()
        if path is not None:
            _change(path, lambda found: change(found.joined(_KERNEL.unwritten)))
            _KERNEL.unwritten = Record()
            return
    except (OSError, ValueError) as error:
        _say(f"Your progress is kept in this kernel only: {_reason(error)}")
    _KERNEL.unwritten = change(kept()[0])


def forget(change: Callable[[Record], Record]) -> None:
    """Take something away, here and in the file. Raises OSError where the file cannot be written."""
    path = place()
    if path is not None:
        _change(path, lambda found: change(found.joined(_KERNEL.unwritten)))
        _KERNEL.unwritten = Record()
    else:
        _KERNEL.unwritten = change(_KERNEL.unwritten)


def _is_course(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in _MARKS) or next(folder.glob(_LESSON), None) is not None


def _read(path: Path) -> Record:
    """Raises ValueError, with the file's name, for one that cannot be understood."""
    try:
        with path.open("rb") as stream:
            return from_bytes(stream.read(LARGEST + 1))
    except FileNotFoundError:
        return Record()
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be understood: {error}") from error


def _change(path: Path, change: Callable[[Record], Record]) -> None:
    with _alone(path):
        try:
            found = _read(path)
        except ValueError as error:
            aside = _set_aside(path)
            _say(f"{error}. It is set aside as {aside.name}, and a new one begins.", again=True)
            found = Record()
        changed = replace(change(found), name=_name() or found.name)
        if changed != found:
            file = NewFile(path=path, content=to_text(changed).encode(), mode=PRIVATE)
            write_files([file], overwrite=True, durable=True)


def _name() -> str:
    try:
        return learner().name
    except ValueError:
        # Whoever asks for the seed is told; here it costs the name and nothing else.
        return ""


def _set_aside(path: Path) -> Path:
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")):
        number += 1
    return path.rename(aside)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other kernel changes the file meanwhile. The lock goes when its holder dies."""
    descriptor = os.open(path.with_name(f".{path.stem}.lock"), os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        end = time.monotonic() + _PATIENCE_S
        while not _locked(descriptor):
            if time.monotonic() > end:
                raise TimeoutError(f"another kernel has held {path.name} for {_PATIENCE_S:g} seconds")
            # The system's lock waits for ever or not at all; a learner waits two seconds.
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _locked_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: each write is still whole, and two at once are rare.
        return True
    return True


def _locked_on_windows(descriptor: int) -> bool:
    import msvcrt

    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only
    except OSError:
        return False
    return True


def _reason(error: Exception) -> str:
    """In words, without the path: a notebook is handed round."""
    return f"{PROGRESS_FILE}: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def _say(words: str, *, again: bool = False) -> None:
    if again or not _KERNEL.said:
        print(words, file=sys.stderr)
    _KERNEL.said = _KERNEL.said or not again
