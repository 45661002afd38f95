"""Each exercise: untouched, solved, and its two likeliest wrong answers, each with a hint of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates import Authority, Credential
from mtls_lab.exercises import check, hint, predict
from mtls_lab.handshake import Endpoint, Scenario

Answers = Callable[[Lab], tuple[object, ...]]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def base(lab: Lab) -> Scenario:
    scenario = lab.scenario(server_verifies="required", client_presents="absent")
    return replace(scenario, client=replace(scenario.client, verifies="none"))


def credential(lab: Lab, *names: str, purpose: str = "serverAuth") -> Credential:
    return lab.issuing.issue(names[0], names=names, purpose=purpose)  # type: ignore[arg-type]


def swapped(lab: Lab) -> tuple[Credential, Credential]:
    one, two = credential(lab, "localhost"), credential(lab, "localhost")
    return replace(one, key_pem=two.key_pem), replace(two, key_pem=one.key_pem)


def repaired(lab: Lab) -> tuple[object, ...]:
    first, second = swapped(lab)
    return Credential(key_pem=second.key_pem, chain=first.chain), lab.root.certificate


def wrongly_repaired(lab: Lab) -> tuple[object, ...]:
    first, _ = swapped(lab)
    return Credential(key_pem=first.key_pem, chain=first.chain), lab.root.certificate


def bob(lab: Lab, name: str = "bob", purpose: str = "clientAuth") -> tuple[object, ...]:
    issued = lab.issuing.issue(name, purpose=purpose)  # type: ignore[arg-type]
    return issued, lab.root.certificate, lab.server


def one_way(lab: Lab, **client: object) -> Scenario:
    scenario = lab.scenario(server_verifies="none", client_presents="absent")
    return replace(scenario, client=replace(scenario.client, **client))  # type: ignore[arg-type]


def guests(lab: Lab, verifies: str, trusts: tuple[Authority, ...]) -> tuple[object, ...]:
    server = Endpoint(presents=lab.server, trusts=tuple(one.certificate for one in trusts), verifies=verifies)  # type: ignore[arg-type]
    return server, lab.alice, lab.stranger.issue("mallory", purpose="clientAuth")


def calls(lab: Lab, *letters: str) -> tuple[object, ...]:
    return set(letters), {
        "a": lab.scenario(),
        "b": lab.scenario(server_verifies="none"),
        "c": lab.scenario(client_presents="untrusted-root"),
    }


NEITHER = ("neither", "neither", "neither")
HONEST = dict.fromkeys(("none", "chain and name"), ("neither", "neither", "server"))
IMPOSTOR = {"none": NEITHER, "chain and name": ("client", "client", "client")}
TIMID = dict.fromkeys(("none", "chain and name"), ("neither", "server", "server"))
DREAMER = {"none": ("neither", "server", "server"), "chain and name": ("client", "server", "server")}

SOLVED: dict[str, Answers] = {
    "00-one-sided": lambda lab: (base(lab),),
    "00-table": lambda lab: (HONEST, IMPOSTOR),
    "01-names": lambda lab: (credential(lab, "localhost", "127.0.0.1", "::1"), lab.root.certificate),
    "01-match": repaired,
    "01-client": bob,
    "02-mend": lambda lab: (one_way(lab),),
    "02-same-authority": lambda lab: (credential(lab, "other.example"), one_way(lab)),
    "04-guest-list": lambda lab: guests(lab, "required", (lab.root,)),
    "04-dead-weight": lambda lab: calls(lab, "b"),
}
WRONG: dict[str, tuple[Answers, Answers]] = {
    "00-one-sided": (
        lambda lab: (lab.scenario(client_presents="absent"),),
        lambda lab: (replace(base(lab), server=replace(base(lab).server, verifies="none")),),
    ),
    "00-table": (lambda lab: (TIMID, DREAMER), lambda lab: (HONEST, DREAMER)),
    "01-names": (
        lambda lab: (credential(lab, "localhost"), lab.root.certificate),
        lambda lab: (lab.fault("wrong-purpose", "serverAuth", "localhost"), lab.root.certificate),
    ),
    "01-match": (
        wrongly_repaired,
        lambda lab: (lab.stranger.issue("localhost", purpose="serverAuth"), lab.root.certificate),
    ),
    "01-client": (lambda lab: bob(lab, purpose="serverAuth"), lambda lab: bob(lab, name="robert")),
    "02-mend": (
        lambda lab: (one_way(lab, verifies="none"),),
        lambda lab: (one_way(lab, trusts=(lab.stranger.certificate,)),),
    ),
    "02-same-authority": (
        lambda lab: (lab.stranger.issue("other.example", purpose="serverAuth"), one_way(lab)),
        lambda lab: (credential(lab, "localhost"), one_way(lab)),
    ),
    "04-guest-list": (
        lambda lab: guests(lab, "optional", (lab.root,)),
        lambda lab: guests(lab, "required", (lab.root, lab.stranger)),
    ),
    "04-dead-weight": (lambda lab: calls(lab, "b", "c"), calls),
}


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(lab: Lab, slug: str) -> None:
    assert check(slug, *SOLVED[slug](lab)).state == "right"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_two_likeliest_wrong_answers_get_hints_of_their_own(lab: Lab, slug: str) -> None:
    outcomes = [check(slug, *answers(lab)) for answers in WRONG[slug]]

    assert [outcome.state for outcome in outcomes] == ["wrong", "wrong"]
    assert outcomes[0].message != outcomes[1].message


def test_an_unknown_exercise_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="'99-nothing' is no exercise; there are 00-one-sided"):
        check("99-nothing", 1)
    with pytest.raises(ValueError, match="the first hint is step 1"):
        hint("00-table", 0)


def test_a_prediction_is_untouched_right_or_wrong(lab: Lab) -> None:
    scenario = lab.scenario(client_presents="absent")

    assert predict(scenario, refused_by=...).state == "untouched"
    assert predict(scenario, refused_by="server").state == "right"
    assert predict(scenario, refused_by="client").state == "wrong"
    with pytest.raises(ValueError, match="refused_by='nobody' is no answer"):
        predict(scenario, refused_by="nobody")


def test_an_outcome_tells_its_state_in_words_and_escapes_what_it_quotes() -> None:
    outcome = check("00-table", {"none": ("<b>", "x", "y"), "chain and name": ("x", "y", "z")}, HONEST)

    assert repr(outcome).startswith("✗ Not yet. '<b>' is no answer")
    assert "<b>" not in outcome._repr_html_()
