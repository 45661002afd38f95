"""What makes a client program: how it is typed, how it is run; and the course of every call.

A module of this package whose name ends in `_client` and that holds a `PROGRAM` is one: adding a client program
means adding one file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from mtls_lab.clients.call import Call
from mtls_lab.clients.outcome import Outcome, join
from mtls_lab.clients.request import Environment, Request, Target, private_folder
from mtls_lab.handshake import Endpoint


class Caller(Protocol):
    """The one signature of all client programs."""

    def __call__(
        self,
        target: Target,
        path: str = "/whoami",
        *,
        client: Endpoint | None = None,
        data: bytes | None = None,
        environment: Environment | None = None,
        timeout_s: float = 5.0,
    ) -> Call:
        """Call the target and tell what happened."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One client program."""

    name: str
    """The name a person knows it by."""
    call: Caller
    """Calls a proxy with it."""
    line: Callable[[Request], str]
    """What a person would type for that request."""
    run: Callable[[Request, Path], Outcome]
    """Runs it in a folder that holds the request's files."""
    missing: Callable[[Request], str | None]
    """None when it is installed, else which program is not there and how to install it."""


def perform(program: Program, target: Target, request: Request) -> Call:
    """Run the program and join its story with the proxy's. An expected refusal is data: nothing is raised for it."""
    began = datetime.now(UTC)
    missing = program.missing(request)
    if missing is not None:
        outcome, handshake = Outcome(version="", output=""), None
    else:
        with private_folder(request.files()) as folder:
            outcome = program.run(request, folder)
        handshake = join(target, request, outcome, began=began)
    return Call(
        program=program.name,
        version=outcome.version,
        line=program.line(request),
        port=request.port,
        output=outcome.output,
        exit_code=outcome.exit_code,
        exception=outcome.exception,
        status=outcome.status,
        body=outcome.body,
        handshake=handshake,
        missing=missing,
        environment=tuple(f"{name}={value}" for name, value in request.variables().items()),
    )


def discover(search_path: list[str]) -> dict[str, Program]:
    """The programs of the package, by name."""
    found = sorted(_programs(search_path), key=lambda program: program.name)
    return {program.name: program for program in found}


def _programs(search_path: list[str]) -> Iterator[Program]:
    for module in iter_modules(search_path):
        if module.name.endswith("_client"):
            program = import_module(f"{__package__}.{module.name}").PROGRAM
            if not isinstance(program, Program):
                raise TypeError(f"{module.name}.PROGRAM={program!r} must be a Program")
            yield program
