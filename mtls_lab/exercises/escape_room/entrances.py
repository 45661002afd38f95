"""Doors 1, 2, 5 and 6: who calls the gateway, and whom it lets in. The calls go over its real ports."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.clients import Call, get
from mtls_lab.exercises.escape_room.calls import ask
from mtls_lab.exercises.escape_room.tries import (
    TOO_WIDE,
    impostors_before,
    noted,
    rehearsed,
    strangers_at,
)
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.access import Access
from mtls_lab.proxy.identity import Identity

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

_SOMEBODY_ELSE = "The handshake is in order, but it is not {name} who came. Whose certificate is shown?"


def alice(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 1."""
    scenario = Scenario(client=room.alice, server=room.front, server_name=room.dials)
    yield _named(_live("alice", room.running_front(), scenario), "alice")
    yield from impostors_before(scenario, room.cast)
    yield from strangers_at(scenario, room.cast)


def robot(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 2."""
    cast = room.cast
    scenario = room.robots_way
    yield _named(_live("the robot", room.running_side(), scenario), "robot")
    yield from strangers_at(scenario, cast, name="robot")

    def shown(who: str, credential: Credential, hint: str) -> Knock:
        client = Endpoint(presents=credential, trusts=(cast.root.certificate,), verifies="none")
        return rehearsed(who, replace(scenario, client=client), wanted=False, hint=hint)

    yield shown("a customer of the public authority", cast.customer(), TOO_WIDE)
    yield shown(
        "the stolen robot, whose certificate was revoked",
        cast.people["stolen"],
        "Revocation is looked at by a server that has a list and is told to look. Which list does this one have?",
    )


def report(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 5."""
    scenario = Scenario(client=room.report, server=room.front)
    yield _asked("the nightly report", room.running_front(), room, wanted=True)
    impostor = Endpoint(presents=room.cast.impostor(), verifies="none")
    with Proxy(replace(scenario, server=impostor)) as played:
        yield _asked("an impostor of mallory's authority", played, room, wanted=False)
    yield from strangers_at(scenario, room.cast, name="report")


def _asked(who: str, proxy: Proxy, room: "EscapeRoom", *, wanted: bool) -> Knock:
    """One call of the report's own program, with the environment of the report."""
    call = get(proxy, client=room.report, environment=dict(room.environment))
    hint = "A report that takes an impostor for the gateway tells it everything. The environment says whom to trust."
    return _of_call(who, call, wanted=wanted, hint=hint)


def guests(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 6: who may order. Decided by the rules, after TLS."""
    front = room.running_front()
    for name in ("alice", "carol", "bob", "other alice"):
        wanted = name in {"alice", "carol"}
        scenario = Scenario(client=room.cast.client(name), server=room.front)
        knock = rehearsed(f"{name}{'' if wanted else ', a guest'}", scenario, wanted=wanted, hint=_GUESTS[name])
        if knock.came_in:
            status = ask(front, scenario).status
            came_in = status is not None and status != 403
            words = "" if came_in else f"HTTP {status}" if status else "no answer"
            knock = replace(knock, came_in=came_in, client_reads=words, server_reads=_decision(room, name))
        yield knock
    yield from strangers_at(Scenario(client=room.cast.client("alice"), server=room.front), room.cast)


_GUESTS = {
    "alice": "Alice is in sales. Compare the rule with her names, letter by letter: show(room.people['alice'].leaf).",
    "carol": "Carol is in sales as well. A rule for alice alone does not name her.",
    "bob": "Bob has a good certificate, and that is all. Only sales may order: which rule names him, or is there none?",
    "other alice": "A guest got the common name alice, too. Which of alice's names is hers alone?",
}


def _decision(room: "EscapeRoom", name: str) -> str:
    """What the gateway decides, in its words."""
    return Access.of(room.rules).decide(Identity.of(room.cast.people[name].leaf)).reason


def _live(who: str, proxy: Proxy, scenario: Scenario) -> Knock:
    """The intended call: rehearsed for both sides' words, and made over the port where that comes in."""
    knock = rehearsed(who, scenario, wanted=True)
    if knock.came_in and ask(proxy, scenario).status is None:
        return replace(knock, came_in=False, client_reads="no answer")
    return knock


def _of_call(who: str, call: Call, *, wanted: bool, hint: str = "") -> Knock:
    if call.handshake is not None:
        knock = noted(who, call.handshake, wanted=wanted, hint=hint)
        # The answer decides: requests may have more to say than the handshake.
        words = knock.client_reads or call.reason
        return replace(knock, came_in=call.accepted, client_reads="" if call.accepted else words)
    return Knock(who=who, wanted=wanted, came_in=call.accepted, client_reads=_alone(call), hint=hint)


def _alone(call: Call) -> str:
    """Nothing reached the gateway: what the client says of itself, without what differs by run."""
    first = (call.exception or "").split(" <- ", maxsplit=1)[0]
    return f"{first.rpartition('.')[2]}: nothing reached the gateway" if first else call.reason


def _named(knock: Knock, name: str) -> Knock:
    """The same, not in if it is somebody else who came."""
    chain: tuple[Certificate, ...] = (knock.handshake.client_chain or ()) if knock.handshake is not None else ()
    if not knock.came_in or not chain or chain[0].common_name == name:
        return knock
    hint = _SOMEBODY_ELSE.format(name=name)
    return replace(knock, came_in=False, server_reads=f"this is {chain[0].common_name}", hint=hint)
