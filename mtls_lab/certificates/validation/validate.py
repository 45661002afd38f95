"""The front of the path validator: see the package's docstring."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.path import CertificationPath
from mtls_lab.certificates.validation.building import Build, build
from mtls_lab.certificates.validation.checks import (
    UNCERTAIN,
    Found,
    Rules,
    check_constraints,
    check_extensions,
    check_resources,
    check_signatures,
    check_strengths,
    is_strong,
)
from mtls_lab.certificates.validation.keys import UncertainError
from mtls_lab.certificates.validation.reading import Reading
from mtls_lab.certificates.validation.revocation import check_revocation, read_lists
from mtls_lab.certificates.validation.server_names import Dialled, dialled, matches
from mtls_lab.certificates.validation.slugs import Evidence, describe
from mtls_lab.certificates.validation.times import moment_of

UNREADABLE = 1
"""X509_V_ERR_UNSPECIFIED, for what OpenSSL refuses before it has a number: it cannot read a certificate."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that OpenSSL finds wrong."""

    slug: str
    """Which mistake it is; the same words as the faults'."""
    depth: int | None
    """Where: 0 is the leaf, upwards along the path; None when it is about no certificate of the path."""
    certificate: Certificate | None
    """The certificate at that depth, or the one that cannot be read."""
    verify_code: int
    """OpenSSL's X509_V_ERR number for it."""
    expected: str
    """What would have been right, in a few words."""
    presented: str
    """What was there instead, in a few words; nothing in it varies from run to run."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What OpenSSL makes of a chain."""

    path: CertificationPath
    """The chain as OpenSSL builds it: by names and key identifiers, before any signature is checked."""
    problems: tuple[Problem, ...]
    """In the order in which OpenSSL meets them; () when it accepts."""
    unsure: str | None
    """Why the prediction is not certain; None when it is."""

    @property
    def verify_code(self) -> int:
        """The number at which OpenSSL stops: the first problem's, 0 when there is none."""
        return self.problems[0].verify_code if self.problems else 0

    @property
    def accepted(self) -> bool:
        """OpenSSL finds nothing wrong."""
        return not self.problems


def validate(
    chain: tuple[Certificate, ...],
    *,
    trusts: tuple[Certificate, ...],
    at: datetime,
    purpose: Literal["serverAuth", "clientAuth"],
    server_name: str | None = None,
    crls: tuple[bytes, ...] | None = None,
    strict: bool = False,
    partial_chain: bool = False,
    security_level: int = 2,
) -> Validation:
    """Predict the verdict on a peer's chain, leaf first, as sent. Never raises for what a peer sent.

    `crls` (DER) None: no revocation check; else the leaf is looked up, and () finds no list. `server_name` None: no
    name is asked for. `strict` and `partial_chain` are OpenSSL's X509_STRICT (the default of Python 3.13's
    `create_default_context`) and PARTIAL_CHAIN (likewise); the lab sets neither unless told. `security_level` is
    OpenSSL's: Python's `ssl` has 2 on Debian and Ubuntu and from OpenSSL 3.2 on, elsewhere 1.
    """
    if purpose not in {"serverAuth", "clientAuth"}:
        raise ValueError(f"purpose={purpose!r} must be 'serverAuth' or 'clientAuth'")
    if at.tzinfo is None:
        raise ValueError(f"at={at!r} has no time zone: give an aware time such as datetime.now(UTC)")
    rules = Rules(purpose=purpose, at=moment_of(at), strict=strict, partial=partial_chain, level=security_level)
    unread = _unreadable(chain)
    if unread or not chain:
        return Validation(path=_no_path(chain), problems=unread, unsure=None)
    sent = tuple(one.reading for one in chain if one.reading is not None)
    return _Run(chain=chain, trusts=trusts, sent=sent, rules=rules, server_name=server_name, crls=crls).validation()


def _unreadable(chain: tuple[Certificate, ...]) -> tuple[Problem, ...]:
    """TLS reads every certificate of the message before it judges one."""
    return tuple(
        Problem(
            slug="unreadable-certificate",
            depth=0 if position == 0 else None,
            certificate=one,
            verify_code=UNREADABLE,
            expected="certificates that OpenSSL can read",
            presented="bytes that it cannot",
        )
        for position, one in enumerate(chain)
        if one.reading is None
    )


def _no_path(chain: tuple[Certificate, ...]) -> CertificationPath:
    return CertificationPath(certificates=chain[:1], anchor=None, missing_issuer=None, twin=None)


@dataclass(frozen=True, kw_only=True)
class _Run:
    chain: tuple[Certificate, ...]
    trusts: tuple[Certificate, ...]
    sent: tuple[Reading, ...]
    rules: Rules
    server_name: str | None
    crls: tuple[bytes, ...] | None

    def validation(self) -> Validation:
        doubts: list[str] = []
        # OpenSSL's store keeps one of each.
        anchors = tuple({one.der: one.reading for one in self.trusts if one.reading is not None}.values())
        if any(one.reading is None for one in self.trusts):
            doubts.append("a trust anchor cannot be read, so the verifier would not even start")
        made = build(self.sent, anchors, at=self.rules.at, partial=self.rules.partial)
        name = self._dialled(doubts)
        found: list[Found] = []
        for code, depth in self._checks(made, name, doubts):
            if code != UNCERTAIN:
                found.append((code, depth))
            elif not found:
                doubts.append(self.rules.doubts[-1])
        namesakes = self._namesakes(made, anchors)
        doubts += [one.doubt for one in (*made.chain, *namesakes) if one.doubt]
        evidence = Evidence(made=made, rules=self.rules, anchors=anchors, sent=self.sent, dialled=name)
        certificates = self._certificates(made.chain)
        return Validation(
            path=_path(made, certificates, self._certificates(namesakes)),
            problems=tuple(_problem(code, depth, certificates, evidence) for code, depth in found),
            unsure=doubts[0] if doubts else None,
        )

    def _dialled(self, doubts: list[str]) -> Dialled | None:
        if self.server_name is None:
            return None
        try:
            return dialled(self.server_name)
        except ValueError as error:
            doubts.append(str(error))
            return None

    def _checks(self, made: Build, name: Dialled | None, doubts: list[str]) -> Iterator[Found]:
        top = len(made.chain) - 1
        weak = not is_strong(self.sent[0], self.rules)
        if weak:
            yield 66, 0
        if made.aborted and weak:
            return
        yield from ((code, top) for code in made.problems)
        if made.aborted:
            return
        yield from check_extensions(made, self.rules)
        yield from check_strengths(made, self.rules)
        if name is not None and not matches(made.chain[0], name):
            yield 62 if name.address is None else 64, 0
        if made.chain[0].key is None:
            # Here OpenSSL looks for inherited parameters of keys, and gives up. By now it has told why, unless the
            # leaf is its own anchor at security level 0.
            if not made.problems and not top and self.rules.level <= 0:
                yield 1, 0
            return
        yield from self._revocation(made, doubts)
        yield from check_signatures(made, self.rules)
        yield from check_constraints(made, self.rules)
        yield from check_resources(made, self.rules)

    def _revocation(self, made: Build, doubts: list[str]) -> Iterator[Found]:
        if self.crls is None:
            return
        lists, unreadable = read_lists(self.crls)
        if unreadable:
            doubts.append("a revocation list cannot be read, so the verifier would not even start")
        if any(one.is_delta and one.issuer == made.chain[0].issuer for one in lists):
            self.rules.doubts.append("OpenSSL before and after 3.0.20 judge delta revocation lists differently")
            yield UNCERTAIN, 0
        try:
            yield from ((code, 0) for code in check_revocation(made, lists, self.rules.at))
        except UncertainError as error:
            self.rules.doubts.append(str(error))
            yield UNCERTAIN, 0

    def _namesakes(self, made: Build, anchors: tuple[Reading, ...]) -> list[Reading]:
        """Those that might have been the next issuer by their name alone."""
        top = made.chain[-1]
        known = {one.der for one in made.chain}
        return [one for one in (*anchors, *self.sent) if one.subject == top.issuer and one.der not in known]

    def _certificates(self, readings: list[Reading]) -> tuple[Certificate, ...]:
        known = {one.der: one for one in (*self.trusts, *self.chain)}
        return tuple(known[one.der] for one in readings)


def _problem(code: int, depth: int, certificates: tuple[Certificate, ...], evidence: Evidence) -> Problem:
    slug, expected, presented = describe(code, depth, evidence)
    return Problem(
        slug=slug,
        depth=depth,
        certificate=certificates[depth],
        verify_code=code,
        expected=expected,
        presented=presented,
    )


def _path(made: Build, certificates: tuple[Certificate, ...], namesakes: tuple[Certificate, ...]) -> CertificationPath:
    if made.trusted:
        return CertificationPath(certificates=certificates, anchor=certificates[-1], missing_issuer=None, twin=None)
    ends = made.chain[-1].looks_self_signed
    return CertificationPath(
        certificates=certificates,
        anchor=None,
        missing_issuer=None if ends else certificates[-1].issuer,
        twin=None if ends or not namesakes else namesakes[0],
    )
