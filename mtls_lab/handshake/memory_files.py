"""Files that OpenSSL insists on, kept in memory where the system can (Linux), else in a private temporary file.

Python's `ssl` takes a private key and writes a key log only by path. A memfd has a path
(`/proc/self/fd/N`), never touches a disk, and is gone with the process however it dies.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HAS_MEMFD = hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()


def open_private_file() -> tuple[int, str]:
    """A new empty file only this user can read: its descriptor and its path. The caller releases both."""
    if _HAS_MEMFD:
        descriptor = os.memfd_create("mtls-lab", os.MFD_CLOEXEC)
        return descriptor, f"/proc/self/fd/{descriptor}"
    return tempfile.mkstemp(prefix="mtls-lab-")


def release(descriptor: int, path: str) -> None:
    """Close and remove what `open_private_file` gave."""
    os.close(descriptor)
    if not _HAS_MEMFD:
        try:
            Path(path).unlink()
        except OSError:
            # Windows keeps a file that an SSLContext still holds open; the temporary folder's cleaner takes it.
            return


@contextmanager
def as_file(content: bytes) -> Iterator[str]:
    """The path of a private file with this content, for as long as the block runs."""
    descriptor, path = open_private_file()
    try:
        os.write(descriptor, content)
        yield path
    finally:
        release(descriptor, path)
