"""Passwords for `mtls-lab certs`: from a file, a prompt or the command line, and never shown."""

import getpass
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from commands.issuing import ROOT, made, make, names_in, opens_only_with, password_file


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal and answers every prompt."""
    stdin = io.StringIO()
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "from a prompt")


@pytest.mark.parametrize(
    ("content", "password"),
    [(b"secret", "secret"), (b"secret\n", "secret"), (b"secret\r\nmore\n", "secret"), ("é à\n".encode(), "é à")],
)
def test_a_password_is_the_first_line_of_its_file(tmp_path: Path, content: bytes, password: str) -> None:
    made(tmp_path, "--service-key-password-file", password_file(tmp_path, content))

    assert opens_only_with(tmp_path, "localhost", password)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 bytes"),
        (b"\nsecret", "holds 0 bytes"),
        (b"abc\n", "holds 3 bytes: a password has 4 to 1023"),
        (b"x" * 9999, "holds more than 1023 bytes"),
        (b"\xff\xfe\xfd\xfc\n", "does not begin with a line of UTF-8 text"),
    ],
)
def test_a_password_file_that_cannot_be_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    assert make(tmp_path, "--service-key-password-file", password_file(tmp_path, content)) == 2

    assert message in capsys.readouterr().err
    assert names_in(tmp_path) == ["password.txt"]


def test_a_password_that_others_can_see_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, "--service-key-password=typed", "--quiet")
    assert "--service-key-password shows the password to everybody" in capsys.readouterr().err

    path = Path(password_file(tmp_path))
    made(tmp_path, "--service-key-password-file", str(path), "--quiet", "--force")
    assert capsys.readouterr().err == ""
    path.chmod(0o644)
    made(tmp_path, "--service-key-password-file", str(path), "--quiet", "--force")
    assert "can be read by others: chmod 600" in capsys.readouterr().err


def test_a_prompt_needs_a_terminal_and_two_equal_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[str] = iter(["one way", "another way"])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    assert make(tmp_path, "--client=alice", "--client-key-password-prompt") == 2
    assert "--client-key-password-prompt: the two passwords differ" in capsys.readouterr().err

    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe\nfrom a pipe\n"))
    assert make(tmp_path, "--service-key-password-prompt") == 2
    assert "needs a terminal to ask on: use --service-key-password-file" in capsys.readouterr().err
    assert names_in(tmp_path) == []


def test_no_password_is_ever_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = password_file(tmp_path)
    made(tmp_path, "--client=alice", "--service-key-password-file", path, "--client-key-password=typed secret")
    make(tmp_path, "--service-key-password=typed secret")
    make(tmp_path, "--service-key-password=abc", "--force")

    said = capsys.readouterr()
    assert not re.search("typed secret|from a file|abc", said.out + said.err)


@pytest.mark.live
def test_a_real_terminal_shows_nothing_of_the_password(tmp_path: Path) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(
            sys.executable, [sys.executable, "-m", "mtls_lab.cli", "certs", "--service-key-password-prompt", "--quiet"]
        )
    shown = b""
    for prompt in (b"Password for the service's key: ", b"The same again: "):
        while prompt not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, b"typed secret\n")
    _, status = os.waitpid(pid, 0)
    # Linux says so when the other end is closed and nothing is left to read.
    with suppress(OSError):
        shown += os.read(terminal, 1024)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"secret" not in shown
    assert opens_only_with(tmp_path, "localhost", "typed secret")
