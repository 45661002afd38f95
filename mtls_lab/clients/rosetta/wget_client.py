"""wget, which on Debian stands on GnuTLS: another TLS stack, and in TLS 1.3 one that tells no reason.

It has no option to connect elsewhere than where the name leads, and no level `chain`. It does not tell its port.
"""

import re
import shlex
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request
from mtls_lab.clients.rosetta import told

_INSTALL = "wget is not installed: `apt install wget`, `conda install -c conda-forge wget` or `brew install wget`"
_STATUS = re.compile(r"^ *HTTP/1\.[01] (\d{3})", re.MULTILINE)
_NOISE = re.compile(
    r"^(--\d{4}-.*|Resolving .*|Connecting to .*|HTTP request sent.*|Retrying\.|Giving up\.|Saving to: .*|Length: .*"
    r"|To connect to .* insecurely, use .*|Loaded CA certificate .*| *HTTP/1\.[01] .*| +[A-Z][\w-]*: .*|\s*)$"
)
_TLS: dict[tuple[str, ...], str] = {("TLSv1.2",): "TLSv1_2", ("TLSv1.3",): "TLSv1_3"}


def arguments(request: Request) -> list[str]:
    """What stands on the line after `wget`."""
    words = ["--no-check-certificate"] if request.client.verifies == "none" else []
    if request.anchors_file is not None:
        words += [f"--ca-certificate={request.anchors_file}"]
    if request.credential_files is not None:
        chain, key = request.credential_files
        words += [f"--certificate={chain}", f"--private-key={key}"]
    bound = _TLS.get(tuple(request.scenario.versions))
    # --secure-protocol=TLSv1_2 means 1.2 or later: only a priority string keeps TLS 1.3 out.
    words += ["--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.2"] if bound == "TLSv1_2" else []
    words += ["--secure-protocol=TLSv1_3"] if bound == "TLSv1_3" else []
    return [*words, "-O", "-", told.url(request)]


def _line(request: Request) -> str:
    return shlex.join(["wget", *arguments(request)])


def _missing(request: Request) -> str | None:
    if children.find("wget", request) is None:
        return _INSTALL
    if not request.leads_there:
        return f"wget cannot be led to {request.host} when it dials {request.name}"
    return "wget cannot leave out the name check alone" if request.client.verifies == "chain" else None


def _run(request: Request, folder: Path) -> Outcome:
    wget = children.find("wget", request) or "wget"
    version = children.start([wget, "--version"], request, folder)
    limits = ["--tries=1", f"--timeout={request.timeout_s:g}", "--no-config", "--no-hsts", "--no-proxy", "-S"]
    command = [wget, *limits, *arguments(request)]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 2)
    said = children.words(done.err, folder)
    found = _STATUS.search(said)
    status = int(found[1]) if found else None
    body = children.words(done.out, folder)
    number = children.first_line(version).split()
    return Outcome(
        version=f"wget {number[2]} (GnuTLS)" if len(number) > 2 else "wget",
        output=body + said,
        exit_code=done.exit_code,
        status=status,
        body=body if status else None,
        reason=f"exit {done.exit_code}",
        text=_text(said),
        stopped_at="waiting" if done.exit_code is None else None,
    )


def _text(said: str) -> str:
    """What it complains about, without the course of events."""
    return "\n".join(line.strip() for line in said.splitlines() if not _NOISE.match(line))


PROGRAM = told.make_program("wget", line=_line, run=_run, missing=_missing)
