"""Passwords for the keys that are written: from a file, from a prompt that does not echo, or from the command line."""

import argparse
import getpass
import sys
import warnings
from pathlib import Path

from mtls_lab.commands.certs.arguments import ROLES

SHORTEST, LONGEST = 4, 1023
"""In bytes; OpenSSL's own prompt wants the same, and sscg."""


def read_passwords(options: argparse.Namespace) -> dict[str, str]:
    """The password of each role that has one. Raises ValueError naming the option, never showing a password."""
    found = {role: _read(options, role) for role in ROLES}
    return {role: password for role, password in found.items() if password is not None}


def _read(options: argparse.Namespace, role: str) -> str | None:
    option = f"--{role}-key-password"
    path, asks, typed = (getattr(options, f"{role}_key_password{ending}") for ending in ("_file", "_prompt", ""))
    if path is not None:
        return _sized(_from_file(path, f"{option}-file"), f"the first line of {option}-file {path}")
    if asks:
        return _sized(_from_prompt(f"{ROLES[role]} key", f"{option}-prompt"), "the password")
    if typed is not None:
        warn(
            f"{option} shows the password to everybody who lists processes, and to your shell's history: "
            f"use {option}-file or {option}-prompt"
        )
        return _sized(typed, option)
    return None


def warn(text: str) -> None:
    """To stderr: `--quiet` does not hide it."""
    print(f"mtls-lab certs: warning: {text}", file=sys.stderr)


def _from_file(path: Path, option: str) -> str:
    try:
        with path.open("rb") as stream:
            # A device never ends; a password does.
            line = stream.readline(LONGEST + 3)
    except OSError as error:
        raise ValueError(f"{option} {path} cannot be read: {error.strerror}; name a file that you may read") from None
    if path.is_file() and path.stat().st_mode & 0o077:
        warn(f"{option} {path} can be read by others: chmod 600 {path}")
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise ValueError(
            f"{option} {path} does not begin with a line of UTF-8 text: write the password there"
        ) from None


def _from_prompt(owner: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise ValueError(f"{option} needs a terminal to ask on: use {option.removesuffix('prompt')}file")
    with warnings.catch_warnings():
        # Where it cannot switch the echo off, getpass only warns.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            password = getpass.getpass(f"Password for {owner}: ")
            again = getpass.getpass("The same again: ")
        except (getpass.GetPassWarning, EOFError):
            raise ValueError(f"{option} cannot ask without showing the answer: use a file") from None
    if password != again:
        raise ValueError(f"{option}: the two passwords differ; try again")
    return password


def _sized(password: str, what: str) -> str:
    size = len(password.encode(errors="surrogateescape"))
    if not SHORTEST <= size <= LONGEST:
        held = f"more than {LONGEST}" if size > LONGEST else size
        raise ValueError(f"{what} holds {held} bytes: a password has {SHORTEST} to {LONGEST}")
    return password
