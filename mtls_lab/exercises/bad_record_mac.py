"""Exercises of notebook 07."""

from dataclasses import replace

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.clients import go_build
from mtls_lab.clients.go_words import recorded_line
from mtls_lab.clients.programs import Program
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import Endpoint, Scenario, explain, rehearse
from mtls_lab.proxy import Proxy

_THE_LINE = "local error: tls: bad record MAC"
_PROGRAMS = ("curl", "openssl s_client", "requests", "go")
"""Those that are quick to start; the ones that this machine lacks are left out."""
_REFUTED = {
    "damaged data": (
        "Nothing is damaged here, and the line comes all the same, every time. A record that was damaged on its way "
        "would give it too, but loopback does not damage records."
    ),
    "wrong key": (
        "The keys of the encryption come from the key exchange, not from the certificate: both ends have the right "
        "ones here, and the line comes all the same."
    ),
}


@exercise(
    "07-suspect",
    hints=(
        "What does the same connection look like from the client?",
        "Once the client was content, the line was gone. Nobody had mended a cable.",
        '"client refused"',
    ),
)
def suspect(guess: str, refusing: Scenario) -> Outcome:
    """Put one of the three suspects in place of the dots: "damaged data", "wrong key" or "client refused"."""
    if guess not in (*_REFUTED, "client refused"):
        return wrong(f"{guess!r} is none of the three suspects.")
    handshake = rehearse(refusing)
    words = recorded_line(handshake).words
    if words != _THE_LINE or explain(handshake).refused_by != "client":
        return wrong(f"In this run a Go server logs {words or 'nothing'!r}: it is another case.")
    if guess in _REFUTED:
        return wrong(f"{_REFUTED[guess]} Look at what the client does in the cells below.")
    return right("The client refused the server's certificate. Why that makes a server speak of MACs comes next.")


@exercise(
    "07-refute",
    hints=(
        "A theory about the certificate is tested by leaving the certificate alone and changing something else.",
        "Take a certificate whose names are right, so that trust alone decides. The refused run comes first.",
        "refusing, replace(refusing, client=replace(client, trusts=(root.certificate,)))",
    ),
)
def refute(refused: Scenario, accepted: Scenario) -> Outcome:
    """Give two runs with one and the same certificate: in the first a Go server logs the line, in the second not."""
    leaves = {_leaf(refused), _leaf(accepted)}
    if len(leaves) > 1:
        return wrong("The two runs show different certificates, so the certificate could still be the reason.")
    first, second = rehearse(refused), rehearse(accepted)
    if recorded_line(first).words != _THE_LINE:
        return wrong(f"In the first run a Go server logs {recorded_line(first)!r}: there the client must refuse.")
    if accepted.client.verifies != "chain and name":
        return wrong("The second client does not verify all: it would take any certificate, so the run proves nothing.")
    if explain(second).refused_by != "neither":
        why = explain(second).title.lower()
        return wrong(f"In the second run the {explain(second).refused_by} still refuses: {why}.")
    return right("The same certificate, the same subjectAltName, and the line came and went. So it is not the reason.")


@exercise(
    "07-honest",
    hints=(
        "In which version of TLS does the client's alert go out before anybody encrypts?",
        "`versions=` of a scenario says what both ends allow; curl calls it --tls-max.",
        'replace(refusing, versions=("TLSv1.2",))',
    ),
)
def honest(scenario: Scenario, refusing: Scenario) -> Outcome:
    """Change one setting so that the client still refuses this server, and a Go server's log says why."""
    explanation = explain(rehearse(scenario))
    if explanation.refused_by != "client" or _leaf(scenario) != _leaf(refusing):
        return wrong("Now that client does not refuse that server any more. Here only the log is to be mended.")
    words = recorded_line(rehearse(scenario)).words
    if words == _THE_LINE:
        return wrong("A Go server still logs bad record MAC: this client still sends its alert where Go decrypts.")
    return right(f"A Go server logs {words!r}: what the client said, in Go's words.")


@exercise(
    "07-everyone",
    hints=(
        "Who insists on subjectAltName insists on a DNS name there, or an IP address when one is dialled.",
        "`names=` takes both, and the authority must be one that the clients trust.",
        'issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")',
    ),
)
def everyone(credential: Credential, root: Certificate) -> Outcome:
    """Issue a server credential that every client accepts, dialled as localhost and as 127.0.0.1."""
    client = Endpoint(trusts=(root,), verifies="chain and name")
    scenario = Scenario(client=client, server=Endpoint(presents=credential, verifies="none"))
    programs = _quick_programs()
    for name in ("localhost", "127.0.0.1"):
        dialled = replace(scenario, server_name=name)
        program = _refuser(dialled, programs)
        if program is not None:
            return wrong(f"Dialled as {name}, {program} refuses. {_why(dialled)}")
    return right("Every client program on this machine accepts it, by name and by address.")


def _quick_programs() -> tuple[Program, ...]:
    """The client programs to ask: Go's where it is compiled already, for that can take a minute."""
    from mtls_lab.clients.rosetta import CLIENTS

    return tuple(CLIENTS[name] for name in _PROGRAMS if name != "go" or go_build.is_built("get"))


def _refuser(scenario: Scenario, programs: tuple[Program, ...]) -> str | None:
    """The first of the programs that refuses; None when all do accept, or are not on this machine."""
    with Proxy(scenario) as proxy:
        for program in programs:
            call = program.call(proxy)
            if not call.accepted and call.missing is None:
                return program.name
    return None


def _why(scenario: Scenario) -> str:
    names = scenario.server.presents.leaf.names if scenario.server.presents else ()
    if names and all(name.startswith("email:") for name in names):
        return "An e-mail address in subjectAltName is no name of a host: this is the note's cure."
    explanation = explain(rehearse(scenario))
    return f"It expected {explanation.expected}." if explanation.expected else f"{explanation.title}."


def _leaf(scenario: Scenario) -> Certificate | None:
    return scenario.server.presents.leaf if scenario.server.presents else None
