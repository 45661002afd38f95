"""How many refused TLS 1.3 clients are told the true reason?

    python benchmarks/refusals.py [tries]

Each client (Python's ssl, requests with a POST of 300 kB, curl) calls a proxy that refuses it, half of the tries with
no certificate and half with a stranger's. The control is the same proxy with a careless close: it sends the alert and
closes, and does not read what the client still writes. Prints the shares of clients that saw the alert.
"""

import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from mtls_lab.certificates import Authority
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.connection import ClientConnection

BODY = b"x" * 300_000
REASONS = {"nobody": "certificate required", "stranger": "unknown ca"}


class CarelessConnection(ClientConnection):
    """Sends the alert and closes, as most servers do."""

    def _linger(self) -> None:
        self._hung_up = True
        self._transport.close()


def main(tries: int) -> None:
    """Run every client against both proxies."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenarios = make_scenarios(folder)
        clients = {"raw ssl, write then read": raw, "requests, POST 300 kB": post, "curl": curl}
        if shutil.which("curl") is None:
            del clients["curl"]
        print(f"{tries} tries each   lingering close   careless close (control)")
        for client, call in clients.items():
            shares = [share(call, kind, scenarios, folder, tries) for kind in (ClientConnection, CarelessConnection)]
            print(f"{client:26} {shares[0]:>16}  {shares[1]:>16}")


def make_scenarios(folder: Path) -> dict[str, Scenario]:
    """A server that requires a client certificate, and two clients that have none it trusts."""
    root, stranger = Authority.create("Lab Root CA"), Authority.create("Stranger CA")
    server = Endpoint(
        presents=root.intermediate("Lab Issuing CA").issue("localhost", purpose="serverAuth"),
        trusts=(root.certificate,),
        verifies="required",
    )
    eve = stranger.intermediate("Stranger Issuing CA").issue("eve", purpose="clientAuth")
    (folder / "root.pem").write_bytes(root.certificate.pem)
    (folder / "stranger.pem").write_bytes(eve.chain_pem + eve.key_pem)
    return {
        who: Scenario(
            client=Endpoint(presents=presents, trusts=(root.certificate,), verifies="chain and name"),
            server=server,
            versions=("TLSv1.3",),
        )
        for who, presents in (("nobody", None), ("stranger", eve))
    }


def share(
    call: Callable[[Proxy, Path, Path | None], str],
    kind: type[ClientConnection],
    scenarios: dict[str, Scenario],
    folder: Path,
    tries: int,
) -> str:
    """How many of the calls ended in words that name the alert."""
    told = 0
    began = time.monotonic()
    for who, scenario in scenarios.items():
        with served_by(kind, scenario) as running:
            client = folder / f"{who}.pem" if scenario.client.presents else None
            for _ in range(tries // 2):
                told += REASONS[who] in call(running, folder / "root.pem", client).lower().replace("_", " ")
    return f"{told} of {tries // 2 * 2} ({time.monotonic() - began:.0f} s)"


@contextmanager
def served_by(kind: type[ClientConnection], scenario: Scenario) -> Iterator[Proxy]:
    """A proxy whose connections are of that kind."""
    with patch("mtls_lab.proxy.proxy.ClientConnection", kind), Proxy(scenario) as running:
        yield running


def raw(running: Proxy, root: Path, client: Path | None) -> str:
    """Python's own ssl: handshake, write, read."""
    context = ssl.create_default_context(cafile=root)
    if client is not None:
        context.load_cert_chain(client)
    try:
        with (
            socket.create_connection((running.host, running.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return str(tls.recv(1))
    except OSError as error:
        return str(error)


def post(running: Proxy, root: Path, client: Path | None) -> str:
    """requests in the middle of its body."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(
                f"{running.url}/echo", BODY, verify=str(root), cert=str(client) if client else None
            ).text
        except requests.RequestException as error:
            return str(error)


def curl(running: Proxy, root: Path, client: Path | None) -> str:
    """What curl says on stderr."""
    certificate = [] if client is None else ["--cert", str(client)]
    command = ["curl", "-sS", "--cacert", str(root), *certificate, f"{running.url}/"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
