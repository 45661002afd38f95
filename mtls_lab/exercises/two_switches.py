"""Exercises of notebook 00."""

from collections.abc import Mapping

from mtls_lab.certificates import Authority
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import SERVER_LEVELS, ClientLevel, Endpoint, Scenario, explain, rehearse

Row = tuple[object, object, object]
_CLIENT_LEVELS: tuple[ClientLevel, ClientLevel] = ("none", "chain and name")
_ANSWERS = ("client", "server", "neither")


@exercise(
    "00-one-sided",
    hints=(
        "Two settings decide: scenario.client.verifies and scenario.server.verifies.",
        "A server that requires a certificate refuses a client that presents none.",
        'replace(scenario, client=replace(client, verifies="none", presents=None)), with a server that requires one.',
    ),
)
def one_sided(scenario: Scenario) -> Outcome:
    """Build a scenario in which the client verifies nothing and the server refuses it."""
    explanation = explain(rehearse(scenario))
    if scenario.client.verifies != "none":
        return wrong("Here the client still verifies the server. Switch that off: the server's check does not need it.")
    if explanation.refused_by == "neither":
        return wrong("Nobody refused. Does the server ask at all, and does the client have something good to present?")
    if explanation.refused_by == "client":
        return wrong("The client refused. It is the server that should say no.")
    return right(f"The server refused a client that would have talked to anyone: {explanation.title.lower()}.")


@exercise(
    "00-table",
    hints=(
        "Ask twice for each cell: would the client refuse this server? If not, would the server refuse this client?",
        "A client that verifies nothing takes an impostor too; `optional` takes a client that has nothing to show.",
        "The honest server: only `required` refuses. The impostor: only a client that verifies refuses.",
    ),
)
def table(honest_server: Mapping[str, Row], impostor: Mapping[str, Row]) -> Outcome:
    """Predict twelve cells: who refuses, for each client level and each server level."""
    told = {("honest", level): honest_server[level] for level in _CLIENT_LEVELS}
    told |= {("impostor", level): impostor[level] for level in _CLIENT_LEVELS}
    if any(answer is ... for row in told.values() for answer in row):
        return wrong("Some cells still hold dots: fill all twelve.")
    odd = [answer for row in told.values() for answer in row if answer not in _ANSWERS]
    if odd:
        return wrong(f'{odd[0]!r} is no answer: each cell is "client", "server" or "neither".')
    true = _measured()
    misses = [
        (who, level, server_level)
        for (who, level), row in told.items()
        for server_level, answer in zip(SERVER_LEVELS, row, strict=True)
        if answer != true[who, level, server_level]
    ]
    score = 12 - len(misses)
    if score >= 10:
        return right(
            f"{score} of 12 cells are as measured." + (f" Look again at {_cell(misses[0])}." if misses else "")
        )
    return wrong(f"{score} of 12 cells are as measured. Look again at {_cell(misses[0])}. {_why(misses[0])}")


def _measured() -> dict[tuple[str, str, str], str]:
    """The same twelve cells, from real handshakes."""
    root, stranger = Authority.create("Lab Root CA"), Authority.create("Stranger CA")
    honest = root.intermediate("Lab Issuing CA")
    alice = honest.issue("alice", purpose="clientAuth")
    cells: dict[tuple[str, str, str], str] = {}
    for who, issuer, presents in (("honest", honest, None), ("impostor", stranger, alice)):
        credential = issuer.issue("localhost", purpose="serverAuth")
        for client_level in _CLIENT_LEVELS:
            client = Endpoint(presents=presents, trusts=(root.certificate,), verifies=client_level)
            for server_level in SERVER_LEVELS:
                server = Endpoint(presents=credential, trusts=(root.certificate,), verifies=server_level)
                explanation = explain(rehearse(Scenario(client=client, server=server)))
                cells[who, client_level, server_level] = explanation.refused_by
    return cells


def _cell(place: tuple[str, str, str]) -> str:
    who, client_level, server_level = place
    server = "the impostor" if who == "impostor" else "the honest server"
    return f"{server}, client verifies {client_level}, server verifies {server_level}"


def _why(place: tuple[str, str, str]) -> str:
    who, client_level, server_level = place
    if who == "impostor":
        return (
            "A client that does not verify cannot tell an impostor."
            if client_level == "none"
            else "A client that verifies refuses the impostor before the server has judged anything."
        )
    if server_level == "optional":
        return "`optional` means that showing nothing is fine."
    return "Only a server that requires a certificate refuses a client without one, whatever the client verifies."
