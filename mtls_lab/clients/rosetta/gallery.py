"""The gallery's exhibits, staged for Rosetta."""

from collections.abc import Iterable, Iterator

from mtls_lab.clients.rosetta.playing import Staging
from mtls_lab.handshake import VERSIONS, Role, Version
from mtls_lab.handshake.exhibits import EXHIBITS, Cast

ROLES: tuple[Role, ...] = ("server", "client")


def stagings(
    faults: Iterable[str] = (), *, sides: Iterable[Role] = ROLES, versions: Iterable[Version] = VERSIONS
) -> Iterator[Staging]:
    """Those exhibits, all without any, on each of these sides that can have it, in each of these TLS versions."""
    wanted, sides, versions = tuple(faults) or tuple(EXHIBITS), tuple(sides), tuple(versions)
    for slug in wanted:
        if slug not in EXHIBITS:
            raise ValueError(f"fault={slug!r} is none of the gallery's: choose one of {', '.join(EXHIBITS)}")
    cast = Cast.gather()
    for slug in wanted:
        exhibit = EXHIBITS[slug]
        for side in (side for side in sides if side in exhibit.sides):
            for version in (version for version in versions if version in exhibit.versions):
                yield Staging(fault=slug, side=side, tls=version, scenario=exhibit.stage(cast, side, version))
