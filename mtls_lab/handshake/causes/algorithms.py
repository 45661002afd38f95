"""Keys and signatures that are too weak for the verifier's security level (RFC 9325 section 4.5)."""

from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, capital, verifier_of, which
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import reissue


@row(
    REFUSALS,
    "weak-key",
    title="The key is too weak",
    reference="RFC 9325 section 4.5",
    verify_codes=[66, 67],
    alerts=[Alert.bad_certificate],
    decides="the size of each key on the path, and the verifier's security level (OpenSSL: @SECLEVEL)",
)
def weak_key(evidence: Evidence) -> Finding | None:
    """A key below what the security level asks for."""
    problem = evidence.problem("weak-key")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected="a key that is strong enough for the security level",
        presented=_key(problem),
        why=f"{capital(which(evidence, problem) or 'a certificate')} has a key that is too short to be safe, and the "
        f"{verifier_of(evidence)}'s OpenSSL has a lower limit (security level 2: RSA 2048, EC 224 bits). "
        "Go, Java and GnuTLS take it.",
        fixes=reissue(evidence.judged, 'with a strong key: key_type="EC P-256"'),
    )


@row(
    REFUSALS,
    "weak-hash",
    title="A signature with a weak hash",
    reference="RFC 9155 section 3",
    verify_codes=[68],
    alerts=[Alert.bad_certificate],
    decides="the signature algorithm of each certificate on the path: openssl x509 -noout -text",
)
def weak_hash(evidence: Evidence) -> Finding | None:
    """A signature with SHA-1 or MD5."""
    problem = evidence.problem("weak-hash")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected="a signature with SHA-256 or better",
        presented=f"{problem.certificate and name_of(problem.certificate)}, signed with {problem.presented}",
        why=f"{capital(which(evidence, problem) or 'a certificate')} is signed with a hash for which two certificates "
        f"of the same signature can be made. The {verifier_of(evidence)}'s security level rules that out.",
        fixes=reissue(evidence.judged, 'signed with SHA-256 or better: signature_hash="SHA-256"'),
    )


def _key(problem: Problem) -> str:
    found = problem.certificate
    return f"{name_of(found)}: {found.key_type}" if found is not None else problem.presented
