"""Go's own TLS server, playing the server of a scenario.

The program is `go/tls_server.go`: net/http over crypto/tls, as a person would write it. It is told what to play by
lines of JSON on its standard input, never by files, so that no key is written anywhere; it answers each line with
one line, and says nothing unasked. Nobody has to read along, and no thread is needed.

1. It ends when its standard input ends. The pipe's other end is in this process alone: however this process dies,
   the system closes it.
2. It also ends by itself after `lifetime_s`.
3. An interrupted cell may leave an answer unread: answers carry the number of their question.
"""

import json
import os
import socket
import subprocess
import tempfile
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mtls_lab.clients import go_build
from mtls_lab.handshake import (
    CannotLoad,
    Endpoint,
    Failure,
    Handshake,
    KeyLog,
    Scenario,
    Side,
    TLSConnection,
    Version,
    build_context,
)

_WIRE_VERSIONS: dict[Version, int] = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_LIFETIME_S = 4 * 3600.0
_TIMEOUT_S = 5.0
_CHUNK = 65_536


class GoServer:
    """A Go server on a free port of 127.0.0.1; a `Target` for every client program, like a Proxy.

    Of the scenario's server it plays what Go has a setting for: `presents`, `trusts`, `verifies` and the versions.
    It runs from the moment it is made until `close()`, the end of its `with` block, or until nobody refers to it any
    more. The first one on a machine is compiled, which can take half a minute and says so. Raises FileNotFoundError
    where Go is not installed (`go_build.missing()` tells before) and CannotLoad when Go refuses the credential.
    """

    host = "127.0.0.1"
    """The address it listens on."""

    def __init__(self, scenario: Scenario, *, lifetime_s: float = _LIFETIME_S) -> None:
        if not lifetime_s > 0:
            raise ValueError(f"lifetime_s={lifetime_s!r} must be more than 0 seconds")
        home = Path(tempfile.gettempdir())
        command = [str(go_build.build("tls_server")), str(lifetime_s)]
        self._process = subprocess.Popen(
            command,
            cwd=home,
            env=go_build.environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._close = weakref.finalize(self, _end, self._process, os.getpid())
        self._number = 0
        self._played: list[Scenario] = []
        try:
            started = self._play(scenario)
        except BaseException:
            self.close()
            raise
        self.port: int = started["port"]
        """The port it listens on."""
        self.version: str = started["go"]
        """The Go that compiled it: `go1.19.8`."""

    @property
    def scenario(self) -> Scenario:
        """The scenario whose server answers new connections."""
        return self._played[-1]

    @property
    def log(self) -> str:
        """What net/http logged, verbatim: a line for every handshake that failed on its side."""
        return str(self._ask()["log"])

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The connections that are over, oldest first; a bounded number. Their client's side is None."""
        answer = self._ask(seen={"client_port": 0, "wait_ms": 0})
        return tuple(self._handshake(one) for one in answer["connections"])

    def switch(self, scenario: Scenario) -> None:
        """Play another scenario's server: new connections meet it. Raises CannotLoad when Go refuses its credential."""
        self._play(scenario)

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake:
        """The newest connection from that TCP port, waiting for its end. Raises TimeoutError without one."""
        answer = self._ask(seen={"client_port": client_port, "wait_ms": int(timeout_s * 1000)})
        for one in answer["connections"]:
            return self._handshake(one)
        raise TimeoutError(f"no connection from client_port={client_port} ended within {timeout_s} s")

    def hear(self, said: bytes, *, version: Version = "TLSv1.3") -> Handshake:
        """What it makes of a client that sends a real ClientHello and, after the ServerHello, just these bytes."""
        with KeyLog() as keylog, socket.create_connection((self.host, self.port), _TIMEOUT_S) as line:
            context = build_context(Endpoint(verifies="none"), role="client", versions=(version,), keylog=keylog)
            hello = TLSConnection(context, role="client", server_name=self.scenario.server_name)
            hello.start()
            port = line.getsockname()[1]
            with suppress(OSError):  # it may hang up on what it cannot read; what counts is what it made of it
                line.sendall(hello.outgoing())
                line.recv(_CHUNK)
                line.sendall(said)
                line.shutdown(socket.SHUT_WR)
                while line.recv(_CHUNK):
                    continue
        return self.handshake_from(port)

    def close(self) -> None:
        """End the program; may be called twice."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<GoServer {f'at 127.0.0.1:{self.port}, {self.version}' if self._close.alive else 'closed'}>"

    def _play(self, scenario: Scenario) -> dict[str, Any]:
        if not isinstance(scenario, Scenario):
            raise TypeError(f"scenario={scenario!r} must be a Scenario: Scenario(client=..., server=...)")
        answer = self._ask(play=_settings(scenario))
        if words := answer.get("error"):
            raise CannotLoad("server", Failure(during="loading", reason=words, text=words))
        self._played.append(scenario)
        return answer

    def _ask(self, **question: object) -> dict[str, Any]:
        self._number += 1
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        answer: dict[str, Any] = {"number": -1}
        if self._close.alive and pipe_in is not None and pipe_out is not None:
            with suppress(OSError, ValueError):  # a pipe that nobody reads, an answer cut off: it has ended
                pipe_in.write(json.dumps({"number": self._number, **question}).encode() + b"\n")
                pipe_in.flush()
                while answer["number"] not in (0, self._number):
                    answer = json.loads(pipe_out.readline())
        if answer["number"] != self._number:
            why = answer.get("error", "it was closed, or its time was up")
            raise RuntimeError(f"this Go server has ended ({why}): make a new one, GoServer(scenario)")
        return answer

    def _handshake(self, told: dict[str, Any]) -> Handshake:
        version = next((name for name, number in _WIRE_VERSIONS.items() if number == told["version"]), None)
        during = "after the handshake" if told["completed"] else "handshake"
        failures = [Failure(during=during, reason=words, text=words) for words in told["said"]]  # type: ignore[arg-type]
        server = Side(
            role="server",
            completed=told["completed"],
            failure=failures[0] if failures else None,
            version=version,
            cipher=told["cipher"] or None,
        )
        return Handshake(
            scenario=self._played[told["play"] - 1],
            client=None,
            server=server,
            at=datetime.fromisoformat(told["at"]),
            client_port=told["client_port"],
            wire=tuple((one["sender"], bytes.fromhex(one["hex"])) for one in told["wire"] or ()),
            secrets=told["secrets"],
        )


def _settings(scenario: Scenario) -> dict[str, object]:
    credential = scenario.server.presents
    numbers = [_WIRE_VERSIONS[one] for one in scenario.server.versions or scenario.versions]
    return {
        "certificate": credential.chain_pem.decode() if credential else "",
        "key": credential.key_pem.decode(errors="replace") if credential else "",
        "trusts": b"".join(one.pem for one in scenario.server.trusts).decode(),
        "verifies": scenario.server.verifies,
        "min_version": min(numbers),
        "max_version": max(numbers),
    }


def _end(process: "subprocess.Popen[bytes]", pid: int) -> None:
    """Must not refer to the GoServer: it is what is left of it."""
    if os.getpid() != pid:
        return  # a fork has the object but is not the parent
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # an unsent question
            if pipe is not None:
                pipe.close()
    try:
        process.wait(_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
