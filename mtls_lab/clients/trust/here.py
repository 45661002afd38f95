"""Which file each client program uses here: on this machine, at this prompt, with the variables that are set."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from mtls_lab.clients import go_build
from mtls_lab.clients.request import Request, Target
from mtls_lab.clients.rosetta import told
from mtls_lab.clients.trust.opened import Opened, opened
from mtls_lab.clients.trust.postgres_door import postgres_door
from mtls_lab.clients.trust.programs import SCRIPTS, find
from mtls_lab.clients.trust.recording import recorded

_NO_PROXIES = {"NO_PROXY": "*", "no_proxy": "*"}
"""A proxy variable would lead the call elsewhere, and says nothing of trust."""
_PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Here:
    """One client program on this machine."""

    program: str
    """Its name."""
    opened: Opened | None
    """Where it looked; None when it is not here."""
    variables: tuple[str, ...]
    """Those that are set and that it heeds, as `NAME=value`."""
    missing: str = ""
    """Which program is not here, and how to install it."""


def here(
    target: Target,
    programs: Iterable[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    tracing: bool = True,
) -> tuple[Here, ...]:
    """Let each program call the target with nothing said about trust, and tell where it looked.

    In this process's environment, unless another is given. Without strace less is known (see `opened`). Raises
    ValueError for a program that is not known.
    """
    chosen = list(LINES if programs is None else programs)
    unknown = [one for one in chosen if one not in LINES]
    if unknown:
        raise ValueError(f"programs={unknown} are none that can be asked: choose among {', '.join(LINES)}")
    variables = dict(os.environ if environment is None else environment)
    return tuple(_here(target, one, variables, tracing=tracing) for one in chosen)


def _here(target: Target, name: str, environment: Mapping[str, str], *, tracing: bool) -> Here:
    request = Request(scenario=target.scenario, host=target.host, port=target.port, path="/")
    missing = find(name).missing(request)
    if missing:
        return Here(program=name, opened=None, variables=(), missing=missing)
    with _way_to(target, name) as port:
        seen = opened(
            LINES[name](port), environment={**environment, **_NO_PROXIES}, timeout_s=_PATIENCE_S, tracing=tracing
        )
    return Here(program=name, opened=seen, variables=tuple(_heeded(name, environment)))


@contextmanager
def _way_to(target: Target, name: str) -> Iterator[int]:
    with postgres_door(target.host, target.port) if name == "psql" else nullcontext() as door:
        yield target.port if door is None else door.port


def _heeded(name: str, environment: Mapping[str, str]) -> Iterator[str]:
    for row in recorded():
        if row.program == name:
            yield from (f"{variable}={environment[variable]}" for variable in row.heeds if environment.get(variable))


def _url(port: int) -> str:
    return f"https://localhost:{port}/whoami"


def _python(name: str) -> Callable[[int], list[str]]:
    return lambda port: [sys.executable, "-c", SCRIPTS[name], _url(port)]


LINES: dict[str, Callable[[int], list[str]]] = {
    "curl": lambda port: ["curl", "-sS", _url(port)],
    # wget would write what it learns of HSTS into HOME.
    "wget": lambda port: ["wget", "--no-hsts", "--tries=1", "-qO-", _url(port)],
    "openssl s_client": lambda port: ["openssl", "s_client", "-connect", f"localhost:{port}", "-verify_return_error"],
    "requests": _python("requests"),
    "urllib": _python("urllib"),
    "httpx": _python("httpx"),
    "node": lambda port: ["node", str(told.source("get.mjs")), _url(port)],
    "go": lambda port: [str(go_build.build("get")), _url(port)],
    "java": lambda port: ["java", str(told.source("Get.java")), _url(port)],
    "psql": lambda port: ["psql", "-X", "-w", f"host=localhost port={port} dbname=postgres sslmode=verify-ca"],
}
"""What each program is asked with, for a port: nothing on the line bears on trust."""
