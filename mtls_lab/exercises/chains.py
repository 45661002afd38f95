"""Exercises of notebook 09. Every chain is judged by sending it in a real handshake."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from mtls_lab.certificates import Authority, Certificate, Credential, Purpose
from mtls_lab.exercises.exercise import exercise
from mtls_lab.exercises.outcome import Outcome, right, wrong
from mtls_lab.handshake import Endpoint, Explanation, Scenario, explain, rehearse

_SERVER: Purpose = "serverAuth"


@exercise(
    "09-order",
    hints=(
        "Which of them holds the name that the client dials? That one goes first.",
        "From there on, each certificate must have signed the one before it: look at `issuer`. Where may you stop?",
        "The leaf, the intermediate that issued it, the intermediate above that. No root, no stranger.",
    ),
)
def order(letters: Sequence[str], pile: Mapping[str, Certificate], scenario: Scenario) -> Outcome:
    """Name the certificates to send, in order, so that the client accepts and nothing needless is sent."""
    if strange := [letter for letter in letters if letter not in pile]:
        return wrong(f"There is no {strange[0]!r}: choose from {', '.join(pile)}.")
    chain = tuple(pile[letter] for letter in letters)
    refusal = _refusal(chain, scenario)
    if refusal is not None and refusal.refused_by == "server":
        return wrong("The server does not even start: its key belongs to the leaf, and the leaf is not the first.")
    if refusal is not None:
        return wrong(f"The client refuses: {refusal.title}. What must it have to get from the leaf to its root?")
    needless = _needless(chain, scenario)
    if needless is not None:
        letter = letters[needless]
        return wrong(f"Accepted, but {letter!r} is needless. {_why_needless(chain[needless])}")
    if not all(lower.is_signed_by(upper) for lower, upper in pairwise(chain)):
        return wrong("OpenSSL takes it in this order. TLS 1.2 demands that each one certifies the one before it.")
    return right("Accepted, nothing is missing, and without any one of them it is refused.")


@exercise(
    "09-repair",
    hints=(
        "All names in this chain are right. A name is not a key.",
        "`shop.leaf.is_signed_by(...)` says which of the two intermediates it was.",
        "replace(broken, chain=(broken.leaf, issuing.certificate, policy.certificate))",
    ),
)
def repair(repaired: Credential, broken: Credential, scenario: Scenario) -> Outcome:
    """Mend this server's chain: same leaf, same key, and the client accepts it."""
    if not repaired.key_matches:
        return wrong("The server does not even start: its key and the first certificate do not belong together.")
    if repaired.leaf != broken.leaf:
        return wrong("That is another leaf. A new certificate is not needed here: only what is sent with it is wrong.")
    refusal = _refusal(repaired.chain, replace(scenario, server=replace(scenario.server, presents=repaired)))
    if refusal is not None and any(one.subject == broken.leaf.issuer for one in repaired.chain[1:]):
        return wrong(f"{refusal.title}. An intermediate of the right name is there, and it did not sign what is below.")
    if refusal is not None:
        return wrong(f"{refusal.title}. The intermediate that signed the leaf has to be sent.")
    needless = _needless(repaired.chain, scenario)
    if needless is not None:
        name = repaired.chain[needless].common_name
        return wrong(f"Accepted. But certificate number {needless + 1}, {name}, is needless: leave it out.")
    return right("Accepted: the right key this time, under the same name.")


@exercise(
    "09-domain",
    hints=(
        "A constraint is written into the certificate of the authority, when the root signs it.",
        "`root.intermediate` takes `permitted_names`, a tuple. A host name in it stands for itself and all below it.",
        'root.intermediate("Shop CA", permitted_names=("shop.example",))',
    ),
)
def domain(authority: Authority, root: Certificate) -> Outcome:
    """Make an intermediate that can vouch for shop.example and the hosts below it, and for nothing else."""
    for name in ("www.shop.example", "shop.example"):
        refusal = _vouch(authority, name, root)
        if refusal is not None:
            return wrong(f"It should vouch for {name}, and the client refuses that: {refusal.title}.")
    for name, kind in (
        ("localhost", "host"),
        ("shop.example.test", "host, in spite of how the name begins"),
        ("127.0.0.1", "address: a constraint on host names says nothing about those"),
    ):
        if _vouch(authority, name, root) is None:
            return wrong(f"Its certificate for {name} is accepted, too. That is no {kind} of shop.example.")
    return right("It signs what it likes, and outside shop.example nobody believes it.")


@exercise(
    "09-cross",
    hints=(
        "The server can go up to the root of A. What has to stand between that and the issuer of bob's intermediate?",
        "A certificate with B's name and B's key, signed by A: `authority_draft` with B's name, and `a_root.sign`.",
        'a_root.sign(authority_draft("B Root CA", lifetime=timedelta(days=365)), b_root.key)',
    ),
)
def cross(crossed: Certificate, bob: Credential, a_server: Endpoint, b_server: Endpoint) -> Outcome:
    """Make one certificate that bob can send along, so that the servers of A and of B both let him in."""
    carrying = replace(bob, chain=(*bob.chain, crossed))
    refusal = _entry(carrying, a_server)
    if refusal is not None and crossed.self_issued:
        return wrong(f"A's server refuses him: {refusal.title}. A root that comes along is not trusted for that.")
    if refusal is not None and any(crossed.public_key_hash == one.public_key_hash for one in bob.chain[1:]):
        return wrong(
            "A's server refuses him. He sends two certificates for his intermediate now; OpenSSL takes the first one, "
            "comes to a dead end, and does not turn back. Vouch for the authority above that: B's root."
        )
    if refusal is not None and not any(one.is_signed_by(crossed) for one in bob.chain):
        return wrong(f"A's server refuses him: {refusal.title}. The key in your certificate signed nothing of bob's.")
    if refusal is not None:
        return wrong(f"A's server refuses him: {refusal.title}.")
    refusal = _entry(carrying, b_server)
    if refusal is not None:
        return wrong(f"A's server lets him in, but B's own does not any more: {refusal.title}.")
    return right("Two servers, two roots, one chain. Nobody's trust store was touched.")


def _refusal(chain: tuple[Certificate, ...], scenario: Scenario) -> Explanation | None:
    """Why this chain is refused when the scenario's server sends it; None when it is accepted."""
    presents = scenario.server.presents
    if presents is None:
        raise ValueError("scenario.server.presents=None: its key is needed")
    # With trust anchors of its own the server might fill the chain up.
    server = replace(scenario.server, presents=replace(presents, chain=chain), trusts=())
    return _judged(replace(scenario, server=server))


def _judged(scenario: Scenario) -> Explanation | None:
    explanation = explain(rehearse(scenario))
    return None if explanation.refused_by == "neither" else explanation


def _needless(chain: tuple[Certificate, ...], scenario: Scenario) -> int | None:
    """The place of a certificate without which this chain is accepted as well; None when there is none."""
    without = {place: (*chain[:place], *chain[place + 1 :]) for place in range(1, len(chain))}
    return next((place for place, rest in without.items() if _refusal(rest, scenario) is None), None)


def _why_needless(certificate: Certificate) -> str:
    if certificate.self_issued:
        return "A root is trusted because the client has it, never because it was sent."
    return "Without it the client accepts as well."


def _vouch(authority: Authority, name: str, root: Certificate) -> Explanation | None:
    """Why a server of that name is refused; None when it is accepted."""
    client = Endpoint(trusts=(root,), verifies="chain and name")
    server = Endpoint(presents=authority.issue(name, purpose=_SERVER), verifies="none")
    return _judged(Scenario(client=client, server=server, server_name=name))


def _entry(bob: Credential, server: Endpoint) -> Explanation | None:
    """Why that server keeps him out; None when he is in."""
    return _judged(Scenario(client=Endpoint(presents=bob, verifies="none"), server=server))
