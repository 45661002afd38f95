"""Exercises of notebook 02."""

from dataclasses import replace

from mtls_lab.certificates import Authority, Credential
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import Endpoint, Scenario, explain, rehearse


@exercise(
    "02-mend",
    hints=(
        "What does the client say it trusts?",
        "--cacert in curl, verify= in requests and trusts= here are the same thing.",
        "replace(refused, client=replace(refused.client, trusts=(root.certificate,)))",
    ),
)
def mend(scenario: Scenario) -> Outcome:
    """Mend the refused call without switching the client's verification off."""
    if scenario.client.verifies != "chain and name":
        return wrong(
            "That silences the question in place of answering it: the client must still verify chain and name."
        )
    explanation = explain(rehearse(scenario))
    if explanation.refused_by != "neither":
        return wrong(f"Still refused by the {explanation.refused_by}: {explanation.title.lower()}.")
    stranger = Authority.create("Stranger CA").issue(scenario.server_name, purpose="serverAuth")
    impostor = replace(scenario, server=replace(scenario.server, presents=stranger))
    if explain(rehearse(impostor)).refused_by != "client":
        return wrong("The call passes, but so does an impostor.")
    return right("Accepted, and an impostor of the same name is still refused.")


@exercise(
    "02-same-authority",
    hints=(
        "`chain` asks who issued the certificate; `chain and name` asks for whom as well.",
        "The authority that the client trusts also issues certificates for other hosts.",
        'issuing.issue("other.example", purpose="serverAuth")',
    ),
)
def same_authority(credential: Credential, scenario: Scenario) -> Outcome:
    """Find a server credential that a client at level `chain` accepts and one at `chain and name` refuses."""

    def refused_at(level: str) -> str:
        client = Endpoint(trusts=scenario.client.trusts, verifies=level)  # type: ignore[arg-type]
        server = Endpoint(presents=credential, verifies="none")
        return explain(rehearse(Scenario(client=client, server=server))).refused_by

    if refused_at("chain") == "client":
        return wrong(
            "Already the level `chain` refuses this one: it must come from an authority that the client trusts."
        )
    if refused_at("chain and name") == "neither":
        return wrong("Both levels accept this one: its names fit localhost.")
    return right("Same authority, another host: only the check of the name tells them apart.")
