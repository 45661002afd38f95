"""What the programs of this folder have in common: a caller, a helper program's remarks, a folder for what is built."""

import hashlib
import os
import re
import tempfile
from base64 import encodebytes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients import children
from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome, StoppedAt
from mtls_lab.clients.programs import Program, perform
from mtls_lab.clients.request import Environment, Request, Target, authority, request_for
from mtls_lab.handshake import Endpoint

CRL_FILE = "crl.pem"
"""The revocation lists, for a program that takes them."""
NO_STORE = "no PKCS#12 file can be made of this key and chain"
_REMARK = re.compile(rb"^# (.*)\n", re.MULTILINE)
_TIMED_OUT = re.compile(r"timed out|Client\.Timeout|Timeout exceeded|SocketTimeoutException")


def make_program(
    name: str,
    *,
    line: Callable[[Request], str],
    run: Callable[[Request, Path], Outcome],
    missing: Callable[[Request], str | None],
) -> Program:
    """A program that asks (GET) and sends nothing."""

    def call(
        target: Target,
        path: str = "/whoami",
        *,
        client: Endpoint | None = None,
        data: bytes | None = None,
        environment: Environment | None = None,
        timeout_s: float = 5.0,
    ) -> Call:
        """Call the target and tell what happened."""
        if data is not None:
            raise ValueError(f"data={data!r}: {name} only asks here (GET); curl(proxy, data=...) sends a body")
        request = request_for(target, path, client=client, data=None, environment=environment, timeout_s=timeout_s)
        return perform(made, target, request)

    made = Program(name=name, call=call, line=line, run=run, missing=missing)
    return made


@dataclass(frozen=True, kw_only=True)
class Remarks:
    """What a helper program says of itself, in lines of standard error that begin with `# `."""

    version: str
    """Its version and that of its TLS library."""
    port: int | None
    """The port from which it connected; None when it did not."""
    status: int | None
    """The HTTP status of the answer."""
    complaint: str
    """The rest of what it printed there."""


def remarks(err: bytes) -> Remarks:
    """Tell the helper's own remarks from its complaint."""
    said = [found[1].decode("utf-8", "replace") for found in _REMARK.finditer(err)]
    words = {first: rest for first, _, rest in (one.partition(" ") for one in said)}
    port = words.get("from", "").rpartition(":")[2]
    return Remarks(
        version=said[0] if said else "",
        port=int(port) if port.isdecimal() else None,
        status=int(words["status"]) if "status" in words else None,
        complaint=_REMARK.sub(b"", err).decode("utf-8", "replace").strip(),
    )


def outcome(done: children.Finished, folder: Path, text: Callable[[str], str]) -> Outcome:
    """What a helper program's run comes to; `text` takes the words that matter out of its complaint."""
    said = remarks(done.err)
    complaint = children.words(said.complaint.encode(), folder)
    body = children.words(done.out, folder)
    return Outcome(
        version=said.version,
        output=body + complaint,
        exit_code=done.exit_code,
        status=said.status,
        body=body if said.status is not None else None,
        client_port=said.port,
        reason=f"exit {done.exit_code}" if done.exit_code is not None else "timed out",
        text=text(complaint),
        stopped_at=_stopped_at(done, complaint),
    )


def _stopped_at(done: children.Finished, complaint: str) -> StoppedAt | None:
    if done.exit_code == 2:
        return "loading"
    return "waiting" if done.exit_code is None or _TIMED_OUT.search(complaint) else None


def options(request: Request) -> list[str]:
    """The options that Go's and Node's helper take."""
    words = ["--cacert", request.anchors_file] if request.anchors_file is not None else []
    if request.client.verifies != "chain and name":
        words += ["--verifies", request.client.verifies]
    if not request.leads_there:
        words += ["--name", request.name, "--connect", authority(request.host, request.port)]
    if request.client.ciphers is not None and "SECLEVEL" not in request.client.ciphers:
        words += ["--ciphers", request.client.ciphers]
    if request.client.group is not None:
        words += ["--group", request.client.group]
    if len(request.scenario.versions) == 1:
        words += ["--tls", request.scenario.versions[0].removeprefix("TLSv")]
    return words


def lay_crls(request: Request, folder: Path) -> None:
    """Put the revocation lists beside the other files."""
    if request.client.crls:
        content = b"".join(map(crl_pem, request.client.crls))
        write_files([NewFile(path=folder / CRL_FILE, content=content, mode=PRIVATE)], overwrite=False)


def crl_pem(der: bytes) -> bytes:
    """A CRL as PEM (RFC 7468 section 6)."""
    return b"-----BEGIN X509 CRL-----\n" + encodebytes(der) + b"-----END X509 CRL-----\n"


def url(request: Request) -> str:
    """The URL as it is dialled."""
    scheme = "http" if request.client.speaks == "HTTP" else "https"
    return f"{scheme}://{authority(request.name, request.port)}{request.path}"


def source(name: str) -> Path:
    """The helper program of that name."""
    return Path(__file__).with_name(name)


def workshop(name: str) -> Path:
    """A folder of this user's own for what is compiled from that source, the same until the source changes.

    It outlives the session: building takes seconds. It is made, or found, 0700 and ours, so that nobody else
    can put a program there.
    """
    mark = hashlib.sha256(source(name).read_bytes()).hexdigest()[:12]
    uid = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir(), f"mtls-lab-{uid}-{mark}")
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if hasattr(os, "getuid") and (seen.st_uid != uid or seen.st_mode & 0o077 or folder.is_symlink()):
        raise PermissionError(f"{folder} is not this user's alone: remove it")
    return folder
