"""The lab's own proxy as the server. It lives on a floor beside this one, so whoever plays hands it in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import metadata

from mtls_lab.clients.request import Target
from mtls_lab.clients.rosetta import servers
from mtls_lab.clients.rosetta.servers import DidNotStart, Server
from mtls_lab.handshake import CannotLoad, Handshake, Scenario

NAME = "mtls_lab"
MakeProxy = Callable[[Scenario], AbstractContextManager[Target]]
"""`Proxy`, or what does the same."""
_ASK_OPENSSL = (
    "import ssl, platform; print(f'Python {platform.python_version()} ({\" \".join(ssl.OPENSSL_VERSION.split()[:2])})')"
)


class _Serving:
    """A proxy that also tells in what words its OpenSSL gave up, since the last time."""

    def __init__(self, proxy: Target, scenario: Scenario) -> None:
        self._proxy = proxy
        self._heard = 0
        self.host, self.port, self.scenario = proxy.host, proxy.port, scenario

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        return self._proxy.handshakes

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake | None:
        return self._proxy.handshake_from(client_port, timeout_s)

    def hear(self, *, patience_s: float) -> str:
        said = servers.settled(self._words, patience_s)
        self._heard = len(self._proxy.handshakes)
        return said

    def _words(self) -> str:
        sides = [one.server for one in self._proxy.handshakes[self._heard :]]
        failures = [side.failure.text for side in sides if side is not None and side.failure is not None]
        return "\n".join(dict.fromkeys(failures))


def lab_server(make_proxy: MakeProxy) -> Server:
    """The lab's proxy as a server program."""

    @contextmanager
    def serve(scenario: Scenario) -> Iterator[_Serving]:
        try:
            proxy = make_proxy(scenario)
        except CannotLoad as error:
            raise DidNotStart(error.failure.text) from None
        with proxy as target:
            yield _Serving(target, scenario)

    return Server(name=NAME, serve=serve, missing=lambda: None, version=_version)


def _version() -> str:
    import sys

    try:
        number = metadata.version("mtls-lab")
    except metadata.PackageNotFoundError:
        number = "from a checkout"
    return f"mtls_lab {number}, {servers.first_line(sys.executable, '-c', _ASK_OPENSSL)}"
