"""Door 3: the files of the service orders."""

from random import Random

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.faults import present
from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.furniture import lay_trusts
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 3
_NAMES = ("localhost", "orders.lab.example")
_ISSUE = (
    "room.issuing.issue('localhost', names=('localhost', 'orders.lab.example'), purpose='serverAuth')"
    ".write(room.folder / 'orders', name='orders', overwrite=True)"
)


def _issue_anew(room: EscapeRoom) -> None:
    fresh = room.issuing.issue("localhost", names=_NAMES, purpose="serverAuth")
    fresh.write(room.folder / "orders", name="orders", overwrite=True)


def _put_in_order(room: EscapeRoom) -> None:
    path = room.folder / "orders" / "orders.pem"
    found = Certificate.from_pem(path.read_bytes())
    path.write_bytes(b"".join(one.pem for one in reversed(found)))


def _close_the_key(room: EscapeRoom) -> None:
    (room.folder / "orders" / "orders-key.pem").chmod(0o600)


def _trust_the_root(room: EscapeRoom) -> None:
    (room.folder / "orders" / "callers.pem").write_bytes(room.root.certificate.pem)


def _lay(room: EscapeRoom, slug: str) -> None:
    faulty = present(slug, authority=room.issuing, name="localhost", purpose="serverAuth")
    if faulty is not None:
        faulty.write(room.folder / "orders", name="orders", overwrite=True)


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "The gateway refuses. Read what it says about the certificate of orders.",
        "show(Credential.read(orders.pem, orders-key.pem)): from when to when?",
        _ISSUE,
    ),
)
def expired(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "expired")


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "The path is good and the time is right. What did the gateway dial?",
        "It dials localhost. Which names are in orders.pem?",
        _ISSUE,
    ),
)
def wrong_host(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("old-orders.lab.example", "orders.example", "orders.lab.test"))
    room.issuing.issue(name, purpose="serverAuth").write(room.folder / "orders", name="orders", overwrite=True)


@fault(
    _DOOR,
    level=2,
    mends=_issue_anew,
    hints=(
        "The gateway finds nobody who vouches for orders. It trusts the root. What is between?",
        "Count the certificates in orders.pem. Who issued the first, and who sends that one's certificate?",
        "Leaf and intermediate belong into the file. With both in it: " + _ISSUE,
    ),
)
def incomplete_chain(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "incomplete-chain")


@fault(
    _DOOR,
    level=2,
    mends=_put_in_order,
    hints=(
        "Orders does not start: its key belongs to another certificate. Or is the certificate another one?",
        "The first certificate in the file is taken for the leaf. Which one stands first in orders.pem?",
        "Turn the order round: leaf first. Certificate.from_pem reads the file, .pem writes each.",
    ),
)
def wrong_order(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "wrong-order")


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "Orders does not start. It says which two things do not fit.",
        "Credential.read(...).key_matches compares the key with the first certificate.",
        "The old key is lost, so take a new one with a new certificate: " + _ISSUE,
    ),
)
def key_mismatch(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "key-mismatch")


@fault(
    _DOOR,
    level=2,
    mends=_issue_anew,
    hints=(
        "Orders does not start, and has a good certificate. What stands in the other file?",
        "A key file in PEM begins with -----BEGIN PRIVATE KEY-----. Look at the first bytes of orders-key.pem.",
        "What is there is of no use. A new key and certificate: " + _ISSUE,
    ),
)
def no_key_in_the_file(room: EscapeRoom, chance: Random) -> None:
    _lay(room, chance.choice(("files-swapped", "empty-file", "key-is-der")))


@fault(
    _DOOR,
    level=1,
    mends=_close_the_key,
    hints=(
        "Orders does not start, and it is not about a certificate. Read its words to the end.",
        "A key that others can read is no secret. Who may read orders-key.pem?",
        "(room.folder / 'orders' / 'orders-key.pem').chmod(0o600)",
    ),
)
def open_key(room: EscapeRoom, chance: Random) -> None:
    (room.folder / "orders" / "orders-key.pem").chmod(chance.choice((0o644, 0o640, 0o604)))


@fault(
    _DOOR,
    level=3,
    mends=_trust_the_root,
    hints=(
        "This time orders refuses, and not the gateway. Whose certificate is judged, by what?",
        "callers.pem holds what orders trusts. Its name is right: compare its key with room.root.certificate.",
        "(room.folder / 'orders' / 'callers.pem').write_bytes(room.root.certificate.pem)",
    ),
)
def callers_are_a_twins(room: EscapeRoom, _chance: Random) -> None:
    lay_trusts(room.folder / "orders" / "callers.pem", (room.cast.twin.certificate,))
