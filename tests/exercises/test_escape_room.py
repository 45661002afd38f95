"""The escape room: every fault shuts its door, its mend opens it, and no switched-off check does."""

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mtls_lab.certificates import Credential
from mtls_lab.certificates.keys import generate_key, key_to_pem
from mtls_lab.certificates.signing_request import signing_request
from mtls_lab.clients import get
from mtls_lab.exercises import check, find, hint
from mtls_lab.exercises.escape_room import EscapeRoom
from mtls_lab.exercises.escape_room.bank import DRAWN, LEVELS, bank, chance, draw
from mtls_lab.exercises.escape_room.doors import DOORS
from mtls_lab.exercises.escape_room.furniture import furnish, lay_trusts
from mtls_lab.exercises.escape_room.values import Fault
from mtls_lab.handshake import Endpoint

pytestmark = pytest.mark.live

SEEDS = tuple(f"learner-{number}" for number in range(10))
"""Rooms that are solved from beginning to end."""
MANY = tuple(f"learner-{number}" for number in range(60))
FAULTS = bank()


def named(fault: Fault) -> str:
    return f"{fault.door}-{fault.slug}"


@pytest.fixture(scope="module")
def sound() -> Iterator[EscapeRoom]:
    """One room for many tests; each begins by refurnishing it."""
    with EscapeRoom("lab", database="stand-in") as room:
        yield room


def refurnished(room: EscapeRoom) -> EscapeRoom:
    """Nothing is wrong with it."""
    for path in room.folder.iterdir():
        shutil.rmtree(path)
    furnish(room)
    room.forget()
    return room


def solve(room: EscapeRoom) -> None:
    """The reference solution of every door but the last."""
    for fault in room.faults:
        fault.mends(room)


def leave(room: EscapeRoom) -> None:
    """The reference solution of the last door."""
    key = generate_key("EC P-256")
    signed = room.sign_request(signing_request(key, "me"))
    me = Credential(key_pem=key_to_pem(key), chain=signed.chain)
    get(room.vault, client=Endpoint(presents=me, trusts=(room.root.certificate,), verifies="chain and name"))


# the bank


def test_the_bank_has_more_faults_than_a_room_needs_and_an_easy_one_for_each_door() -> None:
    assert len(FAULTS) > 4 * len(DRAWN)
    for door in DRAWN:
        levels = {fault.level for fault in FAULTS if fault.door == door}
        assert min(LEVELS) in levels
        assert levels <= set(LEVELS)


def test_a_seed_draws_the_same_faults_every_time_and_one_for_each_door() -> None:
    for seed in MANY:
        assert draw(seed) == draw(seed)
        assert tuple(fault.door for fault in draw(seed)) == DRAWN


def test_no_two_of_sixty_seeds_draw_the_same_room() -> None:
    assert len({tuple(map(named, draw(seed))) for seed in MANY}) == len(MANY)


def test_sixty_seeds_draw_every_fault_of_the_bank() -> None:
    assert {named(fault) for seed in MANY for fault in draw(seed)} == set(map(named, FAULTS))


def test_a_room_has_a_fault_in_each_layer() -> None:
    layers = {DOORS[fault.door].layer for fault in draw("lab")}

    assert layers == {"client", "server", "file", "environment", "authorization", "database"}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_leaves_out_what_is_harder(level: int) -> None:
    assert all(fault.level <= level for seed in MANY for fault in draw(seed, level=level))


def test_a_level_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="level=4"):
        draw("lab", level=4)


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_fault_has_three_hints_of_its_own(fault: Fault) -> None:
    assert len(set(fault.hints)) == 3
    assert all(20 < len(one) < 320 for one in fault.hints)


# each fault at its door


@pytest.mark.parametrize("number", DRAWN)
def test_a_door_with_nothing_wrong_is_open(sound: EscapeRoom, number: int) -> None:
    assert refurnished(sound).evidence(number).trouble is None


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_fault_shuts_its_door_and_its_mend_opens_it(sound: EscapeRoom, fault: Fault) -> None:
    for number in range(2):
        room = refurnished(sound)
        fault.breaks(room, chance(f"{number}", fault.door))

        shut = room.evidence(fault.door)
        fault.mends(room)

        assert shut.state != "open"
        assert room.evidence(fault.door).trouble is None


# shortcuts


def _set(name: str, value: object) -> Callable[[EscapeRoom], None]:
    return lambda room: setattr(room, name, value)


def _change(name: str, **fields: object) -> Callable[[EscapeRoom], None]:
    return lambda room: setattr(room, name, replace(getattr(room, name), **fields))


def _trust_mallory(path: str) -> Callable[[EscapeRoom], None]:
    def change(room: EscapeRoom) -> None:
        lay_trusts(room.folder / path, (room.root.certificate, room.cast.stranger.certificate))

    return change


def _libpq(**settings: str) -> Callable[[EscapeRoom], None]:
    def change(room: EscapeRoom) -> None:
        room.libpq = {**{name: room.libpq[name] for name in ("sslcert", "sslkey")}, **settings}

    return change


SHORTCUTS: dict[str, tuple[int, Callable[[EscapeRoom], None], str]] = {
    "client none": (1, _change("alice", verifies="none"), "proves nothing"),
    "client chain": (1, _change("alice", verifies="chain"), "the name is not"),
    "front none": (1, _change("front", verifies="none"), "nobody verifies"),
    "server none": (2, _change("side", verifies="none"), "nobody verifies"),
    "server optional": (2, _change("side", verifies="optional"), "not asked"),
    "no list": (2, _change("side", crls=None), "Revocation"),
    "orders trusts mallory": (3, _trust_mallory("orders/callers.pem"), "her authority is trusted"),
    "gateway trusts mallory": (4, _trust_mallory("gateway/stock-root.pem"), "proves nothing"),
    "report none": (5, _change("report", verifies="none"), "impostor"),
    "no rules": (6, _set("rules", ()), "Only sales"),
    "everybody": (6, _set("rules", ("uri:spiffe://lab.example/**",)), "Only sales"),
    "drops all": (7, _set("drops", lambda name: True), "nothing else"),
    "drops none": (7, _set("drops", lambda name: False), "one name to the application"),
    "libpq require": (8, _libpq(sslmode="require"), "verify-full"),
    "libpq prefer": (8, _libpq(sslmode="prefer"), "verify-full"),
    "hba trust": (9, _set("hba", ("hostssl all stock 127.0.0.1/32 trust",)), "asks for no certificate"),
    "hba plaintext": (9, _set("hba", ("host all all 127.0.0.1/32 trust",)), "asks for no certificate"),
    "hba any": (9, _set("hba", ("hostssl all stock 127.0.0.1/32 trust clientcert=verify-ca",)), "the user who comes"),
}


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_check_that_is_switched_off_opens_no_door_and_has_a_hint_of_its_own(sound: EscapeRoom, shortcut: str) -> None:
    number, change, words = SHORTCUTS[shortcut]
    room = refurnished(sound)

    change(room)
    evidence = room.evidence(number)

    assert evidence.state in {"ajar", "shut"}
    assert evidence.trouble is not None
    assert words in evidence.trouble.hint


def test_with_every_check_off_no_door_of_the_room_is_open() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        for _, change, _ in SHORTCUTS.values():
            change(room)

        assert room.doors.open_count == 0


# whole rooms


@pytest.mark.parametrize("seed", SEEDS)
def test_no_door_is_open_at_the_start_and_the_reference_solution_opens_all_ten_in_any_order(seed: str) -> None:
    with EscapeRoom(seed, database="stand-in") as room:
        assert room.doors.open_count == 0
        for fault in chance(seed, 0).sample(room.faults, k=len(room.faults)):
            fault.mends(room)
            # At once: what is wrong elsewhere holds no door shut.
            assert room.try_door(fault.door).state == "right"
        leave(room)
        assert [check(f"14-door-{number}", room).state for number in DOORS] == ["right"] * 10


def test_two_rooms_of_one_seed_have_the_same_doors_and_nothing_else_in_common() -> None:
    with EscapeRoom("lab", database="stand-in") as one, EscapeRoom("lab", database="stand-in") as other:
        assert repr(one.doors) == repr(other.doors)
        assert one.root.certificate != other.root.certificate
        assert one.folder != other.folder


def test_a_room_takes_the_learners_seed_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLS_LAB_SEED", "somebody")

    with EscapeRoom(database="stand-in") as room:
        assert room.seed == "somebody"
        assert room.faults == draw("somebody")


# the last door


def test_nothing_is_signed_before_the_other_doors_are_open() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        request = signing_request(generate_key("EC P-256"), "me")
        room.faults[0].mends(room)

        refused = room.sign_request(request)

        assert refused.chain == ()
        assert "2, 3, 4, 5, 6, 7, 8, 9" in refused.reason
        assert check("14-door-10", room).state == "untouched"


def test_the_last_door_wants_the_call_and_not_the_certificate_alone() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        solve(room)
        room.sign_request(signing_request(generate_key("EC P-256"), "me"))

        outcome = check("14-door-10", room)

        assert outcome.state == "wrong"
        assert "room.vault" in outcome.message


def test_the_vault_takes_no_certificate_of_the_lab() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        solve(room)

        call = get(room.vault, client=room.cast.client("alice"))

        assert not call.accepted


def test_a_door_that_is_shut_again_shuts_the_last_one_too() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        solve(room)
        leave(room)
        room.rules = ("dns:nobody.example",)

        assert room.evidence(10).state == "shut"


# what a learner meets


def test_an_untouched_door_says_what_is_to_be_done() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        for number in DOORS:
            outcome = check(f"14-door-{number}", room)
            assert outcome.state == "untouched"
            assert DOORS[number].yours in outcome.message


def test_a_change_that_mends_nothing_is_a_wrong_answer() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        room.alice = replace(room.alice, trusts=())

        assert check("14-door-1", room).state == "wrong"


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("alice", "alice", 1),
        ("dials", "..", 1),
        ("side", None, 2),
        ("environment", {"REQUESTS_CA_BUNDLE": 5}, 5),
        ("rules", ("nonsense",), 6),
        ("drops", None, 7),
        ("libpq", {"sslmode": "verify-fully"}, 8),
        ("libpq", {"verify": "full"}, 8),
        ("hba", ("hostssl all stock cert",), 9),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_answer_that_makes_no_sense_is_a_wrong_answer_and_no_traceback(
    sound: EscapeRoom, name: str, value: object, number: int
) -> None:
    room = refurnished(sound)
    setattr(room, name, value)

    outcome = check(f"14-door-{number}", room)

    assert outcome.state in {"wrong", "untouched"}
    assert repr(room.evidence(number))


def test_what_is_no_room_is_named() -> None:
    assert "That is a str" in check("14-door-1", "room").message


def test_a_door_that_there_is_not_is_named() -> None:
    with EscapeRoom("lab", database="stand-in") as room, pytest.raises(ValueError, match="number=11"):
        room.evidence(11)


@pytest.mark.parametrize("number", DOORS)
def test_each_door_is_an_exercise_with_three_hints(number: int) -> None:
    assert len(find(f"14-door-{number}").hints) == 3
    assert f"Door {number}" in find(f"14-door-{number}").task
    assert hint(f"14-door-{number}").startswith("Hint 1 of 3")


def test_the_room_hints_at_its_own_fault() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        assert [room.hint(1, step).partition(": ")[2] for step in (1, 2, 3)] == list(room.faults[0].hints)
        assert "vault" in room.hint(10)


def test_evidence_tells_both_sides_of_a_refusal() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        trouble = room.evidence(1).trouble

    assert trouble is not None
    assert trouble.client_reads
    assert trouble.server_reads == "alert unknown ca"


# nothing is left


def test_the_folder_is_its_owners_alone_and_gone_after_the_block() -> None:
    with EscapeRoom("lab", database="stand-in") as room:
        mode = stat.S_IMODE(room.folder.stat().st_mode)
        keys = [path for path in room.folder.rglob("*-key.pem") if path.stat().st_mode & 0o077]
        vault = room.vault

    assert mode == 0o700
    assert keys == []
    assert not room.folder.exists()
    assert "closed" in repr(vault)
    room.close()
