"""Doors 3 and 4: the gateway calls its services, over mutual TLS, with what stands in the files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.exercises.escape_room.calls import ask
from mtls_lab.exercises.escape_room.shelf import Unreadable, read_credential, read_trusts
from mtls_lab.exercises.escape_room.tries import impostors_before, rehearsed, strangers_at
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import CannotLoad, Endpoint, Scenario

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

_HOLDS = "The service itself must be in order: look at its files, and at what each of them is for."


def service(folder: Path, name: str) -> Endpoint:
    """A service as its files say. Raises Unreadable."""
    return Endpoint(
        presents=read_credential(folder / name, name),
        trusts=read_trusts(folder / name / "callers.pem"),
        verifies="required",
    )


def towards(folder: Path, name: str) -> Endpoint:
    """The gateway as the client of that service, as its files say. Raises Unreadable."""
    return Endpoint(
        presents=read_credential(folder / "gateway", f"to-{name}"),
        trusts=read_trusts(folder / "gateway" / f"{name}-root.pem"),
        verifies="chain and name",
    )


def orders(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 3."""
    yield from _service(room, "orders")


def stock(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 4."""
    yield from _service(room, "stock")


def _service(room: "EscapeRoom", name: str) -> Iterator[Knock]:
    try:
        scenario = Scenario(client=towards(room.folder, name), server=service(room.folder, name))
    except Unreadable as trouble:
        at_gateway = str(trouble).startswith("gateway/")
        yield Knock(
            who="the gateway",
            wanted=True,
            came_in=False,
            client_reads=str(trouble) if at_gateway else "connection refused",
            server_reads="" if at_gateway else f"{name} does not start: {trouble}",
        )
        return
    yield _called(room, name, scenario)
    yield from strangers_at(scenario, room.cast, name="gateway")
    yield from impostors_before(scenario, room.cast)


def _called(room: "EscapeRoom", name: str, scenario: Scenario) -> Knock:
    """The intended call: rehearsed for both sides' words, and made over the service's port if that is answered."""
    knock = rehearsed("the gateway", scenario, wanted=True, hint=_HOLDS)
    if knock.came_in:
        try:
            status = ask(room.running_service(name), scenario).status
        except CannotLoad as trouble:
            status, words = None, str(trouble)
        else:
            words = "no answer"
        if status != 200:
            return Knock(who="the gateway", wanted=True, came_in=False, client_reads=words, handshake=knock.handshake)
    return knock
