"""The key may not be used for this (RFC 5280 sections 4.2.1.3 and 4.2.1.12)."""

from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import reissue

_LOOK = "openssl x509 -noout -purpose -ext extendedKeyUsage,keyUsage"


@row(
    REFUSALS,
    "wrong-purpose",
    title="The certificate is for another purpose",
    reference="RFC 5280 section 4.2.1.12",
    verify_codes=[26],
    alerts=[Alert.unsupported_certificate],
    decides=_LOOK,
)
def wrong_purpose(evidence: Evidence) -> Finding | None:
    """extendedKeyUsage is there and does not name the purpose at hand."""
    problem = evidence.problem("wrong-purpose")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected=f"the key purpose {evidence.purpose}",
        presented=f"{_whose(problem)}, for {_purposes(problem)}",
        why=f"A certificate says what its key may be used for, and this one may not be used as a {evidence.judged}'s. "
        "A server's certificate does not make a client's, however good it is otherwise.",
        fixes=reissue(evidence.judged, f'for the right purpose: purpose="{evidence.purpose}"'),
    )


@row(
    REFUSALS,
    "wrong-key-usage",
    title="The key may not sign",
    reference="RFC 5280 section 4.2.1.3",
    verify_codes=[26, 39],
    alerts=[Alert.unsupported_certificate],
    decides=_LOOK,
)
def wrong_key_usage(evidence: Evidence) -> Finding | None:
    """keyUsage is there, without what a TLS handshake does with a key."""
    problem = evidence.problem("wrong-key-usage")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected="digitalSignature in keyUsage",
        presented=f"{_whose(problem)}, for {_usage(problem)}",
        why="In a TLS handshake each end signs with its key, and this certificate's keyUsage does not allow that. "
        "OpenSSL words it as an unsuitable purpose, as it does for a wrong extendedKeyUsage.",
        fixes=reissue(evidence.judged, "whose keyUsage includes digitalSignature"),
    )


def _whose(problem: Problem) -> str:
    return name_of(problem.certificate) if problem.certificate is not None else "a certificate"


def _purposes(problem: Problem) -> str:
    found = problem.certificate.purposes if problem.certificate is not None else None
    return " and ".join(found or ()) or "no purpose"


def _usage(problem: Problem) -> str:
    found = problem.certificate.key_usage if problem.certificate is not None else None
    return " and ".join(found or ()) or "no use"
