"""No certification path leads from the leaf to a trust anchor (RFC 5280 section 6.1)."""

from dataclasses import replace

from mtls_lab.certificates import certification_path
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, verifier_of, which
from mtls_lab.handshake.evidence import Evidence, describe_chain, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import present_the_chain, trust_the_root

NO_PATH = (
    "untrusted-root",
    "same-name-other-key",
    "same-name-other-key-no-aki",
    "self-signed",
    "self-signed-in-chain",
    "leaf-as-anchor",
    "intermediate-as-anchor",
)
"""What path validation finds where there is no path."""
_TRUST_STORE = "the verifier's trust store: its roots by subjectKeyIdentifier and fingerprint, not by name"


@row(
    REFUSALS,
    "self-signed",
    title="A self-signed certificate that is no trust anchor",
    reference="RFC 5280 section 6.1",
    verify_codes=[18],
    alerts=[Alert.unknown_ca],
    decides="whether the leaf's issuer is the leaf itself: openssl x509 -noout -subject -issuer",
)
def self_signed(evidence: Evidence) -> Finding | None:
    """The leaf vouches for itself."""
    problem = evidence.problem("self-signed")
    if problem is None or evidence.leaf is None:
        return None
    return about(
        evidence,
        problem,
        expected="a certificate issued by an authority that the verifier trusts",
        presented=f"{name_of(evidence.leaf)}, signed with its own key",
        why="Anyone can sign a certificate with its own key, so it proves nothing about the name in it. "
        f"The {verifier_of(evidence)} would accept it only as one of its trust anchors.",
        fixes=trust_the_root(evidence.judged, "that very certificate"),
    )


@row(
    REFUSALS,
    "self-signed-in-chain",
    title="The chain brings a root of its own",
    reference="RFC 8446 section 4.4.2",
    verify_codes=[19],
    alerts=[Alert.unknown_ca],
    decides=_TRUST_STORE,
)
def self_signed_in_chain(evidence: Evidence) -> Finding | None:
    """The chain is complete up to a root that is no trust anchor."""
    problem = evidence.problem("self-signed-in-chain")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected=f"a path to one of the trust anchors: {_anchors(evidence)}",
        presented=describe_chain(evidence.chain),
        why=f"The chain ends with a root, and the {verifier_of(evidence)} does not trust that root. "
        "A root that is sent along proves nothing: trust comes from what the verifier was given beforehand.",
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
    )


@row(
    REFUSALS,
    "incomplete-chain",
    title="An intermediate certificate was not sent",
    reference="RFC 8446 section 4.4.2",
    verify_codes=[20, 21, 2],
    alerts=[Alert.unknown_ca],
    decides="whether the certificates sent reach from the leaf to a root: openssl s_client -showcerts",
)
def incomplete_chain(evidence: Evidence) -> Finding | None:
    """With a certificate that somebody here knows of, the same chain would reach the trust anchor."""
    problem = evidence.problem(*NO_PATH)
    if not evidence.chain or problem is None:
        return None
    trusts = evidence.verifier.trusts if evidence.verifier.known else evidence.presenter.trusts
    completed = certification_path(evidence.chain + evidence.known_issuers, trusts)
    missing = next((one for one in completed.certificates if one not in evidence.chain), None)
    if completed.anchor is None or missing is None or missing in trusts:
        return None
    return Finding(
        expected="the leaf and every intermediate up to the trust anchor, which itself may stay out",
        presented=describe_chain(evidence.chain),
        why=f"The {verifier_of(evidence)} trusts the root but has never seen {name_of(missing)}, which stands "
        "in between. Whoever presents a certificate must send the intermediates along; "
        "the verifier does not go and look for them.",
        fixes=present_the_chain(evidence.judged),
        problem=problem,
        which=f"the intermediate {name_of(missing)}",
    )


@row(
    REFUSALS,
    "untrusted-root",
    title="Issued by an authority that the verifier does not trust",
    reference="RFC 5280 section 6.1",
    verify_codes=[20, 21, 2],
    alerts=[Alert.unknown_ca],
    decides=_TRUST_STORE,
    hidden=True,
)
def untrusted_root(evidence: Evidence) -> Finding | None:
    """No certification path leads to a trust anchor."""
    if not evidence.chain:
        return None
    problem = evidence.problem("untrusted-root")
    if evidence.verifier.known and (problem is None or _trusts_the_leaf(evidence)):
        return None
    end, path = verifier_of(evidence), evidence.path
    top = path.certificates[-1] if path.certificates else evidence.chain[0]
    stranger = _common(path.missing_issuer or name_of(top))
    if not evidence.verifier.known:
        return _unknown_anchors(evidence, stranger)
    return Finding(
        title=f"The {end} does not trust {stranger}",
        expected=f"a path to one of the trust anchors: {_anchors(evidence)}",
        presented=describe_chain(evidence.chain),
        why=f"The path ends at {stranger}, which is no trust anchor of the {end}. "
        + (
            f"The text that the {evidence.judged} gets to see is about its own certificate, not about the {end}'s."
            if evidence.judged == "client"
            else "What counts is what this client was told to trust, not what is installed elsewhere on the machine."
        ),
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
        problem=problem,
        which=which(evidence, problem) if problem is not None else None,
        # An issuer that nobody here has ever seen may as well stand below a root that is trusted.
        lookalikes=("incomplete-chain",) if path.missing_issuer else (),
    )


@row(
    REFUSALS,
    "same-name-other-key",
    title="An authority of the same name, but with another key",
    reference="RFC 5280 section 4.2.1.1",
    verify_codes=[20, 19, 21, 2, 30],
    alerts=[Alert.unknown_ca],
    decides=_TRUST_STORE,
    hidden=True,
)
def same_name_other_key(evidence: Evidence) -> Finding | None:
    """The trust store has the issuer's name, and the key identifiers tell the two apart."""
    return _twin(evidence, "same-name-other-key")


@row(
    REFUSALS,
    "same-name-other-key-no-aki",
    title="An authority of the same name, and a signature that does not fit",
    reference="RFC 5280 section 6.1.3",
    verify_codes=[7],
    alerts=[Alert.decrypt_error],
    decides=_TRUST_STORE,
    hidden=True,
)
def same_name_other_key_no_aki(evidence: Evidence) -> Finding | None:
    """The trust store has the issuer's name; only the signature shows that it is another authority."""
    return _twin(evidence, "same-name-other-key-no-aki")


@row(
    REFUSALS,
    "leaf-as-anchor",
    title="The verifier trusts the leaf itself, and wants a root",
    reference="RFC 5280 section 6.1.1",
    verify_codes=[20, 21],
    alerts=[Alert.unknown_ca],
    decides="what the verifier's trust file holds: a root, or the peer's own certificate",
    hidden=True,
)
def leaf_as_anchor(evidence: Evidence) -> Finding | None:
    """The very certificate that was presented is among the trust anchors, and it is not self-signed."""
    return _partial(evidence, "leaf-as-anchor", "the peer's own certificate")


@row(
    REFUSALS,
    "intermediate-as-anchor",
    title="The verifier trusts an intermediate, and wants a root",
    reference="RFC 5280 section 6.1.1",
    verify_codes=[2, 20],
    alerts=[Alert.unknown_ca],
    decides="what the verifier's trust file holds: a root, or an intermediate",
    hidden=True,
)
def intermediate_as_anchor(evidence: Evidence) -> Finding | None:
    """An intermediate of the chain is among the trust anchors, and the root above it is not."""
    return _partial(evidence, "intermediate-as-anchor", "an intermediate")


def _unknown_anchors(evidence: Evidence, stranger: str) -> Finding:
    end = verifier_of(evidence)
    return Finding(
        title=f"The {end} does not trust {stranger}",
        expected=f"a path to one of the {end}'s trust anchors, which are not known here",
        presented=describe_chain(evidence.chain),
        why=f"The {end} says that it does not know the authority. What it trusts is set up there: "
        "the same root must be in its trust store, and not only one of the same name.",
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
        seen=evidence.problem("untrusted-root") is not None,
    )


def _twin(evidence: Evidence, slug: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return _maybe_anchor(evidence)
    name = _common(evidence.path.missing_issuer or name_of(evidence.path.certificates[-1]))
    end = verifier_of(evidence) if evidence.verifier.known else evidence.judged
    return about(
        evidence,
        problem,
        title=f"The {verifier_of(evidence)} does not trust this {name}",
        expected=f"a path to one of the trust anchors: {_anchors(evidence)}",
        presented=f"{describe_chain(evidence.chain)}: by an authority of that name with another key",
        why=f"The path ends at {name}. The {end} has a trust anchor of that name, but with another key: "
        "the same name is not the same authority. Somebody made the authority anew, and an old file is still in use.",
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
    )


def _partial(evidence: Evidence, slug: str, what: str) -> Finding | None:
    problem = evidence.problem(slug)
    if slug == "leaf-as-anchor" and _trusts_the_leaf(evidence):
        found = evidence.problem(*NO_PATH)
        problem = found and replace(found, depth=0, certificate=evidence.leaf)
    if problem is None:
        return _maybe_anchor(evidence)
    end = verifier_of(evidence)
    return about(
        evidence,
        problem,
        expected="a path to a root among the trust anchors",
        presented=f"a path whose trust anchor is {what}: {_anchors(evidence)}",
        why=f"The {end} was given {what} to trust. OpenSSL goes on upwards until it finds a root that it trusts, "
        "unless it is told to be content with less; curl, Go, Java and Python 3.13 are content by default.",
        fixes=(
            *trust_the_root(evidence.judged, "the root"),
            Fix(tool="openssl", text="-partial_chain: be content with any certificate that is trusted"),
        ),
    )


def _anchors(evidence: Evidence) -> str:
    known = evidence.verifier if evidence.verifier.known else evidence.presenter
    return ", ".join(name_of(one) for one in known.trusts) or "there are none"


def _trusts_the_leaf(evidence: Evidence) -> bool:
    return evidence.leaf in evidence.verifier.trusts


def _maybe_anchor(evidence: Evidence) -> Finding | None:
    """What the verifier trusts is not known: it may be this."""
    if evidence.verifier.known or not evidence.chain:
        return None
    return Finding(
        expected="a path to a root in the verifier's trust store",
        presented=describe_chain(evidence.chain),
        why=f"What the {verifier_of(evidence)} trusts is not known here. "
        "The chain looks complete from this end, so the trust store is the place to look.",
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
        seen=False,
    )


def _common(name: str) -> str:
    """`Lab Root CA` from `CN=Lab Root CA`; any other name as it is."""
    return name.removeprefix("CN=")
