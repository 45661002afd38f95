"""One end in Python, the other `openssl s_client` or `s_server` on loopback: for what Python's ssl cannot ask for."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from mtls_lab.handshake.messages import Role
from tls_pair import Pair, has_oracle, listen

_TIMEOUT_S = 20.0


class OpensslPeer:
    """A TLS connection with an openssl program; `role` is Python's."""

    def __init__(self, context: ssl.SSLContext, role: Role, command: Sequence[str], folder: Path) -> None:
        self.told: dict[str, list[bytes]] = {"client": [], "server": []}
        self.wire: list[tuple[Role, bytes]] = []
        self.role: Role = role
        self.peer: Role = "server" if role == "client" else "client"
        self._log = folder / "secrets"
        context.keylog_filename = str(self._log)
        self._listen(context)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=role == "server",
            server_hostname=None if role == "server" else "localhost",
        )
        self._connect(command)

    def _listen(self, context: ssl.SSLContext) -> None:
        """One end sees both directions; what the program wrote is what Python read."""
        if not has_oracle():
            return
        listen(context, self.role, self.told)
        written = context._msg_callback  # type: ignore[attr-defined]

        def note(conn: object, direction: str, version: object, content_type: int, kind: object, data: bytes) -> None:
            written(conn, direction, version, content_type, kind, data)
            if direction == "read" and int(content_type) in (21, 22):
                self.told[self.peer].append(bytes(data))

        context._msg_callback = note  # type: ignore[attr-defined]

    def _connect(self, command: Sequence[str]) -> None:
        start = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT}
        if self.role == "server":
            with socket.create_server(("127.0.0.1", 0)) as door:
                door.settimeout(_TIMEOUT_S)
                where = f"127.0.0.1:{door.getsockname()[1]}"
                self.program = subprocess.Popen([*command, "-connect", where], stdout=subprocess.DEVNULL, **start)  # type: ignore[call-overload]
                self._socket, _ = door.accept()
        else:
            self.program, port = start_server(command)
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        self._socket.settimeout(_TIMEOUT_S)

    def run(self, act: Callable[[], object]) -> None:
        """Call into OpenSSL until it needs nothing more from the other end."""
        while True:
            try:
                act()
            except ssl.SSLWantReadError:
                self.flush()
                self.take()
            else:
                break
        self.flush()

    def take(self) -> None:
        """What the program has sent."""
        data = self._socket.recv(65536)
        if not data:
            self._incoming.write_eof()
        self.wire.append((self.peer, data))
        self._incoming.write(data)

    def flush(self) -> None:
        """Send what OpenSSL has left."""
        data = self._outgoing.read()
        if data:
            self.wire.append((self.role, data))
            self._socket.sendall(data)

    def handshake(self) -> None:
        """All of it."""
        self.run(self.tls.do_handshake)

    def read(self, size: int) -> bytes:
        """That many bytes of application data."""
        found = bytearray()
        while len(found) < size:
            self.run(lambda: found.extend(self.tls.read(size)))
        return bytes(found)

    def write(self, data: bytes) -> None:
        """Application data."""
        self.run(lambda: self.tls.write(data))

    def update_keys(self) -> None:
        """Press K, and wait for the KeyUpdate: what is pressed next must not be read together with it."""
        self.press("K\n")
        while not any(message.startswith(b"\x18") for message in self.told[self.peer]):
            self.take()
            with suppress(ssl.SSLWantReadError):
                self.tls.read(1)

    def press(self, text: str) -> None:
        """On the program's keyboard. It takes what it reads at once for one line."""
        keyboard = self.program.stdin
        assert keyboard is not None
        keyboard.write(text.encode())
        keyboard.flush()

    def pair(self) -> Pair:
        """The record."""
        return Pair(wire=tuple(self.wire), secrets=self._log.read_text(), told=self.told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()
        stop(self.program)


def start_server(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """`openssl s_server` on a free port, which it names in its first line."""
    program = subprocess.Popen(
        [*command, "-accept", "127.0.0.1:0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert program.stdout is not None
    for line in program.stdout:
        if line.startswith(b"ACCEPT"):
            threading.Thread(target=program.stdout.read, daemon=True).start()
            return program, int(line.rpartition(b":")[2])
    raise AssertionError(f"s_server did not start: {command}")


def stop(program: subprocess.Popen[bytes]) -> None:
    """End it and close its pipes."""
    program.kill()
    program.wait(_TIMEOUT_S)
    for pipe in (program.stdin, program.stdout):
        if pipe is not None:
            pipe.close()


class Relay:
    """Stands between two programs and keeps what passes."""

    def __init__(self, port: int) -> None:
        self.wire: list[tuple[Role, bytes]] = []
        self._target = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        near, _ = self._door.accept()
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            back = threading.Thread(target=self._pump, args=("server", far, near), daemon=True)
            back.start()
            self._pump("client", near, far)
            back.join(_TIMEOUT_S)

    def _pump(self, sender: Role, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.wire.append((sender, data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other program has gone, so there is nobody to pass it on to

    def close(self) -> None:
        """Wait for the end of the connection."""
        self._thread.join(_TIMEOUT_S)
        self._door.close()
