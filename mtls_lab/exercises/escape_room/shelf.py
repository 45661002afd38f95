"""The system's files: how its programs read them, and what they say when they cannot."""

import stat
from pathlib import Path

from mtls_lab.certificates import Certificate, Credential


class Unreadable(Exception):
    """A program does not start: its words say which file, and why."""


def read_credential(folder: Path, name: str) -> Credential:
    """`name.pem` and `name-key.pem`, as a careful server reads them. Raises Unreadable.

    Whether they belong together, OpenSSL finds out. Like PostgreSQL and ssh, it refuses a key that others can read.
    """
    key_path = folder / f"{name}-key.pem"
    mode = stat.S_IMODE(_status(key_path))
    if mode & 0o077:
        raise Unreadable(f"{_short(key_path)} can be read by others than its owner (mode {mode:04o}): I do not use it")
    chain = _certificates(folder / f"{name}.pem")
    return Credential(key_pem=_content(key_path), chain=chain, issuers=chain[1:])


def read_trusts(path: Path) -> tuple[Certificate, ...]:
    """The trust anchors in that file. Raises Unreadable."""
    return _certificates(path)


def contents(folder: Path, pattern: str) -> tuple[tuple[str, int, bytes], ...]:
    """Name, mode and content of each file that fits: to see whether anything has changed."""
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    return tuple((path.name, stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in found)


def _certificates(path: Path) -> tuple[Certificate, ...]:
    try:
        return Certificate.from_pem(_content(path))
    except ValueError as error:
        raise Unreadable(f"{_short(path)} holds no certificates in PEM: {error}") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{_short(path)} cannot be read: {error.strerror}") from None


def _status(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError as error:
        raise Unreadable(f"{_short(path)} cannot be read: {error.strerror}") from None


def _short(path: Path) -> str:
    """As it is called in the room: `orders/orders-key.pem`."""
    return f"{path.parent.name}/{path.name}"
