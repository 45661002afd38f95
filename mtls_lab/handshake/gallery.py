"""A walk through the gallery: every exhibit by kind, played, and as each end knows it.

The panel, the exercises of notebook 08 and the page of the docs walk through it; `exhibits.py` is what is on show.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from mtls_lab.handshake.exhibits import EXHIBITS, Cast, Exhibit
from mtls_lab.handshake.explain import explain
from mtls_lab.handshake.explanation import Explanation
from mtls_lab.handshake.messages import Role, Version
from mtls_lab.handshake.rehearse import rehearse
from mtls_lab.handshake.values import Handshake

KINDS: dict[str, tuple[str, ...]] = {
    "Who vouches for it?": (
        "untrusted-root",
        "same-name-other-key",
        "same-name-other-key-no-aki",
        "self-signed",
        "self-signed-in-chain",
        "leaf-as-anchor",
        "intermediate-as-anchor",
    ),
    "When is it valid?": (
        "expired",
        "expired-intermediate",
        "expired-root",
        "not-yet-valid",
        "not-yet-valid-intermediate",
        "not-yet-valid-root",
    ),
    "For whom is it?": (
        "wrong-host",
        "wildcard-too-deep",
        "wrong-ip",
        "ip-as-dns",
        "cn-only",
        "email-only",
    ),
    "For what may it be used?": (
        "wrong-purpose",
        "wrong-key-usage",
    ),
    "Which chain comes with it?": (
        "incomplete-chain",
        "wrong-order",
        "extra-certificates",
        "issuer-not-a-ca",
        "issuer-without-key-cert-sign",
        "path-length",
        "name-constraint-dns",
        "name-constraint-ip",
        "name-constraint-email",
        "name-constraint-uri",
        "name-constraint-excluded",
    ),
    "How strict is the other end?": (
        "weak-key",
        "weak-hash",
        "unknown-critical-extension",
        "missing-aki",
        "missing-ski",
    ),
    "Which lists are there?": (
        "revoked",
        "no-crl",
        "stale-crl",
    ),
    "Which files were loaded?": (
        "key-mismatch",
        "encrypted-key",
        "key-is-der",
        "files-swapped",
        "empty-file",
        "not-a-certificate",
    ),
    "What do both ends speak?": (
        "protocol-version",
        "no-common-cipher",
        "no-common-group",
        "no-common-signature-algorithm",
        "http-to-tls-port",
        "tls-to-http-port",
    ),
    "Was one asked for, and shown?": (
        "absent",
        "withheld",
        "optional-expired",
        "client-not-asked",
    ),
}
"""The exhibits by the question that finds them; the order is a good one to ask them in."""

_CLASS = re.compile(r"^\[[^\]]*\] ")
_OLD_NAME = re.compile(r"^(?:ssl/tls|sslv3|tlsv1[0-3]?) (?=alert )")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One exhibit, played once."""

    exhibit: Exhibit
    """What was played."""
    side: Role
    """The end that has the fault."""
    version: Version
    """The TLS version it was played in."""
    handshake: Handshake = field(repr=False)
    """What happened."""

    @cached_property
    def explanation(self) -> Explanation:
        """Why, as both sides together tell it."""
        return explain(self.handshake)

    def seen_by(self, role: Role) -> Explanation:
        """Why, as far as that end alone can know."""
        return explain(self.handshake.seen_by(role))


def visit(slug: str, side: Role, version: Version = "TLSv1.3", *, cast: Cast | None = None) -> Visit:
    """Play one exhibit. Raises ValueError where there is none of that name, for that side or in that version."""
    if slug not in EXHIBITS:
        raise ValueError(f"slug={slug!r} is no exhibit: choose one of {', '.join(EXHIBITS)}")
    exhibit = EXHIBITS[slug]
    if version not in exhibit.versions:
        raise ValueError(f"version={version!r}: {slug!r} shows in {' and '.join(exhibit.versions)} only")
    scenario = exhibit.stage(cast or Cast.gather(), side, version)
    return Visit(exhibit=exhibit, side=side, version=version, handshake=rehearse(scenario))


def tour(
    version: Version = "TLSv1.3", *, sides: tuple[Role, ...] = ("client", "server"), cast: Cast | None = None
) -> Iterator[Visit]:
    """Play every exhibit that shows in that version, at each of these ends that can have it."""
    cast = cast or Cast.gather()
    for exhibit in EXHIBITS.values():
        if version in exhibit.versions:
            yield from (visit(exhibit.slug, side, version, cast=cast) for side in exhibit.sides if side in sides)


def words_at(handshake: Handshake, role: Role) -> str:
    """What that end reads: OpenSSL's words, without Python's class and the old version in front of `alert`.

    "" where it had nothing to complain about, or could not be asked. Nothing is decided on these words: they are what a
    person has in hand.
    """
    side = handshake.client if role == "client" else handshake.server
    if side is None or side.failure is None:
        return ""
    return _OLD_NAME.sub("", _CLASS.sub("", side.failure.text))
