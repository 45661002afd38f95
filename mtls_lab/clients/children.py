"""Child processes: the one place where programs are started, with a scrubbed environment and a time limit."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.clients.request import Request

_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")
"""What a program needs to start at all. Everything else stays out: CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR,
OPENSSL_CONF, SSLKEYLOGFILE, the proxy variables, and a HOME with a .curlrc or .netrc in it."""

_VERSION_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a child left behind."""

    exit_code: int | None
    """None when it was stopped because its time was up."""
    out: bytes
    """Its standard output."""
    err: bytes
    """Its standard error."""


def find(program: str, request: Request) -> str | None:
    """The path of the program, None when it is not there."""
    return shutil.which(program, path=request.variables().get("PATH", os.environ.get("PATH")))


def scrubbed(request: Request, folder: Path) -> dict[str, str]:
    """The environment of a child: what it needs, what the lesson sets, and nothing else."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"HOME": str(folder), "LC_ALL": "C"} | request.variables()


def run(command: Sequence[str], request: Request, folder: Path, *, timeout_s: float, stdin: bytes = b"") -> Finished:
    """Run the command in the folder and wait for its end, or stop it when its time is up."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=folder,
            env=scrubbed(request, folder),
            timeout=timeout_s,
            check=False,
            # Without the terminal of who typed the command: OpenSSL would ask there for the password of a key.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as late:
        return Finished(exit_code=None, out=late.stdout or b"", err=late.stderr or b"")
    return Finished(exit_code=done.returncode, out=done.stdout, err=done.stderr)


def start(command: Sequence[str], request: Request, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a command that prints its version and ends; `first_line` collects it."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=scrubbed(request, folder),
    )


def first_line(child: "subprocess.Popen[bytes]") -> str:
    """The first line it printed."""
    with child:
        try:
            out, _ = child.communicate(timeout=_VERSION_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return ""
    return out.decode("utf-8", "replace").partition("\n")[0].strip()


def words(output: bytes, folder: Path) -> str:
    """The output as text, without the private folder's path."""
    text = output.decode("utf-8", "replace")
    return text.replace(f"{folder.resolve()}{os.sep}", "").replace(f"{folder}{os.sep}", "")
