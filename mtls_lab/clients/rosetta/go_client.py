"""Go's net/http, by a program of a hundred lines (`go/get.go`) that is built once and needs no module but Go's own."""

import shlex
from pathlib import Path

from mtls_lab.clients import children, go_build
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request
from mtls_lab.clients.rosetta import told


def arguments(request: Request) -> list[str]:
    """What stands on the line after the program's name."""
    words = told.options(request)
    if request.credential_files is not None:
        words += ["--cert", request.credential_files[0], "--key", request.credential_files[1]]
    return [*words, told.url(request)]


def _line(request: Request) -> str:
    return shlex.join(["go", "run", "get.go", *arguments(request)])


def _missing(request: Request) -> str | None:
    return None if children.find("go", request) else go_build.INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    command = [str(go_build.build("get")), "--timeout", f"{request.timeout_s:g}", *arguments(request)]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 2)
    return told.outcome(done, folder, _text)


def _text(complaint: str) -> str:
    """The error without the URL that net/http puts before it."""
    last = complaint.rpartition("\n")[2]
    return last.partition('": ')[2] if last.startswith('Get "') else last


PROGRAM = told.make_program("go", line=_line, run=_run, missing=_missing)
