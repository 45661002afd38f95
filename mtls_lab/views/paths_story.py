"""The certification path as each verifier builds it from one chain: the drawing and the text tell this.

1. OpenSSL builds the path, or rather `validate`, which predicts it: trust anchors first, then what was sent.
2. Certificates of one name are told apart by their keys, numbered in the order in which they appear; key identifiers
   and serial numbers differ on every run.
3. Only the first problem is told: that is where OpenSSL stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mtls_lab.certificates import Certificate, Purpose
from mtls_lab.certificates.validation import Problem, Validation, validate
from mtls_lab.views.words import issuer_of, name_of, printable

MOST = 3
"""So many verifiers have room beside each other."""
_NO_PATH = {2, 18, 19, 20, 21}
"""OpenSSL found no way to a trust anchor: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ... (x509_vfy.h)."""
_BAD_SIGNATURE = 7
_TIMES = {9, 10}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One certificate."""

    name: str
    """Whom it names."""
    key: str
    """`key 1`, where there is another certificate of that name; else ""."""
    issuer: str
    """`issued by Lab Root CA`, `signed with its own key`."""
    source: str
    """Where it came from, or, among those sent, who had no use for it."""
    trouble: str = ""
    """The words for what is wrong with it; "" for nothing."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """The path that one verifier builds."""

    verifier: str
    """Who."""
    trusts: str
    """Its trust store, by name."""
    steps: tuple[Step, ...]
    """Leaf first."""
    accepted: bool
    """OpenSSL finds nothing wrong."""
    ending: str
    """Why the path ends where it does."""
    verify_code: int
    """OpenSSL's number for the refusal; 0 for none."""


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Everything that the picture shows."""

    sent: tuple[Step, ...]
    """The chain as sent."""
    routes: tuple[Route, ...]
    """One for each verifier."""


def routes_of(
    chain: tuple[Certificate, ...],
    verifiers: Mapping[str, tuple[Certificate, ...]],
    *,
    at: datetime,
    purpose: Purpose,
    server_name: str | None,
    partial_chain: bool,
) -> Routes:
    """Let each verifier judge the chain."""
    label = _Labels(chain, verifiers)
    judged = {
        who: validate(
            chain, trusts=trusts, at=at, purpose=purpose, server_name=server_name, partial_chain=partial_chain
        )
        for who, trusts in verifiers.items()
    }
    return Routes(
        sent=tuple(_sent(one, place, judged, label) for place, one in enumerate(chain)),
        routes=tuple(_route(who, verifiers[who], one, chain, label) for who, one in judged.items()),
    )


class _Labels:
    """Names, and a number for the key where a name alone does not tell two certificates apart."""

    def __init__(self, chain: tuple[Certificate, ...], verifiers: Mapping[str, tuple[Certificate, ...]]) -> None:
        self._of_name: dict[str, list[Certificate]] = {}
        for one in dict.fromkeys((*chain, *(one for trusts in verifiers.values() for one in trusts))):
            self._of_name.setdefault(name_of(one), []).append(one)

    def key(self, certificate: Certificate) -> str:
        """`key 1`, or ""."""
        namesakes = self._of_name[name_of(certificate)]
        keys = list(dict.fromkeys(one.public_key_hash for one in namesakes))
        return f"key {keys.index(certificate.public_key_hash) + 1}" if len(namesakes) > 1 else ""

    def full(self, certificate: Certificate) -> str:
        """Name and key."""
        key = self.key(certificate)
        return f"{name_of(certificate)} ({key})" if key else name_of(certificate)


def _issuer(certificate: Certificate) -> str:
    return "signed with its own key" if certificate.self_issued else f"issued by {issuer_of(certificate)}"


def _sent(one: Certificate, place: int, judged: Mapping[str, Validation], label: _Labels) -> Step:
    idle = [who for who, validation in judged.items() if one not in validation.path.certificates]
    used = (
        "not used" if len(idle) == len(judged) else f"not used by {' and '.join(map(printable, idle))}" if idle else ""
    )
    return Step(
        name=name_of(one), key=label.key(one), issuer=_issuer(one), source=used or f"sent as number {place + 1}"
    )


def _route(
    who: str, trusts: tuple[Certificate, ...], judged: Validation, chain: tuple[Certificate, ...], label: _Labels
) -> Route:
    problem = judged.problems[0] if judged.problems else None
    steps = tuple(
        Step(
            name=name_of(one),
            key=label.key(one),
            issuer=_issuer(one),
            source=_source(one, chain, trusts),
            trouble=_trouble(problem) if problem is not None and problem.depth == depth else "",
        )
        for depth, one in enumerate(judged.path.certificates)
    )
    return Route(
        verifier=printable(who),
        trusts=", ".join(map(label.full, trusts)) or "nobody",
        steps=steps,
        accepted=judged.accepted,
        ending=_ending(judged, trusts),
        verify_code=judged.verify_code,
    )


def _source(one: Certificate, chain: tuple[Certificate, ...], trusts: tuple[Certificate, ...]) -> str:
    if one not in trusts:
        return "sent"
    return "sent, and in the trust store" if one in chain else "from the trust store"


def _trouble(problem: Problem) -> str:
    """What is wrong with this certificate itself; that its issuer is missing is told at the end of the path."""
    if problem.verify_code in _NO_PATH:
        return ""
    if problem.verify_code == _BAD_SIGNATURE:
        return "its signature is not by the key above it"
    if problem.verify_code in _TIMES:
        return problem.presented.removeprefix("one that ")
    return f"expected {printable(problem.expected, limit=100)}"


def _ending(judged: Validation, trusts: tuple[Certificate, ...]) -> str:
    path, problem = judged.path, judged.problems[0] if judged.problems else None
    if problem is None:
        return "ends at a trust anchor, and nothing is wrong on the way"
    if problem.verify_code not in _NO_PATH:
        there = "a path is there, and it is not valid"
        return f"refused: {there}" if path.anchor is not None else "refused, and no path to a trust anchor either"
    top = path.certificates[-1]
    if top in trusts:
        return "stops: in the trust store, but not self-signed, so OpenSSL wants more"
    wanted = printable(issuer_of(top))
    if path.missing_issuer is None:
        return "stops: a root that is not in the trust store"
    if path.twin is not None:
        return f"stops: the {wanted} at hand has another key than the one that signed"
    return f"stops: {wanted} was not sent, and is not in the trust store"
