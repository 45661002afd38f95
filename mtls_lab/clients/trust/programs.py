"""The client programs that are asked whom they trust: those of Rosetta, two Python libraries more, and libpq.

Each makes its call with nothing said about trust on its line, so that its surroundings decide. Chromium is not among
them: it has a store of its own for every profile and heeds no variable.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.programs import Program
from mtls_lab.clients.request import Environment, Request, Target
from mtls_lab.clients.rosetta import CLIENTS, told
from mtls_lab.clients.rosetta.servers import first_line
from mtls_lab.clients.trust.postgres_door import postgres_door

_ROSETTA = ("curl", "wget", "openssl s_client", "requests", "node", "go", "java")
SCRIPTS = {
    "urllib": "import sys, urllib.request as ask; print('# status', ask.urlopen(sys.argv[1]).status, file=sys.stderr)",
    "httpx": "import sys, httpx as ask; print('# status', ask.get(sys.argv[1]).status_code, file=sys.stderr)",
    "requests": "import sys, requests as ask; print('# status', ask.get(sys.argv[1]).status_code, file=sys.stderr)",
}
"""Python programs of one line that ask for a URL."""
_PSYCOPG = "import sys, psycopg as ask; ask.connect(sys.argv[1])"
_LIBPQ_NUMBER = "import psycopg; print(psycopg.pq.version())"
_KNOWS_SYSTEM = 160_000
_NO_FILE = "none.pem"


def asks(program: Program, target: Target, environment: Environment) -> Call:
    """The program's call with these variables and no other, and no word about trust on the line."""
    client = replace(target.scenario.client, trusts=(), verifies="chain and name", presents=None)
    return program.call(target, client=client, environment=environment, timeout_s=10.0)


def admits(call: Call) -> bool:
    """The program took the server for genuine: an answer came, or where none can come the handshake was completed."""
    if call.accepted:
        return True
    seen = call.handshake.server if call.handshake is not None and call.program in _LIBPQ else None
    return seen is not None and seen.completed


def _python_program(name: str, script: str) -> Program:
    def line(request: Request) -> str:
        return f"python -c '{script}' {told.url(request)}"

    def missing(_request: Request) -> str | None:
        return None if name == "urllib" or find_spec(name) else f"{name} is not installed: `pip install {name}`"

    def run(request: Request, folder: Path) -> Outcome:
        command = [sys.executable, "-c", script, told.url(request)]
        done = children.run(command, request, folder, timeout_s=request.timeout_s)
        version = f"{name} {metadata.version(name)}" if name != "urllib" else "urllib"
        number = ".".join(map(str, sys.version_info[:3]))
        return replace(told.outcome(done, folder, _last_line), version=f"{version} (Python {number})")

    return told.make_program(name, line=line, run=run, missing=missing)


def _last_line(complaint: str) -> str:
    return complaint.rpartition("\n")[2]


def _libpq_settings(request: Request, port: int, extra: str) -> str:
    """The name check is left to libpq's verify-full; `sslcert` names nothing, so that no file in HOME has a say."""
    return f"host={request.name} port={port} dbname=postgres user=lab {extra} sslcert={_NO_FILE} sslkey={_NO_FILE}"


def _libpq_program(
    name: str,
    extra: str,
    *,
    words: Callable[[str], list[str]],
    missing: Callable[[Request], str | None],
    version: Callable[[], str],
) -> Program:
    def line(request: Request) -> str:
        return f'psql "{_libpq_settings(request, request.port, extra)}"'

    def run(request: Request, folder: Path) -> Outcome:
        with postgres_door(request.host, request.port) as door:
            command = words(_libpq_settings(request, door.port, extra))
            done = children.run(command, request, folder, timeout_s=request.timeout_s)
        said = children.words(done.out + done.err, folder).strip()
        return Outcome(version=version(), output=said, exit_code=done.exit_code, client_port=door.led_from)

    return told.make_program(name, line=line, run=run, missing=missing)


def _no_psql(request: Request) -> str | None:
    return CLIENTS["psql"].missing(request)


def _no_system(_request: Request) -> str | None:
    """`sslrootcert=system` came with libpq 16; before, `system` is the name of a file."""
    if find_spec("psycopg") is None:
        return "psycopg, with a libpq of its own, is not installed: `pip install 'psycopg[binary]'`"
    number = first_line(sys.executable, "-c", _LIBPQ_NUMBER)
    return None if number.isdecimal() and int(number) >= _KNOWS_SYSTEM else "its libpq is older than 16"


def _psql_version() -> str:
    return " ".join(first_line("psql", "--version").split()[:3])


def _psycopg_version() -> str:
    number = first_line(sys.executable, "-c", _LIBPQ_NUMBER)
    return f"psycopg {metadata.version('psycopg')} (libpq {int(number) // 10_000 if number.isdecimal() else '?'})"


_LIBPQ = ("psql", "libpq with sslrootcert=system")
PROGRAMS: dict[str, Program] = {
    **{name: CLIENTS[name] for name in _ROSETTA if name in CLIENTS},
    "urllib": _python_program("urllib", SCRIPTS["urllib"]),
    "httpx": _python_program("httpx", SCRIPTS["httpx"]),
    "psql": _libpq_program(
        "psql",
        "sslmode=verify-ca",
        words=lambda settings: ["psql", "-X", "-w", settings, "-c", "select 1"],
        missing=_no_psql,
        version=_psql_version,
    ),
    "libpq with sslrootcert=system": _libpq_program(
        "libpq with sslrootcert=system",
        "sslmode=verify-full sslrootcert=system",
        words=lambda settings: [sys.executable, "-c", _PSYCOPG, settings],
        missing=_no_system,
        version=_psycopg_version,
    ),
}
"""Every program that can be asked, by name."""


def find(name: str) -> Program:
    """The program of that name. Raises ValueError, with the names there are."""
    if name not in PROGRAMS:
        raise ValueError(f"program={name!r} is none that can be asked: choose among {', '.join(PROGRAMS)}")
    return PROGRAMS[name]
