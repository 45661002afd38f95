"""Exercises of notebook 09: untouched, solved, and the likeliest wrong answers, each with a hint of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.drafts import authority_draft
from mtls_lab.exercises import check
from mtls_lab.handshake import Endpoint, Scenario

YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Two firms, and a chain of three."""

    root: Authority
    """What the client trusts."""
    policy: Authority
    """The upper intermediate."""
    issuing: Authority
    """The lower intermediate."""
    rekeyed: Authority
    """Its successor: the same name, another key."""
    shop: Credential
    """The server's."""
    a_root: Authority
    """Firm A's."""
    b_root: Authority
    """Firm B's."""
    bob: Credential
    """Of firm B."""

    @property
    def scenario(self) -> Scenario:
        """The client dials the shop."""
        client = Endpoint(trusts=(self.root.certificate,), verifies="chain and name")
        return Scenario(client=client, server=Endpoint(presents=self.shop, verifies="none"))

    @property
    def pile(self) -> dict[str, Certificate]:
        """Five certificates, in no order."""
        stray = self.a_root.certificate
        return dict(
            zip(
                "abcde",
                (
                    self.root.certificate,
                    self.policy.certificate,
                    stray,
                    self.shop.leaf,
                    self.issuing.certificate,
                ),
                strict=True,
            )
        )

    def chain(self, *above: Authority) -> Credential:
        """The shop's credential with these certificates after the leaf."""
        return replace(self.shop, chain=(self.shop.leaf, *(one.certificate for one in above)))

    def server(self, trusts: Authority) -> Endpoint:
        """A server that lets in whom this root vouches for."""
        return Endpoint(presents=self.shop, trusts=(trusts.certificate,), verifies="required")

    def crossed(self, name: str = "B Root CA", *, key_of: Authority | None = None, **draft: int) -> Certificate:
        """What A signs."""
        key = (key_of or self.b_root).key
        assert key is not None
        return self.a_root.sign(replace(authority_draft(name, lifetime=YEAR), **draft), key)  # type: ignore[arg-type]


Answers = Callable[[Cast], tuple[object, ...]]


@pytest.fixture(scope="module")
def cast() -> Cast:
    root, b_root = Authority.create("Lab Root CA"), Authority.create("B Root CA")
    policy = root.intermediate("Lab Policy CA", path_length=1)
    issuing = policy.intermediate("Lab Issuing CA")
    return Cast(
        root=root,
        policy=policy,
        issuing=issuing,
        rekeyed=policy.intermediate("Lab Issuing CA"),
        shop=issuing.issue("localhost", purpose="serverAuth"),
        a_root=Authority.create("A Root CA"),
        b_root=b_root,
        bob=b_root.intermediate("B Issuing CA").issue("bob", purpose="clientAuth"),
    )


def letters(word: str) -> Answers:
    return lambda cast: (list(word), cast.pile, cast.scenario)


def repaired(make: Callable[[Cast], object]) -> Answers:
    return lambda cast: (make(cast), cast.chain(cast.rekeyed, cast.policy), cast.scenario)


def domain(*permitted: str) -> Answers:
    return lambda cast: (cast.root.intermediate("Shop CA", permitted_names=permitted), cast.root.certificate)


def loosely_constrained(cast: Cast) -> tuple[object, ...]:
    """Host names are constrained, and addresses are not."""
    shop = cast.root.intermediate("Shop CA", permitted_names=("shop.example",))
    draft = authority_draft("Shop CA", lifetime=YEAR, permitted_names=("shop.example",))
    assert shop.key is not None
    return replace(shop, certificate=cast.root.sign(replace(draft, excluded=()), shop.key)), cast.root.certificate


def carrying(make: Callable[[Cast], object]) -> Answers:
    return lambda cast: (make(cast), cast.bob, cast.server(cast.a_root), cast.server(cast.b_root))


SOLVED: dict[str, Answers] = {
    "09-order": letters("deb"),
    "09-repair": repaired(lambda cast: cast.chain(cast.issuing, cast.policy)),
    "09-domain": domain("shop.example"),
    "09-cross": carrying(lambda cast: cast.crossed()),
}
WRONG: dict[str, dict[str, Answers]] = {
    "09-order": {
        "does not even start": letters("edb"),
        "The client refuses: ": letters("de"),
        "'a' is needless. A root is trusted": letters("deba"),
        "'b' is needless. Without it": letters("debb"),
        "TLS 1.2 demands": letters("dbe"),
        "There is no 'x'": letters("dx"),
    },
    "09-repair": {
        "it did not sign what is below": repaired(lambda cast: cast.chain(cast.rekeyed, cast.policy)),
        "has to be sent": repaired(lambda cast: cast.chain(cast.policy)),
        "number 2, Lab Issuing CA, is needless": repaired(
            lambda cast: cast.chain(cast.rekeyed, cast.issuing, cast.policy)
        ),
        "That is another leaf": repaired(lambda cast: cast.rekeyed.issue("localhost", purpose="serverAuth")),
        "do not belong together": repaired(lambda cast: replace(cast.shop, chain=cast.shop.chain[::-1])),
    },
    "09-domain": {
        "certificate for localhost is accepted": domain(),
        "It should vouch for shop.example": domain("www.shop.example"),
        "certificate for 127.0.0.1 is accepted": loosely_constrained,
        "It should vouch for www.shop.example": lambda cast: (
            cast.a_root.intermediate("Shop CA", permitted_names=("shop.example",)),
            cast.root.certificate,
        ),
    },
    "09-cross": {
        "A root that comes along": carrying(lambda cast: cast.b_root.certificate),
        "signed nothing of bob's": carrying(lambda cast: cast.crossed(key_of=cast.a_root)),
        "More intermediates than an authority allows": carrying(lambda cast: cast.crossed(path_length=0)),
    },
}


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(cast: Cast, slug: str) -> None:
    outcome = check(slug, *SOLVED[slug](cast))

    assert outcome.state == "right", outcome


@pytest.mark.parametrize(("slug", "words"), [(slug, words) for slug, cases in WRONG.items() for words in cases])
def test_a_likely_wrong_answer_gets_a_hint_of_its_own(cast: Cast, slug: str, words: str) -> None:
    outcome = check(slug, *WRONG[slug][words](cast))

    assert outcome.state == "wrong"
    assert words in outcome.message


def test_to_vouch_for_the_intermediate_leads_openssl_into_a_dead_end(cast: Cast) -> None:
    """It is sent twice then: signed by B's root, which A does not trust, and signed by A."""
    issuing = cast.b_root.intermediate("B Issuing CA")
    bob = issuing.issue("bob", purpose="clientAuth")
    crossed = cast.crossed("B Issuing CA", key_of=issuing)

    outcome = check("09-cross", crossed, bob, cast.server(cast.a_root), cast.server(cast.b_root))

    assert "does not turn back" in outcome.message
