"""Node's https module, by a program of fifty lines (`get.mjs`)."""

import shlex
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request
from mtls_lab.clients.rosetta import told

_INSTALL = "node is not installed: `apt install nodejs`, `conda install -c conda-forge nodejs` or `brew install node`"


def arguments(request: Request) -> list[str]:
    """What stands on the line after `node get.mjs`."""
    words = told.options(request)
    if request.credential_files is not None:
        words += ["--cert", request.credential_files[0], "--key", request.credential_files[1]]
    return [*words, told.url(request)]


def _line(request: Request) -> str:
    return shlex.join(["node", "get.mjs", *arguments(request)])


def _missing(request: Request) -> str | None:
    return None if children.find("node", request) else _INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    node = children.find("node", request) or "node"
    command = [node, str(told.source("get.mjs")), "--timeout", f"{request.timeout_s:g}", *arguments(request)]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 2)
    return told.outcome(done, folder, _text)


def _text(complaint: str) -> str:
    """The first line; what follows is a list of fields."""
    return complaint.partition("\n")[0]


PROGRAM = told.make_program("node", line=_line, run=_run, missing=_missing)
