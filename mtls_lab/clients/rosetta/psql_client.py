"""psql: libpq speaks PostgreSQL's protocol, asks for TLS inside it (SSLRequest), and verifies in its own way.

Every setting is given, so that no file in the person's HOME has a say: `sslmode=require` verifies only as long as no
root file exists, so the level `none` names one that does not. A PostgreSQL server answers it, nothing else can, and
what it answers is no HTTP: `body` is the query's result, `status` stays None.
"""

import shlex
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request, is_address
from mtls_lab.clients.rosetta import told

_INSTALL = "psql is not installed: `apt install postgresql-client` or `brew install libpq`"
_MODES = {"none": "require", "chain": "verify-ca", "chain and name": "verify-full"}
_NO_FILE = "none.pem"
_PREFIXES = ("psql: error: ", "psql: ")
_QUERY = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()"


def arguments(request: Request) -> list[str]:
    """What stands on the line after `psql`."""
    chain, key = request.credential_files or (_NO_FILE, _NO_FILE)
    settings = {
        "host": request.name,
        "hostaddr": request.host,
        "port": str(request.port),
        "dbname": "postgres",
        "user": "lab",
        "sslmode": _MODES[request.client.verifies],
        "sslrootcert": request.anchors_file or _NO_FILE,
        "sslcert": chain,
        "sslkey": key,
    }
    if is_address(request.name) and request.name == request.host:
        del settings["hostaddr"]
    if len(request.scenario.versions) == 1:
        settings["ssl_min_protocol_version"] = settings["ssl_max_protocol_version"] = request.scenario.versions[0]
    if request.client.crls:
        settings["sslcrl"] = told.CRL_FILE
    return [" ".join(f"{name}={value}" for name, value in settings.items()), "-Atc", _QUERY]


def _line(request: Request) -> str:
    return shlex.join(["psql", *arguments(request)])


def _missing(request: Request) -> str | None:
    return None if children.find("psql", request) else _INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    psql = children.find("psql", request) or "psql"
    told.lay_crls(request, folder)
    version = children.start([psql, "--version"], request, folder)
    done = children.run([psql, "-X", "-w", *arguments(request)], request, folder, timeout_s=request.timeout_s)
    said = children.words(done.err, folder).strip()
    body = children.words(done.out, folder)
    accepted = done.exit_code == 0
    number = children.first_line(version).split()
    return Outcome(
        version=f"psql {number[2]}" if len(number) > 2 else "psql",
        output=body + said,
        exit_code=done.exit_code,
        body=body if accepted else None,
        reason=f"exit {done.exit_code}",
        text=_text(said),
        stopped_at="waiting" if done.exit_code is None else None,
    )


def _text(said: str) -> str:
    """What it complains about, without the server's address."""
    words = said.replace("Enter PEM pass phrase:", "").strip()
    for prefix in _PREFIXES:
        words = words.removeprefix(prefix)
    before, found, after = words.partition(" failed: ")
    return after if found and before.startswith("connection to server") else words


PROGRAM = told.make_program("psql", line=_line, run=_run, missing=_missing)
