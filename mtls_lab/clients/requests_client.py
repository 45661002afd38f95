"""requests.

A call makes a Session of its own, so that no earlier connection is used again, and asks what
`requests.get(url, verify=..., cert=...)` asks: urllib3 builds its own SSLContext (on Python 3.13 that one is
STRICT), we only hand it what a person could: `init_poolmanager` is the adapter's documented way to pass pool
settings, and it is what `line` shows where a plain `get` has no argument for it.

The client's port, which joins this story with the proxy's, is read where the connection is made (`_new_conn`).
That is urllib3's own seam, without promise; a test fails if it goes, and then `handshake` is a guess by time.
"""

import os
import platform
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.clients import children
from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.programs import Program, perform
from mtls_lab.clients.request import Environment, Request, Target, request_for
from mtls_lab.clients.requests_code import arguments, code, pool_settings, url
from mtls_lab.handshake import Endpoint

if TYPE_CHECKING:
    from requests import Response, Session
    from requests.adapters import HTTPAdapter

_INSTALL = "requests is not installed: `pip install requests` or `conda install -c conda-forge requests`"
_CLEARED = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    *(f"{scheme}_proxy" for scheme in ("http", "https", "all")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL")),
)
_CHUNK = 65_536
_CANNOT_LOAD = ("KEY_VALUES_MISMATCH", "EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")
"""OpenSSL's reasons that arise only where a credential is loaded; a peer's is judged by verify codes."""


def get(
    target: Target,
    path: str = "/whoami",
    *,
    client: Endpoint | None = None,
    data: bytes | None = None,
    environment: Environment | None = None,
    timeout_s: float = 5.0,
) -> Call:
    """Call the proxy with requests, as the scenario's client or another one; `data` makes it a POST.

    Without `environment` no variable bears on the call (`trust_env=False`). With it, those variables are set for
    the time of the call, in this process (certificates become a file), `trust_env` is on as it is by default, and a
    client that trusts nobody is typed without `verify=`, so that they decide. Redirects are not followed.
    """
    request = request_for(target, path, client=client, data=data, environment=environment, timeout_s=timeout_s)
    return perform(PROGRAM, target, request)


def _missing(_request: Request) -> str | None:
    return None if find_spec("requests") else _INSTALL


def _run(request: Request, folder: Path) -> Outcome:
    import requests
    import urllib3

    told = Outcome(version=_version(), output="")
    ports: list[int] = []
    with requests.Session() as session, _variables(request, folder), warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        session.trust_env = request.environment is not None
        session.mount("https://", _adapter(request, ports))
        try:
            answer = _ask(session, request, folder)
            told = replace(told, status=answer.status_code, body="")
            body = _read(answer, deadline=time.monotonic() + request.timeout_s).decode("utf-8", "replace")
            told = replace(told, body=body, output=body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            told = _with_failure(told, error, folder)
    return replace(told, client_port=ports[-1] if ports else None)


def _version() -> str:
    import requests
    import urllib3

    told = urllib3.__version__  # type: ignore[attr-defined]  # documented, though not in its __all__
    return f"requests {requests.__version__} (urllib3 {told}, Python {platform.python_version()})"


def _ask(session: "Session", request: Request, folder: Path) -> "Response":
    return session.request(
        "GET" if request.data is None else "POST",
        url(request),
        data=request.data,
        timeout=request.timeout_s,
        stream=True,
        allow_redirects=False,
        **arguments(request, f"{folder}{os.sep}"),
    )


def _read(answer: "Response", *, deadline: float) -> bytes:
    """The body, given up on when the call's time is over: `timeout=` bounds each read, not their sum."""
    from requests.exceptions import ReadTimeout

    pieces = []
    for piece in answer.iter_content(_CHUNK):
        pieces.append(piece)
        if time.monotonic() > deadline:
            raise ReadTimeout("the answer went on for longer than the call may take")
    return b"".join(pieces)


def _adapter(request: Request, ports: list[int]) -> "HTTPAdapter":
    """The adapter a Session has anyway, with the pool settings of `line`, and one that notes the client's port."""
    import urllib3
    from requests.adapters import HTTPAdapter

    # Named like their parents: the names stand in the words of urllib3's errors.
    class HTTPSConnection(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            ports.append(connected.getsockname()[1])
            return connected

    class HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = HTTPSConnection

    adapter = HTTPAdapter()
    adapter.init_poolmanager(1, 1, **pool_settings(request))
    adapter.poolmanager.pool_classes_by_scheme = {"https": HTTPSConnectionPool}
    return adapter


@contextmanager
def _variables(request: Request, folder: Path) -> Iterator[None]:
    """The lesson's variables, and none other that requests heeds, while the block runs. Not for several threads."""
    if request.environment is None:
        yield
        return
    given = request.variables()
    files = request.files()
    wanted = (
        {"NETRC": os.devnull, "no_proxy": "*"} if not any(name.lower().endswith("_proxy") for name in given) else {}
    )
    wanted |= {name: f"{folder}{os.sep}{value}" if value in files else value for name, value in given.items()}
    before = {name: os.environ.get(name) for name in {*_CLEARED, *wanted}}
    try:
        for name in before:
            os.environ.pop(name, None)
        os.environ.update(wanted)
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _with_failure(told: Outcome, error: Exception, folder: Path) -> Outcome:
    """The outcome with what the exception and those it wraps tell."""
    chain = list(_wrapped(error))
    inner = chain[-1]
    verify_code = getattr(inner, "verify_code", None)
    # `ssl` is not imported on this floor: an SSLError is known by its home.
    reason = getattr(inner, "reason", None) if type(inner).__module__ == "ssl" else None
    late = any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain)
    return replace(
        told,
        output=told.output + children.words(f"{_type_name(error)}: {error}".encode(), folder),
        exception=" <- ".join(map(_type_name, chain)),
        reason=reason or type(inner).__name__,
        text=str(inner.args[-1] if inner.args else inner).partition(" (_ssl.c:")[0],
        verify_code=verify_code,
        stopped_at="waiting" if late else "loading" if reason in _CANNOT_LOAD else "judging" if verify_code else None,
    )


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps, outermost first: requests and urllib3 keep the cause in args or `reason`."""
    seen: list[BaseException] = []
    inner: object = error
    while isinstance(inner, BaseException) and inner not in seen:
        seen.append(inner)
        yield inner
        held = [getattr(inner, "reason", None), *inner.args, inner.__cause__]
        inner = next((one for one in held if isinstance(one, BaseException)), None)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


PROGRAM = Program(name="requests", call=get, line=code, run=_run, missing=_missing)
