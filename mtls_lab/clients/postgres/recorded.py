"""A server that is not there: it answers from the recording, and says so."""

import os
import shutil
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from types import TracebackType
from typing import Self

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.clients.postgres import recording
from mtls_lab.clients.postgres.builds import NoPostgreSQL
from mtls_lab.clients.postgres.server import PostgreSQL, file_of, renewed
from mtls_lab.clients.postgres.setup import EVERYBODY, HOST, Setup, lines

REQUIRE = "MTLS_LAB_REQUIRE"
NO_PSQL = (
    "psql is not installed: `apt install postgresql-client`, `brew install libpq` or `pip install 'mtls-lab[postgres]'`"
)
NO_PSYCOPG = "psycopg is not installed: `pip install 'mtls-lab[postgres]'`"


class Recorded:
    """Stands in a server's place where none can be had: what was asked of a real one is answered as it answered."""

    host = HOST
    port = 1
    running = False

    def __init__(self, setup: Setup, *, why: NoPostgreSQL) -> None:
        self.setup = setup
        """What the server would be set up with."""
        self.why = why
        """Why there is none."""

    @property
    def recorded_on(self) -> str:
        """When it was recorded, and with what."""
        return recording.newest()

    def file(self, name: str) -> str:
        """One of the files that the server would have."""
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
        """As a server does."""
        self.setup = renewed(self.setup, presents=presents, trusts=trusts, hba=hba, ident=ident, crls=crls)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PostgreSQL(not live: {self.recorded_on})"


Server = PostgreSQL | Recorded


def open_server(
    *,
    presents: Credential | None = None,
    trusts: Iterable[Certificate] = (),
    hba: Iterable[str] = EVERYBODY,
    ident: Iterable[str] = (),
    crls: Iterable[bytes] = (),
    roles: Iterable[str] = (),
    passwords: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """A PostgreSQL server, or the recording of one where none can be had; `about` tells which.

    With MTLS_LAB_REQUIRE=1, as in CI, NoPostgreSQL is raised instead.
    """
    setup = Setup(
        presents=presents,
        trusts=tuple(trusts),
        hba=lines("hba", hba),
        ident=lines("ident", ident),
        crls=tuple(crls),
        roles=lines("roles", roles),
        passwords=passwords or {},
        settings=settings or {},
    )
    try:
        return PostgreSQL(
            presents=setup.presents,
            trusts=setup.trusts,
            hba=setup.hba,
            ident=setup.ident,
            crls=setup.crls,
            roles=setup.roles,
            passwords=setup.passwords,
            settings=setup.settings,
        )
    except NoPostgreSQL as error:
        if os.environ.get(REQUIRE) == "1":
            raise
        return Recorded(setup, why=error)


def about(server: Server) -> str:
    """What is live and what is recorded on this machine, and what would make it live."""
    if isinstance(server, Recorded):
        return f"NOT LIVE: every answer below was {server.recorded_on}.\n{server.why}"
    told = [f"live: {server.build.version}, from {server.build.source}"]
    if shutil.which("psql") or own_psql(server):
        told.append("live: psql")
    else:
        told.append(f"NOT LIVE: psql's answers were {recording.newest()}. {NO_PSQL}")
    without = f"NOT LIVE: psycopg's answers were {recording.newest()}. {NO_PSYCOPG}"
    told.append("live: psycopg" if find_spec("psycopg") else without)
    return "\n".join(told)


def own_psql(server: PostgreSQL) -> str | None:
    """The psql that came with the server, for a PATH that has none."""
    path = server.build.folder / "psql"
    return str(path) if path.is_file() else None
