"""Exercises of notebook 05. What an eavesdropper reads is measured: the bytes, decoded without the secrets."""

from collections.abc import Mapping
from dataclasses import replace

from mtls_lab.certificates import Certificate
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import VERSIONS, Handshake, Message, Role, Scenario, rehearse

_WORDS = ("both", "TLS 1.2", "TLS 1.3", "neither")
_FACTS = {
    "server name": "The ClientHello comes before there are any keys.",
    "server certificate": "It comes after the ServerHello: in TLS 1.3 everything after that is encrypted.",
    "client certificate": "In TLS 1.2 nothing is encrypted before ChangeCipherSpec, and it is sent before that.",
    "alert": "In TLS 1.2 the server refuses before it has sent its ChangeCipherSpec; in TLS 1.3 it has keys by then.",
    "request": "It is sent when the handshake is complete, encrypted in every version: that is what TLS is for.",
}
"""What there is to read, and why it is as it is."""


@exercise(
    "05-readable",
    hints=(
        "Ask of each: had the two ends agreed on keys when it was sent?",
        "TLS 1.3 has keys after the ServerHello. TLS 1.2 encrypts after ChangeCipherSpec, which is nearly last.",
        'The ClientHello is readable in "both", the request in "neither"; the other three in one version.',
    ),
)
def readable(guess: Mapping[str, object], scenario: Scenario) -> Outcome:
    """Say of each thing in which version an eavesdropper reads it: "both", "TLS 1.2", "TLS 1.3" or "neither"."""
    if any(word is ... for word in guess.values()):
        return untouched('Put "both", "TLS 1.2", "TLS 1.3" or "neither" in place of each of the dots.')
    if set(guess) != set(_FACTS):
        return wrong(f"Say it of each of these: {', '.join(_FACTS)}.")
    for word in guess.values():
        if word not in _WORDS:
            return wrong(f"{word!r} is no answer: say one of {', '.join(map(repr, _WORDS))}.")
    measured = _measured(scenario)
    missed = [fact for fact in _FACTS if guess[fact] != measured[fact]]
    if not missed:
        return right("All five are as you said, on real bytes.")
    fact, agreed = missed[0], len(_FACTS) - len(missed)
    return wrong(f"{agreed} of 5 are as you said. The {fact} is readable in {measured[fact]}. {_FACTS[fact]}")


def _measured(scenario: Scenario) -> dict[str, str]:
    """For each fact one of the four words."""
    seen = {version: _facts_read(replace(scenario, versions=(version,))) for version in VERSIONS}
    words = {(True, True): "both", (True, False): "TLS 1.2", (False, True): "TLS 1.3", (False, False): "neither"}
    return {fact: words[fact in seen["TLSv1.2"], fact in seen["TLSv1.3"]] for fact in _FACTS}


def _facts_read(scenario: Scenario) -> set[str]:
    handshake = overheard(scenario)
    nobody = replace(scenario, client=replace(scenario.client, presents=None))
    read = {"server name"} if _asked_name(handshake) else set()
    read |= {f"{role} certificate" for role in _ROLES if _certificate(handshake, role) is not None}
    read |= {"alert"} if any(one.fatal for one in overheard(nobody).messages) else set()
    return read | ({"request"} if any(_is_open_data(one) for one in handshake.messages) else set())


@exercise(
    "05-question",
    hints=(
        "It comes from the server, after the ServerHello.",
        "handshake.messages is a tuple: [one.name for one in tls13.messages] shows the names in order.",
        'next(one for one in tls13.messages if one.name == "CertificateRequest")',
    ),
)
def question(message: object, handshake: Handshake) -> Outcome:
    """Hand in the message in which the server asks for the client's certificate."""
    if not isinstance(message, Message):
        return wrong(f"{message!r} is no message: handshake.messages[0] is the first one.")
    asking = _names(replace(handshake.scenario, server=replace(handshake.scenario.server, verifies="required")))
    silent = _names(replace(handshake.scenario, server=replace(handshake.scenario.server, verifies="none")))
    name = (message.sender, message.name)
    if name not in asking:
        return wrong(f"A server that asks sends no {message.name}.")
    if name in silent:
        return wrong(f"A server that asks for nothing gets or sends a {message.name}, too: that is not the question.")
    if message.sender == "client":
        return wrong("That one comes from the client: it is the answer. What did the server say before?")
    return right("With verifies='none' this message is gone, and with it the client's Certificate.")


def _names(scenario: Scenario) -> set[tuple[Role, str]]:
    return {(message.sender, message.name) for message in rehearse(scenario).messages}


@exercise(
    "05-leak",
    hints=(
        "In which version does the client's Certificate cross in the clear?",
        'The field is called versions, and it is a tuple: versions=("TLSv1.2",)',
        'replace(private, versions=("TLSv1.2",))',
    ),
)
def leak(scenario: Scenario) -> Outcome:
    """Change the scenario so that alice still gets in, and an eavesdropper learns her name."""
    handshake = rehearse(scenario)
    if not handshake.accepted:
        return wrong("She does not get in any more: this handshake is refused.")
    if not handshake.client_chain:
        return wrong("The server does not ask any more, so her certificate never leaves: nobody learns her name.")
    heard = _certificate(replace(handshake, secrets=""), "client")
    if heard is None:
        return wrong("Her certificate crosses encrypted. In which version does it not?")
    return right(f"An eavesdropper reads {heard.common_name} in the client's Certificate.")


@exercise(
    "05-quiet",
    hints=(
        "Two settings give something away: the version, and the name that the client dials.",
        "A client that dials an address sends no server_name (RFC 6066 section 3).",
        'replace(talkative, versions=("TLSv1.3",), server_name="127.0.0.1")',
    ),
)
def quiet(scenario: Scenario) -> Outcome:
    """Change the scenario so that both ends verify each other as before, and an eavesdropper learns no name at all."""
    handshake = rehearse(scenario)
    if not handshake.accepted:
        return wrong("This handshake is refused.")
    if scenario.client.verifies != "chain and name" or not handshake.client_chain:
        return wrong("Somebody is not verified any more. Leave both switches where they were.")
    heard = replace(handshake, secrets="")
    shown = [role for role in _ROLES if _certificate(heard, role) is not None]
    if shown:
        return wrong(f"An eavesdropper still reads the {shown[0]}'s certificate.")
    if name := _asked_name(heard):
        return wrong(f"No certificate any more, but the ClientHello still says {name}. Who puts that there?")
    return right("Mutual TLS, and on the wire no name of anybody.")


_ROLES: tuple[Role, ...] = ("server", "client")


def overheard(scenario: Scenario) -> Handshake:
    """A rehearsal as an eavesdropper has it: all bytes, no secrets."""
    return replace(rehearse(scenario), secrets="")


def _asked_name(handshake: Handshake) -> str | None:
    hellos = (dict(one.details) for one in handshake.messages if one.name == "ClientHello")
    return next((details["server_name"] for details in hellos if "server_name" in details), None)


def _certificate(handshake: Handshake, role: Role) -> Certificate | None:
    """That end's leaf, where it can be read."""
    chain = handshake.client_chain if role == "client" else handshake.server_chain
    return chain[0] if chain else None


def _is_open_data(message: Message) -> bool:
    return message.name == "ApplicationData" and not message.encrypted
