"""Server programs: what one is, how it is started on loopback, and how its words are read.

A server is played for one scenario and runs until its block ends, or until this process is gone (see `keeper.py`).
It says what it has to say into a file; `hear()` gives what it said since the last time.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mtls_lab.certificates import Certificate
from mtls_lab.clients import children
from mtls_lab.clients.request import Request, Target, private_folder
from mtls_lab.clients.rosetta import told
from mtls_lab.handshake import Handshake, Scenario, Version

HOST = "127.0.0.1"
_START_S = 10.0
_SETTLE_S = 0.02
_KEEPER = Path(__file__).with_name("keeper.py")


class DidNotStart(Exception):
    """A server program that ended before it listened; its words say why. For some faults that is the lesson."""


class Stand(Target, Protocol):
    """A server that listens, as Rosetta uses it."""

    def hear(self, *, patience_s: float) -> str:
        """What it said since the last time, waiting that long for a first word."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server program."""

    name: str
    """The name a person knows it by."""
    serve: Callable[[Scenario], AbstractContextManager[Stand]]
    """Plays the scenario's server until the block ends. Raises DidNotStart."""
    missing: Callable[[], str | None]
    """None when it is installed, else which program is not there and how to install it."""
    version: Callable[[], str]
    """Its version and that of its TLS library."""
    speaks: str = "HTTP"
    """What it speaks inside TLS; a client that speaks something else cannot call it."""


class Serving:
    """A server program that listens: a `Target` that remembers no handshake, but has words of its own."""

    host = HOST
    handshakes: tuple[Handshake, ...] = ()

    def __init__(self, scenario: Scenario, port: int, log: Path, told_of: "re.Pattern[str] | None") -> None:
        self.scenario = scenario
        self.port = port
        self._log = log
        self._told_of = told_of
        self._heard = log.stat().st_size

    def handshake_from(self, client_port: int, timeout_s: float = 2.0) -> Handshake:
        """Nothing: only the lab's own proxy keeps handshakes."""
        raise TimeoutError(f"this server tells nothing of client_port={client_port}, not in {timeout_s} s either")

    def hear(self, *, patience_s: float) -> str:
        """What it said since the last time, waiting that long for a first word."""
        said = settled(self._rest, patience_s)
        self._heard += len(said.encode("utf-8", "surrogateescape"))
        if self._told_of is None:
            return said
        return "\n".join(line for line in said.splitlines() if self._told_of.search(line))

    def _rest(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._heard)
            return log.read().decode("utf-8", "surrogateescape")


def settled(words: Callable[[], str], patience_s: float) -> str:
    """The words once they are there and no more come; "" when none come in time.

    Polled: neither a file nor a log has anything to wait on, and nobody says when the last word is written.
    """
    deadline = time.monotonic() + patience_s
    said = words()
    while time.monotonic() < deadline:
        time.sleep(_SETTLE_S)
        before, said = said, words()
        if said and said == before:
            break
    return said


@dataclass(frozen=True, kw_only=True)
class Start:
    """How to start a server program in a folder."""

    command: Callable[[int], list[str]]
    """The command for a port."""
    port_in: Callable[[str], int | None]
    """Finds the port in what the program has printed; None while it does not listen."""
    ending: str = "SIGTERM"
    """The signal that ends it."""
    told_of: "re.Pattern[str] | None" = None
    """Which of the lines it prints tell of trouble; None for all."""
    user: str = ""
    """The user to run it as; empty for ourselves."""


@contextmanager
def running(start: Start, scenario: Scenario, files: dict[str, bytes]) -> Iterator[Serving]:
    """Run a server with these files, on a port of loopback, until the block ends."""
    with private_folder(files) as folder:
        yield from run_in(folder, start, scenario)


def run_in(folder: Path, start: Start, scenario: Scenario) -> Iterator[Serving]:
    """The same in a folder that is there already."""
    log = folder / "server.log"
    port = free_port()
    command = [sys.executable, "-I", "-S", str(_KEEPER), start.ending, start.user, *start.command(port)]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=children.scrubbed(no_request(scenario), folder),
            start_new_session=True,
        )
    with keeper:
        try:
            listening = _until_it_listens(keeper, start, log)
            yield Serving(scenario, listening, log, start.told_of)
        finally:
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait(_START_S)


def _until_it_listens(keeper: "subprocess.Popen[bytes]", start: Start, log: Path) -> int:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        ended = keeper.poll() is not None
        said = log.read_text("utf-8", "replace")
        if ended:
            raise DidNotStart(said.strip())
        port = start.port_in(said)
        if port is not None:
            return port
        time.sleep(_SETTLE_S)  # as in `settled`: nothing to wait on
    raise DidNotStart(f"it did not listen within {_START_S:.0f} s; it said: {log.read_text('utf-8', 'replace')}")


def no_request(scenario: Scenario) -> Request:
    """The request of nobody: stands where only the surroundings of a child are wanted."""
    return Request(scenario=scenario, host=HOST, port=1, path="/")


def free_port() -> int:
    """A port that was free a moment ago, for a program that cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def server_files(scenario: Scenario) -> dict[str, bytes]:
    """What most servers want as files: chain, key, and the trust anchors for clients where they verify any."""
    credential = scenario.server.presents
    if credential is None:
        return {}
    files = {"server.pem": credential.chain_pem, "server-key.pem": credential.key_pem, "leaf.pem": credential.leaf.pem}
    if credential.chain[1:]:
        files["intermediates.pem"] = pem(credential.chain[1:])
    if scenario.server.verifies != "none":
        files["clients-root.pem"] = pem(scenario.server.trusts)
    if scenario.server.crls:
        files[told.CRL_FILE] = b"".join(map(told.crl_pem, scenario.server.crls))
    return files


def versions(scenario: Scenario) -> tuple[Version, ...]:
    """The TLS versions that the server allows."""
    return scenario.server.versions or scenario.versions


def pem(certificates: tuple[Certificate, ...]) -> bytes:
    """The certificates one below the other."""
    return b"".join(one.pem for one in certificates)


def first_line(*command: str) -> str:
    """The first line that a program prints, on either of its outputs; "" when it does not run."""
    return all_lines(*command).partition("\n")[0].strip()


def all_lines(*command: str) -> str:
    """All that it prints."""
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, check=False, env=_plain()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode("utf-8", "replace")


def _plain() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": os.devnull}
