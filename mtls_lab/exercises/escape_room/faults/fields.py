"""Door 7: which of a client's fields the wages desk leaves out."""

from random import Random

from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.furniture import drops_all_spellings
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 7
_MEND = "room.drops = lambda name: name.lower().replace('_', '-') == 'x-client-dn'"


def _drop_all_spellings(room: EscapeRoom) -> None:
    room.drops = drops_all_spellings


@fault(
    _DOOR,
    level=1,
    mends=_drop_all_spellings,
    hints=(
        "The application believes X-Client-DN. Who can write it?",
        "The desk must take off what the client sent under that name before it adds its own: room.drops.",
        _MEND,
    ),
)
def drops_nothing(room: EscapeRoom, _chance: Random) -> None:
    room.drops = lambda name: False  # noqa: ARG005 - it is asked by name and never looks


@fault(
    _DOOR,
    level=2,
    mends=_drop_all_spellings,
    hints=(
        "One spelling is dropped. Which one gets through?",
        "Field names are the same in capitals and small letters (RFC 9110 section 5.1). And what becomes of _ and -?",
        _MEND,
    ),
)
def drops_one_spelling(room: EscapeRoom, chance: Random) -> None:
    spelling = chance.choice(("X-Client-DN", "x-client-dn"))
    room.drops = lambda name: name == spelling


@fault(
    _DOOR,
    level=2,
    mends=_drop_all_spellings,
    hints=(
        "Capitals make no difference any more. Something else still does.",
        "On its way to the application a name becomes HTTP_X_CLIENT_DN: two characters become one.",
        _MEND,
    ),
)
def forgets_the_underscore(room: EscapeRoom, _chance: Random) -> None:
    room.drops = lambda name: name.lower() == "x-client-dn"


@fault(
    _DOOR,
    level=3,
    mends=_drop_all_spellings,
    hints=(
        "Underscores are known here. Try each spelling in capitals and small letters.",
        "Compare in one form: first make it small, then make - of _.",
        _MEND,
    ),
)
def forgets_capitals(room: EscapeRoom, chance: Random) -> None:
    wanted = chance.choice(("X-Client-DN", "x-client-dn"))
    room.drops = lambda name: name.replace("_", "-") == wanted


@fault(
    _DOOR,
    level=3,
    mends=_drop_all_spellings,
    hints=(
        "Nobody gets through as the boss. What else does not get through?",
        "A field such as X-Request-Id claims nothing about who calls. What does room.drops say of it?",
        _MEND,
    ),
)
def drops_too_much(room: EscapeRoom, _chance: Random) -> None:
    room.drops = lambda name: name.lower().startswith("x")
