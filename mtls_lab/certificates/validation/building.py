"""The chain that OpenSSL builds (RFC 5280 section 6.1 leaves that open): trust anchors first, by names and identifiers.

No signature is looked at here. So a twin (the issuer's name and another key) may end up in the chain and fail later.
"""

from dataclasses import dataclass, field

from mtls_lab.certificates.validation.reading import Reading
from mtls_lab.certificates.validation.times import Moment, covers, parse_time

DEPTH_LIMIT = 100
"""OpenSSL's default for a TLS connection: so many authorities may stand between leaf and anchor."""
UNSPECIFIED, NO_ISSUER, SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_LOCAL_ISSUER, TOO_LONG = 1, 2, 18, 19, 20, 22


@dataclass(kw_only=True)
class Build:
    """How far it came."""

    chain: list[Reading]
    """Leaf first."""
    from_peer: int = 1
    """So many certificates at the beginning are the peer's; the rest are the verifier's own."""
    trusted: bool = False
    """It ends at a trust anchor."""
    problems: list[int] = field(default_factory=list)
    """Verify codes, each about the last certificate of the chain."""
    aborted: bool = False
    """OpenSSL gave up with an internal error: nothing else was judged."""


def build(
    sent: tuple[Reading, ...], anchors: tuple[Reading, ...], *, at: Moment, partial: bool, limit: int = DEPTH_LIMIT
) -> Build:
    """Extend the chain from the leaf; the chain as sent is only a store of candidates, in its order."""
    made, left, searching_sent = Build(chain=[sent[0]]), list(sent), True
    while not made.trusted and not made.aborted:
        top = made.chain[-1]
        issuer = _best(anchors, top, at) if len(made.chain) <= limit + 1 else None
        if issuer is not None and _add_anchor(made, issuer, partial=partial):
            searching_sent = False
            continue
        if made.aborted or not searching_sent:
            break
        issuer = _from_peer(made, left, at) if len(made.chain) <= limit + 1 else None
        searching_sent = issuer is not None
        if issuer is not None:
            left = [one for one in left if one is not issuer]
            made.chain.append(issuer)
            made.from_peer += 1
    if not made.aborted:
        _conclude(made, anchors, partial=partial, limit=limit)
    return made


def _best(candidates: tuple[Reading, ...], below: Reading, at: Moment) -> Reading | None:
    """The first issuer that is valid now, else the one that expired last."""
    latest: Reading | None = None
    for one in candidates:
        if not one.may_have_issued(below):
            continue
        if covers(one.not_before, one.not_after, at):
            return one
        if latest is None or _ends_later(one, latest):
            latest = one
    return latest


def _ends_later(one: Reading, other: Reading) -> bool:
    first, second = parse_time(one.not_after), parse_time(other.not_after)
    return first is not None and second is not None and first > second


def _add_anchor(made: Build, issuer: Reading, *, partial: bool) -> bool:
    """Put the verifier's own certificate on top; False when that leads nowhere."""
    top = made.chain[-1]
    if top.key is None or issuer.key is None:
        made.aborted = True
        made.problems.append(UNSPECIFIED)
        return False
    if top.looks_self_signed:
        if top.der != issuer.der:
            # Self-signed under an anchor's name, but not the anchor.
            return False
        made.chain[-1] = issuer
        made.from_peer = min(made.from_peer, len(made.chain) - 1)
    else:
        made.chain.append(issuer)
    made.trusted = issuer.looks_self_signed or partial
    return made.trusted or not top.looks_self_signed


def _from_peer(made: Build, left: list[Reading], at: Moment) -> Reading | None:
    top = made.chain[-1]
    if top.key is not None and not top.broken and top.looks_self_signed:
        return None
    again = top.self_issued and len(made.chain) == 1
    present = {one.der for one in made.chain}
    return _best(tuple(one for one in left if again or one.der not in present), top, at)


def _conclude(made: Build, anchors: tuple[Reading, ...], *, partial: bool, limit: int) -> None:
    size, top = len(made.chain), made.chain[-1]
    if not made.trusted and partial and made.from_peer == size <= limit + 1:
        # The leaf itself may be the anchor.
        own = next((one for one in anchors if one.der == made.chain[0].der), None)
        if own is not None:
            made.chain[0], made.from_peer, made.trusted = own, 0, True
    if made.trusted:
        return
    if size > limit + 1:
        made.problems.append(TOO_LONG)
    if top.looks_self_signed and not top.broken:
        made.problems.append(SELF_SIGNED if size == 1 else SELF_SIGNED_IN_CHAIN)
    else:
        made.problems.append(NO_ISSUER if made.from_peer < size else NO_LOCAL_ISSUER)
