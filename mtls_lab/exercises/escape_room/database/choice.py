"""Which database a room gets."""

from mtls_lab.clients.postgres import NoPostgreSQL
from mtls_lab.exercises.escape_room.database.reply import Database
from mtls_lab.exercises.escape_room.database.stand_in import StandIn
from mtls_lab.handshake import Endpoint

STAND_IN = "stand-in"


def open_database(server: Endpoint, wanted: str) -> Database:
    """A real PostgreSQL where one is on the machine, with psql to call it; else, or if wanted, a stand-in."""
    if wanted not in {"", STAND_IN}:
        raise ValueError(f"database={wanted!r} must be {STAND_IN!r}, or left out")
    if wanted == STAND_IN:
        return StandIn(server)
    try:
        from mtls_lab.exercises.escape_room.database.real import Real

        return Real(server)
    except NoPostgreSQL:
        return StandIn(server)
