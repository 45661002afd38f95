"""Door 8: libpq's settings of the service orders."""

from random import Random

from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.furniture import lay_trusts
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 8
_FULL = "room.libpq['sslmode'] = 'verify-full'"


def _mend_mode(room: EscapeRoom) -> None:
    room.libpq["sslmode"] = "verify-full"
    room.libpq["sslrootcert"] = str(room.folder / "database" / "root.pem")


def _mend_certificate(room: EscapeRoom) -> None:
    room.libpq["sslcert"] = str(room.folder / "database" / "orders.pem")


def _close_the_key(room: EscapeRoom) -> None:
    (room.folder / "database" / "orders-key.pem").chmod(0o600)


@fault(
    _DOOR,
    level=1,
    mends=_mend_mode,
    hints=(
        "Orders is in. Would it have noticed somebody else in the database's place?",
        "require asks for TLS and looks at nobody's certificate as long as no root file is named.",
        f"{_FULL}, and name the root: room.libpq['sslrootcert'] = str(room.folder / 'database' / 'root.pem')",
    ),
)
def require_and_no_root(room: EscapeRoom, _chance: Random) -> None:
    room.libpq["sslmode"] = "require"
    del room.libpq["sslrootcert"]


@fault(
    _DOOR,
    level=2,
    mends=_mend_mode,
    hints=(
        "Mallory's server is refused, and another machine of the lab is not.",
        "verify-ca looks at who issued. Which mode looks at the name as well?",
        _FULL,
    ),
)
def name_not_checked(room: EscapeRoom, chance: Random) -> None:
    # require becomes verify-ca where there is a root file.
    room.libpq["sslmode"] = chance.choice(("verify-ca", "require"))


@fault(
    _DOOR,
    level=2,
    mends=_mend_mode,
    hints=(
        "Orders is in, over TLS. What would it do if TLS were refused?",
        "prefer and allow go on in plaintext, and say nothing about it. So does whoever leaves sslmode out.",
        f"{_FULL}, and name the root: room.libpq['sslrootcert'] = str(room.folder / 'database' / 'root.pem')",
    ),
)
def prefers_tls(room: EscapeRoom, chance: Random) -> None:
    if chance.random() < 0.5:
        room.libpq["sslmode"] = "prefer"
    else:
        del room.libpq["sslmode"]
    del room.libpq["sslrootcert"]


@fault(
    _DOOR,
    level=2,
    mends=_mend_mode,
    hints=(
        "libpq says little. Its own side refused: what does it compare with?",
        "Read the file that sslrootcert names. Is it room.root.certificate, by its key as well?",
        "A twin: room.libpq['sslrootcert'] = str(room.folder / 'database' / 'root.pem')",
    ),
)
def trusts_a_twin(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("lab-root.pem", "ca.pem"))
    lay_trusts(room.folder / "database" / name, (room.cast.twin.certificate,))
    room.libpq["sslrootcert"] = str(room.folder / "database" / name)


@fault(
    _DOOR,
    level=1,
    mends=_close_the_key,
    hints=(
        "libpq does not begin. It says why, at length.",
        "Who may read orders-key.pem in the database's folder?",
        "(room.folder / 'database' / 'orders-key.pem').chmod(0o600)",
    ),
)
def open_key(room: EscapeRoom, chance: Random) -> None:
    (room.folder / "database" / "orders-key.pem").chmod(chance.choice((0o644, 0o664, 0o604)))


@fault(
    _DOOR,
    level=3,
    mends=_mend_certificate,
    hints=(
        "The database misses a certificate. Orders has one, or has it?",
        "libpq passes over an sslcert file that is not there, and says nothing. Is there a file of that name?",
        "room.libpq['sslcert'] = str(room.folder / 'database' / 'orders.pem')",
    ),
)
def names_no_file(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("order.pem", "orders.crt", "client.pem"))
    room.libpq["sslcert"] = str(room.folder / "database" / name)


@fault(
    _DOOR,
    level=1,
    mends=_mend_mode,
    hints=(
        "Before anything is said, a file is looked for. Which one?",
        "verify-full needs a root file, and does not go on without one.",
        "room.libpq['sslrootcert'] = str(room.folder / 'database' / 'root.pem')",
    ),
)
def no_root_file(room: EscapeRoom, chance: Random) -> None:
    room.libpq["sslrootcert"] = str(room.folder / "database" / chance.choice(("rot.pem", "root.crt")))
