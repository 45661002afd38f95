"""The table itself, and the words that its rows share."""

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.evidence import OTHER, Evidence, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Cause, Finding

REFUSALS: dict[str, Cause] = {}
"""Most particular first."""


def about(
    evidence: Evidence,
    problem: Problem,
    *,
    why: str,
    fixes: tuple[Fix, ...],
    expected: str | None = None,
    presented: str | None = None,
    title: str | None = None,
) -> Finding:
    """What a row says about something that path validation found; in its words where the row has none of its own."""
    return Finding(
        expected=expected or problem.expected,
        presented=presented or problem.presented,
        why=why,
        fixes=fixes,
        title=title,
        problem=problem,
        which=which(evidence, problem),
    )


def which(evidence: Evidence, problem: Problem) -> str | None:
    """The certificate at fault: `the server's certificate`, `the intermediate Lab Issuing CA`."""
    if problem.certificate is None:
        return None
    if problem.depth == 0:
        return f"the {evidence.judged}'s certificate"
    return f"the {rank(problem.certificate)} {name_of(problem.certificate)}"


def rank(certificate: Certificate) -> str:
    """`root` or `intermediate`."""
    return "root" if certificate.self_issued else "intermediate"


def capital(text: str) -> str:
    """The text with a capital letter to begin with."""
    return text[:1].upper() + text[1:]


def verifier_of(evidence: Evidence) -> str:
    """`client` or `server`: who judges."""
    return OTHER[evidence.judged]
