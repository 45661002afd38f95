"""Door 7: the wages desk, an old proxy before an application that believes a header field."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtls_lab.exercises.escape_room.calls import ask
from mtls_lab.exercises.escape_room.tries import strangers_at
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import Scenario

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

FIELD = "X-Client-DN"
LIE = "CN=boss"
SPELLINGS = ("X-Client-DN", "x-client-dn", "X_Client_DN", "x_client-Dn", "X-CLIENT_DN")
_HARMLESS = (("Accept-Language", "en"), ("X-Request-Id", "42"), ("Cookie", "basket=7"))


def wages(room: "EscapeRoom") -> Iterator[Knock]:
    """Door 7."""
    scenario = Scenario(client=room.cast.client("bob"), server=room.cast.server("desk"))
    desk = room.running_desk()
    answer = ask(desk, scenario, fields=_HARMLESS).body
    lost = [name for name, _ in _HARMLESS if f"HTTP_{name.upper().replace('-', '_')}=" not in answer]
    honest = answer.partition("\n")[0] == "CN=bob"
    yield Knock(
        who="bob, as himself, with fields that claim nothing",
        wanted=True,
        came_in=honest and not lost,
        client_reads=f"the desk lost {lost[0]}" if lost else "" if honest else f"I am {answer.partition(chr(10))[0]!r}",
        hint="The desk must drop what somebody could take for its own word, and nothing else.",
    )
    for spelling in SPELLINGS:
        heard = LIE in ask(desk, scenario, fields=((spelling, LIE),)).body.partition("\n")[0]
        yield Knock(
            who=f"bob as {LIE}, by {spelling}",
            wanted=False,
            came_in=heard,
            server_reads=f"the application takes him for {LIE}" if heard else "",
            hint=(
                f"{spelling} and {FIELD} are one name to the application: HTTP_X_CLIENT_DN. Compare names as it does."
            ),
        )
    yield from strangers_at(scenario, room.cast, name="bob")
