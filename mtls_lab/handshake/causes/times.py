"""A validity period that does not include now (RFC 5280 section 4.1.2.5)."""

from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, capital, verifier_of, which
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import reissue, renew_above

_RULE = "RFC 5280 section 6.1.3"
_DECIDES = "the dates (openssl x509 -noout -dates) beside the verifier's clock"


@row(
    REFUSALS,
    "expired",
    title="The certificate has expired",
    reference="RFC 5280 section 4.1.2.5",
    verify_codes=[10],
    alerts=[Alert.certificate_expired],
    decides=_DECIDES,
)
def expired(evidence: Evidence) -> Finding | None:
    """The leaf's notAfter lies in the past."""
    return _over(evidence, "expired")


@row(
    REFUSALS,
    "expired-intermediate",
    title="An intermediate has expired",
    reference=_RULE,
    verify_codes=[10],
    alerts=[Alert.certificate_expired],
    decides=_DECIDES,
)
def expired_intermediate(evidence: Evidence) -> Finding | None:
    """An intermediate's notAfter lies in the past."""
    return _over(evidence, "expired-intermediate")


@row(
    REFUSALS,
    "expired-root",
    title="The root has expired",
    reference=_RULE,
    verify_codes=[10],
    alerts=[Alert.certificate_expired],
    decides="the dates of the roots in the verifier's trust store",
    hidden=True,
)
def expired_root(evidence: Evidence) -> Finding | None:
    """The trust anchor's notAfter lies in the past."""
    return _over(evidence, "expired-root") or _anchor(evidence)


@row(
    REFUSALS,
    "not-yet-valid",
    title="The certificate is not yet valid",
    reference="RFC 5280 section 4.1.2.5",
    verify_codes=[9],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def not_yet_valid(evidence: Evidence) -> Finding | None:
    """The leaf's notBefore lies in the future."""
    return _early(evidence, "not-yet-valid")


@row(
    REFUSALS,
    "not-yet-valid-intermediate",
    title="An intermediate is not yet valid",
    reference=_RULE,
    verify_codes=[9],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def not_yet_valid_intermediate(evidence: Evidence) -> Finding | None:
    """An intermediate's notBefore lies in the future."""
    return _early(evidence, "not-yet-valid-intermediate")


@row(
    REFUSALS,
    "not-yet-valid-root",
    title="The root is not yet valid",
    reference=_RULE,
    verify_codes=[9],
    alerts=[Alert.bad_certificate],
    decides="the dates of the roots in the verifier's trust store",
    hidden=True,
)
def not_yet_valid_root(evidence: Evidence) -> Finding | None:
    """The trust anchor's notBefore lies in the future."""
    return _early(evidence, "not-yet-valid-root") or _anchor(evidence)


def _over(evidence: Evidence, slug: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return None
    what = capital(which(evidence, problem) or "a certificate")
    how = "with a lifetime that has not run out: lifetime=timedelta(days=90)"
    return about(
        evidence,
        problem,
        title=f"{what} has expired",
        expected="a certificate whose validity period includes now",
        presented=f"{_whose(problem)}, which ended {_days(problem, evidence)} ago",
        why=f"The {verifier_of(evidence)} compares the validity period of every certificate on the path with its own "
        f"clock. {what} is past its end.",
        fixes=reissue(evidence.judged, how) if problem.depth == 0 else renew_above(evidence.judged),
    )


def _early(evidence: Evidence, slug: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return None
    what = capital(which(evidence, problem) or "a certificate")
    how = "that is valid from now on, or set the verifier's clock right"
    return about(
        evidence,
        problem,
        title=f"{what} is not yet valid",
        expected="a certificate whose validity period includes now",
        presented=f"{_whose(problem)}, whose validity period has not begun",
        why=f"{what} begins to be valid in the future, by the clock of the "
        f"{verifier_of(evidence)}. The alert, bad_certificate, stands for several faults. "
        "If the certificate is right, the clock is wrong.",
        fixes=reissue(evidence.judged, how) if problem.depth == 0 else renew_above(evidence.judged),
    )


def _whose(problem: Problem) -> str:
    return name_of(problem.certificate) if problem.certificate is not None else "a certificate"


def _days(problem: Problem, evidence: Evidence) -> str:
    end = problem.certificate.not_after if problem.certificate is not None else None
    count = (evidence.at - end).days if end is not None else 0
    return "1 day" if count == 1 else f"{count} days" if count else "less than a day"


def _anchor(evidence: Evidence) -> Finding | None:
    """The trust anchor lies at the verifier; where that is unknown, its dates may be at fault."""
    if evidence.verifier.known or not evidence.chain:
        return None
    return Finding(
        expected="a trust anchor whose validity period includes now",
        presented="not known here",
        why=f"The {verifier_of(evidence)} looks at the dates of its trust anchor, too, and at its own clock. "
        "Neither is known here.",
        fixes=renew_above(evidence.judged),
        seen=False,
    )
