"""Exercises of notebook 12: untouched, right, and the likeliest wrong answers, each told why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from mtls_lab.certificates import Authority, Credential, Subject
from mtls_lab.exercises import check, find
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy.identity import Identity

pytestmark = pytest.mark.live

Drops = Callable[[str], object]
URI = "uri:spiffe://lab.example/alice"
FLEET = "dns:*.fleet.lab.example"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who calls in notebook 12."""

    issuing: Authority
    scenario: Scenario
    with_partner: Scenario
    alice: Credential
    other_alice: Credential
    guests: dict[str, Credential]
    welcome: dict[str, Credential]
    others: dict[str, Credential]


@pytest.fixture(scope="module")
def cast() -> Cast:
    root, stranger = Authority.create("Lab Root CA"), Authority.create("Stranger CA")
    issuing = root.intermediate("Lab Issuing CA")
    service = issuing.issue("localhost", purpose="serverAuth")

    def person(name: str, by: Authority = issuing) -> Credential:
        lab, names = Subject(organization="Lab"), (f"spiffe://lab.example/{name}",)
        return by.issue(name, names=names, subject=lab, purpose="clientAuth")

    def machine(name: str) -> Credential:
        return issuing.issue(name.partition(".")[0], names=(name,), purpose="clientAuth")

    alice, robot = person("alice"), machine("r2.fleet.lab.example")
    shop = issuing.issue("shop", names=("shop.fleet.lab.example",), purpose="serverAuth")
    scenario = Scenario(
        client=Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name"),
        server=Endpoint(presents=service, trusts=(root.certificate,), verifies="required"),
    )
    trusts = (root.certificate, stranger.certificate)
    return Cast(
        issuing=issuing,
        scenario=scenario,
        with_partner=replace(scenario, server=replace(scenario.server, trusts=trusts)),
        alice=alice,
        other_alice=person("alice", stranger),
        guests={
            "alice": alice,
            "bob": person("bob"),
            "robot": robot,
            "mallory": person("alice", stranger),
            "shop": shop,
        },
        welcome={"alice": alice, "robot": robot},
        others={"bob": person("bob"), "intern": person("alice-intern"), "printer": machine("printer.lab.example")},
    )


# 12-guests

TRUE = {"alice": "in", "bob": "403", "robot": "in", "mallory": "refused by TLS", "shop": "refused by TLS"}


def test_the_right_guess(cast: Cast) -> None:
    assert check("12-guests", TRUE, [URI, FLEET], cast.scenario, cast.guests).state == "right"


def test_a_stub_among_the_guesses_is_untouched(cast: Cast) -> None:
    outcome = check("12-guests", {**TRUE, "robot": ...}, [URI, FLEET], cast.scenario, cast.guests)

    assert (outcome.state, outcome.message) == ("untouched", find("12-guests").task)


@pytest.mark.parametrize(
    ("guest", "guess", "words"),
    [
        ("bob", "in", "bob is not 'in'. Its certificate is good, so its handshake is accepted."),
        ("bob", "refused by TLS", "bob is not 'refused by TLS'. Its certificate is good, so its handshake"),
        ("mallory", "in", "mallory is not 'in'. It never comes to the rules"),
        ("shop", "403", "shop is not '403'. It never comes to the rules"),
        ("robot", "403", "robot is not '403'. Its certificate is good, and one of its names is just"),
        ("bob", "no", "'no' is none of the three answers"),
    ],
)
def test_a_wrong_guess_is_told_where_to_look(cast: Cast, guest: str, guess: str, words: str) -> None:
    outcome = check("12-guests", {**TRUE, guest: guess}, [URI, FLEET], cast.scenario, cast.guests)

    assert outcome.state == "wrong"
    assert outcome.message.startswith(words)


def test_a_guest_left_out_is_asked_for(cast: Cast) -> None:
    guess = {guest: what for guest, what in TRUE.items() if guest != "shop"}

    assert check("12-guests", guess, [URI, FLEET], cast.scenario, cast.guests).message == "Nothing is said of shop."


# 12-rules


def rules_outcome(cast: Cast, rules: object) -> tuple[str, str]:
    outcome = check("12-rules", rules, cast.scenario, cast.welcome, cast.others)
    return outcome.state, outcome.message


def test_rules_that_let_in_just_the_welcome(cast: Cast) -> None:
    assert rules_outcome(cast, [URI, FLEET]) == (
        "right",
        "alice, robot in; 3 others, with good certificates all of them, get 403.",
    )


def test_the_stub_of_the_rules_is_untouched(cast: Cast) -> None:
    assert rules_outcome(cast, ...) == ("untouched", find("12-rules").task)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "Everybody gets in"),
        ([URI], "robot stays out"),
        ([URI, "dns:*.lab.example"], "printer gets in, too, by the rule dns:*.lab.example."),
        (["uri:spiffe://lab.example/*", FLEET], "bob gets in, too, by the rule uri:spiffe://lab.example/*."),
        (["subject:CN=alice", FLEET], "alice stays out"),
        (URI, "Rules stand in a list"),
        (["cn:alice"], "Running it raised ValueError: rule 'cn:alice' begins with none of"),
    ],
)
def test_wrong_rules_are_told_whom_they_mistake(cast: Cast, rules: object, words: str) -> None:
    state, message = rules_outcome(cast, rules)

    assert state == "wrong"
    assert message.startswith(words)


# 12-strip


def one_spelling(name: str) -> bool:
    return name.lower().replace("_", "-") in {"x-client-dn", "x-client-verify", "client-cert", "client-cert-chain"}


def untouched(name: str) -> object:
    return ...


def raises(name: str) -> object:
    raise ZeroDivisionError("oops")


def test_one_spelling_for_all_ends_every_attack(cast: Cast) -> None:
    outcome = check("12-strip", one_spelling, cast.scenario)

    assert (outcome.state, outcome.message[:6]) == ("right", "8 of 8")


def test_the_stub_of_drops_is_untouched(cast: Cast) -> None:
    outcome = check("12-strip", untouched, cast.scenario)

    assert (outcome.state, outcome.message) == ("untouched", find("12-strip").task)


@pytest.mark.parametrize(
    ("drops", "words"),
    [
        (lambda _: False, "8 of 8 attacks get through. X-Client-DN itself still passes"),
        (lambda name: name == "X-Client-DN", "7 of 8 attacks get through. x-client-dn passes: names of fields"),
        (lambda name: name.lower() == "x-client-dn", "6 of 8 attacks get through. X_Client_DN passes: where fields"),
        (
            lambda name: name.lower().replace("_", "-").startswith("x-client-"),
            "2 of 8 attacks get through. Client-Cert passes: this proxy never sends it",
        ),
        (lambda _: True, "Accept-Language is lost on its way"),
        (lambda name: one_spelling(name) or name == "Cookie", "Cookie is lost on its way"),
        (raises, "It raised ZeroDivisionError: oops"),
        ("X-Client-DN", "It raised TypeError"),
    ],
)
def test_wrong_drops_are_told_what_gets_through(cast: Cast, drops: Drops, words: str) -> None:
    outcome = check("12-strip", drops, cast.scenario)

    assert outcome.state == "wrong"
    assert outcome.message.startswith(words)


# 12-pin


def pin_outcome(cast: Cast, rules: object) -> tuple[str, str]:
    outcome = check("12-pin", rules, cast.with_partner, cast.issuing, cast.alice, cast.other_alice)
    return outcome.state, outcome.message


def test_the_hash_of_her_key_is_hers_alone_and_stays(cast: Cast) -> None:
    assert pin_outcome(cast, [f"key:sha256:{Identity.of(cast.alice.leaf).key_sha256}"])[0] == "right"


def test_the_stub_of_the_pin_is_untouched(cast: Cast) -> None:
    assert pin_outcome(cast, ...) == ("untouched", find("12-pin").task)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([URI], "The other authority's alice gets in"),
        ([], "The other authority's alice gets in"),
        (["uri:spiffe://lab.example/bob"], "Alice stays out"),
        (URI, "Rules stand in a list"),
    ],
)
def test_a_wrong_pin_is_told_whom_it_mistakes(cast: Cast, rules: object, words: str) -> None:
    state, message = pin_outcome(cast, rules)

    assert state == "wrong"
    assert message.startswith(words)


def test_the_hash_of_the_whole_certificate_is_no_pin(cast: Cast) -> None:
    state, message = pin_outcome(cast, [f"key:sha256:{cast.alice.leaf.fingerprint}"])

    assert (state, message[:15]) == ("wrong", "Alice stays out")
