"""A certificate in one line, and for JSON."""

from typing import Any

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.inspection.setting import short_name


def describe(certificate: Certificate) -> str:
    """The certificate in one line."""
    if certificate.subject is None:
        return f"unreadable: {certificate.problem}"
    purposes = "any purpose" if certificate.purposes is None else ", ".join(certificate.purposes)
    kind = "an authority" if certificate.is_authority else purposes
    names = f", for {', '.join(certificate.names[:6])}" if certificate.names else ""
    period = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}" if certificate.not_after else "?"
    issuer = certificate.issuer_common_name or certificate.issuer
    return f"{short_name(certificate)}, issued by {issuer}: {kind}, {certificate.key_type}, {period}{names}"


def summary(certificate: Certificate) -> dict[str, Any]:
    """The certificate for JSON."""
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_before": certificate.not_before.isoformat() if certificate.not_before else None,
        "not_after": certificate.not_after.isoformat() if certificate.not_after else None,
        "names": list(certificate.names),
        "purposes": None if certificate.purposes is None else list(certificate.purposes),
        "is_authority": certificate.is_authority,
        "key_type": certificate.key_type,
        "fingerprint": certificate.fingerprint,
        "problem": certificate.problem,
    }
