"""A chain looked over by itself: order, path, times, purposes, names, strength. What is wrong is said, never raised.

Each check stands alone, so that all that is wrong is found at once; a verifier stops at the first.
"""

from collections.abc import Iterator

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.inspection.content import inspect_name, inspect_purposes, inspect_strength, inspect_times
from mtls_lab.certificates.inspection.path import inspect_path
from mtls_lab.certificates.inspection.rules import NAME, PATH, Verdict, inspect_rules, judge
from mtls_lab.certificates.inspection.setting import Setting, short_name
from mtls_lab.certificates.path import CertificationPath, certification_path
from mtls_lab.certificates.remark import Remark

MOST_CERTIFICATES = 20
"""No more of a chain is looked at: a hostile one would cost a signature check for every pair."""


def inspect_chain(chain: tuple[Certificate, ...], setting: Setting) -> Iterator[Remark]:
    """Everything there is to say about the chain (leaf first), as it was sent or as it stands in a file."""
    seen = chain[:MOST_CERTIFICATES]
    odd = list(_readable(seen))
    yield from odd
    if seen[0].subject is None:
        return
    verdict = judge(seen, setting)
    found = list(_by_themselves(chain, seen, setting, verdict))
    yield from found
    said = frozenset(one.cause for one in (*odd, *found) if one.cause is not None and one.level == "wrong")
    # An authority in the leaf's place breaks more rules than anyone wants to read.
    if _leads(seen):
        yield from inspect_rules(verdict, said, anchored=bool(setting.trusts))


def _by_themselves(
    chain: tuple[Certificate, ...], seen: tuple[Certificate, ...], setting: Setting, verdict: Verdict
) -> Iterator[Remark]:
    if len(chain) > len(seen):
        yield Remark(
            level="warning",
            title=f"{setting.whose} comes with {len(chain) - 1} others; only the first {len(seen)} were looked at",
            why="Verifiers have limits, too: OpenSSL looks at no more than 100, others at far fewer.",
            cause="extra-certificates",
        )
    path = certification_path(seen, setting.trusts)
    if path.anchor is None and not verdict.causes & PATH:
        # A signature that `cryptography` does not check (SHA-1): OpenSSL's way leads on.
        path = verdict.usual.path
    yield from _order(seen, path)
    yield from _needless(seen, path)
    if setting.trusts:
        yield from inspect_path(path, setting)
    yield from inspect_times(path.certificates, setting)
    if not _leads(seen):
        return
    yield from inspect_purposes(seen[0], setting)
    if setting.server_name is not None:
        yield from inspect_name(seen[0], setting.server_name, next(iter(verdict.causes & NAME), "wrong-host"))
    yield from inspect_strength(path)


def _leads(chain: tuple[Certificate, ...]) -> bool:
    """The leaf stands first, or there is none."""
    return not chain[0].is_authority or all(one.is_authority for one in chain)


def _order(chain: tuple[Certificate, ...], path: CertificationPath) -> Iterator[Remark]:
    """RFC 8446 section 4.4.2: leaf first, each next one certifies the one before; 1.2 insists, 1.3 advises."""
    wanted = tuple(one for one in path.certificates if one in chain)
    presented = tuple(one for one in chain if one in wanted)
    shown = " / ".join(short_name(one) for one in chain)
    if not _leads(chain):
        leaf = next(one for one in chain if not one.is_authority)
        yield Remark(
            level="wrong",
            title=f"The leaf {short_name(leaf)} does not stand first: {short_name(chain[0])} does",
            why="The first certificate is the one whose key signs the handshake; the others vouch for it.",
            fixes=(("shell", "cat leaf.pem intermediate.pem > chain.pem  (leaf first, without the root)"),),
            evidence=(f"in this order: {shown}",),
            cause="wrong-order",
        )
    elif presented != wanted:
        yield Remark(
            level="warning",
            title="The certificates are not in order: each should be followed by its issuer",
            why="OpenSSL sorts them itself; other TLS libraries refuse, since TLS 1.2 demands the order.",
            fixes=(("shell", "cat leaf.pem intermediate.pem > chain.pem  (leaf first, then upwards)"),),
            evidence=(f"in this order: {shown}", f"as a path: {' / '.join(short_name(one) for one in wanted)}"),
            cause="wrong-order",
        )
    elif len(chain) > 1:
        yield Remark(level="good", title=f"The order is right, leaf first: {shown}")


def _needless(chain: tuple[Certificate, ...], path: CertificationPath) -> Iterator[Remark]:
    strangers = [short_name(one) for one in chain if one not in path.certificates]
    if strangers:
        yield Remark(
            level="note",
            title=f"Not part of the path: {', '.join(strangers)}",
            why="It costs bytes in every handshake and helps nobody.",
            cause="extra-certificates",
        )
    if len(chain) > 1 and chain[-1] in path.certificates and chain[-1].is_signed_by(chain[-1]):
        yield Remark(
            level="note",
            title=f"The chain holds the root {short_name(chain[-1])}, which may stay out",
            why="Verifiers believe only the copy of a root that they already have (RFC 8446 section 4.4.2).",
        )


def _readable(chain: tuple[Certificate, ...]) -> Iterator[Remark]:
    for place, one in enumerate(chain):
        if one.subject is None:
            yield Remark(
                level="wrong",
                title=f"Number {place + 1} of the chain is no certificate that can be read",
                why="A TLS library that cannot read one of them gives up before it judges any.",
                evidence=(one.problem or "it cannot be read",),
                cause="unreadable-certificate" if place else "not-a-certificate",
            )
        elif one.problem is not None:
            yield Remark(
                level="warning",
                title=f"The certificate {short_name(one)} cannot be read in full",
                why="What this lab cannot read, other programs may refuse.",
                evidence=(one.problem,),
            )
