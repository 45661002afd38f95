"""Door 9: the database's rules for the user stock."""

from random import Random

from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 9
_MEND = "room.hba = ('hostssl all stock 127.0.0.1/32 cert',)"


def _ask_for_its_certificate(room: EscapeRoom) -> None:
    room.hba = ("hostssl all stock 127.0.0.1/32 cert",)


def _mend_map(room: EscapeRoom) -> None:
    room.ident = ("lab stock stock",)


@fault(
    _DOOR,
    level=1,
    mends=_ask_for_its_certificate,
    hints=(
        "Stock is in. So is who shows no certificate at all.",
        "trust means: whoever says that he is stock is stock. Which method asks for a certificate of that name?",
        _MEND,
    ),
)
def trust(room: EscapeRoom, _chance: Random) -> None:
    room.hba = ("hostssl all stock 127.0.0.1/32 trust",)


@fault(
    _DOOR,
    level=2,
    mends=_ask_for_its_certificate,
    hints=(
        "A certificate is needed now. Whose?",
        "clientcert=verify-ca takes any certificate of the lab, for any user.",
        f"cert compares the common name with the user: {_MEND}",
    ),
)
def any_certificate(room: EscapeRoom, _chance: Random) -> None:
    room.hba = ("hostssl all stock 127.0.0.1/32 trust clientcert=verify-ca",)


@fault(
    _DOOR,
    level=1,
    mends=_ask_for_its_certificate,
    hints=(
        "TLS is in order: the database speaks of pg_hba.conf.",
        "No line fits. Read the user in room.hba, letter by letter.",
        _MEND,
    ),
)
def no_line_fits(room: EscapeRoom, chance: Random) -> None:
    user = chance.choice(("stocks", "store", "stok"))
    room.hba = (f"hostssl all {user} 127.0.0.1/32 cert",)


@fault(
    _DOOR,
    level=2,
    mends=_ask_for_its_certificate,
    hints=(
        "Stock comes over TLS, and no line is for that. For what is the line?",
        "hostnossl fits connections without TLS, hostssl those with it.",
        _MEND,
    ),
)
def without_tls_only(room: EscapeRoom, _chance: Random) -> None:
    room.hba = ("hostnossl all stock 127.0.0.1/32 trust",)


@fault(
    _DOOR,
    level=3,
    mends=_ask_for_its_certificate,
    hints=(
        "There is a good line. Is it the one that decides?",
        "The first line that fits decides, whatever stands below it.",
        f"The first is left from the day of the installation: {_MEND}",
    ),
)
def an_older_line_above(room: EscapeRoom, chance: Random) -> None:
    user = chance.choice(("all", "stock"))
    room.hba = (f"host all {user} 127.0.0.1/32 trust", "hostssl all stock 127.0.0.1/32 cert")


@fault(
    _DOOR,
    level=3,
    mends=_mend_map,
    hints=(
        "The certificate is good, and authentication fails. Which user does its name become?",
        "The line uses a map: room.ident says which common name is which user. What is stock's common name?",
        "room.ident = ('lab stock stock',)",
    ),
)
def map_for_somebody_else(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("stockroom", "stock.lab.example"))
    room.hba = ("hostssl all stock 127.0.0.1/32 cert map=lab",)
    room.ident = (f"lab {name} stock",)
