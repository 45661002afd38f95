"""The recording: what database clients got to hear when they were last asked, for machines without PostgreSQL.

A call is known by what decides its answer: how the server is set up, what was typed, and what the files that it names
hold (whose certificates, which permissions), none of it by key or date. Without a server, or without the client
program, it is looked up here. To record anew, run live with a folder to write into, then gather what lies in there:

    export MTLS_LAB_PG_RECORD=/some/folder
    python tools/notebooks.py 10; pytest tests/exercises/test_postgresql.py
    python -c 'from mtls_lab.clients.postgres.recording import gather; gather("/some/folder")'
"""

import base64
import hashlib
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.revocation_list import RevocationList
from mtls_lab.clients.postgres.answer import DatabaseCall
from mtls_lab.clients.postgres.setup import Setup, describe
from mtls_lab.clients.postgres.tap import Attempt, overheard_handshake

FILE = Path(__file__).with_name("recorded.json")
VARIABLE = "MTLS_LAB_PG_RECORD"
NAMES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_DEFAULTS = ("root.crt", "postgresql.crt", "postgresql.key", "root.crl")


class NotRecorded(Exception):
    """Nobody has recorded this call, and there is no server to ask now."""


def key_of(setup: Setup, line: str, port: int, folder: Path, environment: dict[str, str], named: list[str]) -> str:
    """By what a call is known."""
    files = [*named, *(f".postgresql/{name}" for name in _DEFAULTS)]
    parts = [
        setup.label,
        line.replace(f"port={port}", "port=PORT"),
        *(f"{name}={value}" for name, value in sorted(environment.items())),
        *(f"{name}: {_what_is(folder / name)}" for name in files),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def write_down(key: str, call: DatabaseCall, setup: Setup, server_version: str) -> None:
    """Put a live call into the folder that the environment names; nothing when it names none."""
    folder = os.environ.get(VARIABLE)
    if not folder or call.missing:
        return
    # Handshakes are kept where they can be read without secrets: in TLS 1.2.
    keeps = setup.settings.get("ssl_max_protocol_version") == "TLSv1.2"
    content = {
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "server": server_version,
        "version": call.version,
        "exit_code": call.exit_code,
        "output": _portless(call.output, call),
        "body": call.body,
        "attempts": [_packed(attempt, keeps=keeps) for attempt in call.attempts],
    }
    # A file for each: many may write at the same time.
    Path(folder, f"{key}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def gather(folder: str | Path, path: Path = FILE) -> int:
    """Make the recording of what was written down in a folder, one call a line; how many there are."""
    found = {one.stem: one.read_text(encoding="utf-8") for one in sorted(Path(folder).glob("*.json"))}
    text = ",\n".join(f'"{key}": {content}' for key, content in found.items())
    path.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    return len(found)


def look_up(key: str, *, program: str, line: str, port: int) -> DatabaseCall:
    """The recorded call. Raises NotRecorded."""
    found = _read(FILE).get(key)
    if found is None:
        raise NotRecorded(f"this call was not recorded, and there is no server to ask: {line}")
    attempts = tuple(map(_unpacked, found["attempts"]))
    return DatabaseCall(
        program=program,
        version=f"{found['version']}, recorded on {found['on']}",
        line=line,
        port=port,
        output=found["output"],
        exit_code=found["exit_code"],
        body=found["body"],
        handshake=next((one.handshake for one in reversed(attempts) if one.handshake), None),
        attempts=attempts,
        recorded_on=f"{found['on']}, {found['server']}",
    )


def newest(path: Path = FILE) -> str:
    """What the recording is of: the day, the servers, the clients."""
    content = _read(path).values()
    if not content:
        return "nothing was recorded"
    programs = sorted({one["version"] for one in content} | {one["server"] for one in content})
    return f"recorded on {max(one['on'] for one in content)} with {', '.join(programs)}"


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _what_is(path: Path) -> str:
    """A file by what it is to libpq."""
    try:
        mode, content = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except (OSError, ValueError):
        return "not there"
    if b"PRIVATE KEY" in content:
        return f"a private key, {mode:04o}"
    try:
        if b"X509 CRL" in content:
            return ", ".join(f"{one.issuer} takes back {one.size}" for one in RevocationList.read(content))
        return " < ".join(map(describe, Certificate.from_pem(content)))
    except ValueError:
        return "something else"


def _portless(output: str, call: DatabaseCall) -> str:
    return output.replace(f"port {call.port}", "port PORT")


def _packed(attempt: Attempt, *, keeps: bool) -> dict[str, Any]:
    wire = attempt.handshake.wire if attempt.handshake is not None and keeps else ()
    return {
        "asked": attempt.asked,
        "offered": attempt.offered,
        "encrypted": attempt.encrypted,
        "clear": base64.b64encode(attempt.clear).decode(),
        "server_said": attempt.server_said,
        "wire": [(sender, base64.b64encode(piece).decode()) for sender, piece in wire],
    }


def _unpacked(packed: dict[str, Any]) -> Attempt:
    wire = tuple((sender, base64.b64decode(piece)) for sender, piece in packed["wire"])
    return Attempt(
        asked=packed["asked"],
        offered=packed["offered"],
        encrypted=packed["encrypted"],
        clear=base64.b64decode(packed["clear"]),
        handshake=overheard_handshake(wire, datetime.now(UTC)) if wire else None,
        server_said=tuple(packed["server_said"]),
    )
