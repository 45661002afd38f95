"""Door 5: the variables of the nightly report, which calls with requests and says no `verify=`."""

from dataclasses import replace
from random import Random

from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.furniture import lay_trusts
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 5
_MEND = "room.environment = {'REQUESTS_CA_BUNDLE': str(room.folder / 'report' / 'root.pem')}"


def _name_the_root(room: EscapeRoom) -> None:
    room.environment = {"REQUESTS_CA_BUNDLE": str(room.folder / "report" / "root.pem")}


def _root(room: EscapeRoom) -> str:
    return str(room.folder / "report" / "root.pem")


@fault(
    _DOOR,
    level=2,
    mends=_name_the_root,
    hints=(
        "The report trusts nobody by itself. Who tells it whom to trust?",
        "Read the file that REQUESTS_CA_BUNDLE names: Certificate.from_pem. Is it room.root.certificate?",
        f"A twin. {_MEND}",
    ),
)
def names_a_twin(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("lab-root.pem", "root-2024.pem", "ca.pem"))
    lay_trusts(room.folder / "report" / name, (room.cast.twin.certificate,))
    room.environment = {"REQUESTS_CA_BUNDLE": str(room.folder / "report" / name)}


@fault(
    _DOOR,
    level=3,
    mends=_name_the_root,
    hints=(
        "One of the variables names the right file. Is it the one that counts?",
        "REQUESTS_CA_BUNDLE comes before CURL_CA_BUNDLE. What stands in the file that the first names?",
        f"Somebody mended the wrong one of the two. {_MEND}",
    ),
)
def beaten_by_another_variable(room: EscapeRoom, _chance: Random) -> None:
    lay_trusts(room.folder / "report" / "old-root.pem", (room.cast.public.certificate,))
    room.environment = {
        "CURL_CA_BUNDLE": _root(room),
        "REQUESTS_CA_BUNDLE": str(room.folder / "report" / "old-root.pem"),
    }


@fault(
    _DOOR,
    level=2,
    mends=_name_the_root,
    hints=(
        "The file is right. Does this program look at that variable?",
        "SSL_CERT_FILE is read by OpenSSL's defaults and by curl. requests brings a file of its own.",
        _MEND,
    ),
)
def a_variable_that_nobody_reads(room: EscapeRoom, chance: Random) -> None:
    room.environment = {chance.choice(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")): _root(room)}


@fault(
    _DOOR,
    level=1,
    mends=_name_the_root,
    hints=(
        "Nothing reached the gateway: it ended before the first byte.",
        "Is there a file of the name that the variable gives?",
        _MEND,
    ),
)
def names_no_file(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("rooot.pem", "root.crt", "roots.pem"))
    room.environment = {"REQUESTS_CA_BUNDLE": str(room.folder / "report" / name)}


@fault(
    _DOOR,
    level=2,
    mends=_name_the_root,
    hints=(
        "Nothing reached the gateway, and the trust file is right. Where did the call go?",
        "A variable may send every call to another machine first. Read all names in room.environment.",
        f"HTTPS_PROXY is left from an earlier job. {_MEND}",
    ),
)
def sent_elsewhere(room: EscapeRoom, chance: Random) -> None:
    name = chance.choice(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"))
    # Port 9 of this machine, "discard": nobody listens there.
    room.environment = {"REQUESTS_CA_BUNDLE": _root(room), name: "http://127.0.0.1:9"}


@fault(
    _DOOR,
    level=1,
    mends=lambda room: setattr(room, "report", replace(room.report, verifies="chain and name")),
    hints=(
        "The report gets its answer. Would it get one from anybody?",
        "A report that verifies nothing does not look at any variable either: room.report.verifies.",
        'room.report = replace(room.report, verifies="chain and name")',
    ),
)
def verification_off(room: EscapeRoom, _chance: Random) -> None:
    room.report = replace(room.report, verifies="none")
