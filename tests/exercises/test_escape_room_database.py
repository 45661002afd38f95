"""The room's database: the stand-in says what a real PostgreSQL says, fault by fault."""

import shutil
from collections.abc import Iterator

import pytest

from mtls_lab.clients.postgres import NoPostgreSQL, find_build
from mtls_lab.exercises.escape_room import EscapeRoom, storage
from mtls_lab.exercises.escape_room.bank import bank, chance
from mtls_lab.exercises.escape_room.database.reply import Database, Libpq, Reply
from mtls_lab.exercises.escape_room.database.stand_in import StandIn
from mtls_lab.exercises.escape_room.furniture import furnish
from mtls_lab.exercises.escape_room.values import Fault
from tools import program

pytestmark = pytest.mark.live

FAULTS = [fault for fault in bank() if fault.door in {8, 9}]


class Both:
    """Asks both, and keeps what they answered."""

    name = "both"

    def __init__(self, one: Database, other: Database) -> None:
        self.databases, self.replies = (one, other), list[tuple[Reply, Reply]]()

    def connect(self, user: str, settings: Libpq, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
        one, other = (each.connect(user, settings, hba=hba, ident=ident) for each in self.databases)
        self.replies.append((one, other))
        return one

    def close(self) -> None:
        self.databases[0].close()


@pytest.fixture(scope="module")
def room() -> Iterator[tuple[EscapeRoom, Both]]:
    program("psql")
    try:
        find_build()
    except NoPostgreSQL:
        program("postgres")
    with EscapeRoom("lab") as one:
        both = Both(one.database, StandIn(storage.server(one)))
        one.use_database(both)
        yield one, both


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.door}-{fault.slug}")
def test_the_stand_in_and_postgresql_say_the_same(room: tuple[EscapeRoom, Both], fault: Fault) -> None:
    one, both = room
    for number in range(2):
        for path in one.folder.iterdir():
            shutil.rmtree(path)
        furnish(one)
        one.forget()
        fault.breaks(one, chance(f"{number}", fault.door))
        both.replies.clear()

        shut = one.evidence(fault.door)
        fault.mends(one)
        opened = one.evidence(fault.door)

        assert (shut.state != "open", opened.state) == (True, "open")
        assert len(both.replies) > 1
        for real, stand_in in both.replies:
            assert (real.came_in, real.client_reads, real.server_reads) == (
                stand_in.came_in,
                stand_in.client_reads,
                stand_in.server_reads,
            )


def test_the_real_one_says_what_it_is(room: tuple[EscapeRoom, Both]) -> None:
    one, both = room

    assert both.databases[0].name.startswith("a real server, PostgreSQL")
    assert "stand-in" in both.databases[1].name
    assert one.database is both


def test_a_database_that_there_is_not_is_named() -> None:
    with EscapeRoom("lab", database="oracle") as one, pytest.raises(ValueError, match="database='oracle'"):
        _ = one.database
