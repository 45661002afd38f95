"""A proxy's settings from files: read whole, judged together, and taken together or not at all.

Files are replaced one by one, and a look may fall in between: a new certificate with the old key. So all of them are
read first and judged as one set. What is wrong is said of the file (`Unusable`); nothing of the set is used then.

A file that can be read may still be a step back. `compare` refuses what would turn away clients whom the settings in
force let in for no reason, or let in again whom they refuse: an expired certificate in place of a good one, a list that
is older than the one in force, an authority whose list is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from mtls_lab.certificates import Certificate, Credential, Purpose
from mtls_lab.certificates.keys import key_from_pem, key_to_pem
from mtls_lab.certificates.revocation_list import RevocationList

LARGEST_FILE = 16_777_216
"""In bytes. A pipe or a device never ends, and a list with a million entries is 40 MB: name a smaller one."""


class Unusable(ValueError):
    """A file cannot be used: which, and why, with what would mend it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a proxy's settings come from; all PEM."""

    chain: Path
    """What the proxy presents: the leaf, then the intermediates."""
    key: Path
    """Its private key; may be the same file."""
    password: str | None = field(default=None, repr=False)
    """Opens the key; None for one that is not encrypted."""
    trusts: tuple[Path, ...] = ()
    """The authorities that clients are verified by."""
    crls: tuple[Path, ...] | None = None
    """Their revocation lists (PEM or DER); None looks at none."""
    origin_trusts: tuple[Path, ...] = ()
    """The authorities that the origin is verified by."""
    origin_chain: Path | None = None
    """What the proxy presents to the origin; None nothing."""
    origin_key: Path | None = None
    """Its private key."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file once."""
        mine = (self.chain, self.key, *self.trusts, *(self.crls or ()), *self.origin_trusts)
        theirs = tuple(path for path in (self.origin_chain, self.origin_key) if path is not None)
        return tuple(dict.fromkeys((*mine, *theirs)))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What stands in the files."""

    credential: Credential
    """What the proxy presents to clients."""
    trusts: tuple[Certificate, ...] = ()
    """The authorities that clients are verified by."""
    crls: tuple[RevocationList, ...] | None = None
    """Their revocation lists; None looks at none."""
    origin_trusts: tuple[Certificate, ...] = ()
    """The authorities that the origin is verified by."""
    origin_credential: Credential | None = None
    """What the proxy presents to the origin."""


def read_files(sources: Sources) -> dict[Path, bytes]:
    """The content of every file. Raises Unusable."""
    return {path: _read(path) for path in sources.paths}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Unusable(path, f"it cannot be read ({error.strerror}): name a file that this user may read") from None
    if len(content) > LARGEST_FILE:
        raise Unusable(path, f"it holds more than {LARGEST_FILE} bytes: name a PEM file")
    return content


def settings_of(sources: Sources, contents: dict[Path, bytes]) -> Settings:
    """The settings in these contents, if they make sense together. Raises Unusable for the first that does not."""
    trusts = tuple(_authorities(sources.trusts, contents))
    crls = None if sources.crls is None else tuple(_lists(sources.crls, contents, trusts))
    origin_credential = None
    if sources.origin_chain is not None and sources.origin_key is not None:
        origin_credential = _credential(sources.origin_chain, sources.origin_key, None, contents, "clientAuth")
    return Settings(
        credential=_credential(sources.chain, sources.key, sources.password, contents, "serverAuth"),
        trusts=trusts,
        crls=crls,
        origin_trusts=tuple(_authorities(sources.origin_trusts, contents)),
        origin_credential=origin_credential,
    )


def _credential(
    chain_path: Path, key_path: Path, password: str | None, contents: dict[Path, bytes], purpose: Purpose
) -> Credential:
    chain = _certificates(chain_path, contents[chain_path])
    try:
        key_pem = key_to_pem(key_from_pem(contents[key_path], password))
    except (TypeError, ValueError) as error:
        raise Unusable(key_path, f"it holds no private key that can be used: {error}") from None
    credential = Credential(key_pem=key_pem, chain=chain, issuers=chain[1:])
    leaf = credential.leaf
    if not credential.key_matches:
        other = next((one for one in chain[1:] if credential.key_fits(one)), None)
        hint = "put that certificate first" if other else "write both, then look again"
        raise Unusable(chain_path, f"its first certificate is not that of the private key in {key_path}: {hint}")
    if leaf.purposes is not None and not {purpose, "2.5.29.37.0"} & set(leaf.purposes):
        raise Unusable(chain_path, f"its certificate is for {', '.join(leaf.purposes)}, not for {purpose}")
    if len(chain) > 1 and not any(leaf.is_signed_by(one) for one in chain[1:]):
        raise Unusable(chain_path, "none of its other certificates issued the first: leaf first, then who issued it")
    return credential


def _certificates(path: Path, content: bytes) -> tuple[Certificate, ...]:
    try:
        found = Certificate.from_pem(content)
    except ValueError as error:
        raise Unusable(path, str(error)) from None
    for position, one in enumerate(found, 1):
        if one.problem is not None:
            raise Unusable(path, f"its certificate {position} is not sound: {one.problem}")
    return found


def _authorities(paths: tuple[Path, ...], contents: dict[Path, bytes]) -> Iterator[Certificate]:
    for path in paths:
        for one in _certificates(path, contents[path]):
            if not one.is_authority:
                raise Unusable(path, f"{one!r} is no authority (basicConstraints): name the file of who issues")
            yield one


def _lists(
    paths: tuple[Path, ...], contents: dict[Path, bytes], trusts: tuple[Certificate, ...]
) -> Iterator[RevocationList]:
    for path in paths:
        try:
            found = RevocationList.read(contents[path])
        except ValueError as error:
            raise Unusable(path, str(error)) from None
        for one in found:
            namesakes = [authority for authority in trusts if one.is_by(authority)]
            if namesakes and not any(map(one.is_signed_by, namesakes)):
                raise Unusable(path, f"its list bears the name of {one.issuer}, but that authority did not sign it")
            yield one


def compare(old: Settings, new: Settings, *, at: datetime | None = None) -> str | None:
    """Why the new settings would be a step back from the old ones; None when they are not."""
    now = at or datetime.now(UTC)
    return next(_steps_back(old, new, now), None)


def _steps_back(old: Settings, new: Settings, now: datetime) -> Iterator[str]:
    for owner, one, other in (
        ("the certificate", old.credential, new.credential),
        ("the certificate for the origin", old.origin_credential, new.origin_credential),
    ):
        if one is not None and other is not None and not _valid(other.leaf, now) and _valid(one.leaf, now):
            yield f"{owner} is {_time_trouble(other.leaf, now)}, and the one in force is good"
    for owner, ones, others in (
        ("the clients' authorities", old.trusts, new.trusts),
        ("the origin's authorities", old.origin_trusts, new.origin_trusts),
    ):
        if others and not any(_valid(one, now) for one in others) and any(_valid(one, now) for one in ones):
            yield f"{owner} have all expired or are not valid yet, and those in force are good"
    yield from _lists_back(old, new, now)


def _lists_back(old: Settings, new: Settings, now: datetime) -> Iterator[str]:
    newest = {one.signer: one for one in sorted(new.crls or (), key=lambda one: one.this_update)}
    for one in old.crls or ():
        other = newest.get(one.signer)
        if other is None:
            if not _retired(one, old, new):
                yield f"the list of {one.issuer} is missing, and its clients would all be refused"
            continue
        if other.this_update < one.this_update or (other.number or 0) < (one.number or 0):
            yield f"the list of {one.issuer} is older than the one in force (of {one.this_update:%Y-%m-%d %H:%M} UTC)"
        elif _overdue(other, now) and not _overdue(one, now):
            yield f"the list of {one.issuer} is overdue since {other.next_update:%Y-%m-%d %H:%M} UTC"


def without_retired(old: Settings, new: Settings) -> Settings:
    """The new settings without the lists of authorities that are no longer trusted: nobody will miss them."""
    if new.crls is None:
        return new
    return replace(new, crls=tuple(one for one in new.crls if not _retired(one, old, new)))


def _retired(one: RevocationList, old: Settings, new: Settings) -> bool:
    """Its authority was a trust anchor and is none now. An intermediate's list is never that."""
    return any(map(one.is_by, old.trusts)) and not any(map(one.is_by, new.trusts))


def _valid(certificate: Certificate, now: datetime) -> bool:
    return not _time_trouble(certificate, now)


def _time_trouble(certificate: Certificate, now: datetime) -> str:
    if certificate.not_after is not None and certificate.not_after < now:
        return f"expired since {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if certificate.not_before is not None and certificate.not_before > now:
        return f"not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
    return ""


def _overdue(one: RevocationList, now: datetime) -> bool:
    return one.next_update is not None and one.next_update < now
