"""Door 6: the gateway's access rules."""

from random import Random

from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 6
_MEND = "room.rules = ('uri:spiffe://lab.example/sales/*',)"


def _name_sales(room: EscapeRoom) -> None:
    room.rules = ("uri:spiffe://lab.example/sales/*",)


@fault(
    _DOOR,
    level=1,
    mends=_name_sales,
    hints=(
        "All four have a good certificate of the lab. Who decides that a guest may not order?",
        "Without any rule everybody may whom TLS let in. With the first rule, only whom a rule names.",
        _MEND,
    ),
)
def no_rules(room: EscapeRoom, _chance: Random) -> None:
    room.rules = ()


@fault(
    _DOOR,
    level=1,
    mends=_name_sales,
    hints=(
        "403 means: I know you, and you may not. Whom do the rules name?",
        "Alice and carol share a part of their names: show(room.people['carol'].leaf).",
        _MEND,
    ),
)
def one_is_missing(room: EscapeRoom, chance: Random) -> None:
    room.rules = (f"uri:spiffe://lab.example/sales/{chance.choice(('alice', 'carol'))}",)


@fault(
    _DOOR,
    level=2,
    mends=_name_sales,
    hints=(
        "There is a rule, and it names guests as well.",
        "** stands for all that follows, * for one segment. What comes before it in the names of guests?",
        _MEND,
    ),
)
def too_wide(room: EscapeRoom, chance: Random) -> None:
    room.rules = (chance.choice(("uri:spiffe://lab.example/**", "uri:spiffe://lab.example/*/*")),)


@fault(
    _DOOR,
    level=2,
    mends=_name_sales,
    hints=(
        "A guest with the common name alice is in. Which name did the rule look at?",
        "The authority promised nobody that there is one alice only. Which kind of name is given to one client?",
        _MEND,
    ),
)
def by_common_name(room: EscapeRoom, _chance: Random) -> None:
    room.rules = ("subject:CN=alice", "subject:CN=carol")


@fault(
    _DOOR,
    level=3,
    mends=_name_sales,
    hints=(
        "The rule looks right. Hold it against alice's names, letter by letter.",
        "Names of different kinds never meet, and in the path of a URI capitals count.",
        _MEND,
    ),
)
def nearly_right(room: EscapeRoom, chance: Random) -> None:
    room.rules = (
        chance.choice(
            (
                "uri:spiffe://lab.example/Sales/*",
                "uri:spiffe://lab.example/sales",
                "uri:https://lab.example/sales/*",
                "dns:*.sales.lab.example",
            )
        ),
    )
