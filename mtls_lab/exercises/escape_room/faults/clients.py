"""Door 1: settings of alice's client."""

from dataclasses import replace
from random import Random

from mtls_lab.certificates.faults import present
from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 1


def _trust_the_root(room: EscapeRoom) -> None:
    room.alice = replace(room.alice, trusts=(room.root.certificate,))


def _verify(room: EscapeRoom) -> None:
    room.alice = replace(room.alice, verifies="chain and name")


def _show_alice(room: EscapeRoom) -> None:
    names = ("spiffe://lab.example/sales/alice",)
    room.alice = replace(room.alice, presents=room.issuing.issue("alice", names=names, purpose="clientAuth"))


def _dial_the_name(room: EscapeRoom) -> None:
    room.dials = "localhost"


@fault(
    _DOOR,
    level=1,
    mends=_verify,
    hints=(
        "She gets an answer, whoever gives it. What does she look at before she believes it?",
        "A client's level is none, chain, or chain and name. Which one is hers?",
        'room.alice = replace(room.alice, verifies="chain and name")',
    ),
)
def verification_off(room: EscapeRoom, _chance: Random) -> None:
    room.alice = replace(room.alice, verifies="none")


@fault(
    _DOOR,
    level=2,
    mends=_verify,
    hints=(
        "She does look at something: mallory's impostor is refused. Which of the two impostors is not?",
        "Any machine of the lab has a certificate of the lab's authority. What tells the gateway from a printer?",
        'The name does: room.alice = replace(room.alice, verifies="chain and name")',
    ),
)
def name_not_checked(room: EscapeRoom, _chance: Random) -> None:
    room.alice = replace(room.alice, verifies="chain")


@fault(
    _DOOR,
    level=2,
    mends=_trust_the_root,
    hints=(
        "Her own side refuses, so it is about the gateway's certificate and what she trusts.",
        "Names can be the same and keys not: show(room.alice.trusts), and compare with room.root.certificate.",
        "Her root is a twin. room.alice = replace(room.alice, trusts=(room.root.certificate,))",
    ),
)
def trusts_a_twin(room: EscapeRoom, _chance: Random) -> None:
    room.alice = replace(room.alice, trusts=(room.cast.twin.certificate,))


@fault(
    _DOOR,
    level=3,
    mends=_trust_the_root,
    hints=(
        "The certificate that she trusts belongs to the right path. Is it the end of it?",
        "OpenSSL wants a path to end at a self-signed certificate, and she trusts one from the middle.",
        "The intermediate is no root. room.alice = replace(room.alice, trusts=(room.root.certificate,))",
    ),
)
def trusts_the_intermediate(room: EscapeRoom, _chance: Random) -> None:
    room.alice = replace(room.alice, trusts=(room.issuing.certificate,))


@fault(
    _DOOR,
    level=1,
    mends=_dial_the_name,
    hints=(
        "The path is good. What did she ask for, and what is in the gateway's certificate?",
        "room.dials against room.front.presents.leaf.names: an address fits no DNS name.",
        'room.dials = "localhost"',
    ),
)
def dials_another_name(room: EscapeRoom, chance: Random) -> None:
    room.dials = chance.choice(("127.0.0.1", "gateway.example", "www.lab.example"))


@fault(
    _DOOR,
    level=1,
    mends=_show_alice,
    hints=(
        "The gateway refuses, not she. What does she show?",
        "room.alice.presents: is there anything in it?",
        "room.alice = replace(room.alice, presents=room.people['alice'])",
    ),
)
def shows_nothing(room: EscapeRoom, _chance: Random) -> None:
    room.alice = replace(room.alice, presents=None)


@fault(
    _DOOR,
    level=1,
    mends=_show_alice,
    hints=(
        "The gateway refuses her certificate. The alert says a good deal this time.",
        "show(room.alice.presents): when was it good?",
        "She needs a new one: replace(room.alice, presents=room.issuing.issue('alice', purpose='clientAuth'))",
    ),
)
def shows_an_expired_one(room: EscapeRoom, _chance: Random) -> None:
    shown = present("expired", authority=room.issuing, name="alice", purpose="clientAuth")
    room.alice = replace(room.alice, presents=shown)
