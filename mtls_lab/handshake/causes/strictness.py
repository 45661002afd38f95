"""Only a strict verifier minds (OpenSSL's X509_STRICT; Python's default contexts from 3.13 on)."""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, verifier_of
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import ask_the_authority

_DECIDES = "whether the verifier is strict (Python 3.13 and later), and the certificates' extensions"


@row(
    REFUSALS,
    "missing-aki",
    title="It does not say which key signed it",
    reference="RFC 5280 section 4.2.1.1",
    verify_codes=[85],
    alerts=[Alert.certificate_unknown],
    decides=_DECIDES,
    hidden=True,
)
def missing_aki(evidence: Evidence) -> Finding | None:
    """No authorityKeyIdentifier."""
    return _strict(
        evidence, "missing-aki", "authorityKeyIdentifier, which says with which of its keys the issuer signed"
    )


@row(
    REFUSALS,
    "missing-ski",
    title="An authority does not say which key it has",
    reference="RFC 5280 section 4.2.1.2",
    verify_codes=[86],
    alerts=[Alert.certificate_unknown],
    decides=_DECIDES,
    hidden=True,
)
def missing_ski(evidence: Evidence) -> Finding | None:
    """An authority without subjectKeyIdentifier."""
    return _strict(evidence, "missing-ski", "subjectKeyIdentifier, to which the certificates below it refer")


def _strict(evidence: Evidence, slug: str, what: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return None
    whose = name_of(problem.certificate) if problem.certificate is not None else "a certificate"
    return about(
        evidence,
        problem,
        presented=f"{whose}, without one",
        why=f"RFC 5280 wants every certificate to carry {what}. Most verifiers do not insist; this "
        f"{verifier_of(evidence)} is strict, as Python is by default from 3.13 on.",
        fixes=(
            *ask_the_authority(evidence.judged),
            Fix(tool="requests", text="a stopgap: a context with verify_flags &= ~ssl.VERIFY_X509_STRICT"),
        ),
    )
