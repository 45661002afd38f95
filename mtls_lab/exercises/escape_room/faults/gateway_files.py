"""Door 4: the gateway's files for its calls to the service stock."""

from random import Random

from mtls_lab.certificates.faults import present
from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.furniture import lay_trusts
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 4
_ISSUE = (
    "room.issuing.issue('gateway', purpose='clientAuth')"
    ".write(room.folder / 'gateway', name='to-stock', overwrite=True)"
)


def _issue_anew(room: EscapeRoom) -> None:
    fresh = room.issuing.issue("gateway", purpose="clientAuth")
    fresh.write(room.folder / "gateway", name="to-stock", overwrite=True)


def _trust_the_root(room: EscapeRoom) -> None:
    (room.folder / "gateway" / "stock-root.pem").write_bytes(room.root.certificate.pem)


def _lay(room: EscapeRoom, slug: str) -> None:
    faulty = present(slug, authority=room.issuing, name="gateway", purpose="clientAuth")
    if faulty is not None:
        faulty.write(room.folder / "gateway", name="to-stock", overwrite=True)


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "Stock refuses a certificate in its time, from the right authority. What may it be used for?",
        "show(Credential.read(to-stock.pem, to-stock-key.pem)): which purpose? The gateway is a client here.",
        _ISSUE,
    ),
)
def wrong_purpose(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "wrong-purpose")


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "Stock refuses, so it is about what the gateway shows. Read the alert.",
        "The gateway is a client here, and its certificate has its time, too: to-stock.pem.",
        _ISSUE,
    ),
)
def out_of_time(room: EscapeRoom, chance: Random) -> None:
    _lay(room, chance.choice(("expired", "not-yet-valid")))


@fault(
    _DOOR,
    level=2,
    mends=_issue_anew,
    hints=(
        "Stock knows the name of the issuer, and does not know the issuer.",
        "Which key signed the first certificate in to-stock.pem? Compare its issuer with room.issuing and room.root.",
        "A twin of the root issued it. From the right authority: " + _ISSUE,
    ),
)
def issued_by_a_twin(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "same-name-other-key")


@fault(
    _DOOR,
    level=2,
    mends=_issue_anew,
    hints=(
        "Stock trusts the root and gets a leaf. What is missing between the two?",
        "Count the certificates in to-stock.pem: a client sends its intermediates as a server does.",
        "With leaf and intermediate in the file: " + _ISSUE,
    ),
)
def incomplete_chain(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "incomplete-chain")


@fault(
    _DOOR,
    level=1,
    mends=_issue_anew,
    hints=(
        "Nothing was sent: the gateway could not even load what it has.",
        "Credential.read(to-stock.pem, to-stock-key.pem).key_matches",
        "Two issues got mixed up. A new pair: " + _ISSUE,
    ),
)
def key_mismatch(room: EscapeRoom, _chance: Random) -> None:
    _lay(room, "key-mismatch")


@fault(
    _DOOR,
    level=3,
    mends=_trust_the_root,
    hints=(
        "Here the gateway refuses, and not stock. What does it compare the certificate of stock with?",
        "stock-root.pem has the right name in it. Has it the right key? Compare with room.root.certificate.",
        "(room.folder / 'gateway' / 'stock-root.pem').write_bytes(room.root.certificate.pem)",
    ),
)
def trusts_a_twin(room: EscapeRoom, _chance: Random) -> None:
    lay_trusts(room.folder / "gateway" / "stock-root.pem", (room.cast.twin.certificate,))
