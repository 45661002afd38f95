"""From a handshake to an explanation: gather the evidence, ask the table of causes, say how sure that is."""

from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.evidence import OTHER, Evidence, alert_name, gather
from mtls_lab.handshake.explanation import Confidence, Explanation
from mtls_lab.handshake.findings import Cause, Finding
from mtls_lab.handshake.successes import SUCCESSES
from mtls_lab.handshake.values import Handshake
from mtls_lab.handshake.verify_codes import verify_code_name


def explain(handshake: Handshake) -> Explanation:
    """Say who refused whom, at which stage, why, and what mends it. Never raises for anything a peer may send."""
    evidence = gather(handshake)
    if evidence.refused_by == "neither":
        found = _holding(SUCCESSES, evidence)
    else:
        found = [(row, finding) for row, finding in _holding(REFUSALS, evidence) if _fits(row, evidence)]
    if not found:
        return _unknown(evidence)
    (row, finding), rest = found[0], found[1:]
    lookalikes = _lookalikes(row, evidence) if evidence.refused_by != "neither" else ()
    return Explanation(
        refused_by=evidence.refused_by,
        stage=evidence.stage,
        cause=row.slug,
        also=tuple(other.slug for other, _ in rest if other.slug != "accepted"),
        title=finding.title or row.title,
        expected=finding.expected,
        presented=finding.presented,
        alert=evidence.alert,
        verify_code=evidence.verify_code,
        why=finding.why,
        fixes=finding.fixes,
        reference=_reference(row, evidence),
        evidence=evidence.lines(),
        ambiguous_with=lookalikes,
        confidence=_confidence(evidence, [other for other, _ in rest]),
    )


def _holding(table: dict[str, Cause], evidence: Evidence) -> list[tuple[Cause, Finding]]:
    tried = ((row, row.test(evidence)) for row in table.values())
    return [(row, finding) for row, finding in tried if finding is not None]


def _fits(row: Cause, evidence: Evidence) -> bool:
    """The numbers do not speak against this cause: the verdict where there is one, else the alert."""
    if evidence.verify_code is not None:
        return evidence.verify_code in row.verify_codes
    if evidence.alert is not None:
        return evidence.alert in row.alerts
    return True


def _lookalikes(row: Cause, evidence: Evidence) -> tuple[str, ...]:
    """Causes that would put the same alert on the wire: what the refused end alone cannot tell apart."""
    return tuple(
        other.slug
        for other in REFUSALS.values()
        if other.slug != row.slug and evidence.alert is not None and evidence.alert in other.alerts
    )


def _confidence(evidence: Evidence, rest: list[Cause]) -> Confidence:
    if evidence.refused_by == "neither" or evidence.verify_code is not None or evidence.local_failure:
        return "certain"
    if evidence.alert is not None and not rest:
        return "certain" if evidence.handshake.client and evidence.handshake.server else "likely"
    return "likely" if not rest else "possible"


def _reference(row: Cause, evidence: Evidence) -> str:
    if evidence.verify_code is None:
        return row.reference
    return f"{row.reference}; OpenSSL: {verify_code_name(evidence.verify_code)}"


def _unknown(evidence: Evidence) -> Explanation:
    end = OTHER[evidence.judged]
    return Explanation(
        refused_by=evidence.refused_by,
        stage=evidence.stage,
        cause="unknown",
        title="Refused, and the evidence does not say why",
        expected="unknown",
        presented="unknown",
        alert=evidence.alert,
        verify_code=evidence.verify_code,
        why=f"The {end} gave up, with the alert {alert_name(evidence.alert)}. "
        "No cause in the table fits what is known here.",
        fixes=(),
        reference="RFC 8446 section 6.2",
        evidence=evidence.lines(),
        ambiguous_with=tuple(row.slug for row in REFUSALS.values() if evidence.alert in row.alerts),
        confidence="unknown",
    )
