"""Revocation lists (RFC 5280 section 5) as OpenSSL judges a leaf by them, without its extended CRL support."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mtls_lab.certificates.validation import syntax
from mtls_lab.certificates.validation.ber import ENUMERATED, INTEGER, Kind, MalformedError
from mtls_lab.certificates.validation.building import Build
from mtls_lab.certificates.validation.distinguished_names import DistinguishedName, complete
from mtls_lab.certificates.validation.keys import Signed, verifies
from mtls_lab.certificates.validation.reading import CRL_SIGN, Reading, fits_identifier
from mtls_lab.certificates.validation.times import Moment, parse_time

_KINDS: dict[str, tuple[str, Kind]] = {
    "2.5.29.28": ("point", syntax.ISSUING_POINT),
    "2.5.29.35": ("issuer", syntax.AUTHORITY_KEY_IDENTIFIER),
    "2.5.29.20": ("number", INTEGER),
    "2.5.29.27": ("base", INTEGER),
}
_ENTRY_KINDS: dict[str, tuple[str, Kind]] = {
    "2.5.29.29": ("issuer", syntax.GENERAL_NAMES),
    "2.5.29.21": ("reason", ENUMERATED),
}
_HANDLED = frozenset({"2.5.29.28", "2.5.29.35", "2.5.29.27"})
_REMOVED = 8
_ALL_REASONS = 0x807F
# What makes one list better than another, most important first (OpenSSL's CRL scores).
_NO_CRITICAL, _SCOPE, _TIME, _ISSUER_NAME, _ISSUER, _SAME_PATH, _IDENTIFIER = 0x100, 0x80, 0x40, 0x20, 0x18, 0x08, 0x04


class RevocationList:
    """A list that OpenSSL can read. Raises MalformedError for one it cannot."""

    def __init__(self, der: bytes) -> None:
        outer, _ = syntax.read(syntax.REVOCATION_LIST, der)
        tbs = outer["tbs"]
        self.issuer: DistinguishedName = tbs["issuer"]
        self.this_update: tuple[int, bytes] = tbs["this_update"]
        self.next_update: tuple[int, bytes] | None = tbs.get("next_update")
        self.consistent = (tbs["algorithm"]["oid"], tbs["algorithm"].get("parameters")) == (
            outer["algorithm"]["oid"],
            outer["algorithm"].get("parameters"),
        )
        extensions = tbs.get("extensions", ())
        self.fields, _ = _decode(extensions, _KINDS)
        self.critical = any(one.get("critical") and one["oid"] not in _HANDLED for one in extensions)
        self.revoked: list[tuple[int, int | None, Any]] = []
        """Serial number, reason, issuer's names (of an indirect list)."""
        issuer, broken = None, False
        for entry in tbs.get("revoked", ()):
            # At the first entry with a broken extension OpenSSL stops reading extensions; the entries stand.
            added = () if broken else entry.get("extensions", ())
            values, broken_here = _decode(added, _ENTRY_KINDS)
            broken |= broken_here
            issuer = None if broken else values.get("issuer", issuer)
            self.revoked.append((entry["serial_number"], values.get("reason"), issuer))
            self.critical |= any(one.get("critical") and one["oid"] != "2.5.29.29" for one in added)
        self.signed = Signed(
            content=tbs[""],
            algorithm=outer["algorithm"],
            unused=outer["signature"][0],
            signature=outer["signature"][1],
        )

    @property
    def point(self) -> dict[str, Any]:
        """issuingDistributionPoint; {} when absent."""
        return self.fields.get("point") or {}

    @property
    def is_delta(self) -> bool:
        """It only lists what changed since another one (RFC 5280 section 5.2.4)."""
        return "base" in self.fields

    def covers(self, at: Moment) -> bool:
        """It has been issued, and the next one is not due yet."""
        return not list(self.time_problems(at))

    def time_problems(self, at: Moment) -> Iterator[int]:
        """Verify codes."""
        begin = parse_time(self.this_update)
        if begin is None:
            yield 15
        elif begin > at:
            yield 11
        if self.next_update is not None:
            end = parse_time(self.next_update)
            if end is None:
                yield 16
            elif end <= at:
                yield 12


def read_lists(ders: tuple[bytes, ...]) -> tuple[tuple[RevocationList, ...], int]:
    """Those that OpenSSL can read, and how many it cannot."""
    found, unreadable = [], 0
    for der in dict.fromkeys(ders):
        try:
            found.append(RevocationList(der))
        except MalformedError:
            unreadable += 1
    return tuple(found), unreadable


def check_revocation(made: Build, lists: tuple[RevocationList, ...], at: Moment) -> Iterator[int]:
    """Verify codes, all about the leaf. Raises UncertainError where this lab cannot check a list's signature."""
    if made.chain[0].is_proxy:
        return
    known = 0
    while known != _ALL_REASONS:
        best = _choose(lists, made, at, known)
        if best is None:
            yield 3
            return
        yield from _judge(best, made, at)
        if best.reasons == known:
            # It says nothing about some reasons for revocation, and no other list is left to ask.
            yield 3
            return
        known = best.reasons


@dataclass(frozen=True, kw_only=True)
class _Choice:
    score: int
    revocations: RevocationList
    issuer: Reading
    reasons: int


def _choose(lists: tuple[RevocationList, ...], made: Build, at: Moment, known: int) -> _Choice | None:
    best: _Choice | None = None
    for one in lists:
        found = _score(one, made, at, known) if one.issuer == made.chain[0].issuer else None
        if found is None or (best and found.score < best.score):
            continue
        if best is None or found.score > best.score or _is_newer(one, best.revocations):
            best = found
    return best


def _is_newer(one: RevocationList, other: RevocationList) -> bool:
    first, second = parse_time(one.this_update), parse_time(other.this_update)
    return first is not None and second is not None and first > second


def _score(one: RevocationList, made: Build, at: Moment, known: int) -> _Choice | None:
    """How well the list suits the leaf, and whose it is; None when it cannot be used."""
    point, leaf = one.point, made.chain[0]
    only = sum(bool(point.get(which)) for which in ("only_users", "only_authorities", "only_attributes"))
    if only > 1 or one.is_delta or point.get("indirect") or "reasons" in point:
        return None
    score = _ISSUER_NAME
    score |= 0 if one.critical else _NO_CRITICAL
    score |= _TIME if one.covers(at) else 0
    issuer = made.chain[min(1, len(made.chain) - 1)]
    if fits_identifier(issuer, one.fields.get("issuer")):
        score |= _IDENTIFIER | _ISSUER
    else:
        issuers = [up for up in made.chain[2:] if up.subject == one.issuer]
        issuer = next((up for up in issuers if fits_identifier(up, one.fields.get("issuer"))), leaf)
        if issuer is leaf:
            return None
        score |= _IDENTIFIER | _SAME_PATH
    reasons = _scope(one, leaf)
    if reasons is not None and not reasons & ~known:
        return None
    score |= 0 if reasons is None else _SCOPE
    return _Choice(score=score, revocations=one, issuer=issuer, reasons=known | (reasons or 0))


def _scope(one: RevocationList, leaf: Reading) -> int | None:
    """The reasons for which the list speaks of this leaf (RFC 5280 section 6.3.3); None when it does not."""
    point = one.point
    if point.get("only_attributes") or point.get("only_users" if leaf.is_authority else "only_authorities"):
        return None
    for wanted in leaf.get("cRLDistributionPoints") or ():
        if not _names_issuer(wanted, one):
            continue
        if not point or _same_point(
            _full(wanted.get("name"), _issuer_of(wanted, leaf)), _full(point.get("name"), one.issuer)
        ):
            return _ALL_REASONS & _reasons(wanted.get("reasons"))
    return _ALL_REASONS if "name" not in point else None


def _reasons(value: tuple[int, bytes] | None) -> int:
    return _ALL_REASONS if value is None else int.from_bytes(value[1][:2], "little")


def _names_issuer(wanted: dict[str, Any], one: RevocationList) -> bool:
    if "issuer" not in wanted:
        return True
    return any(kind == "dirName" and value == one.issuer for kind, value in wanted["issuer"])


def _issuer_of(wanted: dict[str, Any], leaf: Reading) -> DistinguishedName:
    named = [value for kind, value in wanted.get("issuer", ()) if kind == "dirName"]
    return named[0] if named else leaf.issuer


def _full(name: tuple[str, Any] | None, issuer: DistinguishedName) -> Any:
    """A point's name: a relative one completed (a DistinguishedName), a full one as it is; None when absent."""
    if name is None:
        return None
    return complete(issuer, name[1]) if name[0] == "relative" else name[1]


def _same_point(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return True
    if isinstance(one, DistinguishedName) and isinstance(other, DistinguishedName):
        return one == other
    if isinstance(one, DistinguishedName):
        return ("dirName", one) in other
    if isinstance(other, DistinguishedName):
        return ("dirName", other) in one
    return any(name in other for name in one)


def _judge(choice: _Choice, made: Build, at: Moment) -> Iterator[int]:
    score, one, issuer = choice.score, choice.revocations, choice.issuer
    if issuer.key_usage is not None and not issuer.key_usage & CRL_SIGN:
        yield 35
    if not score & _SCOPE:
        yield 44
    if not score & _TIME:
        yield from one.time_problems(at)
    if issuer.key is None:
        yield 6
    elif not one.consistent or not verifies(one.signed, issuer.key):
        yield 8
    if one.critical:
        yield 36
    entry = next((entry for entry in one.revoked if _is_about(entry, made.chain[0], one)), None)
    if entry is not None and entry[1] != _REMOVED:
        yield 23


def _is_about(entry: tuple[int, int | None, Any], leaf: Reading, one: RevocationList) -> bool:
    serial_number, _, names = entry
    if serial_number != leaf.serial_number:
        return False
    return leaf.issuer == one.issuer if names is None else ("dirName", leaf.issuer) in names


def _decode(extensions: tuple[dict[str, Any], ...], kinds: dict[str, tuple[str, Kind]]) -> tuple[dict[str, Any], bool]:
    values: dict[str, Any] = {}
    broken: set[str] = set()
    for extension in extensions:
        if extension["oid"] not in kinds:
            continue
        name, kind = kinds[extension["oid"]]
        if name in values:
            broken.add(name)
        try:
            values[name], _ = syntax.read(kind, extension["value"])
        except MalformedError:
            broken.add(name)
    return {name: value for name, value in values.items() if name not in broken}, bool(broken)
