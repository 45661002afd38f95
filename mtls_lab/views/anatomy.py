"""What a certificate says, fact by fact, and how each certificate of a chain hangs on the next.

Serial numbers, fingerprints, key identifiers and dates differ on every run and are left out; that the key
identifiers of two certificates match is a fact that stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mtls_lab.certificates import Certificate
from mtls_lab.views.words import issuer_of, name_of, printable

Place = Literal["leaf", "intermediate", "root"]

PLACES: dict[Place, str] = {
    "leaf": "end-entity certificate (leaf)",
    "intermediate": "intermediate",
    "root": "root: signed with its own key",
}
_LIMIT = 120


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """One certificate of a chain, ready to show."""

    name: str
    """The shortest name that tells it."""
    place: Place
    """Where it stands."""
    validity: str
    """`valid now`, `expired` or `not yet valid`, and for how long it was made."""
    in_time: bool
    """Whether it is valid at the time asked for."""
    facts: tuple[tuple[str, str], ...]
    """What stands in it, label and words, in a fixed order."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a certificate hangs on the one above it."""

    issuer: str
    """The issuer's name, as the lower certificate gives it."""
    signed: bool | None
    """The issuer's key verifies the signature; None when the issuer is not here."""
    identified: bool | None
    """authorityKeyIdentifier equals the issuer's subjectKeyIdentifier; None when one of them is missing."""

    @property
    def words(self) -> str:
        """The link in words."""
        if self.signed is None:
            return f"issued by {self.issuer}, which is not in the chain"
        signature = "signature ✓" if self.signed else "signature ✗ made with another key"
        identifiers = {True: ", key identifiers ✓", False: ", key identifiers ✗ differ", None: ""}[self.identified]
        return f"issued by {self.issuer}: {signature}{identifiers}"


def dissect(certificate: Certificate, at: datetime) -> Anatomy:
    """What a certificate says, as of that time."""
    words, in_time = _validity(certificate, at)
    return Anatomy(
        name=name_of(certificate),
        place=_place(certificate),
        validity=words,
        in_time=in_time,
        facts=_facts(certificate, words),
    )


def link(lower: Certificate, upper: Certificate | None) -> Link | None:
    """How `lower` hangs on `upper`; None for a root at the top, which hangs on nothing."""
    if upper is None:
        return None if lower.self_issued else Link(issuer=issuer_of(lower), signed=None, identified=None)
    known = lower.authority_key_identifier, upper.subject_key_identifier
    return Link(
        issuer=issuer_of(lower),
        signed=lower.is_signed_by(upper),
        identified=known[0] == known[1] if all(known) else None,
    )


def _place(certificate: Certificate) -> Place:
    if certificate.is_authority:
        return "root" if certificate.self_issued else "intermediate"
    return "leaf"


def _facts(certificate: Certificate, validity: str) -> tuple[tuple[str, str], ...]:
    key = certificate.key_type or "of a kind unknown here"
    signature = f"{key}, signed with {certificate.signature_hash}" if certificate.signature_hash else key
    rows = [
        ("subject", certificate.subject or "empty"),
        ("issuer", certificate.issuer or "empty"),
        ("names (subjectAltName)", ", ".join(certificate.names) or "none"),
        ("validity", validity),
        ("purpose (extendedKeyUsage)", _listed(certificate.purposes, "any: the extension is absent")),
        ("key usage", _listed(certificate.key_usage, "any: the extension is absent")),
        ("basic constraints", _constraints(certificate)),
        ("public key", signature),
    ]
    if certificate.permitted_names or certificate.excluded_names:
        rows.append(("name constraints", _name_constraints(certificate)))
    if certificate.problem:
        rows.append(("problem", certificate.problem))
    return tuple((label, printable(words, limit=_LIMIT)) for label, words in rows)


def _listed(entries: tuple[str, ...] | None, absent: str) -> str:
    return absent if entries is None else ", ".join(entries) or "none"


def _constraints(certificate: Certificate) -> str:
    if not certificate.is_authority:
        return "not an authority: it may not sign certificates"
    below = certificate.path_length
    if below is None:
        return "an authority: it may sign certificates"
    may = "leaves only" if below == 0 else f"certificates, with at most {below} more authorities below"
    return f"an authority: it may sign {may} (pathLenConstraint {below})"


def _name_constraints(certificate: Certificate) -> str:
    parts = (("permitted", certificate.permitted_names), ("excluded", certificate.excluded_names))
    return "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)


def _validity(certificate: Certificate, at: datetime) -> tuple[str, bool]:
    begin, end = certificate.not_before, certificate.not_after
    if begin is None or end is None:
        return "unreadable", False
    days = round((end - begin).total_seconds() / 86_400)
    made_for = f"made for {days} day{'' if days == 1 else 's'}"
    if at < begin:
        return f"not yet valid, {made_for}", False
    return (f"expired, {made_for}", False) if at > end else (f"valid now, {made_for}", True)
