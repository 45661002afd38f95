"""The certification path: from the leaf upwards, by name, key identifier and signature, to a trust anchor."""

from collections.abc import Iterable
from dataclasses import dataclass

from mtls_lab.certificates.certificate import Certificate


@dataclass(frozen=True, kw_only=True)
class CertificationPath:
    """How far the way from a leaf leads up."""

    certificates: tuple[Certificate, ...]
    """Leaf first, the trust anchor last where one was reached; () for an empty chain."""
    anchor: Certificate | None
    """The trust anchor reached; None when the path ends before one."""
    missing_issuer: str | None
    """The name (RFC 4514) of the issuer that nobody supplied; None when the path ends at a root, trusted or not."""
    twin: Certificate | None
    """A certificate that has the missing issuer's name and whose key did not sign."""


def certification_path(chain: tuple[Certificate, ...], trusts: tuple[Certificate, ...]) -> CertificationPath:
    """Look for a path as OpenSSL does (RFC 5280 section 6.1): among the trust anchors first, then in the chain.

    The order of what was presented does not matter. Cross-signed ways are all tried. An anchor is trusted *and*
    self-signed (no partial chains). Signatures are verified; times, purposes and constraints are not looked at.
    """
    known = tuple(dict.fromkeys((*trusts, *chain)))
    waiting = [chain[:1]] if chain else []
    seen = set(chain[:1])
    longest: tuple[Certificate, ...] = ()
    while waiting:
        path = waiting.pop()
        if path[-1] in trusts and path[-1].is_signed_by(path[-1]):
            return CertificationPath(certificates=path, anchor=path[-1], missing_issuer=None, twin=None)
        longest = max(longest, path, key=len)
        # Each certificate is looked at once, however many ways lead to it: loops end, and so do hostile chains.
        issuers = [one for one in known if one not in seen and _issued(one, path[-1])]
        seen.update(issuers)
        waiting += [(*path, issuer) for issuer in reversed(issuers)]
    return _dead_end(longest, known)


def _issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Right name, right key identifier where both give one (RFC 5280 section 4.2.1.1), right signature."""
    named, own = certificate.authority_key_identifier, issuer.subject_key_identifier
    return (named is None or own is None or named == own) and certificate.is_signed_by(issuer)


def _dead_end(path: tuple[Certificate, ...], known: Iterable[Certificate]) -> CertificationPath:
    if not path or path[-1].is_signed_by(path[-1]):
        return CertificationPath(certificates=path, anchor=None, missing_issuer=None, twin=None)
    wanted = path[-1].issuer
    namesakes = (one for one in known if one.subject == wanted and one not in path)
    twin = next((one for one in namesakes if wanted and not path[-1].is_signed_by(one)), None)
    return CertificationPath(certificates=path, anchor=None, missing_issuer=wanted, twin=twin)
