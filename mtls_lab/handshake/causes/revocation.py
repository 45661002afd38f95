"""The verifier looks at revocation lists (RFC 5280 section 6.3)."""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, capital, verifier_of, which
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import reissue

_FRESH = (
    Fix(tool="openssl", text="crl -in crl.pem -noout -lastupdate -nextupdate: is the list in time?"),
    Fix(tool="openssl", text="ca -gencrl -out crl.pem: the authority makes a new one, before each nextUpdate"),
    Fix(tool="nginx", text="ssl_crl crl.pem;  then nginx -s reload"),
    Fix(tool="mtls_lab", text="replace(server, crls=(crl(issuing),)), from mtls_lab.certificates.crl"),
)


@row(
    REFUSALS,
    "revoked",
    title="The certificate was revoked",
    reference="RFC 5280 section 3.3",
    verify_codes=[23],
    alerts=[Alert.certificate_revoked],
    decides="the verifier's revocation list: openssl crl -in crl.pem -noout -text",
    hidden=True,
)
def revoked(evidence: Evidence) -> Finding | None:
    """Its serial number is on the issuer's list."""
    if not evidence.verifier.known and evidence.chain:
        return Finding(
            expected="a certificate that its authority has not taken back",
            presented=name_of(evidence.chain[0]),
            why=f"The {verifier_of(evidence)} says that the certificate is revoked. By which list, it alone knows.",
            fixes=reissue(evidence.judged, "in place of the one that was taken back"),
            seen=False,
        )
    problem = evidence.problem("revoked")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected="a certificate that its authority has not taken back",
        presented=f"{name_of(evidence.chain[0]) if evidence.chain else 'one'}, on its issuer's revocation list",
        why=f"{capital(which(evidence, problem) or 'a certificate')} is good in all else, but its authority has taken "
        f"it back, and the {verifier_of(evidence)} has the list that says so. Without the list nobody would notice.",
        fixes=reissue(evidence.judged, "in place of the one that was taken back"),
    )


@row(
    REFUSALS,
    "no-crl",
    title="There is no revocation list of the issuer",
    reference="RFC 5280 section 6.3.3",
    verify_codes=[3],
    alerts=[Alert.unknown_ca],
    decides="whether the verifier insists on revocation lists (nginx ssl_crl), and has one of each issuer",
    hidden=True,
)
def no_crl(evidence: Evidence) -> Finding | None:
    """The verifier insists on a list and has none."""
    if not evidence.verifier.known:
        return _maybe(evidence, "a revocation list of the issuer, at the verifier")
    problem = evidence.problem("no-crl")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        why=f"The {verifier_of(evidence)} insists on looking at its issuer's revocation list, and has none. "
        "It cannot tell a good certificate from a revoked one, so it refuses all of them.",
        fixes=_FRESH,
    )


@row(
    REFUSALS,
    "stale-crl",
    title="The revocation list is out of date",
    reference="RFC 5280 section 5.1.2.5",
    verify_codes=[12],
    alerts=[Alert.certificate_expired],
    decides="nextUpdate of the verifier's revocation list, and its clock",
    hidden=True,
)
def stale_crl(evidence: Evidence) -> Finding | None:
    """nextUpdate lies in the past."""
    if not evidence.verifier.known:
        return _maybe(evidence, "a revocation list that is in time, at the verifier")
    problem = evidence.problem("stale-crl")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        why="A revocation list says when the next one is due, and that time has passed. "
        f"The certificates are good; the {verifier_of(evidence)} refuses everybody until it gets a fresh list. "
        "The alert, certificate_expired, points at the wrong file.",
        fixes=_FRESH,
    )


def _maybe(evidence: Evidence, expected: str) -> Finding | None:
    if not evidence.chain:
        return None
    return Finding(
        expected=expected,
        presented="not known here",
        why=f"A {verifier_of(evidence)} that insists on revocation lists refuses everybody when it has none in time. "
        "Whether this one does is not known here.",
        fixes=_FRESH,
        seen=False,
    )
