"""openssl s_client.

1. It refuses nothing unless told to: without `-verify_return_error` it prints the error and goes on.
2. It speaks no HTTP: the request goes in by standard input, and `-ign_eof` makes it read on until the server
   closes. (`-quiet` does that too, but hides the verdict; without either, a line that begins with Q ends it.)
3. `-cert` takes the leaf alone from its file, so the intermediates get a file and an option of their own.
4. It does not tell its port, and the port is what joins its story with the proxy's: `-bind`, out of sight, gives
   it one that was free a moment ago. Should someone else have taken it since, it is tried again.
"""

import re
import shlex
import socket
from io import BytesIO
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.programs import Program, perform
from mtls_lab.clients.request import Environment, Request, Target, authority, is_address, request_for
from mtls_lab.handshake import Endpoint, Version

_INSTALL = (
    "openssl is not installed: `conda install -c conda-forge openssl`, `apt install openssl` or `brew install openssl`"
)
_TRUST_NOBODY = ["-no-CAfile", "-no-CApath", "-no-CAstore"]
_CONNECTED = re.compile(rb"^CONNECTED\(", re.MULTILINE)
_VERDICT = re.compile(rb"^ *Verify return code: (\d+)", re.MULTILINE)
_VERIFY_ERROR = re.compile(rb"^verify error:num=(\d+):", re.MULTILINE)
_ERROR = re.compile(rb"^(?:[0-9A-F]+:)?(error:.*|verify error:.*|.*errno=\d+)$", re.MULTILINE)
_NO_CONNECTION = re.compile(rb"connect:errno=\d+")
_PORT_TAKEN = b"error:10000075:"
"""BIO_R_UNABLE_TO_BIND_SOCKET."""
_TLS_FLAGS: dict[tuple[Version, ...], list[str]] = {("TLSv1.2",): ["-tls1_2"], ("TLSv1.3",): ["-tls1_3"]}


def s_client(
    target: Target,
    path: str = "/whoami",
    *,
    client: Endpoint | None = None,
    data: bytes | None = None,
    environment: Environment | None = None,
    timeout_s: float = 5.0,
) -> Call:
    """Call the proxy with `openssl s_client`, as the scenario's client or another one; `data` makes it a POST.

    Without `environment` no variable bears on the call. With it, those variables are set (certificates become a
    file) and a client that trusts nobody is typed without a trust option, so that they decide.
    """
    request = request_for(target, path, client=client, data=data, environment=environment, timeout_s=timeout_s)
    return perform(PROGRAM, target, request)


def arguments(request: Request) -> list[str]:
    """What stands on the line after `openssl s_client`."""
    name = request.name if request.leads_there else request.host
    words = ["-connect", authority(name, request.port)]
    # Left alone, s_client sends no server_name for a host without a dot, such as localhost.
    if not is_address(request.name):
        words += ["-servername", request.name]
    words += _verification(request)
    if request.credential_files is not None:
        words += ["-cert", request.credential_files[0], "-key", request.credential_files[1]]
    if request.intermediates_file is not None:
        words += ["-cert_chain", request.intermediates_file]
    return [*words, *_TLS_FLAGS.get(request.scenario.versions, []), "-ign_eof"]


def _verification(request: Request) -> list[str]:
    level = request.client.verifies
    if level == "none":
        return []
    words = ["-CAfile", request.anchors_file] if request.anchors_file is not None else []
    words += ["-verify_return_error"]
    if level == "chain and name":
        words += ["-verify_ip" if is_address(request.name) else "-verify_hostname", request.name]
    return words


def _line(request: Request) -> str:
    set_variables = "".join(f"{name}={shlex.quote(value)} " for name, value in request.variables().items())
    command = f"{set_variables}{shlex.join(['openssl', 's_client', *arguments(request)])}"
    if request.data is None or request.typed_data is not None:
        return f"printf {_printf_format(_http(request))} | {command}"
    head = _http(request).removesuffix(request.data)
    return f"(printf {_printf_format(head)}; cat body.bin) | {command}"


def _printf_format(text: bytes) -> str:
    escaped = text.decode("ascii").replace("\\", "\\\\").replace("%", "%%")
    return shlex.quote(escaped.replace("\r", "\\r").replace("\n", "\\n"))


def _http(request: Request) -> bytes:
    """The request in HTTP/1.1 (RFC 9112), one for this connection only."""
    body = request.data or b""
    lines = [
        f"{'GET' if request.data is None else 'POST'} {request.path} HTTP/1.1",
        f"Host: {authority(request.name, request.port)}",
        *([] if request.data is None else [f"Content-Length: {len(body)}"]),
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii") + body


def _missing(request: Request) -> str | None:
    return None if children.find("openssl", request) else _INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    openssl = children.find("openssl", request) or "openssl"
    version = " ".join(children.first_line(children.start([openssl, "version"], request, folder)).split()[:2])
    attempts_left = 3
    while True:
        attempts_left -= 1
        # LibreSSL's s_client has no -bind.
        port = _free_port(request.host) if version.startswith("OpenSSL") else None
        bind = ["-bind", authority(request.host, port)] if port is not None else []
        command = [openssl, "s_client", *bind, *arguments(request)]
        done = children.run(command, request, folder, timeout_s=request.timeout_s, stdin=_http(request))
        if _PORT_TAKEN not in done.err or not attempts_left:
            return _outcome(request, folder, done, version, port)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _outcome(request: Request, folder: Path, done: children.Finished, version: str, port: int | None) -> Outcome:
    code = 0 if request.client.verifies == "none" else _verify_code(done)
    status, body = _answer(done.out)
    connected = _CONNECTED.search(done.out) is not None
    loading = not connected and done.exit_code is not None and not _NO_CONNECTION.search(done.err)
    waiting = done.exit_code is None
    complaint = _ERROR.search(done.err)
    return Outcome(
        version=version,
        output=children.words(done.out + done.err, folder),
        exit_code=done.exit_code,
        exception="TimeoutExpired" if waiting else None,
        status=status,
        body=body,
        client_port=port if connected else None,
        reason="timed out" if waiting else f"exit {done.exit_code}",
        text=complaint[1].decode("utf-8", "replace") if complaint else "",
        verify_code=code or None,
        stopped_at="loading" if loading else "waiting" if waiting else "judging" if code else None,
    )


def _verify_code(done: children.Finished) -> int:
    """OpenSSL's verdict; refused inside a TLS 1.2 handshake, the summary says 0 and only the error line tells it."""
    verdict = _VERDICT.search(done.out)
    error = _VERIFY_ERROR.search(done.err)
    return int(verdict[1] if verdict and int(verdict[1]) else error[1] if error else 0)


class _Bytes:
    """Bytes where `http.client` expects a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._content)


def _answer(output: bytes) -> tuple[int | None, str | None]:
    """Status and body of the HTTP answer that stands among s_client's own output."""
    from http.client import HTTPException, HTTPResponse

    start = re.search(rb"^HTTP/1\.[01] \d{3}", output, re.MULTILINE)
    if start is None:
        return None, None
    response = HTTPResponse(_Bytes(output[start.start() :]))  # type: ignore[arg-type]  # a socket's makefile is all it uses
    try:
        response.begin()
        body = response.read()
    except HTTPException as error:
        # The connection ended inside the answer; what came of it still counts.
        body = getattr(error, "partial", b"")
    return int(start[0][-3:]), body.removesuffix(b"closed\n").decode("utf-8", "replace")


PROGRAM = Program(name="openssl s_client", call=s_client, line=_line, run=_run, missing=_missing)
