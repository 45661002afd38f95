"""What OpenSSL asks of a built chain, in its order: extensions and purpose, strength, name, revocation, signatures
and times from the anchor down, name constraints last. Each problem is a (verify code, depth); all are collected, where
OpenSSL by default stops at the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mtls_lab.certificates.validation.building import Build
from mtls_lab.certificates.validation.constraints import Violation, find_violation
from mtls_lab.certificates.validation.distinguished_names import COMMON_NAME
from mtls_lab.certificates.validation.keys import UncertainError, hash_strength
from mtls_lab.certificates.validation.reading import (
    CRL_SIGN,
    DIGITAL_SIGNATURE,
    GATED_CRYPTO,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    SERVER_AUTH,
    Reading,
)
from mtls_lab.certificates.validation.times import Moment, parse_time

_STRENGTHS = (0, 80, 112, 128, 192, 256)
"""What a security level asks for, in bits."""
_BASIC_CONSTRAINTS, _ALTERNATIVE_NAME = "2.5.29.19", "2.5.29.17"
_NS_CLIENT, _NS_SERVER, _NS_TLS_AUTHORITY, _NS_AUTHORITY = 0x80, 0x40, 0x04, 0x07

Found = tuple[int, int]
"""Verify code and depth."""
UNCERTAIN = 0
"""In the place of a verify code: nobody here can tell whether there is a problem; `Rules.doubts` says why."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the verifier demands."""

    purpose: str
    """serverAuth or clientAuth."""
    at: Moment
    """When."""
    strict: bool
    """X509_V_FLAG_X509_STRICT."""
    partial: bool
    """X509_V_FLAG_PARTIAL_CHAIN."""
    level: int
    """The security level."""
    violations: dict[int, list[Violation]] = field(default_factory=dict)
    """Filled by `check_constraints`: what was not allowed, by depth."""
    doubts: list[str] = field(default_factory=list)
    """Filled by the checks: why the last UNCERTAIN was given."""

    @property
    def least_strength(self) -> int:
        """In bits; 0 at level 0, where OpenSSL does not even look for a key."""
        return _STRENGTHS[min(self.level, 5)] if self.level > 0 else 0


def is_strong(reading: Reading, rules: Rules) -> bool:
    """Its key is as strong as the level demands."""
    return rules.level <= 0 or (reading.key is not None and reading.key.strength >= rules.least_strength)


def check_extensions(made: Build, rules: Rules) -> Iterator[Found]:
    """Authorities are authorities, purposes and path lengths fit (RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12)."""
    below, proxies = 0, 0
    for depth, one in enumerate(made.chain):
        yield from ((code, depth) for code in _check_form(one, depth, made, rules))
        if not _fits_purpose(one, rules, as_authority=_wanted(made, depth) == "authority"):
            yield 26, depth
        if depth > 1 and one.path_length is not None and below > one.path_length + proxies:
            yield 25, depth
        # Self-issued authorities (key rollover) do not count.
        below += depth > 0 and not one.self_issued
        if one.is_proxy:
            limit = one.get("proxyCertInfo").get("path_length")
            if limit is not None and proxies > limit:
                yield 38, depth
            proxies = (proxies if limit is None else limit) + 1


def _wanted(made: Build, depth: int) -> str:
    """What may stand there: `any` (the leaf), `authority`, or `end entity` (what issued a proxy certificate)."""
    if not depth:
        return "any"
    return "end entity" if made.chain[depth - 1].is_proxy else "authority"


def _check_form(one: Reading, depth: int, made: Build, rules: Rules) -> Iterator[int]:
    if one.unknown_critical:
        yield 34
    if one.is_proxy:
        yield 40
    kind, last = 0 if one.broken else authority_kind(one), depth + 1 == len(made.chain)
    wanted = _wanted(made, depth)
    if wanted == "end entity" and kind:
        yield 37
    # An authority by an older convention than basicConstraints will do as the last, and unless strict.
    if wanted == "authority" and (not kind or ((not last or rules.strict) and kind != 1)):
        yield 79
    if wanted == "any" and rules.strict and kind > 1:
        yield 79
    if len(made.chain) == 1:
        return
    if one.key is None:
        yield 1
    elif one.key.explicit_curve:
        yield 94
    if rules.strict:
        yield from _check_strictly(one, last=last)


def authority_kind(one: Reading) -> int:
    """0: no authority; 1: basicConstraints says so; 3 to 5: by a convention from before basicConstraints."""
    if one.key_usage is not None and not one.key_usage & KEY_CERT_SIGN:
        return 0
    if one.get("basicConstraints") is not None:
        return int(one.is_authority)
    if one.version == 0 and one.looks_self_signed:
        return 3
    if one.key_usage is not None:
        return 4
    return 5 if (one.netscape_type or 0) & _NS_AUTHORITY else 0


def _check_strictly(one: Reading, *, last: bool) -> Iterator[int]:
    """X509_V_FLAG_X509_STRICT: what RFC 5280 section 4 demands of a certificate's form."""
    yield from _check_usage_strictly(one)
    yield from _check_names_strictly(one)
    if not one.consistent:
        yield 78
    if one.version >= 2:
        if not last and "key" not in (one.issuer_identifier or {}):
            yield 85
        if one.is_authority and one.key_identifier is None:
            yield 86
    elif one.extensions:
        yield 93


def _check_usage_strictly(one: Reading) -> Iterator[int]:
    usage, authority = one.key_usage or 0, one.is_authority
    if one.path_length is not None:
        if not authority:
            yield 80
        if not usage & KEY_CERT_SIGN:
            yield 81
    if authority and _BASIC_CONSTRAINTS not in one.critical:
        yield 89
    if authority and one.key_usage is None:
        yield 92
    if not authority and usage & KEY_CERT_SIGN:
        yield 82


def _check_names_strictly(one: Reading) -> Iterator[int]:
    names = one.get("subjectAltName")
    if not one.issuer.attributes:
        yield 83
    if not one.subject.attributes:
        if one.is_authority or (one.key_usage or 0) & CRL_SIGN or names is None:
            yield 84
        if names is not None and _ALTERNATIVE_NAME not in one.critical:
            yield 88
    if names == ():
        yield 87


def _fits_purpose(one: Reading, rules: Rules, *, as_authority: bool) -> bool:
    if one.broken:
        return not rules.strict
    return purpose_problem(one, rules.purpose, as_authority=as_authority) is None


def purpose_problem(one: Reading, purpose: str, *, as_authority: bool) -> str | None:
    """Which extension stands against the purpose: its name; None when none does."""
    server = purpose == "serverAuth"
    wanted = {SERVER_AUTH, *GATED_CRYPTO} if server else {"1.3.6.1.5.5.7.3.2"}
    if one.purposes is not None and wanted.isdisjoint(one.purposes):
        return "extendedKeyUsage"
    if as_authority:
        kind = authority_kind(one)
        if kind == 5 and not (one.netscape_type or 0) & _NS_TLS_AUTHORITY:
            return "nsCertType"
        return None if kind else "basicConstraints"
    usages = DIGITAL_SIGNATURE | KEY_AGREEMENT | (KEY_ENCIPHERMENT if server else 0)
    if one.key_usage is not None and not one.key_usage & usages:
        return "keyUsage"
    if one.netscape_type is not None and not one.netscape_type & (_NS_SERVER if server else _NS_CLIENT):
        return "nsCertType"
    return None


def check_strengths(made: Build, rules: Rules) -> Iterator[Found]:
    """Keys of the authorities, and hashes of all signatures but the anchor's own."""
    if rules.level <= 0:
        return
    for depth, one in enumerate(made.chain):
        if depth and not is_strong(one, rules):
            yield 67, depth
        if depth + 1 < len(made.chain) and hash_strength(one.signed.algorithm) < rules.least_strength:
            yield 68, depth


def check_signatures(made: Build, rules: Rules) -> Iterator[Found]:
    """From the anchor down: may the issuer sign, did it, is it the time? The anchor's own signature is not asked."""
    chain, depth = made.chain, len(made.chain) - 1
    issuer = chain[depth]
    if not issuer.may_have_issued(issuer) and not rules.partial:
        # An anchor that is not self-signed comes without a signature to check and without a time.
        if not depth:
            yield 21, 0
        else:
            depth -= 1
    while depth >= 0:
        one = chain[depth]
        if one is not issuer:
            yield from _check_signature(one, issuer, depth, rules)
        yield from check_time(one, depth, rules.at)
        issuer, depth = one, depth - 1


def _check_signature(one: Reading, issuer: Reading, depth: int, rules: Rules) -> Iterator[Found]:
    wanted, code = (DIGITAL_SIGNATURE, 39) if one.is_proxy else (KEY_CERT_SIGN, 32)
    if issuer.key_usage is not None and not issuer.key_usage & wanted:
        yield code, depth + 1
    if issuer.key is None:
        yield 6, depth + 1
        return
    try:
        if not one.is_signed_by(issuer):
            yield 7, depth
    except UncertainError as error:
        rules.doubts.append(str(error))
        yield UNCERTAIN, depth


def check_time(one: Reading, depth: int, at: Moment) -> Iterator[Found]:
    """It has begun and has not ended (RFC 5280 section 4.1.2.5)."""
    begin, end = parse_time(one.not_before), parse_time(one.not_after)
    if begin is None:
        yield 13, depth
    elif begin > at:
        yield 9, depth
    if end is None:
        yield 14, depth
    elif end <= at:
        yield 10, depth


def check_constraints(made: Build, rules: Rules) -> Iterator[Found]:
    """Every certificate but self-issued authorities, against every authority above it, the anchor first."""
    chain = made.chain
    for depth in range(len(chain) - 1, -1, -1):
        one = chain[depth]
        if depth and one.self_issued:
            continue
        if one.is_proxy and not _extends_issuer(one):
            yield 72, depth
        for upper in range(len(chain) - 1, depth, -1):
            constraints = chain[upper].get("nameConstraints")
            violation = find_violation(one, constraints) if constraints is not None else None
            if violation is not None:
                rules.violations.setdefault(depth, []).append(violation)
                yield violation.verify_code, depth


def check_resources(made: Build, rules: Rules) -> Iterator[Found]:
    """IP addresses and AS numbers: the last thing OpenSSL asks, where it was built to."""
    if any(one.has_resources for one in made.chain):
        rules.doubts.append("IP address or AS number resources (RFC 3779) are judged by some builds of OpenSSL only")
        yield UNCERTAIN, 0


def _extends_issuer(one: Reading) -> bool:
    """A proxy's subject is its issuer's name and one common name more (RFC 3820 section 3.4)."""
    subject, issuer = one.subject.attributes, one.issuer.attributes
    if len(subject) < 2 or len(subject) != len(issuer) + 1 or subject[-1].group == subject[-2].group:
        return False
    return subject[-1].kind == COMMON_NAME and one.subject.canonical.startswith(one.issuer.canonical)
