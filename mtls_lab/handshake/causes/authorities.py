"""The authority had no right to issue this certificate (RFC 5280 section 6.1)."""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about, verifier_of
from mtls_lab.handshake.evidence import Evidence, name_of
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import ask_the_authority

_CONSTRAINTS = "RFC 5280 section 4.2.1.10"
_LOOK = "the extensions of every certificate on the path: openssl x509 -noout -text"


@row(
    REFUSALS,
    "issuer-not-a-ca",
    title="Issued by somebody who is no authority",
    reference="RFC 5280 section 4.2.1.9",
    verify_codes=[24, 79, 37],
    alerts=[Alert.unknown_ca],
    decides=_LOOK,
)
def issuer_not_a_ca(evidence: Evidence) -> Finding | None:
    """basicConstraints does not say cA."""
    return _no_right(
        evidence,
        "issuer-not-a-ca",
        "holds a certificate for itself, and used its key to sign another one. Only a certificate that says "
        "`CA:TRUE` may do that; otherwise everybody with a certificate could vouch for anybody.",
    )


@row(
    REFUSALS,
    "issuer-without-key-cert-sign",
    title="Issued by an authority that may not sign certificates",
    reference="RFC 5280 section 4.2.1.3",
    verify_codes=[32, 79],
    alerts=[Alert.unknown_ca],
    decides=_LOOK,
)
def issuer_without_key_cert_sign(evidence: Evidence) -> Finding | None:
    """keyUsage is there, without keyCertSign."""
    return _no_right(
        evidence,
        "issuer-without-key-cert-sign",
        "is an authority by its basicConstraints, but its keyUsage does not include keyCertSign. "
        "OpenSSL words it as an invalid CA certificate.",
    )


@row(
    REFUSALS,
    "path-length",
    title="More intermediates than an authority allows",
    reference="RFC 5280 section 4.2.1.9",
    verify_codes=[25],
    alerts=[Alert.unknown_ca],
    decides=_LOOK,
)
def path_length(evidence: Evidence) -> Finding | None:
    """pathLenConstraint of an authority is exceeded below it."""
    return _no_right(
        evidence,
        "path-length",
        "says how many intermediates may follow below it (pathlen), and more do. "
        "It was made to issue leaves, and somebody made another authority with it.",
    )


@row(
    REFUSALS,
    "name-constraint-dns",
    title="A host name that the authority may not vouch for",
    reference=_CONSTRAINTS,
    verify_codes=[47],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def name_constraint_dns(evidence: Evidence) -> Finding | None:
    """A dNSName outside the permitted subtrees."""
    return _outside(evidence, "name-constraint-dns", "host names", "DNS:")


@row(
    REFUSALS,
    "name-constraint-ip",
    title="An address that the authority may not vouch for",
    reference=_CONSTRAINTS,
    verify_codes=[47],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def name_constraint_ip(evidence: Evidence) -> Finding | None:
    """An iPAddress outside the permitted subtrees."""
    return _outside(evidence, "name-constraint-ip", "addresses", "IP:")


@row(
    REFUSALS,
    "name-constraint-email",
    title="A mailbox that the authority may not vouch for",
    reference=_CONSTRAINTS,
    verify_codes=[47],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def name_constraint_email(evidence: Evidence) -> Finding | None:
    """An rfc822Name outside the permitted subtrees."""
    return _outside(evidence, "name-constraint-email", "mailboxes", "email:")


@row(
    REFUSALS,
    "name-constraint-uri",
    title="A URI that the authority may not vouch for",
    reference=_CONSTRAINTS,
    verify_codes=[47],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def name_constraint_uri(evidence: Evidence) -> Finding | None:
    """A uniformResourceIdentifier outside the permitted subtrees."""
    return _outside(evidence, "name-constraint-uri", "URIs", "URI:")


@row(
    REFUSALS,
    "name-constraint-excluded",
    title="A name that the authority is excluded from",
    reference=_CONSTRAINTS,
    verify_codes=[48],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def name_constraint_excluded(evidence: Evidence) -> Finding | None:
    """A name inside an excluded subtree."""
    problem = evidence.problem("name-constraint-excluded")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected=f"no name among {_subtrees(evidence, 'excluded_names')}, which an authority above excludes",
        presented=_names(evidence),
        why="An authority above the leaf carries a list of names that it may not vouch for, and the leaf holds one of "
        f"these. The {verifier_of(evidence)} checks every name in the certificate, not only the one that was dialled.",
        fixes=ask_the_authority(evidence.judged),
    )


@row(
    REFUSALS,
    "unknown-critical-extension",
    title="A critical extension that nobody knows",
    reference="RFC 5280 section 4.2",
    verify_codes=[34],
    alerts=[Alert.certificate_unknown],
    decides=_LOOK,
)
def unknown_critical_extension(evidence: Evidence) -> Finding | None:
    """A certificate holds an extension that the verifier does not know and may not pass over."""
    problem = evidence.problem("unknown-critical-extension")
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        why="An extension marked critical says: whoever does not understand this must refuse the certificate. "
        f"The {verifier_of(evidence)} does not know it, so it refuses; not marked critical it would be passed over.",
        fixes=ask_the_authority(evidence.judged),
    )


def _no_right(evidence: Evidence, slug: str, why: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return None
    who = name_of(problem.certificate) if problem.certificate is not None else "the issuer"
    return about(
        evidence,
        problem,
        presented=f"{who}: {problem.presented}",
        why=f"{who} {why}",
        fixes=ask_the_authority(evidence.judged),
    )


def _outside(evidence: Evidence, slug: str, what: str, kind: str) -> Finding | None:
    problem = evidence.problem(slug)
    if problem is None:
        return None
    return about(
        evidence,
        problem,
        expected=f"{what} within {_subtrees(evidence, 'permitted_names', kind)}",
        presented=_names(evidence, kind),
        why=f"An authority above the leaf may vouch for certain {what} only (nameConstraints), and the leaf holds "
        "another. The constraint binds every name of that kind in the certificate, whichever one was dialled.",
        fixes=ask_the_authority(evidence.judged),
    )


def _subtrees(evidence: Evidence, field: str, kind: str = "") -> str:
    """What the authorities on the path permit or exclude."""
    found = [name for one in evidence.path.certificates[1:] for name in getattr(one, field) if name.startswith(kind)]
    return ", ".join(dict.fromkeys(found)) or "what the authority permits"


def _names(evidence: Evidence, kind: str = "") -> str:
    leaf = evidence.leaf
    return (
        ", ".join(name for name in (leaf.names if leaf is not None else ()) if name.startswith(kind)) or "another name"
    )
