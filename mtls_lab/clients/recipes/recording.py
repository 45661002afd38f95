"""What the recipes and policies came to when they were last run, for machines that lack some of the programs.

Kept as Rosetta keeps its own rows. A client's row has in `server_words` whom the server took it for. A server's rows
have for `fault` what the caller was (`accepted` alice, `absent` nobody, `untrusted-root` mallory), and in
`server_words` what became of it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from mtls_lab.clients.recipes.policy import Policy
from mtls_lab.clients.recipes.running import Run
from mtls_lab.clients.recipes.trial import CALLERS, Reception
from mtls_lab.clients.rosetta import recording
from mtls_lab.clients.rosetta.row import Row, Spoken

FILE = Path(__file__).with_name("recorded.json")
PLAIN, KNOWING = "mtls_lab", "mtls_lab, which knows the intermediate"
"""The lab's server as it is, and one that has the client's intermediate among its files."""
DATABASE = "PostgreSQL, called by its recipe"
"""Not to be taken for PostgreSQL's own rows."""
FAULTS = dict(zip(CALLERS, ("accepted", "absent", "untrusted-root"), strict=True))


def recorded(path: Path = FILE) -> tuple[Row, ...]:
    """Every recorded row."""
    return recording.recorded(path)


def write(rows: Iterable[Row], path: Path = FILE) -> None:
    """Write the recording."""
    recording.write(rows, path)


def client_row(run: Run, endpoint: str) -> Row:
    """The row of a client's run against the lab's server, or PostgreSQL."""
    name = DATABASE if run.paste.recipe.speaks == "PostgreSQL" else endpoint
    return Row(
        fault="accepted",
        side="client",
        tls="TLSv1.3",
        client=_spoken(run.paste.recipe.name, run.version),
        server=Spoken(name=name, version="", on=""),
        accepted=run.got_in,
        client_words=run.words,
        server_words=run.whom,
    )


def server_row(policy: Policy, reception: Reception) -> Row:
    """The row of one caller at a server. Where it was refused, `server_words` say when."""
    return Row(
        fault=FAULTS[reception.caller],
        side="client",
        tls="TLSv1.3",
        client=_spoken(reception.client.split()[0], reception.client),
        server=_spoken(policy.name, policy.version()),
        accepted=reception.got_in,
        client_words=reception.words,
        server_words=reception.verdict,
    )


def _spoken(name: str, version: str) -> Spoken:
    return Spoken(name=name, version=version, on=f"{datetime.now(UTC):%Y-%m-%d}")
