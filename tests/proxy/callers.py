"""Clients for the proxy's tests: small, exact, and without manners of their own."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mtls_lab.handshake import CannotLoad, Handshake, KeyLog, Scenario, Side, TLSConnection, build_context
from mtls_lab.proxy import Proxy

GET_WHOAMI = b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a client has to tell."""

    side: Side
    """What it saw of the handshake."""
    port: int
    """The TCP port it called from."""
    answer: bytes
    """Plaintext that came back."""


def call(proxy: Proxy, request: bytes = GET_WHOAMI, *, scenario: Scenario | None = None) -> Told:
    """A scenario's client over a real socket: handshake, request, the whole answer. Raises CannotLoad."""
    scenario = scenario or proxy.scenario
    with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=10) as connected:
        context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
        tls = TLSConnection(context, role="client", server_name=scenario.server_name)
        answer, spoken = b"", False
        tls.start()
        while tls.failure is None and not tls.closed:
            if tls.completed and not spoken:
                tls.send(request)
                spoken = True
            connected.sendall(tls.outgoing())
            answer += tls.receive(connected.recv(65_536))
        tls.close()
        with suppress(OSError):  # the proxy may have hung up; the client has nothing to add
            connected.sendall(tls.outgoing())
        return Told(side=tls.side(), port=connected.getsockname()[1], answer=answer)


def live(proxy: Proxy, scenario: Scenario) -> Handshake | None:
    """Call the proxy as that scenario's client; what the proxy saw, None when either end cannot load its credential."""
    try:
        proxy.switch(scenario)
        return proxy.handshake_from(call(proxy, scenario=scenario).port)
    except CannotLoad:
        return None


def client_context(scenario: Scenario, folder: Path) -> ssl.SSLContext:
    """Python's own `ssl` as that scenario's client, without any of our code."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if scenario.client.verifies == "none":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if scenario.client.trusts:
        context.load_verify_locations(cadata=b"".join(one.der for one in scenario.client.trusts))
    if scenario.client.presents is not None:
        path = folder / "client.pem"
        path.write_bytes(scenario.client.presents.chain_pem + scenario.client.presents.key_pem)
        context.load_cert_chain(path)
    return context


@contextmanager
def connected(proxy: Proxy, folder: Path) -> Iterator[ssl.SSLSocket]:
    """A connection of the scenario's client with Python's own `ssl`."""
    context = client_context(proxy.scenario, folder)
    with (
        socket.create_connection((proxy.host, proxy.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=proxy.scenario.server_name, suppress_ragged_eofs=False) as tls,
    ):
        yield tls


def read_to_end(tls: ssl.SSLSocket) -> bytes:
    """Everything until the other end says that there is no more."""
    pieces = []
    while piece := tls.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


class ScriptedOrigin:
    """An origin that says what it is told to, byte for byte, and keeps what it was asked."""

    def __init__(self, *answers: bytes, hold: bool = False) -> None:
        self.asked: list[bytes] = []
        self._answers = answers
        self._over = threading.Event()
        self._hold = hold
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            with accepted:
                accepted.settimeout(5)
                self.asked.append(_one_request(accepted))
                accepted.sendall(answer)
                if self._hold:
                    self._over.wait(10)


def _one_request(accepted: socket.socket) -> bytes:
    """One request with its body, framed by Content-Length or by chunks."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        piece = accepted.recv(65_536)
        if not piece:
            return heard
        heard += piece
    head, _, body = heard.partition(b"\r\n\r\n")
    size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    chunked = b"transfer-encoding: chunked" in head.lower()
    while len(body) < size or (chunked and not (b"\r\n0\r\n" in body and body.endswith(b"\r\n\r\n"))):
        piece = accepted.recv(65_536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body
