"""Exercises of notebook 07: untouched, solved, and the likeliest wrong answers, each with a hint of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cast import Lab, make_lab, only
from mtls_lab.exercises import check
from mtls_lab.handshake import Scenario

Answers = Callable[[Lab], tuple[object, ...]]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def trusting(lab: Lab) -> Scenario:
    return lab.scenario(server_verifies="none", client_presents="absent")


def refusing(lab: Lab) -> Scenario:
    return replace(trusting(lab), client=replace(trusting(lab).client, trusts=(lab.stranger.certificate,)))


def careless(lab: Lab) -> Scenario:
    return replace(refusing(lab), client=replace(refusing(lab).client, verifies="none"))


def presenting(lab: Lab, scenario: Scenario, slug: str) -> Scenario:
    return replace(
        scenario, server=replace(scenario.server, presents=lab.fault(slug, "serverAuth", scenario.server_name))
    )


def issued(lab: Lab, *names: str) -> tuple[object, ...]:
    return lab.issuing.issue("localhost", names=names, purpose="serverAuth"), lab.root.certificate


SOLVED: dict[str, Answers] = {
    "07-suspect": lambda lab: ("client refused", refusing(lab)),
    "07-refute": lambda lab: (refusing(lab), trusting(lab)),
    "07-honest": lambda lab: (only(refusing(lab), "TLSv1.2"), refusing(lab)),
    "07-everyone": lambda lab: issued(lab, "localhost", "127.0.0.1"),
}
WRONG: dict[str, tuple[Answers, ...]] = {
    "07-suspect": (
        lambda lab: ("damaged data", refusing(lab)),
        lambda lab: ("wrong key", refusing(lab)),
        lambda lab: ("the cat", refusing(lab)),
        lambda lab: ("client refused", trusting(lab)),
    ),
    "07-refute": (
        lambda lab: (presenting(lab, trusting(lab), "cn-only"), trusting(lab)),
        lambda lab: (refusing(lab), careless(lab)),
        lambda lab: (trusting(lab), trusting(lab)),
        lambda lab: (refusing(lab), only(refusing(lab), "TLSv1.2")),
    ),
    "07-honest": (
        lambda lab: (trusting(lab), refusing(lab)),
        lambda lab: (only(refusing(lab), "TLSv1.3"), refusing(lab)),
    ),
    "07-everyone": (
        lambda lab: issued(lab, "me@example.org"),
        lambda lab: issued(lab, "localhost"),
        lambda lab: (lab.stranger.issue("localhost", purpose="serverAuth"), lab.root.certificate),
    ),
}


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(lab: Lab, slug: str) -> None:
    assert check(slug, *SOLVED[slug](lab)).state == "right"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_likeliest_wrong_answers_get_hints_of_their_own(lab: Lab, slug: str) -> None:
    outcomes = [check(slug, *answers(lab)) for answers in WRONG[slug]]

    assert {outcome.state for outcome in outcomes} == {"wrong"}
    assert len({outcome.message for outcome in outcomes}) == len(outcomes)
    assert not any("raised" in outcome.message for outcome in outcomes)


def test_the_notes_cure_is_recognised(lab: Lab) -> None:
    message = check("07-everyone", *issued(lab, "me@example.org")).message

    assert "this is the note's cure" in message


def test_an_address_that_is_missing_is_named(lab: Lab) -> None:
    message = check("07-everyone", *issued(lab, "localhost")).message

    assert message.startswith("Dialled as 127.0.0.1, ")
