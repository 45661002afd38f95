"""Exercises of notebook 10, judged by calling: psql against real servers, or the recording where there are none."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from mtls_lab.clients.postgres import MODES, DatabaseCall, NotRecorded, Server, psql
from mtls_lab.clients.postgres.connecting import Settings
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong

ROOT = "root.pem"
CERT = ("hostssl all all 127.0.0.1/32 cert",)
_FULL: Settings = {"sslmode": "verify-full", "sslrootcert": ROOT}
_ALICE: Settings = {"sslcert": "alice.pem", "sslkey": "alice-key.pem"}
_BOB: Settings = {"sslcert": "bob.pem", "sslkey": "bob-key.pem"}
_NOBODY = (
    "This machine has no PostgreSQL server, and nobody has recorded what it says to this. Install one, or try again."
)


@exercise(
    "10-impostor",
    hints=(
        "Two things can be wrong with a server: who issued its certificate, and for whom.",
        "One impostor is a stranger's, the other has a good certificate for another name. Who looks at the name?",
        "It is the last rung of the ladder, and not the one that only verifies the authority.",
    ),
)
def impostor(mode: object, servers: Mapping[str, Server], folder: str | Path) -> Outcome:
    """Name the sslmode that lets you in to the right server, and stops both impostors."""
    if mode not in MODES:
        return wrong(f"{mode!r} is no sslmode: there are {', '.join(MODES)}.")
    calls = {name: psql(server, folder=folder, sslmode=str(mode), sslrootcert=ROOT) for name, server in servers.items()}
    fooled = [name for name, call in list(calls.items())[1:] if call.accepted]
    if not fooled:
        return right(f"{mode} verifies the chain and the name: {len(calls) - 1} of {len(calls) - 1} impostors stopped.")
    if mode in ("require", "verify-ca"):
        return wrong(f"{mode} verifies who issued the certificate, and nothing else: {fooled[-1]} got through.")
    if any(not calls[name].encrypted for name in fooled):
        return wrong(
            f"With {mode} psql talked to {fooled[0]} in the clear. A mode that goes on without TLS stops nobody."
        )
    return wrong(f"With {mode} psql talked to {fooled[0]} over TLS: encrypted, and to whom?")


@exercise(
    "10-app",
    hints=(
        "One line of pg_hba.conf says how people prove who they are, and which map to look their name up in.",
        "A line of pg_ident.conf has three words: the map's name, the name in the certificate, the database user.",
        'my_hba = ("hostssl all app 127.0.0.1/32 cert map=lab",) and my_ident = ("lab alice app",)',
    ),
)
def app(hba: Iterable[str], ident: Iterable[str], server: Server, folder: str | Path) -> Outcome:
    """Write the lines that let alice's certificate in as the database user app, and let in nobody else."""
    try:
        server.reload(hba=hba, ident=ident)
        calls = _six_calls(server, folder)
    except TypeError:
        return wrong('Lines stand in a tuple, also where there is only one: ("hostssl all all 127.0.0.1/32 cert",).')
    except ValueError as error:
        return wrong(f"The server does not take these lines. {error}")
    except NotRecorded:
        return wrong(_NOBODY)
    asked = calls.pop("alice as app")
    if not asked.accepted:
        return wrong(f"alice does not get in as app: {asked.reason}. {_why_not(asked, hba)}")
    if let_in := [who for who, call in calls.items() if call.accepted]:
        return wrong(f"{let_in[0]} gets in, too. {_TOO_MANY[let_in[0]]}")
    return right("6 calls of psql: alice as app is in, the five others are not.")


def _six_calls(server: Server, folder: str | Path) -> dict[str, DatabaseCall]:
    def call(user: str, settings: Settings) -> DatabaseCall:
        return psql(server, folder=folder, user=user, **settings)

    return {
        "alice as app": call("app", {**_FULL, **_ALICE}),
        "app without a certificate": call("app", _FULL),
        "app without TLS": call("app", {"sslmode": "disable"}),
        "bob as app": call("app", {**_FULL, **_BOB}),
        "alice as the owner of the database": call("lab", {**_FULL, **_ALICE}),
        "bob as bob": call("bob", {**_FULL, **_BOB}),
    }


_TOO_MANY = {
    "bob as app": "verify-ca takes any certificate of the authority, whoever it names. cert looks at the name.",
    "app without a certificate": "trust asks nobody for anything. The method cert does.",
    "app without TLS": "A line that begins with host is for both; hostssl is for TLS only.",
    "alice as the owner of the database": "A line of pg_ident.conf opens one database user; is there one too many?",
    "bob as bob": "alice's line would be enough: for whom is your line of pg_hba.conf?",
}


def _why_not(call: DatabaseCall, hba: Iterable[str]) -> str:
    if any("no match in usermap" in words for words in call.server_said):
        return "The map is read: first its name, then the name in the certificate, last the database user."
    if not any("map=" in line for line in hba):
        return "cert compares the two names as they are, unless the line says which map: map=lab."
    return "The server's log says: " + "; ".join(call.server_said[-1:])


@exercise(
    "10-mend",
    hints=(
        "There are two faults, and you see only the second when the first is gone. Do the files have these names?",
        "libpq says nothing of a certificate that is not there. Of a key that others can read it says so.",
        'my_settings = broken | {"sslcert": "alice.pem"}, and (desk / "service-key.pem").chmod(0o600)',
    ),
)
def mend(settings: Mapping[str, str], server: Server, folder: str | Path) -> Outcome:
    """Mend the two faults, so that psql gets in as alice with her certificate, and still verifies the server."""
    named: Settings = {**settings}  # type: ignore[typeddict-item]  # what is no word of libpq's, psql() refuses
    try:
        server.reload(hba=CERT, ident=())
        call = psql(server, folder=folder, **named)
    except NotRecorded:
        return wrong(_NOBODY)
    if settings.get("sslmode") != "verify-full" or "sslrootcert" not in settings:
        return wrong(
            "It no longer verifies the server. The fault is with the client's own files: leave sslmode as it was."
        )
    if call.accepted:
        return right("The server knows alice by her certificate, and psql has verified the server.")
    named_file = settings.get("sslcert")
    if "group or world access" in call.reason:
        return wrong("One down. Now libpq finds the key, and others can read it: it wants 0600.")
    if named_file and not (Path(folder) / named_file).exists():
        return wrong(
            f"The server says that no certificate came. Look for {named_file} in the folder: libpq said nothing."
        )
    return wrong(f"psql was refused: {call.reason}.")
