"""Exercises of notebook 05: untouched, solved, and the two likeliest wrong answers, each with a hint of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cast import Lab, make_lab, only
from mtls_lab.exercises import check
from mtls_lab.handshake import Scenario, Version, rehearse

Answers = Callable[[Lab], tuple[object, ...]]
TRUE = {
    "server name": "both",
    "server certificate": "TLS 1.2",
    "client certificate": "TLS 1.2",
    "alert": "TLS 1.2",
    "request": "neither",
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def guess(**changed: str) -> Answers:
    words = {word.replace("_", " "): value for word, value in changed.items()}
    return lambda lab: ({**TRUE, **words}, lab.scenario())


def message(name: str, sender: str, version: Version = "TLSv1.3") -> Answers:
    def answers(lab: Lab) -> tuple[object, ...]:
        handshake = rehearse(only(lab.scenario(), version))
        found = next(one for one in handshake.messages if (one.name, one.sender) == (name, sender))
        return found, handshake

    return answers


def private(lab: Lab) -> Scenario:
    return only(lab.scenario(), "TLSv1.3")


def talkative(lab: Lab) -> Scenario:
    return only(lab.scenario(), "TLSv1.2")


def unasked(scenario: Scenario) -> Scenario:
    return replace(scenario, server=replace(scenario.server, verifies="none"))


SOLVED: dict[str, Answers] = {
    "05-readable": guess(),
    "05-question": message("CertificateRequest", "server"),
    "05-leak": lambda lab: (talkative(lab),),
    "05-quiet": lambda lab: (replace(private(lab), server_name="127.0.0.1"),),
}
WRONG: dict[str, tuple[Answers, Answers]] = {
    "05-readable": (guess(server_name="TLS 1.2"), guess(alert="neither")),
    "05-question": (message("Certificate", "client"), message("Certificate", "server")),
    "05-leak": (lambda lab: (private(lab),), lambda lab: (unasked(talkative(lab)),)),
    "05-quiet": (lambda lab: (private(lab),), lambda lab: (replace(talkative(lab), server_name="127.0.0.1"),)),
}


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(lab: Lab, slug: str) -> None:
    assert check(slug, *SOLVED[slug](lab)).state == "right"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_two_likeliest_wrong_answers_get_hints_of_their_own(lab: Lab, slug: str) -> None:
    outcomes = [check(slug, *answers(lab)) for answers in WRONG[slug]]

    assert [outcome.state for outcome in outcomes] == ["wrong", "wrong"]
    assert outcomes[0].message != outcomes[1].message


def test_a_guess_with_dots_left_in_it_is_untouched(lab: Lab) -> None:
    assert check("05-readable", {**TRUE, "alert": ...}, lab.scenario()).state == "untouched"


@pytest.mark.parametrize("fact", TRUE)
def test_a_wrong_guess_is_told_what_was_measured(lab: Lab, fact: str) -> None:
    outcome = check("05-readable", {**TRUE, fact: "TLS 1.3"}, lab.scenario())

    assert outcome.state == "wrong"
    assert outcome.message.startswith(f"4 of 5 are as you said. The {fact} is readable in {TRUE[fact]}. ")


def test_a_guess_in_other_words_is_told_the_words(lab: Lab) -> None:
    assert "'no' is no answer" in check("05-readable", {**TRUE, "alert": "no"}, lab.scenario()).message
    assert "Say it of each of these" in check("05-readable", {"alert": "both"}, lab.scenario()).message


def test_the_guess_is_judged_by_the_wire_and_not_by_a_table(lab: Lab) -> None:
    by_address = lab.scenario(server_name="127.0.0.1")

    assert "The server name is readable in neither" in check("05-readable", TRUE, by_address).message


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_question_is_the_same_message_in_both_versions(lab: Lab, version: Version) -> None:
    answers = message("CertificateRequest", "server", version)(lab)

    assert check("05-question", *answers).state == "right"


def test_a_message_of_the_other_version_is_told_apart(lab: Lab) -> None:
    done, _ = message("ServerHelloDone", "server", "TLSv1.2")(lab)
    _, tls13 = message("CertificateRequest", "server")(lab)

    assert "sends no ServerHelloDone" in check("05-question", done, tls13).message


def test_a_leak_that_shuts_alice_out_does_not_count(lab: Lab) -> None:
    refused = only(lab.scenario(client_presents="untrusted-root"), "TLSv1.2")

    assert "refused" in check("05-leak", refused).message


def test_quiet_by_no_longer_verifying_does_not_count(lab: Lab) -> None:
    scenario = replace(private(lab), server_name="127.0.0.1")
    careless = replace(scenario, client=replace(scenario.client, verifies="none"))

    assert "not verified" in check("05-quiet", careless).message
    assert "not verified" in check("05-quiet", unasked(scenario)).message
