"""From a handshake to an explanation: gather the evidence, ask the table of causes, say how sure that is.

1. Where the end that refused could be asked, its own numbers decide among the rows that hold: OpenSSL's verdict, else
   the alert. What else path validation found comes along as `also`: it is the next refusal, once the first is mended.
2. Where it could not, only the alert came through, and every cause that may have sent it is a suspect. First what can
   be seen in the chain that was presented, then what lies hidden at the end that refused. Stacks differ in their
   alerts (Go sends bad_certificate for everything, Java certificate_unknown): after one of these nothing is ruled out.
3. A verdict that no row knows is reported as such, by its number: never by guess.
"""

from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.evidence import OTHER, Evidence, alert_name, gather
from mtls_lab.handshake.explanation import Confidence, Explanation, Suspect
from mtls_lab.handshake.findings import Cause, Finding
from mtls_lab.handshake.successes import SUCCESSES
from mtls_lab.handshake.values import Handshake
from mtls_lab.handshake.verify_codes import verify_code_name

Held = tuple[Cause, Finding]

_SAYS_LITTLE = (None, Alert.bad_certificate, Alert.certificate_unknown, Alert.handshake_failure, Alert.internal_error)
"""Alerts that some stack sends for every defect of a certificate; None: no alert came at all."""


def explain(handshake: Handshake) -> Explanation:
    """Say who refused whom, at which stage, why, and what mends it. Never raises for anything a peer may send.

    A side that is None could not be asked, and its settings are not looked at: `handshake.seen_by("client")` asks what
    a client can know. Then `suspects` holds every cause that remains, and `confidence` says how far to trust the first.
    """
    evidence = gather(handshake)
    if evidence.refused_by == "neither" and evidence.hidden:
        return _hidden(evidence)
    if evidence.refused_by == "neither":
        held = sorted(_holding(SUCCESSES, evidence), key=_unseen)
        sure: Confidence = "certain" if all(finding.seen for _, finding in held) else "likely"
        return _explanation(evidence, held, held, confidence=sure)
    held = _holding(REFUSALS, evidence)
    ranked = _by_numbers(held, evidence) if _refuser_was_asked(evidence) else _by_alert(held, evidence)
    if not ranked:
        return _unknown(evidence, held)
    return _explanation(evidence, ranked, held, confidence=_confidence(evidence, ranked))


def _holding(table: dict[str, Cause], evidence: Evidence) -> list[Held]:
    tried = ((row, row.test(evidence)) for row in table.values())
    return [(row, finding) for row, finding in tried if finding is not None]


def _unseen(one: Held) -> bool:
    return not one[1].seen


def _refuser_was_asked(evidence: Evidence) -> bool:
    return evidence.refused_by != "neither" and evidence.settings(evidence.refused_by).known


def _by_numbers(held: list[Held], evidence: Evidence) -> list[Held]:
    """The rows that the refusing end's own numbers allow; the one that path validation meets first comes first."""
    if evidence.verify_code is not None:
        fitting = [one for one in held if evidence.verify_code in one[0].verify_codes]
        exact = [one for one in fitting if one[1].problem is None or one[1].problem.verify_code == evidence.verify_code]
        return exact or fitting
    if evidence.alert is not None:
        held = [one for one in held if not one[0].alerts or evidence.alert in one[0].alerts]
    return sorted(held, key=_unseen)


def _by_alert(held: list[Held], evidence: Evidence) -> list[Held]:
    """Every row that may be behind this alert, likeliest first."""

    def rank(one: Held) -> int:
        cause, finding = one
        # A row without alerts is about what came before there could be one.
        fits = not cause.alerts or evidence.alert in cause.alerts
        if fits:
            return 0 if finding.seen else 1
        if finding.seen and not cause.hidden:
            return 2
        return 3 if evidence.alert in _SAYS_LITTLE else 4

    return [one for one in sorted(held, key=rank) if rank(one) < 4]


def _confidence(evidence: Evidence, ranked: list[Held]) -> Confidence:
    first = ranked[0][1]
    if not first.seen:
        return "possible"
    if _refuser_was_asked(evidence):
        settled = evidence.verify_code is not None or evidence.local_failure or len(ranked) == 1
        return "certain" if settled else "possible"
    # What the other end's settings may yet turn out to be keeps it from being certain.
    exact = [cause for cause, finding in ranked if finding.seen and evidence.alert in cause.alerts]
    return "likely" if len(exact) == 1 or evidence.plain_http_from is not None else "possible"


def _explanation(evidence: Evidence, ranked: list[Held], held: list[Held], *, confidence: Confidence) -> Explanation:
    row, finding = ranked[0]
    suspects = _suspects(ranked[:1] if confidence == "certain" else ranked)
    problem = finding.problem
    return Explanation(
        refused_by=evidence.refused_by,
        stage=evidence.stage,
        cause=row.slug,
        also=_also(evidence, ranked[0], held),
        title=finding.title or row.title,
        expected=finding.expected,
        presented=finding.presented,
        alert=evidence.alert,
        verify_code=evidence.verify_code,
        why=finding.why,
        fixes=finding.fixes,
        reference=_reference(row, evidence),
        evidence=evidence.lines(),
        ambiguous_with=tuple(dict.fromkeys((*(one.slug for one in suspects[1:]), *finding.lookalikes))),
        suspects=suspects,
        which=finding.which,
        depth=problem.depth if problem is not None else None,
        confidence=confidence,
    )


def _suspects(ranked: list[Held]) -> tuple[Suspect, ...]:
    return tuple(Suspect(slug=row.slug, title=found.title or row.title, decides=row.decides) for row, found in ranked)


def _also(evidence: Evidence, first: Held, held: list[Held]) -> tuple[str, ...]:
    """What else is worth knowing: the other silent successes, or what else is wrong with the path."""
    if evidence.refused_by == "neither":
        return tuple(row.slug for row, one in held if row is not first[0] and row.slug != "accepted" and one.seen)
    return tuple(
        row.slug
        for row, finding in held
        if row is not first[0]
        and finding.seen
        and finding.problem is not None
        and finding.problem is not first[1].problem
        and (evidence.verifier.known or not row.hidden)
    )


def _reference(row: Cause, evidence: Evidence) -> str:
    if evidence.verify_code is None:
        return row.reference
    return f"{row.reference}; OpenSSL: {verify_code_name(evidence.verify_code)}"


def _unknown(evidence: Evidence, held: list[Held]) -> Explanation:
    """The numbers say something that no row explains: say just that."""
    end = OTHER[evidence.judged]
    verdict = evidence.verify_code
    problem = next((one for one in _problems(evidence) if one.verify_code == verdict), None)
    return Explanation(
        refused_by=evidence.refused_by,
        stage=evidence.stage,
        cause=problem.slug if problem is not None else "unknown",
        title=f"OpenSSL's verdict: {verify_code_name(verdict)}" if verdict else "The evidence does not say why",
        expected=problem.expected if problem is not None else "unknown",
        presented=problem.presented if problem is not None else "unknown",
        alert=evidence.alert,
        verify_code=verdict,
        why=f"The {end} gave up, with {_last_word(evidence)}. No cause in the table fits what is known here.",
        fixes=(),
        reference=f"RFC 5280 section 6.1; OpenSSL: {verify_code_name(verdict)}" if verdict else "RFC 8446 section 6.2",
        evidence=evidence.lines(),
        ambiguous_with=tuple(row.slug for row in REFUSALS.values() if evidence.alert in row.alerts),
        suspects=_suspects([one for one in held if one[1].seen]),
        depth=problem.depth if problem is not None else None,
        confidence="unknown" if problem is None else "likely",
    )


def _last_word(evidence: Evidence) -> str:
    return f"the alert {alert_name(evidence.alert)}" if evidence.alert is not None else "no alert that can be read here"


def _hidden(evidence: Evidence) -> Explanation:
    """An eavesdropper of TLS 1.3 does not even learn whether anybody was refused."""
    return Explanation(
        refused_by="neither",
        stage=None,
        cause="unknown",
        title="Encryption hides how it ended",
        expected="the secrets of this connection, or the word of one of its ends",
        presented="records that nothing here opens",
        alert=None,
        verify_code=None,
        why="Neither end could be asked, and what they said to each other is encrypted. "
        "Whether one refused the other, somebody in between cannot tell.",
        fixes=(),
        reference="RFC 8446 section 5.2",
        evidence=evidence.lines(),
        confidence="unknown",
    )


def _problems(evidence: Evidence) -> tuple[Problem, ...]:
    return evidence.validation.problems if evidence.validation is not None else ()
