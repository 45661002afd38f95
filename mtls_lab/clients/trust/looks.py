"""What a program looked at on its way to a verdict: the trust files and directories among all the files it touched."""

import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtls_lab.certificates import Certificate

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The name of a certificate in a directory that OpenSSL searches."""
_USUAL = re.compile(
    r"(cert|cacert|ca-?bundle|ca-root|ca-certificates|tls-ca-bundle|root)[\w.-]*\.(pem|crt)|(jsse)?cacerts|certs"
)
"""The names that systems and libraries give to what they trust."""
_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")
_BLOCK = re.compile(_PEM.pattern + rb"[A-Za-z0-9+/=\s]{64,}-----END [A-Z0-9 ]*-----\n?")
_JAVA_STORES = (b"\xfe\xed\xfe\xed", b"\x30\x82", b"\x30\x83")
"""How a JKS file and a PKCS#12 file begin."""
_LARGEST = 8_000_000
_MANY = 4
"""From that many files of one directory on, the directory is what was read."""


@dataclass(frozen=True, kw_only=True)
class Touched:
    """One file name that a program handed to the system."""

    path: str
    """Absolute."""
    opened: bool
    """It was opened, and that worked."""
    failed: bool
    """There was nothing of that name, or it could not be had."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One place where a program looked for trust anchors."""

    path: str
    """The file or directory; what lies in the folder of the line, or in HOME, from there on."""
    kind: Literal["file", "directory"]
    """A file is read whole; in a directory single names are looked for."""
    found: bool
    """The file was there; in the directory something was found."""
    count: int | None = None
    """How many certificates the file holds; how many names were looked for in the directory; None if nobody knows."""
    whole: bool = False
    """Of a directory: its files were read, whatever their names; `count` says how many."""

    def __str__(self) -> str:
        if self.whole:
            return f"read     {self.place}: {_plural(self.count, 'file')}"
        if self.kind == "directory":
            found = "" if self.found else ", found none"
            return f"searched {self.place}" + (f" for {_plural(self.count, 'name')}{found}" if self.count else "")
        if not self.found:
            return f"missed   {self.place}: not there"
        return f"opened   {self.place}" + (f" ({_plural(self.count, 'certificate')})" if self.count else "")

    @property
    def place(self) -> str:
        """The path, without the way to the packages of this Python."""
        before, packages, rest = self.path.rpartition("/site-packages/")
        return f"…{packages}{rest}" if before and before.startswith(sys.prefix) else self.path


def looks(touched: Iterable[Touched], named: frozenset[str]) -> tuple[Look, ...]:
    """The places for trust anchors among these, in the order in which they were first touched.

    By what stands in a file, and for what is not there by its name: a usual one, or one that was `named` on the line or
    in a variable. The client's own certificate is none of them.
    """
    missed = dict.fromkeys(one.path for one in touched if one.failed)
    read = dict.fromkeys(one.path for one in touched if one.opened)
    searched: dict[str, set[str]] = {}
    for path in (*missed, *read):
        if _HASHED.fullmatch(Path(path).name):
            searched.setdefault(str(Path(path).parent), set()).add(path)
    files = [path for path in read if not _HASHED.fullmatch(Path(path).name) and is_trust_file(Path(path))]
    crowded = _crowded(files)
    found = list(_files(files, crowded)) + list(_missed(missed, named))
    found += [
        Look(path=folder, kind="directory", found=bool(names & read.keys()), count=len(names))
        for folder, names in searched.items()
    ]
    found += [
        Look(path=folder, kind="directory", found=True, count=count, whole=True) for folder, count in crowded.items()
    ]
    return tuple(dict.fromkeys(found))


def _crowded(files: list[str]) -> dict[str, int]:
    """The directories of which many files of one certificate were read, with their number."""
    number: dict[str, int] = {}
    for path in files:
        if count_of(Path(path)) == 1:
            folder = str(Path(path).parent)
            number[folder] = number.get(folder, 0) + 1
    return {folder: count for folder, count in number.items() if count > _MANY}


def _files(files: list[str], crowded: dict[str, int]) -> Iterator[Look]:
    for path in files:
        count = count_of(Path(path))
        if count != 1 or str(Path(path).parent) not in crowded:
            yield Look(path=path, kind="file", found=True, count=count)


def _missed(paths: Iterable[str], named: frozenset[str]) -> Iterator[Look]:
    for path in paths:
        usual = _USUAL.fullmatch(Path(path).name) and not Path(path).exists()
        if (path in named or usual) and not Path(path).is_dir():
            yield Look(path=path, kind="file", found=False)


def is_trust_file(path: Path) -> bool:
    """Authorities' certificates stand in it: not a leaf's, not a key alone."""
    content = _content(path)
    first = _BLOCK.search(content)
    if first is None:
        return path.name in ("cacerts", "jssecacerts") and content.startswith(_JAVA_STORES)
    return _is_authority(first[0])


def count_of(path: Path) -> int | None:
    """How many certificates stand in the file; None where that takes another program to say."""
    return len(_PEM.findall(_content(path))) or None


def _is_authority(pem: bytes) -> bool:
    with warnings.catch_warnings():
        # Old roots have oddities that `cryptography` remarks on; here they are somebody else's.
        warnings.simplefilter("ignore")
        try:
            return any(one.is_authority or one.self_issued for one in Certificate.from_pem(pem))
        except ValueError:
            # OpenSSL's TRUSTED CERTIFICATE, or one that nobody can read: it stands in a list all the same.
            return True


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else b""
    except OSError:
        return b""


def _plural(count: int | None, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
