"""Which program heeds which variable: measured with bundles of which one is right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtls_lab.clients.programs import Program
from mtls_lab.clients.request import Request, Target
from mtls_lab.clients.trust.bundles import Bundles, bundles
from mtls_lab.clients.trust.programs import PROGRAMS, admits, asks, find

VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PGSSLROOTCERT",
)
"""The variables that programs are known to heed."""


@dataclass(frozen=True, kw_only=True)
class Heeded:
    """One program, and what it makes of the variables."""

    program: str
    """Its name."""
    version: str
    """Its version and that of its TLS library; "" where it is not here."""
    heeds: tuple[str, ...]
    """The variables that it heeds: with the right authority in one of these alone, it accepted the server."""
    asked: tuple[str, ...]
    """The variables that were tried."""
    missing: str = ""
    """Which program is not here, and how to install it; "" where it was asked."""
    recorded_on: str = ""
    """The day on which somebody else's machine said so; "" for this machine, now."""

    def __str__(self) -> str:
        if self.missing:
            return f"{self.program}: {self.missing}"
        return f"{self.program}: {', '.join(self.heeds) or 'none of them'}"


def heeded(
    target: Target, programs: Iterable[str] = tuple(PROGRAMS), variables: Sequence[str] = VARIABLES
) -> tuple[Heeded, ...]:
    """Ask each program once for each variable, with the right authority in that one alone.

    The target's client must name the right authority in `trusts`. Raises ValueError for a program that is not known.
    """
    chosen = [find(name) for name in programs]
    with bundles(target) as laid:
        return tuple(_heeded(target, one, variables, laid) for one in chosen)


def deciders(target: Target, program: str, variables: Sequence[str]) -> tuple[str, ...]:
    """With all of these variables set at once, those that decide: the right authority in one of these alone suffices.

    () means that none of them does, and the program's own store decides. Raises ValueError for a program that is not
    known, FileNotFoundError for one that is not here.
    """
    chosen = find(program)
    missing = _missing(chosen, target)
    if missing:
        raise FileNotFoundError(missing)
    with bundles(target) as laid:
        return tuple(
            right
            for right in variables
            if _admits(target, chosen, {one: laid.place(one, right=one == right) for one in variables})
        )


def _heeded(target: Target, program: Program, variables: Sequence[str], laid: Bundles) -> Heeded:
    missing = _missing(program, target)
    if missing:
        return Heeded(program=program.name, version="", heeds=(), asked=(), missing=missing)
    plain = asks(program, target, {})
    if admits(plain):
        # Then every variable would look heeded.
        raise ValueError(f"target={target!r} is accepted by {program.name} as it is: choose an authority of the lab's")
    heeds = tuple(one for one in variables if _admits(target, program, {one: laid.place(one, right=True)}))
    return Heeded(program=program.name, version=plain.version, heeds=heeds, asked=tuple(variables))


def _admits(target: Target, program: Program, environment: dict[str, str]) -> bool:
    return admits(asks(program, target, environment))


def _missing(program: Program, target: Target) -> str:
    request = Request(scenario=target.scenario, host=target.host, port=target.port, path="/")
    return program.missing(request) or ""
