"""curl.

What is typed is what runs, in a folder that holds the files by the names on the line. Added out of sight: `-q`
(no .curlrc), silence, a time limit, and a write-out that tells the client's port and OpenSSL's verdict by number,
so that nothing here rests on curl's English.

curl has no level `chain` (libpq's verify-ca): it checks chain and name, or with `-k` nothing. The equivalent is to
dial a name that stands in the certificate, so that the name check cannot fail; `line` says so.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from mtls_lab.certificates import Certificate
from mtls_lab.clients import children
from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome, StoppedAt
from mtls_lab.clients.programs import Program, perform
from mtls_lab.clients.request import Environment, Request, Target, authority, is_address, request_for
from mtls_lab.handshake import Endpoint

_INSTALL = "curl is not installed: `conda install -c conda-forge curl`, `apt install curl` or `brew install curl`"
_BODY = "answer"
_WRITE_OUT = "%{local_port} %{http_code} %{ssl_verify_result}"
_CANNOT_LOAD = (58, 59, 66, 77, 82)
"""libcurl-errors: problems with the local certificate, ciphers, engine, CA file, CRL file."""
_JUDGED = (51, 60)
"""libcurl-errors: the peer's certificate was not OK (51 before curl 7.62)."""
_TIMED_OUT = 28
_NO_VERDICT = 1
"""What %{ssl_verify_result} says when curl gave up before it asked OpenSSL: at its own name check, for one."""


def curl(
    target: Target,
    path: str = "/whoami",
    *,
    client: Endpoint | None = None,
    data: bytes | None = None,
    environment: Environment | None = None,
    timeout_s: float = 5.0,
) -> Call:
    """Call the proxy with curl, as the scenario's client or another one; `data` makes it a POST.

    Without `environment` no variable bears on the call. With it, those variables are set (certificates become a
    file) and a client that trusts nobody is typed without `--cacert`, so that they decide. Redirects are not followed.
    """
    request = request_for(target, path, client=client, data=data, environment=environment, timeout_s=timeout_s)
    return perform(PROGRAM, target, request)


def arguments(request: Request) -> list[str]:
    """What stands on the line after `curl`."""
    name = _dialled(request) or request.name
    words = ["-k"] if request.client.verifies == "none" else []
    if request.anchors_file is not None:
        words += ["--cacert", request.anchors_file]
    if request.credential_files is not None:
        words += ["--cert", request.credential_files[0], "--key", request.credential_files[1]]
    if request.scenario.versions != ("TLSv1.2", "TLSv1.3"):
        words += ["--tls-max", "1.2"] if "TLSv1.3" not in request.scenario.versions else ["--tlsv1.3"]
    if request.data is not None:
        words += ["-d", request.typed_data] if request.typed_data is not None else ["--data-binary", "@body.bin"]
    if name != request.name or not request.leads_there:
        words += _redirection(name, request)
    if set(request.path) & set("[]{}"):
        words += ["--globoff"]
    return [*words, f"https://{authority(name, request.port)}{request.path}"]


def _redirection(name: str, request: Request) -> list[str]:
    """Dial that name, reach the host."""
    if is_address(name):
        host = authority(request.host, request.port)
        return [] if name == request.host else ["--connect-to", f"{authority(name, request.port)}:{host}"]
    return ["--resolve", f"{name}:{request.port}:{request.host}"]


def _dialled(request: Request) -> str | None:
    """At level `chain` a name that curl finds in the certificate: the scenario's, or another; None if it has none."""
    credential = request.scenario.server.presents
    if request.client.verifies != "chain" or credential is None or credential.leaf.matches_name(request.name):
        return request.name
    return next(_usable_names(credential.leaf), None)


def _usable_names(leaf: Certificate) -> Iterator[str]:
    entries = [entry.partition(":")[::2] for entry in leaf.names]
    names = [value.replace("*", "any", 1) for kind, value in entries if kind == "DNS" and not is_address(value)]
    names += [value for kind, value in entries if kind == "IP"]
    if not any(kind in ("DNS", "IP") for kind, _ in entries) and leaf.common_name:
        # curl still falls back to the common name where subjectAltName holds no host name.
        names.append(leaf.common_name)
    return (name for name in names if not set(name) & set(" /@#?%"))


def _line(request: Request) -> str:
    set_variables = "".join(f"{name}={shlex.quote(value)} " for name, value in request.variables().items())
    return f"{_remark(request)}{set_variables}{shlex.join(['curl', *arguments(request)])}"


def _remark(request: Request) -> str:
    if request.client.verifies != "chain":
        return ""
    name = _dialled(request)
    if name is None:
        return "# curl cannot leave out the name check alone, and this certificate holds no name to dial\n"
    if name != request.name:
        return "# curl cannot leave out the name check alone: dial a name that is in the certificate\n"
    return "# curl cannot leave out the name check alone; here the name fits\n"


def _missing(request: Request) -> str | None:
    return None if children.find("curl", request) else _INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    curl_path = children.find("curl", request) or "curl"
    version = children.start([curl_path, "--version"], request, folder)
    limit = f"{request.timeout_s:g}"
    hidden = ["-q", "-sS", "-o", _BODY, "-w", _WRITE_OUT, "--max-time", limit]
    command = [curl_path, *hidden, *arguments(request)]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 2)
    return _outcome(request, folder, done, _short_version(children.first_line(version)))


def _outcome(request: Request, folder: Path, done: children.Finished, version: str) -> Outcome:
    port, status, verify_result = (int(word) for word in (done.out.split() or [b"0", b"0", b"0"]))
    verify_code = None if verify_result in (0, _NO_VERDICT) else verify_result
    body = (folder / _BODY).read_bytes() if (folder / _BODY).exists() else b""
    complaint = children.words(done.err, folder)
    judged = done.exit_code in _JUDGED or (done.exit_code not in (0, *_CANNOT_LOAD) and verify_code)
    decides = judged and request.client.verifies != "none"
    return Outcome(
        version=version,
        output=children.words(body, folder) + complaint,
        exit_code=done.exit_code,
        status=status or None,
        body=body.decode("utf-8", "replace") if status else None,
        client_port=port or None,
        reason=f"exit {done.exit_code}",
        text=next((line for line in complaint.splitlines() if line.startswith("curl: ")), ""),
        verify_code=verify_code if decides else None,
        stopped_at=_stopped_at(done.exit_code, bool(decides)),
    )


def _stopped_at(exit_code: int | None, judged: bool) -> StoppedAt | None:
    if exit_code in _CANNOT_LOAD:
        return "loading"
    if exit_code in (_TIMED_OUT, None):
        return "waiting"
    return "judging" if judged else None


def _short_version(line: str) -> str:
    """`curl 7.88.1 (OpenSSL 3.0.19)` from the first line of `curl --version`."""
    words = line.split()
    libraries = [word.replace("/", " ", 1) for word in words[2:] if "/" in word and not word.startswith("libcurl")]
    return f"{' '.join(words[:2])} ({libraries[0]})" if libraries else " ".join(words[:2])


PROGRAM = Program(name="curl", call=curl, line=_line, run=_run, missing=_missing)
