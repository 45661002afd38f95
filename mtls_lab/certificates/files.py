"""Files that hold keys and certificates: all of them are written, or none; keys are private from the first byte.

How it works. Every content is first written whole, to a file that has no name yet (`O_TMPFILE`; where a system has no
such files, and for a set of hundreds, a hidden one). Then each gets its name, in one step that happens or does not. So:

1. Whoever looks sees no file, the old file or the new file under a name, never a part. Where there was a file, there is
   one throughout (but on a disk without hard links, where it is away for a moment).
2. Killed while writing, nothing is left. Killed while naming (well under a millisecond for a set), every file is
   whole, but some may be of the old set: overwriting again mends that. A hidden copy of an old file may be left.
3. An error takes everything back. Ctrl-C and SIGTERM are heard before or after, not in between.
4. A name that exists is never written through: a link there is replaced, what it points to is left alone.
5. Two that overwrite the same folder at once wait for each other: the files are all of the one or all of the other.
"""

import os
import re
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644

_OPEN_FILES = Path("/proc/self/fd")


class FileExists(ValueError):
    """A file is there already, and may not be overwritten: `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already and is left as it is: choose another name, or overwrite=True")
        self.path = path


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file that is to be written."""

    path: Path
    """Where; its folder must exist."""
    content: bytes = field(repr=False)
    """What it will hold."""
    mode: int = PUBLIC
    """Who may read it, exactly: the umask takes nothing away."""


@dataclass(frozen=True, kw_only=True)
class _Staged:
    """A file's whole content before it has its name."""

    source: Path
    """What to link to: an open file without a name, or a hidden one."""
    status: os.stat_result
    """Tells it from other files, whatever its name."""


def file_stem(name: str) -> str:
    """A file name made of a certificate's name, of letters that no system minds: `*.example.org` is `_.example.org`."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name.replace("*", "_")).strip("-.")
    # Most systems take 255 bytes; endings such as `-key.pem` need some of them.
    return stem[:200].rstrip("-.") or "credential"


def write_files(files: Sequence[NewFile], *, overwrite: bool, durable: bool = False) -> None:
    """Write all these files, or leave everything as it was.

    `durable`: no file is empty after a power failure either; each waits for the disk then (10 ms or so).
    Raises FileExists naming the first file that exists already, unless `overwrite`; ValueError for what can never be
    written; OSError as the system gives it.
    """
    _refuse(files, overwrite=overwrite)
    with ExitStack() as tidy:
        for folder in _folders(files):
            tidy.enter_context(_alone_in(folder))
        tidy.enter_context(_undisturbed())
        # A file without a name must stay open, and a process may have 1024 open at once, often 256.
        unnamed = len(files) <= 100
        staged = [tidy.enter_context(_stage(file, durable=durable, unnamed=unnamed)) for file in files]
        with ExitStack() as undo:
            for file, new in zip(files, staged, strict=True):
                if overwrite and os.path.lexists(file.path):
                    _replace(file.path, new, undo, tidy)
                else:
                    undo.callback(_take_back, file.path, new.status)
                    _link(new.source, file.path)
            undo.pop_all()


def _refuse(files: Sequence[NewFile], *, overwrite: bool) -> None:
    names = set()
    for file in files:
        if os.path.lexists(file.path):
            kind = file.path.lstat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
                raise ValueError(f"{file.path} is a folder or a device: choose another name for the file")
            if not overwrite:
                raise FileExists(file.path)
        # One file may be spelled in two ways: the second would replace the first.
        name = file.path.parent.resolve() / file.path.name
        if name in names:
            raise ValueError(f"{file.path} would be written twice: give each owner a name of its own")
        names.add(name)


def _folders(files: Sequence[NewFile]) -> list[Path]:
    """Each folder once, however it is spelled, and in one order for all: nobody waits for himself or in a circle."""
    places = {}
    for file in files:
        status = file.path.parent.stat()
        places[status.st_dev, status.st_ino] = file.path.parent
    return [places[place] for place in sorted(places)]


@contextmanager
def _stage(file: NewFile, *, durable: bool, unnamed: bool) -> Iterator[_Staged]:
    """The content, whole and on the disk of its folder, under no name that anybody looks for."""
    descriptor, hidden = _open_new(file.path, unnamed=unnamed)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            source = hidden or _OPEN_FILES / str(descriptor)
            stream.write(file.content)
            stream.flush()
            if durable:
                # Otherwise the name may come to the disk before the content does.
                os.fsync(stream.fileno())
            # After the content: the mode asked for may be one that its owner cannot write.
            source.chmod(file.mode)
            staged = _Staged(source=source, status=os.fstat(stream.fileno()))
            if hidden is not None:
                stream.close()
            yield staged
    finally:
        if hidden is not None:
            hidden.unlink(missing_ok=True)


def _open_new(path: Path, *, unnamed: bool) -> tuple[int, Path | None]:
    """A new open file in the path's folder, its owner's only, and its hidden name if it needs one."""
    if unnamed and hasattr(os, "O_TMPFILE") and _OPEN_FILES.exists():
        # Where this file system has no such files, or the folder is closed to us, what follows says so.
        with suppress(OSError):
            return os.open(path.parent, os.O_WRONLY | os.O_TMPFILE, PRIVATE), None
    hidden = _hidden(path)
    # O_BINARY: Windows would turn line feeds into carriage returns.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(hidden, flags, PRIVATE), hidden


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}-{os.urandom(8).hex()}")


def _replace(path: Path, new: _Staged, undo: ExitStack, tidy: ExitStack) -> None:
    """The old file keeps a hidden name until all is done, and the name asked for always leads to one of the two."""
    old, fresh = _hidden(path), _hidden(path)
    for hidden in (old, fresh):
        tidy.callback(hidden.unlink, missing_ok=True)
    undo.callback(_put_back, old, path)
    _link(path, old)
    _link(new.source, fresh)
    fresh.replace(path)


def _link(source: Path, name: Path) -> None:
    """Give it another name, which must be free. Where a file system has no links, it is moved there."""
    try:
        if source.parent == _OPEN_FILES:
            # The number makes Python use linkat(), which alone can follow /proc to a file without a name.
            os.link(source, name, src_dir_fd=0, follow_symlinks=True)
        else:
            os.link(source, name, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        if source.parent == _OPEN_FILES or os.path.lexists(name):
            raise
        source.rename(name)


def _take_back(path: Path, status: os.stat_result) -> None:
    """Remove the file, unless it is not there or not ours."""
    if os.path.lexists(path) and os.path.samestat(path.lstat(), status):
        path.unlink()


def _put_back(old: Path, path: Path) -> None:
    # While both are names of one file, replace() would do nothing: then there is nothing to do.
    if os.path.lexists(old) and not (os.path.lexists(path) and os.path.samestat(old.lstat(), path.lstat())):
        old.replace(path)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a terminal that closes wait until this is over."""
    if not hasattr(signal, "pthread_sigmask"):
        # Windows: Ctrl-C arrives as an exception, and what was done is undone.
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Nobody else writes files into this folder in this way meanwhile; the lock goes when its holder dies."""
    try:
        import fcntl
    except ImportError:
        # Windows: no such locks; each file is still whole.
        yield
        return
    with ExitStack() as held:
        # A folder that may not be listed, or a file system without locks: each file is still whole.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            held.callback(os.close, descriptor)
            # Where everybody may write (/tmp), anybody could keep us waiting.
            if not os.fstat(descriptor).st_mode & stat.S_IWOTH:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
