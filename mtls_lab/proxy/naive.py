"""A proxy as one writes it first, for notebook 12, and an application behind it: who do they say is calling?

Both are real and small, and listen on 127.0.0.1 only. The proxy verifies its clients as the scenario says; nothing is
wrong with its TLS. Then it passes on every header field that the client sent, and adds what it knows in
`X-Client-DN` and `X-Client-Verify`. So does an nginx without `proxy_set_header` for that very field. The client sends
the same fields, and what the application behind believes depends on how it reads two of them. `Proxy` does what is
right: rule 2 of fields.py.

The application is any WSGI function, served by Python's own `wsgiref`. That makes each field a variable as CGI does
(RFC 3875 section 4.1.18): upper case, `_` for `-`, `HTTP_` in front; equal names are joined by a comma.

1. Plain and slow: a thread and a connection for each request. Nothing is printed.
2. Who is refused, leaves half-way or says nothing for `PATIENCE_S` ends its own thread, and nobody else's.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from socketserver import BaseServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import KeyLog, Scenario, build_context
from mtls_lab.proxy.local_user import may_enter

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"
"""Where both listen: this machine only."""
PATIENCE_S = 5.0
"""How long a client or the origin may be silent."""

_FRAMING = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class _Running:
    """A server of the standard library in a thread of its own."""

    host = HOST
    """The address it listens on."""
    scheme = "http"

    def __init__(self, server: ThreadingHTTPServer | WSGIServer) -> None:
        self._server = server
        self.port: int = server.server_port
        """The port it listens on."""
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name=f"mtls-lab-{type(self).__name__}-{self.port}", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL to call."""
        return f"{self.scheme}://localhost:{self.port}"

    def close(self) -> None:
        """Stop listening and end the thread; may be called twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(PATIENCE_S)
            self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'at ' + self.url if self._thread.is_alive() else 'closed'}>"


class NaiveProxy(_Running):
    """Plays a scenario's server on a free port, and passes requests on to an origin, `to`, with what clients sent.

    `drops` says of a client's field, by its name as sent, whether it is left out; without it none is. Runs until
    `close()` or the end of its `with` block. `CannotLoad` is raised when OpenSSL refuses the server's own credential.
    """

    scheme = "https"

    def __init__(self, scenario: Scenario, *, to: str, drops: Callable[[str], object] | None = None) -> None:
        origin = urlsplit(to)
        if origin.scheme != "http" or origin.hostname not in {HOST, "localhost"} or origin.port is None:
            raise ValueError(f"to={to!r} must be an origin on this machine, such as to='http://127.0.0.1:3000'")
        if drops is not None and not callable(drops):
            raise TypeError(
                f"drops={drops!r} must be a function of a field's name: drops=lambda name: name == 'Cookie'"
            )
        self.scenario = scenario
        """The settings it plays."""
        self.troubles: list[Exception] = []
        """What `drops` raised, and what went wrong at the origin."""
        self._keylog = KeyLog()
        try:
            context = build_context(scenario.server, role="server", versions=scenario.versions, keylog=self._keylog)
            server = _Server((HOST, 0), _Forwarder)
        except BaseException:
            self._keylog.close()
            raise
        server.settings = context, origin.port, drops or (lambda _: False), self.troubles
        super().__init__(server)

    def close(self) -> None:
        """Stop listening and end the thread; may be called twice."""
        super().close()
        self._keylog.close()


class Application(_Running):
    """A WSGI function on a free port of 127.0.0.1, until `close()` or the end of its `with` block.

    It believes whoever reaches it, as an application does that has a proxy before it.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        if not callable(application):
            raise TypeError(f"application={application!r} must be a WSGI function: def app(environ, start_response)")
        server = _WSGIServer((HOST, 0), _Quiet)
        server.set_app(application)
        super().__init__(server)


class _OwnUser(BaseServer):
    """Serves this user and root: the port can be dialled by everybody on the machine."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return may_enter(client_address, request.getsockname(), over_tls=False)


class _WSGIServer(_OwnUser, WSGIServer):
    """A WSGI server with that rule."""


class _Quiet(WSGIRequestHandler):
    timeout = PATIENCE_S

    def log_message(self, *_: object) -> None:
        """Nothing: a thread's output would land in whatever cell runs."""

    def get_stderr(self) -> StringIO:
        """Where the traceback of an application goes that raises: nowhere, its client hears 500."""
        return StringIO()


class _Server(_OwnUser, ThreadingHTTPServer):
    daemon_threads = True
    settings: tuple[Any, int, Callable[[str], object], list[Exception]]
    """The context of TLS, the origin's port, what is left out, and where troubles go."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: rule 2."""


class _Forwarder(BaseHTTPRequestHandler):
    """One client's connection: a handshake, a request, an answer."""

    server: _Server

    def setup(self) -> None:
        self.request.settimeout(PATIENCE_S)
        # Here and not where connections are accepted: a silent client must not keep the others waiting.
        self.request = self.server.settings[0].wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        with suppress(OSError):  # the client went first
            self.request.unwrap()
        self.request.close()

    def log_message(self, *_: object) -> None:
        """Nothing: rule 1."""

    def do_GET(self) -> None:
        _, port, drops, troubles = self.server.settings
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            kept = [(name, value) for name, value in self.headers.items() if not drops(name)]
            status, fields, answer = self._forward(port, [*kept, *self._known()], body)
        except (OSError, HTTPException) as error:
            troubles.append(error)
            status, fields, answer = 502, [], b"the origin gave no answer\n"
        except Exception as error:  # noqa: BLE001  # whatever a learner hands in as `drops`
            troubles.append(error)
            status, fields, answer = 500, [], f"drops raised {type(error).__name__}\n".encode()
        self.send_response_only(status)
        for name, value in [*fields, ("Content-Length", str(len(answer)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def _known(self) -> list[tuple[str, str]]:
        """What the proxy knows of its client: true, and next to whatever the client said of itself."""
        der = self.request.getpeercert(binary_form=True)
        if der is None:
            return [("X-Client-Verify", "NONE")]
        subject = (Certificate(der=der).subject or "").encode("unicode_escape").decode("ascii")
        return [("X-Client-DN", subject), ("X-Client-Verify", "SUCCESS")]

    def _forward(
        self, port: int, fields: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        origin = HTTPConnection(HOST, port, timeout=PATIENCE_S)
        try:
            origin.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            origin.putheader("Host", self.headers.get("Host") or "localhost")
            for name, value in fields:
                if name.lower() not in _FRAMING:
                    origin.putheader(name, value)
            origin.putheader("Content-Length", str(len(body)))
            origin.endheaders(body)
            response = origin.getresponse()
            answer = response.read()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _FRAMING]
            return response.status, kept, answer
        finally:
            origin.close()
