"""psql and psycopg: libpq's two best known users, run as a person would, with the tap on their line.

1. Nothing of the machine has a say: HOME is the folder in which it is typed, so `~/.postgresql/` is looked for there,
   and the PG* variables are gone. Names are not looked up: PGHOSTADDR says where every name leads.
2. Nobody is asked anything: no password prompt, no terminal.
3. Where the server or the program is not there, the answer comes from the recording.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict, Unpack

from mtls_lab.clients.postgres import recording
from mtls_lab.clients.postgres.answer import DatabaseCall
from mtls_lab.clients.postgres.recorded import NO_PSQL, NO_PSYCOPG, Recorded, Server, own_psql
from mtls_lab.clients.postgres.said import PREFIX, normalised
from mtls_lab.clients.postgres.server import PostgreSQL
from mtls_lab.clients.postgres.setup import HOST
from mtls_lab.clients.postgres.tap import Tap

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""libpq's sslmode, from the least to the most."""
_KEPT = ("PATH", "SYSTEMROOT", "TMPDIR")
_TYPED_WITHOUT_ADDRESS = ("127.0.0.1", "localhost")
_STEP_S = 0.01
_LAST_WORDS_S = 2.0
_VERSION_S = 10.0
_SCRIPT = """
import sys
try:
    import psycopg
    print(f"# psycopg {psycopg.__version__} (libpq {psycopg.pq.version() // 10000})", file=sys.stderr)
    with psycopg.connect(sys.argv[1]) as connection:
        for row in connection.execute(sys.argv[2]).fetchall():
            print(*row, sep="|")
except psycopg.Error as error:
    sys.exit(str(error))
"""


class Settings(TypedDict, total=False):
    """libpq's own words. Files are named as they would be typed; None leaves a setting out."""

    sslmode: str | None
    sslrootcert: str | None
    sslcert: str | None
    sslkey: str | None
    sslcrl: str | None
    sslcertmode: str | None
    sslnegotiation: str | None
    channel_binding: str | None
    password: str | None
    connect_timeout: str | None


@dataclass(frozen=True, kw_only=True)
class Question:
    """One call, before it is made."""

    program: str
    """psql or psycopg."""
    query: str
    """What is asked."""
    folder: Path
    """Where it is typed; HOME as well."""
    host: str
    """The name that is dialled."""
    conninfo: Mapping[str, str]
    """The rest of the connection string."""
    timeout_s: float
    """How long the whole call may take."""
    environment: Mapping[str, str]
    """Variables that the lesson sets."""

    def connection_string(self, port: int) -> str:
        """As libpq reads it."""
        elsewhere = {} if self.host in _TYPED_WITHOUT_ADDRESS else {"hostaddr": HOST}
        words = {"host": self.host, **elsewhere, "port": str(port), **self.conninfo}
        return " ".join(f"{name}={_quoted(value)}" for name, value in words.items())

    def line(self, port: int) -> str:
        """What a person would type."""
        connecting = self.connection_string(port)
        if self.program == "psql":
            return f'psql "{connecting}" -Atc {shlex.quote(self.query)}'
        return f'with psycopg.connect("{connecting}") as connection:\n    connection.execute({self.query!r}).fetchall()'


def psql(
    server: Server,
    query: str = "select 1",
    *,
    folder: str | Path = ".",
    user: str = "alice",
    host: str = "localhost",
    dbname: str = "postgres",
    timeout_s: float = 10.0,
    environment: Mapping[str, str] | None = None,
    **settings: Unpack[Settings],
) -> DatabaseCall:
    """Ask the server with psql, typed in that folder, and tell what happened."""
    question = _question(
        "psql", query, folder, host, {"dbname": dbname, "user": user}, timeout_s, environment, settings
    )
    own = own_psql(server) if isinstance(server, PostgreSQL) else None
    found = shutil.which("psql") or own
    if found is None or isinstance(server, Recorded):
        return _recorded(question, server, NO_PSQL)
    libraries = server.build.variables if found == own else {}
    return _live(question, server, [found, "-X", "-w", "-At", "-c", query], libraries)


def psycopg_connect(
    server: Server,
    query: str = "select 1",
    *,
    folder: str | Path = ".",
    user: str = "alice",
    host: str = "localhost",
    dbname: str = "postgres",
    timeout_s: float = 10.0,
    environment: Mapping[str, str] | None = None,
    **settings: Unpack[Settings],
) -> DatabaseCall:
    """The same through psycopg, in a Python of its own; psycopg[binary] brings its own libpq and OpenSSL."""
    question = _question(
        "psycopg", query, folder, host, {"dbname": dbname, "user": user}, timeout_s, environment, settings
    )
    if find_spec("psycopg") is None or isinstance(server, Recorded):
        return _recorded(question, server, NO_PSYCOPG)
    found_from = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return _live(question, server, [sys.executable, "-P", "-c", _SCRIPT], found_from)


def _question(
    program: str,
    query: str,
    folder: str | Path,
    host: str,
    who: dict[str, str],
    timeout_s: float,
    environment: Mapping[str, str] | None,
    settings: Settings,
) -> Question:
    if unknown := set(settings) - set(Settings.__annotations__):
        known = ", ".join(Settings.__annotations__)
        raise TypeError(f"{', '.join(sorted(unknown))}: this takes libpq's {known}")
    given = {name: str(value) for name, value in settings.items() if value is not None}
    return Question(
        program=program,
        query=query,
        folder=Path(folder),
        host=host,
        conninfo=who | given,
        timeout_s=timeout_s,
        environment=environment or {},
    )


def _quoted(value: str) -> str:
    """As libpq wants it in a connection string."""
    if value and not set(value) & set(" '\\"):
        return value
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def _key(question: Question, server: Server, port: int) -> str:
    named = [question.conninfo[name] for name in recording.NAMES if name in question.conninfo]
    line = question.line(port)
    return recording.key_of(server.setup, line, port, question.folder, dict(question.environment), named)


def _recorded(question: Question, server: Server, missing: str) -> DatabaseCall:
    """From the recording; a call that says what is missing where nobody has recorded it but there is a server."""
    line = question.line(server.port)
    key = _key(question, server, server.port)
    try:
        return recording.look_up(key, program=question.program, line=line, port=server.port)
    except recording.NotRecorded:
        if isinstance(server, Recorded):
            raise
        return DatabaseCall(
            program=question.program, version="", line=line, port=server.port, output="", missing=missing
        )


def _live(question: Question, server: PostgreSQL, command: list[str], variables: Mapping[str, str]) -> DatabaseCall:
    folder = question.folder
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    surroundings = kept | {"HOME": str(folder.resolve()), "LC_ALL": "C", "PGHOSTADDR": HOST}
    surroundings |= dict(variables) | dict(question.environment)
    with Tap(server.port) as tap:
        asking = question.connection_string(tap.port)
        full = [*command, asking] if question.program == "psql" else [*command, asking, question.query]
        key = _key(question, server, tap.port)
        exit_code, out, err = _run(full, tap, question, surroundings)
        attempts = tuple(line.attempt(_said_to(server, line.port)) for line in tap.lines)
    version, complaint = _told_apart(command[0], err, server.callers, surroundings)
    call = DatabaseCall(
        program=question.program,
        version=version,
        line=question.line(tap.port),
        port=tap.port,
        output=_homely(out + complaint, folder),
        exit_code=exit_code,
        body=out if exit_code == 0 else None,
        handshake=next((one.handshake for one in reversed(attempts) if one.handshake), None),
        environment=tuple(f"{name}={value}" for name, value in question.environment.items()),
        attempts=attempts,
    )
    recording.write_down(key, call, server.setup, server.build.version)
    return call


def _run(command: list[str], tap: Tap, question: Question, environment: dict[str, str]) -> tuple[int | None, str, str]:
    """Run it with the tap at work; exit code (None: its time was up), output and complaint."""
    deadline = time.monotonic() + question.timeout_s
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=question.folder,
            env=environment,
            # Without the terminal of who typed the command: OpenSSL would ask there for the password of a key.
            start_new_session=True,
        ) as child,
    ):
        try:
            while child.poll() is None and time.monotonic() < deadline:
                tap.step(_STEP_S)
        finally:
            late = child.poll() is None
            child.kill()
        while tap.open and tap.step(_LAST_WORDS_S):
            pass  # what was on its way when the client ended
        child.wait()
        out.seek(0)
        err.seek(0)
        said = out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")
        return (None if late else child.returncode, *said)


def _said_to(server: PostgreSQL, port: int) -> tuple[str, ...]:
    """What the server said to the client from that port. The process that served it is waited for: then it is all."""
    deadline = time.monotonic() + _LAST_WORDS_S
    while time.monotonic() < deadline and server.running:
        process = _served_by(server.log, port)
        if process is not None and not _lives(process):
            break
        time.sleep(_STEP_S)  # neither a file nor somebody else's child has anything to wait on
    log = server.log
    process = _served_by(log, port)
    return normalised("\n".join(line for line in log.splitlines() if line.startswith(f"{process} ")))


def _served_by(log: str, port: int) -> int | None:
    received = [line for line in log.splitlines() if f"connection received: host={HOST} port={port} " in f"{line} "]
    found = PREFIX.match(received[-1]) if received else None
    return int(found[1]) if found else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _told_apart(program: str, err: str, known: dict[str, str], surroundings: dict[str, str]) -> tuple[str, str]:
    """The program's version, and the complaint without it."""
    if err.startswith("# "):
        version, _, complaint = err.partition("\n")
        return version.removeprefix("# "), complaint
    if program not in known:
        told = subprocess.run(
            [program, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=surroundings,
            timeout=_VERSION_S,
            check=False,
        )
        words = told.stdout.decode("utf-8", "replace").split()
        known[program] = f"psql {words[2]}" if len(words) > 2 else "psql"
    return known[program], err


def _homely(words: str, folder: Path) -> str:
    """Without the folder's path: HOME is there, so the default files are `~/.postgresql/...`."""
    for path in (folder.resolve(), folder.absolute()):
        words = words.replace(f"{path}{os.sep}", "~/")
    return words
