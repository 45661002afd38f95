"""A verify code and the evidence around it -> which mistake it is, what was expected and what was presented."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mtls_lab.certificates.validation.building import Build
from mtls_lab.certificates.validation.checks import Rules, authority_kind, purpose_problem
from mtls_lab.certificates.validation.keys import hash_name
from mtls_lab.certificates.validation.reading import CLIENT_AUTH, KEY_CERT_SIGN, SERVER_AUTH, Reading
from mtls_lab.certificates.validation.server_names import Dialled, name_slug, presented_names
from mtls_lab.certificates.validation.times import days_between, parse_time

PLAIN: dict[int, tuple[str, str, str]] = {
    1: ("unreadable-key", "a public key that OpenSSL can read", "one that it cannot"),
    2: (
        "intermediate-as-anchor",
        "a self-signed trust anchor",
        "an intermediate among the trust anchors, not its root",
    ),
    3: ("no-crl", "a revocation list of the issuer", "none that fits"),
    4: ("bad-signature", "a signature that the issuer's key verifies", "one it does not decrypt"),
    5: ("crl-bad-signature", "a revocation list that its issuer signed", "a signature that does not fit"),
    6: ("unreadable-key", "an issuer with a public key that OpenSSL can read", "one that it cannot"),
    8: ("crl-bad-signature", "a revocation list that its issuer signed", "a signature that does not fit"),
    11: ("crl-not-yet-valid", "a revocation list that is valid now", "one from the future"),
    12: ("stale-crl", "a revocation list that is valid now", "one whose next update is overdue"),
    13: ("bad-time", "a notBefore in the form of RFC 5280", "something else"),
    14: ("bad-time", "a notAfter in the form of RFC 5280", "something else"),
    15: ("crl-bad-time", "a thisUpdate in the form of RFC 5280", "something else"),
    16: ("crl-bad-time", "a nextUpdate in the form of RFC 5280", "something else"),
    18: ("self-signed", "a certificate that a trust anchor issued", "one signed with its own key"),
    19: ("self-signed-in-chain", "a chain that ends at a trust anchor", "one that ends at a root nobody trusts here"),
    21: ("unverified-leaf", "an issuer to check the signature with", "a leaf alone"),
    22: ("chain-too-long", "a chain of at most 100 authorities", "a longer one"),
    23: ("revoked", "a certificate that its issuer stands by", "one on the issuer's revocation list"),
    25: ("path-length", "no more authorities below than the path length allows", "one more"),
    28: ("rejected-anchor", "a trust anchor for this purpose", "one marked against it"),
    33: ("no-crl-issuer", "the issuer of the revocation list", "nobody"),
    35: ("crl-issuer-without-crl-sign", "an issuer whose keyUsage has cRLSign", "one without"),
    36: (
        "unknown-critical-crl-extension",
        "a revocation list that OpenSSL understands",
        "a critical extension unknown to it",
    ),
    37: ("issuer-is-a-ca", "an end entity above a proxy certificate", "an authority"),
    38: ("proxy-path-length", "no more proxy certificates than allowed", "one more"),
    39: ("issuer-without-digital-signature", "a proxy's issuer whose keyUsage has digitalSignature", "one without"),
    40: ("proxy-certificate", "no proxy certificate", "a proxy certificate (RFC 3820)"),
    41: ("invalid-extension", "extensions in the form of RFC 5280", "a damaged one"),
    42: ("invalid-policy", "consistent policy extensions", "inconsistent ones"),
    43: ("no-explicit-policy", "a policy valid for the whole path", "none"),
    44: ("crl-scope", "a revocation list that speaks of this certificate", "one that speaks of others"),
    45: ("unsupported-extension", "an extension that OpenSSL supports", "a feature that it does not"),
    46: ("unnested-resources", "IP addresses and AS numbers that the issuer holds", "others (RFC 3779)"),
    49: ("name-constraint-bounds", "a name constraint without minimum and maximum", "one with them"),
    51: ("name-constraint-unsupported", "a constraint on a kind of name that OpenSSL can compare", "another kind"),
    52: ("name-constraint-unsupported", "a constraint that OpenSSL can read", "another form"),
    53: ("name-constraint-bad-name", "names that can be held against the constraints", "one that cannot"),
    54: ("crl-path", "a revocation list's issuer with a valid path", "one without"),
    55: ("path-loop", "a path that ends", "a loop"),
    63: ("wrong-email", "the mailbox asked for", "another"),
    72: ("proxy-subject", "a proxy's subject: its issuer's, and one common name more", "another"),
    76: ("unknown-signature-algorithm", "a signature algorithm that OpenSSL knows", "another"),
    77: ("signature-algorithm-mismatch", "a signature algorithm of the issuer's key", "one of another kind of key"),
    78: ("inconsistent-signature-algorithm", "one signature algorithm, given twice", "two different ones"),
    80: (
        "path-length-without-ca",
        "a path length for authorities only",
        "a path length in an end entity's certificate",
    ),
    81: ("path-length-without-key-cert-sign", "a path length beside keyCertSign only", "a path length without it"),
    82: ("key-cert-sign-without-ca", "keyCertSign for authorities only", "an end entity with it"),
    83: ("empty-issuer", "an issuer's name", "an empty one"),
    84: ("empty-subject", "a subject's name", "an empty one"),
    85: ("missing-aki", "an authorityKeyIdentifier with the issuer's key", "none"),
    86: ("missing-ski", "an authority with a subjectKeyIdentifier", "none"),
    87: ("empty-san", "a subjectAltName with names", "an empty one"),
    88: ("san-not-critical", "a critical subjectAltName, as there is no subject", "one that is not critical"),
    89: ("ca-not-critical", "an authority with critical basicConstraints", "basicConstraints that are not critical"),
    90: ("critical-aki", "an authorityKeyIdentifier that is not critical", "a critical one"),
    91: ("critical-ski", "a subjectKeyIdentifier that is not critical", "a critical one"),
    92: ("ca-without-key-usage", "an authority with keyUsage", "one without"),
    93: (
        "extensions-without-version-3",
        "extensions in certificates of version 3 only",
        "an older version with extensions",
    ),
    94: ("explicit-curve", "an elliptic curve given by name", "one spelled out in numbers"),
}
"""Codes that need no more evidence: slug, expected, presented."""

_PLACES = ("", "-intermediate", "-root")
_PURPOSE_NAMES = {SERVER_AUTH: "serverAuth", CLIENT_AUTH: "clientAuth"}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a slug is chosen from."""

    made: Build
    """The chain as OpenSSL built it."""
    rules: Rules
    """What the verifier demanded."""
    anchors: tuple[Reading, ...]
    """All that the verifier trusts."""
    sent: tuple[Reading, ...]
    """All that the peer sent."""
    dialled: Dialled | None
    """The name asked for."""
    taken: dict[int, int] = field(default_factory=dict)
    """How many name-constraint violations of a depth have been told."""


Words = tuple[str, str, str]


def describe(code: int, depth: int, evidence: Evidence) -> Words:
    """Slug, expected, presented."""
    special = SPECIAL.get(code)
    if special is not None:
        return special(code, depth, evidence)
    return PLAIN.get(code, (f"verify-code-{code}", "a certificate that OpenSSL accepts", f"verify code {code}"))


def _no_issuer(_code: int, depth: int, evidence: Evidence) -> Words:
    top = evidence.made.chain[depth]
    if top.broken:
        return "invalid-extension", "extensions in the form of RFC 5280", f"a damaged {top.broken[0]}"
    if any(one.der == evidence.made.chain[0].der for one in evidence.anchors):
        return "leaf-as-anchor", "a trust anchor that issues", "the leaf itself among the trust anchors"
    namesakes = [one for one in (*evidence.anchors, *evidence.sent) if one.subject == top.issuer and one.der != top.der]
    for one in namesakes:
        if one.broken:
            return (
                "invalid-extension",
                "an issuer with extensions in the form of RFC 5280",
                f"a damaged {one.broken[0]}",
            )
    if namesakes:
        return "same-name-other-key", "the issuer with the right key", "another key under the issuer's name"
    return "untrusted-root", "a chain that leads to a trust anchor", "one that does not"


def _internal(_code: int, depth: int, evidence: Evidence) -> Words:
    if evidence.made.chain[depth].key is not None and not evidence.made.aborted:
        return "name-constraint-too-many", "a number of names and constraints that can be compared", "far more"
    return PLAIN[1]


def _signature(_code: int, depth: int, evidence: Evidence) -> Words:
    one, issuer = evidence.made.chain[depth], evidence.made.chain[depth + 1]
    if not one.consistent:
        return PLAIN[78]
    named = (one.issuer_identifier or {}).get("key")
    if named is None or issuer.key_identifier is None:
        presented = "a signature that it does not, and no key identifiers to tell keys apart"
        return "same-name-other-key-no-aki", "a signature that the issuer's key verifies", presented
    return "bad-signature", "a signature that the issuer's key verifies", "one that it does not"


def _time(code: int, depth: int, evidence: Evidence) -> Words:
    one, at = evidence.made.chain[depth], evidence.rules.at
    # A leaf that is its own anchor is a leaf first.
    place = _PLACES[0 if not depth else 2 if depth + 1 == len(evidence.made.chain) else 1]
    if code == 9:
        days = days_between(at, parse_time(one.not_before) or at)
        return (
            f"not-yet-valid{place}",
            "a certificate that is valid now",
            f"one that {_ago('begins', days, past=False)}",
        )
    days = days_between(parse_time(one.not_after) or at, at)
    return f"expired{place}", "a certificate that is valid now", f"one that {_ago('ended', days, past=True)}"


def _ago(verb: str, days: int | None, *, past: bool) -> str:
    if days is None:
        return f"{verb} long ago" if past else f"{verb} much later"
    if days < 1:
        return f"{verb} less than a day ago" if past else f"{verb} within a day"
    count = "1 day" if days == 1 else f"{days} days"
    return f"{verb} {count} ago" if past else f"{verb} in {count}"


def _not_an_authority(_code: int, depth: int, evidence: Evidence) -> Words:
    one = evidence.made.chain[depth]
    if one.is_authority and one.key_usage is not None and not one.key_usage & KEY_CERT_SIGN:
        return _without_cert_sign(32, depth, evidence)
    if authority_kind(one) > 1:
        return "issuer-not-a-ca", "an authority by basicConstraints", "one by an older convention"
    return "issuer-not-a-ca", "an issuer whose basicConstraints say CA", "one that is no authority"


def _without_cert_sign(_code: int, _depth: int, _evidence: Evidence) -> Words:
    return "issuer-without-key-cert-sign", "an issuer whose keyUsage has keyCertSign", "one without"


def _purpose(code: int, depth: int, evidence: Evidence) -> Words:
    one, purpose = evidence.made.chain[depth], evidence.rules.purpose
    if one.broken:
        return "invalid-extension", "extensions in the form of RFC 5280", f"a damaged {one.broken[0]}"
    proxy_below = depth > 0 and evidence.made.chain[depth - 1].is_proxy
    problem = purpose_problem(one, purpose, as_authority=depth > 0 and not proxy_below)
    if problem == "basicConstraints":
        return _not_an_authority(code, depth, evidence)
    if problem == "keyUsage":
        return "wrong-key-usage", f"a keyUsage for {purpose}: digitalSignature", "a keyUsage without it"
    if problem == "nsCertType":
        return "wrong-netscape-type", f"a certificate for {purpose}", "one for another by its nsCertType"
    shown = ", ".join(_PURPOSE_NAMES.get(oid, oid) for oid in (one.purposes or ())[:4]) or "no purpose at all"
    return "wrong-purpose", f"a certificate for {purpose}", shown


def _critical(_code: int, depth: int, evidence: Evidence) -> Words:
    return (
        "unknown-critical-extension",
        "critical extensions that OpenSSL knows",
        f"{evidence.made.chain[depth].unknown_critical}, critical and unknown",
    )


def _constraint(code: int, depth: int, evidence: Evidence) -> Words:
    index = evidence.taken.get(depth, 0)
    evidence.taken[depth] = index + 1
    violation = evidence.rules.violations[depth][index]
    kind = "directory name" if violation.kind == "dirName" else f"{violation.kind} name"
    if code == 48:
        return "name-constraint-excluded", f"no {kind} that the authority excludes", "one that it excludes"
    slug = "dirname" if violation.kind == "dirName" else violation.kind.lower()
    return f"name-constraint-{slug}", f"a {kind} that the authority permits", "one that it does not"


def _weak_key(_code: int, depth: int, evidence: Evidence) -> Words:
    key, least = evidence.made.chain[depth].key, evidence.rules.least_strength
    if key is None:
        return "unreadable-key", f"a public key of at least {least} bits of security", "one that OpenSSL cannot read"
    return "weak-key", f"a key of at least {least} bits of security", f"an {key.kind} key of {key.strength}"


def _weak_hash(_code: int, depth: int, evidence: Evidence) -> Words:
    algorithm = evidence.made.chain[depth].signed.algorithm
    shown = (hash_name(algorithm) or algorithm["oid"]).upper().replace("SHA", "SHA-", 1)
    return "weak-hash", f"a signature of at least {evidence.rules.least_strength} bits of security", shown


def _name(_code: int, depth: int, evidence: Evidence) -> Words:
    one, name = evidence.made.chain[depth], evidence.dialled
    if name is None:
        return PLAIN[63]
    return name_slug(one, name), name.text, presented_names(one)


SPECIAL: dict[int, Callable[[int, int, Evidence], Words]] = {
    1: _internal,
    7: _signature,
    9: _time,
    10: _time,
    20: _no_issuer,
    24: _not_an_authority,
    26: _purpose,
    32: _without_cert_sign,
    34: _critical,
    47: _constraint,
    48: _constraint,
    62: _name,
    64: _name,
    66: _weak_key,
    67: _weak_key,
    68: _weak_hash,
    79: _not_an_authority,
}
