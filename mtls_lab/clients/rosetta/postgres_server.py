"""PostgreSQL as the server, for psql: a real one, in a private folder, on a port of loopback.

1. initdb and postgres refuse uid 0: as root they run as `postgres` or `nobody`, to whom the folder is then given.
2. It cannot take port 0, so a free one is chosen; ready is what this start's own log says.
3. `ssl_ca_file` makes it ask everybody for a certificate and verify what it gets. Whether one is needed says pg_hba:
   `trust` takes nobody, `trust clientcert=verify-ca` does not. There is no password, so TLS alone decides.
4. It has no checks for a missing certificate in TLS: it finishes the handshake and then says so in its own protocol.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtls_lab.clients import children
from mtls_lab.clients.request import private_folder
from mtls_lab.clients.rosetta import servers, told
from mtls_lab.clients.rosetta.servers import DidNotStart, Server, Serving, Start
from mtls_lab.handshake import Scenario

_INSTALL = "PostgreSQL's server is not installed: `apt install postgresql` or `brew install postgresql`"
_DEBIANS = Path("/usr/lib/postgresql")
_READY = "ready to accept connections"
_ACCOUNTS = ("postgres", "nobody")
_INITDB_S = 30.0
_SETTINGS = {
    "fsync": "off",
    "shared_buffers": "16MB",
    "logging_collector": "off",
    "dynamic_shared_memory_type": "posix",
    "log_line_prefix": "",
    "unix_socket_directories": "",
    "listen_addresses": servers.HOST,
    "ssl": "on",
    "ssl_cert_file": "server.pem",
    "ssl_key_file": "server-key.pem",
}


def _binary(name: str) -> str | None:
    newest_first = sorted(_DEBIANS.glob(f"*/bin/{name}"), key=lambda path: -float(path.parts[-3]))
    return shutil.which(name) or next(map(str, newest_first), None)


def _missing() -> str | None:
    return None if _binary("postgres") and _binary("initdb") else _INSTALL


def _version() -> str:
    return f"PostgreSQL {servers.first_line(_binary('postgres') or 'postgres', '--version').split()[2]}"


def _account() -> str:
    """Whom to run it as: ourselves, unless we are root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ""
    import pwd

    known = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in _ACCOUNTS if name in known)


def _as(account: str) -> dict[str, Any]:
    return {"user": account, "group": account, "extra_groups": []} if account else {}


def settings(scenario: Scenario, port: int) -> dict[str, str]:
    """Its settings for that scenario's server."""
    allowed = servers.versions(scenario)
    chosen = _SETTINGS | {"port": str(port)}
    chosen |= {"ssl_min_protocol_version": min(allowed), "ssl_max_protocol_version": max(allowed)}
    if scenario.server.verifies != "none":
        chosen["ssl_ca_file"] = "clients-root.pem"
    if scenario.server.crls:
        chosen["ssl_crl_file"] = told.CRL_FILE
    if scenario.server.ciphers:
        chosen["ssl_ciphers"] = scenario.server.ciphers
    if scenario.server.group:
        chosen["ssl_ecdh_curve"] = scenario.server.group
    return chosen


@contextmanager
def _serve(scenario: Scenario) -> Iterator[Serving]:
    with private_folder({}) as folder:
        account = _account()
        _initialise(folder, scenario, account)

        def command(port: int) -> list[str]:
            options = [f"--{name}={value}" for name, value in settings(scenario, port).items()]
            chosen.append(port)
            return [_binary("postgres") or "postgres", "-D", str(folder / "data"), *options]

        chosen: list[int] = []
        start = Start(
            command=command,
            port_in=lambda said: chosen[0] if _READY in said else None,
            ending="SIGINT",  # waits for its children: they write into the folder
            user=account,
        )
        yield from servers.run_in(folder, start, scenario)


def _initialise(folder: Path, scenario: Scenario, account: str) -> None:
    if account:
        shutil.chown(folder, account)
    data = folder / "data"
    line = [_binary("initdb") or "initdb", "-D", str(data), "-U", "lab", "-A", "trust", "-E", "UTF8", "--no-locale"]
    done = subprocess.run(
        [*line, "--no-sync", "--no-instructions"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        env=children.scrubbed(servers.no_request(scenario), folder),
        timeout=_INITDB_S,
        check=False,
        **_as(account),
    )
    if done.returncode != 0:
        raise DidNotStart(done.stderr.decode("utf-8", "replace").strip())
    asks = " clientcert=verify-ca" if scenario.server.verifies == "required" else ""
    rules = f"hostssl all all {servers.HOST}/32 trust{asks}\n".encode("ascii")
    for name, content in {**servers.server_files(scenario), "pg_hba.conf": rules}.items():
        path = data / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
        if account:
            shutil.chown(path, account)


SERVER = Server(name="PostgreSQL", serve=_serve, missing=_missing, version=_version, speaks="PostgreSQL")
