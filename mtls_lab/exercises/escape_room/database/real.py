"""A PostgreSQL server of the room's own, called with psql."""

from pathlib import Path
from typing import Any

from mtls_lab.clients.postgres import NoPostgreSQL, PostgreSQL
from mtls_lab.clients.postgres.builds import PassedOver
from mtls_lab.clients.postgres.connecting import psql
from mtls_lab.exercises.escape_room.database.client_side import check_names
from mtls_lab.exercises.escape_room.database.reply import USERS, Libpq, Reply
from mtls_lab.exercises.escape_room.database.server_side import Line
from mtls_lab.handshake import Endpoint

_LEVELS = ("FATAL: ", "LOG: could not accept SSL connection")


class Real:
    """Starts the server. Raises NoPostgreSQL where there is none, or no psql to call it with."""

    def __init__(self, server: Endpoint) -> None:
        self._lines: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._server = PostgreSQL(presents=server.presents, trusts=server.trusts, hba=(), roles=USERS)
        self.name = f"a real server, {self._server.build.version}"
        first = psql(self._server, user=USERS[0])
        if first.missing is not None:
            self.close()
            raise NoPostgreSQL((PassedOver(place="psql", reason=first.missing),))

    def connect(self, user: str, settings: Libpq, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
        """Connect as that user with these settings, while these lines are in force."""
        for line in hba:
            # A line that PostgreSQL cannot read leaves the old ones in force: better said than missed.
            Line.parse(line)
        if (hba, ident) != self._lines:
            self._server.reload(hba=hba, ident=ident)
            self._lines = hba, ident
        folder = Path(settings.get("sslrootcert") or ".").parent
        call = psql(self._server, folder=folder, user=user, **_words(settings))
        return Reply(
            came_in=call.accepted,
            client_reads=call.reason.replace("~/", ""),
            server_reads="" if call.accepted else _server_reads(call.server_said),
            handshake=call.handshake,
        )

    def close(self) -> None:
        """Stop it; may be called twice."""
        self._server.close()


def _words(settings: Libpq) -> dict[str, Any]:
    """As keyword arguments: these names are libpq's, and none of them is psql()'s own."""
    check_names(settings)
    return dict(settings)


def _server_reads(said: tuple[str, ...]) -> str:
    told = [one.partition(": ")[2] for one in said if one.startswith(_LEVELS)]
    return "; ".join(dict.fromkeys(told))
