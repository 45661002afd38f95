"""Door 10: the vault, which knows no authority of the lab but its own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mtls_lab.certificates import Certificate
from mtls_lab.exercises.escape_room.calls import ask
from mtls_lab.exercises.escape_room.tries import rehearsed, strangers_at
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

OUT = "spiffe://lab.example/out"
"""Who may leave."""
RULE = f"uri:{OUT}"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What the vault's authority answers to a request."""

    chain: tuple[Certificate, ...]
    """Your certificate, leaf first; () when it signs nothing."""
    reason: str
    """Why, in words."""

    def __repr__(self) -> str:
        return f"{'✓' if self.chain else '✗'} {self.reason}"


def vault_end(room: "EscapeRoom") -> Endpoint:
    """The vault's end of TLS."""
    trusts = (room.cast.vault.certificate,)
    return Endpoint(presents=room.cast.servers["vault"], trusts=trusts, verifies="required")


def out(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 10."""
    yield _you(room.vault, room.earned)
    for who, proxy, dials in (
        ("alice, all the way to orders", room.running_front(), room.dials),
        ("the robot, all the way to stock", room.running_side(), "localhost"),
    ):
        answer = ask(proxy, replace(proxy.scenario, server_name=dials))
        words = "" if answer.status == 200 else f"HTTP {answer.status}" if answer.status else "no answer"
        hint = "The way out leads through the whole house: every door before this one must be open."
        yield Knock(who=who, wanted=True, came_in=answer.status == 200, client_reads=words, hint=hint)
    scenario = Scenario(client=room.cast.client("alice"), server=vault_end(room))
    known = replace(scenario, client=replace(scenario.client, verifies="none"))
    yield rehearsed("alice, with the lab's certificate", known, wanted=False)
    yield from strangers_at(scenario, room.cast, name="you")


def _you(vault: Proxy, earned: Certificate | None) -> Knock:
    """Whether the vault has seen the earned certificate, proven by its key: nobody but its owner can do that."""
    seen = [one for one in vault.requests if one.decision.allowed and one.decision.identity is not None]
    came = earned is not None and any(
        one.decision.identity is not None and one.decision.identity.fingerprint == earned.fingerprint for one in seen
    )
    tried = vault.handshakes
    words = "" if came else "nobody has called the vault with that certificate"
    hint = (
        "You have a certificate now. Call room.vault with it, as any client does: get(room.vault, client=...)."
        if earned is not None
        else "The vault trusts one authority only, and that one signs your request when the nine doors are open."
    )
    return Knock(
        who="you, with the certificate that you earned",
        wanted=True,
        came_in=came,
        server_reads=words,
        hint=hint,
        handshake=tried[-1] if tried else None,
    )
