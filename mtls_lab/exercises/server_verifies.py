"""Exercises of notebook 04."""

from collections.abc import Collection, Mapping

from mtls_lab.certificates import Credential
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import Endpoint, Scenario, explain, rehearse


@exercise(
    "04-guest-list",
    hints=(
        "Three levels: none, optional, required. Which one turns away a client that shows nothing?",
        "The server must also say whom it trusts to vouch for clients.",
        'Endpoint(presents=shop, trusts=(root.certificate,), verifies="required")',
    ),
)
def guest_list(server: Endpoint, alice: Credential, mallory: Credential) -> Outcome:
    """Set the server up so that alice gets in, and neither mallory nor a client without a certificate does."""

    def lets_in(guest: Credential | None) -> bool:
        client = Endpoint(presents=guest, verifies="none")
        handshake = rehearse(Scenario(client=client, server=server))
        return explain(handshake).refused_by == "neither"

    if not lets_in(alice):
        return wrong("Alice is turned away. Does the server trust the root that vouches for her?")
    if lets_in(mallory):
        return wrong("Mallory gets in: this server does not ask, or trusts the stranger's authority.")
    if lets_in(None):
        return wrong("A client that shows nothing gets in. `optional` asks and does not insist.")
    return right("Alice in, mallory out, nobody out.")


@exercise(
    "04-dead-weight",
    hints=(
        "A certificate travels only after a CertificateRequest. `handshake.asked` says whether there was one.",
        "A refusal is not dead weight: there the certificate did arrive and was judged.",
        "Rehearse each one and look at handshake.client_chain: None means that it never left.",
    ),
)
def dead_weight(letters: Collection[str], calls: Mapping[str, Scenario]) -> Outcome:
    """Name the calls in which the client was given a certificate that it never sent."""
    told = set(letters)
    if told - set(calls):
        return wrong(f"There are only the calls {', '.join(sorted(calls))}.")
    true = {
        letter
        for letter, scenario in calls.items()
        if scenario.client.presents is not None and rehearse(scenario).client_chain is None
    }
    if told == true:
        return right("In these calls --cert did nothing, and nobody said so.")
    if extra := sorted(told - true):
        return wrong(f"In call {extra[0]} the server asked, and the client answered: look at its ladder.")
    return wrong("There is one more: a call that succeeds is no proof that the certificate was sent.")
