"""The rest of what OpenSSL asks of a path (constraints, key usage, odd extensions), and what its strict mode adds."""

from collections.abc import Iterator
from dataclasses import dataclass

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.inspection.setting import Setting, short_name
from mtls_lab.certificates.remark import Remark
from mtls_lab.certificates.validation import Problem, Validation, validate

PATH = frozenset(
    {
        "untrusted-root",
        "self-signed",
        "self-signed-in-chain",
        "incomplete-chain",
        "same-name-other-key",
        "same-name-other-key-no-aki",
        "leaf-as-anchor",
        "intermediate-as-anchor",
        "unverified-leaf",
        "bad-signature",
    }
)
"""Causes that are one and the same finding: no path to an anchor."""
NAME = frozenset({"wrong-host", "wrong-ip", "ip-as-dns", "cn-only", "email-only", "wildcard-too-deep"})
"""The same for the name."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """OpenSSL's, as `validate` predicts it."""

    usual: Validation
    """As most verifiers judge."""
    strict: Validation
    """With X509_STRICT, the default of Python's `create_default_context` from 3.13 on."""

    @property
    def causes(self) -> frozenset[str]:
        """All that is wrong for most verifiers."""
        return frozenset(one.slug for one in self.usual.problems)


def judge(chain: tuple[Certificate, ...], setting: Setting) -> Verdict:
    """Ask `validate` twice."""
    purpose = setting.purpose or _likely_purpose(chain[0])

    def ask(*, strict: bool) -> Validation:
        trusts, at, name = setting.trusts, setting.at, setting.server_name
        return validate(chain, trusts=trusts, at=at, purpose=purpose, server_name=name, strict=strict)

    return Verdict(usual=ask(strict=False), strict=ask(strict=True))


def inspect_rules(verdict: Verdict, said: frozenset[str], *, anchored: bool) -> Iterator[Remark]:
    """What nobody has said yet; `said` are the causes that were, `anchored`: there are trust anchors to judge by."""
    for family in (PATH, NAME):
        if said & family or (family is PATH and not anchored):
            said |= family
    for problem in verdict.usual.problems:
        if problem.slug not in said:
            said |= {problem.slug}
            yield _remark(problem)
    for problem in verdict.strict.problems:
        if problem.slug not in said | verdict.causes:
            said |= {problem.slug}
            yield Remark(
                level="warning",
                title=f"Strict verifiers refuse {_named(problem.certificate)}: wanted {problem.expected}, got "
                f"{problem.presented}",
                why="Python's default from 3.13 on (VERIFY_X509_STRICT); others accept it.",
                fixes=(("authority", "issue it again with every extension that RFC 5280 asks for"),),
                evidence=(f"OpenSSL's verdict with X509_STRICT: X509_V_ERR number {problem.verify_code}",),
                cause=problem.slug,
            )


def _remark(problem: Problem) -> Remark:
    # The catalogue brings all that it takes to make certificates along: not for a look at one.
    from mtls_lab.certificates.faults import FAULTS

    fault = FAULTS.get(problem.slug)
    whose = _named(problem.certificate)
    return Remark(
        level="wrong",
        title=f"A rule is broken by {whose}" if fault is None else f"{fault.title}: {whose}",
        why=f"Wanted: {problem.expected}; got: {problem.presented}.",
        fixes=(("authority", "issue it again by the rule"),),
        evidence=(
            f"OpenSSL's verdict: X509_V_ERR number {problem.verify_code}",
            *(() if fault is None else (f"the rule: {fault.reference}",)),
        ),
        cause=problem.slug,
    )


def _named(certificate: Certificate | None) -> str:
    return "a certificate that cannot be read" if certificate is None else short_name(certificate)


def _likely_purpose(leaf: Certificate) -> Purpose:
    return "clientAuth" if leaf.purposes is not None and "serverAuth" not in leaf.purposes else "serverAuth"
