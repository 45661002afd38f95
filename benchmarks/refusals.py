"""How many refused TLS 1.3 clients are told the true reason, by our proxy and by its peers?

    python benchmarks/refusals.py [tries] [--only NAME ...]

Each client (Python's ssl, requests with a POST of 300 kB, curl) calls a server that refuses it, half of the tries with
no certificate and half with a stranger's. Told is who got to see the alert that says why: certificate_required or
unknown_ca. nginx finishes the handshake and answers 400 instead; such pages are counted beside it, and the only reason
they give is that no certificate came. The control is our proxy with a careless close: it sends the alert and closes,
and does not read what the client still writes. Peers that are not installed are left out by name; needs nginx.
"""

import argparse
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import requests

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engines import engines, write_cast

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.connection import ClientConnection

BODY = b"x" * 300_000
REASONS = {"nobody": "certificate required", "stranger": "unknown ca"}
PAGE = "400 bad request"
CONTROL = "careless (control)"
NAMES = ["mtls_lab", "nginx", "haproxy", "hitch", "stunnel", "Go httputil"]

Call = Callable[[int, Path, Path | None], str]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of one client's tries at one server."""

    alerts: int
    """Saw the alert that says why."""
    pages: int
    """Saw no such alert, but a page with status 400."""
    tries: int
    """Of so many."""

    def __str__(self) -> str:
        pages = f" +{self.pages} pages" if self.pages else ""
        return f"{100 * self.alerts / self.tries:.1f} %{pages}"


class CarelessConnection(ClientConnection):
    """Sends the alert and closes, as most servers do."""

    def _linger(self) -> None:
        self._hung_up = True
        self._transport.close()


def main() -> None:
    """Run every client against every server, in turns."""
    parser = argparse.ArgumentParser(description="Who is told why?")
    parser.add_argument("tries", nargs="?", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES)
    asked = parser.parse_args()
    clients: dict[str, Call] = {"raw ssl, write then read": raw, "requests, POST 300 kB": post, "curl": curl}
    if shutil.which("curl") is None:
        print("curl is not installed: left out")
        del clients["curl"]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # hitch gives up root and reads its files as somebody else
        write_cast(folder)
        (folder / "both.pem").chmod(0o644)
        eve = Authority.create("Stranger CA").intermediate("Stranger Issuing CA").issue("eve", purpose="clientAuth")
        (folder / "stranger.pem").write_bytes(eve.chain_pem + eve.key_pem)
        ports = {one.name: one.port for one in stack.enter_context(engines(folder, asked.only))}
        ports[CONTROL] = stack.enter_context(careless(folder)).port
        print(f"{asked.tries} tries each{'':10}" + "".join(f"{one:>22}" for one in ports))
        for client, call in clients.items():
            shares = [share(call, port, folder, asked.tries) for port in ports.values()]
            print(f"{client:26}" + "".join(f"{one!s:>22}" for one in shares))


@contextmanager
def careless(folder: Path) -> Iterator[Proxy]:
    """Our proxy, without what it does about closing."""
    trusts = Certificate.from_pem((folder / "root.pem").read_bytes())
    chain = Certificate.from_pem((folder / "server.pem").read_bytes())
    presents = Credential(chain=chain, key_pem=(folder / "server-key.pem").read_bytes())
    scenario = Scenario(
        client=Endpoint(trusts=trusts, verifies="chain and name"),
        server=Endpoint(presents=presents, trusts=trusts, verifies="required"),
        versions=("TLSv1.3",),
    )
    with patch("mtls_lab.proxy.proxy.ClientConnection", CarelessConnection):
        running = Proxy(scenario)
    with running:
        yield running


def share(call: Call, port: int, folder: Path, tries: int) -> Told:
    """How many of the calls ended in words that name the alert."""
    alerts = pages = 0
    for who, reason in REASONS.items():
        client = folder / "stranger.pem" if who == "stranger" else None
        for _ in range(tries // 2):
            words = call(port, folder / "root.pem", client).lower().replace("_", " ")
            alerts += reason in words
            pages += reason not in words and PAGE in words
    return Told(alerts=alerts, pages=pages, tries=tries // 2 * 2)


def raw(port: int, root: Path, client: Path | None) -> str:
    """Python's own ssl: handshake, write, read."""
    context = ssl.create_default_context(cafile=root)
    if client is not None:
        context.load_cert_chain(client)
    try:
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return tls.recv(65_536).decode("latin-1")
    except OSError as error:
        return str(error)


def post(port: int, root: Path, client: Path | None) -> str:
    """requests in the middle of its body."""
    with requests.Session() as session:
        session.trust_env = False
        cert = str(client) if client else None
        try:
            answer = session.post(f"https://localhost:{port}/echo", BODY, verify=str(root), cert=cert)
        except requests.RequestException as error:
            return str(error)
        return f"{answer.status_code} {answer.reason} {answer.text}"


def curl(port: int, root: Path, client: Path | None) -> str:
    """What curl says on stderr, and the page."""
    certificate = [] if client is None else ["--cert", str(client)]
    command = ["curl", "-sS", "--cacert", str(root), *certificate, f"https://localhost:{port}/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr + done.stdout


if __name__ == "__main__":
    main()
