"""Doors 8 and 9: the services and their database."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.exercises.escape_room.database.client_side import Attempt, Unusable, attempts
from mtls_lab.exercises.escape_room.database.reply import Libpq, Reply
from mtls_lab.exercises.escape_room.tries import NO_CHECK, impostors_before
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import Endpoint, Scenario

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

_MODES = "Only verify-full looks at who answers, and by which name. Everything below it takes somebody else as well."


def orders(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 8: libpq's settings of the service orders."""
    yield _knock("the service orders", room.connect("orders", room.libpq), wanted=True)
    # Nobody else may be taken for the database. These are rehearsed: libpq's settings against another server.
    for attempt in _attempts(room.libpq):
        if attempt.tls is None:
            yield Knock(
                who="an impostor that speaks no TLS",
                wanted=False,
                came_in=True,
                hint=f"This mode goes on in plaintext, and says nothing about it. {_MODES}",
            )
        else:
            scenario = Scenario(client=attempt.tls, server=room.cast.server("database"))
            for one in impostors_before(scenario, room.cast):
                yield Knock(
                    who=one.who,
                    wanted=False,
                    came_in=one.came_in,
                    hint=_MODES if one.came_in else NO_CHECK,
                    handshake=one.handshake,
                )


def _attempts(settings: Libpq) -> tuple[Attempt, ...]:
    try:
        return tuple(attempts(settings))
    except Unusable:
        return ()


def stock(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 9: the rules of the database for the service stock."""
    good = file_settings(room.folder, "stock")
    yield _knock("the service stock", room.connect("stock", good), wanted=True)
    yield _knock(
        "somebody without a certificate, as stock",
        room.connect("stock", {name: value for name, value in good.items() if name in {"sslmode", "sslrootcert"}}),
        wanted=False,
        hint="A line that asks for no certificate lets in whoever reaches the port. The first line that fits decides.",
    )
    yield _knock(
        "bob with his own certificate, as stock",
        room.connect("stock", file_settings(room.folder, "bob")),
        wanted=False,
        hint="Any certificate of the lab is good enough for this line. It must be that of the user who comes.",
    )
    yield _knock(
        "mallory, as stock",
        room.connect("stock", file_settings(room.folder, "mallory")),
        wanted=False,
        hint="A certificate of mallory's own authority opened this. Who verified it?",
    )
    yield _knock(
        "somebody in plaintext, as stock",
        room.connect("stock", {"sslmode": "disable"}),
        wanted=False,
        hint="There is a line that takes connections without TLS. hostssl takes none.",
    )


def file_settings(folder: Path, name: str) -> dict[str, str]:
    """libpq's settings as they should be, for the files of that name in the database's folder."""
    here = folder / "database"
    return {
        "sslmode": "verify-full",
        "sslrootcert": str(here / "root.pem"),
        "sslcert": str(here / f"{name}.pem"),
        "sslkey": str(here / f"{name}-key.pem"),
    }


def server(room: "EscapeRoom") -> Endpoint:
    """The database's end of TLS: it asks everybody for a certificate, and verifies what it gets."""
    trusts = (room.cast.root.certificate,)
    return Endpoint(presents=room.cast.servers["database"], trusts=trusts, verifies="optional")


def _knock(who: str, reply: Reply, *, wanted: bool, hint: str = "") -> Knock:
    return Knock(
        who=who,
        wanted=wanted,
        came_in=reply.came_in,
        client_reads=reply.client_reads,
        server_reads=reply.server_reads,
        hint=hint,
        handshake=reply.handshake,
    )
