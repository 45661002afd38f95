"""A real PostgreSQL server with TLS, in a private folder, on a port of loopback; gone when this process is.

1. Nothing of the machine is used but the programs: an own cluster, an own socket, no password unless you give one.
2. `ssl_ca_file` (what it `trusts`) makes the server ask everybody for a certificate and verify what it gets. Whether
   one is needed, and for whom it is good, say the lines of pg_hba.conf (`hba`) and pg_ident.conf (`ident`).
3. A line for the Unix socket is added at the end: whoever reaches into the 0700 folder may come in.
"""

import contextlib
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.clients.postgres import said
from mtls_lab.clients.postgres.builds import Build, account, find_build
from mtls_lab.clients.postgres.setup import EVERYBODY, HOST, KEY, SUPERUSER, Setup, lines
from mtls_lab.clients.postgres.tap import SSL_REQUEST

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_START_S = 60.0
_RELOAD_S = 10.0
_LOOK_S = 0.01
_RELOADED = "received SIGHUP, reloading configuration files"
_REFUSED = re.compile(r"was not reloaded|contains errors")


class DidNotStart(Exception):
    """The server ended before it listened; its words say why. For some faults that is the lesson."""


class PostgreSQL:
    """A PostgreSQL server that runs until the block ends, it is closed, or this process is gone."""

    host = HOST
    recorded_on: str | None = None
    """It is live: its answers come from no recording."""

    def __init__(
        self,
        *,
        presents: Credential | None = None,
        trusts: Iterable[Certificate] = (),
        hba: Iterable[str] = EVERYBODY,
        ident: Iterable[str] = (),
        crls: Iterable[bytes] = (),
        roles: Iterable[str] = (),
        passwords: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        build: Build | None = None,
    ) -> None:
        """Start it, and come back when it listens. Raises NoPostgreSQL or DidNotStart.

        What it presents (nothing: no TLS) and trusts, the lines of pg_hba.conf and pg_ident.conf, revocation lists
        in DER, database users to be made, passwords of some of them, and settings that go before the lab's own.
        """
        self.setup = Setup(
            presents=presents,
            trusts=tuple(trusts),
            hba=lines("hba", hba),
            ident=lines("ident", ident),
            crls=tuple(crls),
            roles=lines("roles", roles),
            passwords=passwords or {},
            settings=settings or {},
        )
        """What it is set up with."""
        self.build = build or find_build()
        """The programs that are run."""
        self.callers: dict[str, str] = {}
        """The version of each client program that has called it, by path: to ask costs as much as to call."""
        self._child = _start()
        try:
            ready = self._ask(_order(self.setup, self.build), _START_S)
        except BaseException:
            self.close()
            raise
        self.port = int(ready["port"])
        """The port it listens on, at 127.0.0.1."""
        self.process = int(ready["process"])
        """The number of its first process."""
        self.socket_directory = Path(ready["folder"])
        """The 0700 folder of its Unix socket, and of all else that is its own."""
        self.log_path = Path(ready["log"])
        """The file of all that it says."""

    @property
    def log(self) -> str:
        """What the server has said since it started, verbatim; "" when it is closed."""
        try:
            return self.log_path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    @property
    def said(self) -> tuple[str, ...]:
        """The same without process numbers, ports and start-up talk: the same on every run."""
        return said.normalised(self.log)

    @property
    def running(self) -> bool:
        """It has not been closed, and has not ended by itself."""
        return self._child.poll() is None

    def file(self, name: str) -> str:
        """One of its files as it stands: `postgresql.conf`, `pg_hba.conf`, `pg_ident.conf`, `clients-root.pem`, ..."""
        return file_of(self.setup, name)

    def reload(
        self,
        *,
        presents: Credential | None = None,
        trusts: Iterable[Certificate] | None = None,
        hba: Iterable[str] | None = None,
        ident: Iterable[str] | None = None,
        crls: Iterable[bytes] | None = None,
    ) -> None:
        """Write what is given anew and make the server read it (SIGHUP), without a restart; sessions go on.

        A credential, trust anchors or lists can be replaced, not added to a server that started without any. Raises
        ValueError with the server's words for lines that it cannot read: then the old ones stay in force.
        """
        new = renewed(self.setup, presents=presents, trusts=trusts, hba=hba, ident=ident, crls=crls)
        old_files = self.setup.files
        changed = {name: text for name, text in new.files.items() if old_files[name] != text}
        words = self._hand_over(changed)
        if _REFUSED.search(words):
            self._hand_over({name: old_files[name] for name in changed})
            raise ValueError(" ".join(said.complaints(words)))
        self.setup = new

    def close(self) -> None:
        """End the server and remove its folder; more than once does no harm."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                self._child.stdin.close()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _hand_over(self, files: Mapping[str, str]) -> str:
        """Give it files and wait until it has read them; what it said of them."""
        before = len(self.log)
        self._ask({"files": files}, _RELOAD_S)
        deadline = time.monotonic() + _RELOAD_S
        while _RELOADED not in self.log[before:]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server did not read its files within {_RELOAD_S:.0f} s")
            time.sleep(_LOOK_S)  # a file has nothing to wait on
        # It reads them all before it takes the next connection; on its socket it says N to TLS.
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_RELOAD_S)
            door.connect(str(self.socket_directory / f".s.PGSQL.{self.port}"))
            door.sendall(SSL_REQUEST)
            door.recv(1)
        return self.log[before:]

    def _ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Give the supervisor an order, and wait for its answer."""
        if self._child.stdin is None or self._child.stdout is None or self._child.stdin.closed:
            raise ValueError("this server is closed")
        with contextlib.suppress(BrokenPipeError):  # then it says nothing either
            self._child.stdin.write(json.dumps(order).encode("ascii") + b"\n")
            self._child.stdin.flush()
        if not select.select([self._child.stdout], [], [], timeout_s)[0]:
            raise DidNotStart(f"no word of it within {timeout_s:.0f} s")
        line = self._child.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"failed": "its supervisor has ended"}
        if "failed" in answer:
            raise DidNotStart(answer["failed"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PostgreSQL({self.build.version}, {'running' if self.running else 'closed'})"


def renewed(
    setup: Setup,
    *,
    presents: Credential | None,
    trusts: Iterable[Certificate] | None,
    hba: Iterable[str] | None,
    ident: Iterable[str] | None,
    crls: Iterable[bytes] | None,
) -> Setup:
    """The settings with what is given in place of the old. Raises ValueError for a file that nobody would read."""
    new = replace(
        setup,
        presents=presents or setup.presents,
        trusts=setup.trusts if trusts is None else tuple(trusts),
        hba=setup.hba if hba is None else lines("hba", hba),
        ident=setup.ident if ident is None else lines("ident", ident),
        crls=setup.crls if crls is None else tuple(crls),
    )
    if differ := set(new.files) ^ set(setup.files):
        raise ValueError(f"{', '.join(sorted(differ))}: such a file is there from the start or not at all; start anew")
    return new


def file_of(setup: Setup, name: str) -> str:
    """One of the files, but not the key."""
    there = {one: text for one, text in setup.files.items() if one != KEY}
    if name not in there:
        raise ValueError(f"name={name!r}: it has {', '.join(sorted(there))}")
    return there[name]


def _start() -> "subprocess.Popen[bytes]":
    """Its supervisor, in a session of its own: what ends the kernel's process group must not end it untidily."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _order(setup: Setup, build: Build) -> dict[str, Any]:
    """What the supervisor is to do. Keys go through its pipe, and into no file but the server's own."""
    return {
        "account": account(),
        "bases": list(dict.fromkeys((tempfile.gettempdir(), "/tmp"))),  # noqa: S108 - a folder of its own in there
        "initdb": build.program("initdb"),
        "postgres": build.program("postgres"),
        "environment": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"} | build.variables,
        "owner": SUPERUSER,
        "files": setup.files,
        "sql": setup.sql,
    }
