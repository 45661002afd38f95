"""Running for years: certificates, trust and revocation lists follow their files, and no broken file gets in.

1. Every look reads every file and compares contents, not times: a file that was moved, linked or mounted into place is
   seen, one that was only touched is not. The files are small, and nobody else's thread waits.
2. All files together make the new settings, or the old ones stay in force, whole. The reason is data, and is told once
   for each state of the files, not at every look.
3. What cannot be read or does not fit today may do so at the next look: a certificate was written, its key not yet.
4. Trust roll-over needs no more than that: old and new root in one file while clients change, then the new one alone.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from mtls_lab.certificates import Certificate
from mtls_lab.proxy.settings import Settings, Sources, Unusable, compare, read_files, settings_of, without_retired

WARNING_TIME = timedelta(days=30)
"""How long before the end a certificate is warned of; a third of its lifetime where that is less."""


@dataclass(frozen=True, kw_only=True)
class Reload:
    """What became of files that changed."""

    outcome: Literal["taken", "kept"]
    """`taken`: new connections meet the new settings. `kept`: the old ones stay in force."""
    changed: tuple[Path, ...]
    """The files that are not as they were when the settings in force were taken."""
    reason: str | None
    """Why the old settings were kept."""
    at: datetime
    """When (aware, UTC)."""


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """Something in force that ends soon, or has ended."""

    what: str
    """What it is."""
    until: datetime
    """Its last good moment (aware, UTC)."""
    left: timedelta
    """How long that is from now; negative when it is over."""

    def __str__(self) -> str:
        if self.left <= timedelta():
            return f"{self.what} ended at {self.until:%Y-%m-%d %H:%M} UTC"
        days, hours = self.left.days, self.left.seconds // 3600
        left = f"{days} days" if days > 1 else f"{days * 24 + hours} hours" if days or hours else "less than an hour"
        return f"{self.what} ends in {left} ({self.until:%Y-%m-%d %H:%M} UTC)"


class Reloader:
    """Settings that follow their files.

    `take` makes new settings the ones in force; whatever ValueError it raises keeps the old ones. The first settings
    are read at once and not given to `take`; Unusable is raised when they cannot be read. Not for several threads.
    """

    def __init__(
        self, sources: Sources, take: Callable[[Settings], object], *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._take = take
        self._now = now or (lambda: datetime.now(UTC))
        self._sources = sources
        contents = read_files(sources)
        self.settings = settings_of(sources, contents)
        """The settings in force."""
        self._in_force = _digests(contents)
        self._told: object = None
        self._warned: set[tuple[str, int]] = set()

    def look(self) -> Reload | None:
        """Read the files, and take what is new and good; None when there is nothing new to tell."""
        changed: tuple[Path, ...] = ()
        state: object = None
        try:
            contents = read_files(self._sources)
            digests = state = _digests(contents)
            changed = tuple(path for path in digests if digests[path] != self._in_force.get(path))
            if not changed:
                self._told = None
                return None
            settings = settings_of(self._sources, contents)
            if reason := compare(self.settings, settings, at=self._now()):
                return self._kept(changed, reason, state)
            settings = without_retired(self.settings, settings)
            self._take(settings)
        except Unusable as error:
            return self._kept(changed or (error.path,), str(error), state)
        except ValueError as error:
            return self._kept(changed, str(error), state)
        self.settings, self._in_force, self._told = settings, digests, None
        return Reload(outcome="taken", changed=changed, reason=None, at=self._now())

    def warnings(self) -> tuple[Expiry, ...]:
        """What ends soon or has ended; each once a day, and once more when it is over."""
        fresh = []
        for one in expiries(self.settings, at=self._now()):
            key = (f"{one.what} {one.until}", -1 if one.left <= timedelta() else one.left.days)
            if key not in self._warned:
                self._warned.add(key)
                fresh.append(one)
        return tuple(fresh)

    def _kept(self, changed: tuple[Path, ...], reason: str, state: object) -> Reload | None:
        told = (reason, state)
        if told == self._told:
            return None
        self._told = told
        return Reload(outcome="kept", changed=changed, reason=reason, at=self._now())


def expiries(settings: Settings, *, at: datetime) -> tuple[Expiry, ...]:
    """What in these settings ends soon or has ended, soonest first."""
    found = []
    for what, begin, end in _spans(settings):
        if end is not None:
            lifetime = end - begin if begin is not None else WARNING_TIME * 3
            if end - at < min(WARNING_TIME, lifetime / 3):
                found.append(Expiry(what=what, until=end, left=end - at))
    return tuple(sorted(found, key=lambda one: one.until))


def _spans(settings: Settings) -> Iterator[tuple[str, datetime | None, datetime | None]]:
    def of(what: str, certificate: Certificate) -> tuple[str, datetime | None, datetime | None]:
        name = certificate.common_name or certificate.subject or ", ".join(certificate.names)
        return f"{what} ({name})", certificate.not_before, certificate.not_after

    yield of("the certificate", settings.credential.leaf)
    yield from (of("the intermediate above it", one) for one in settings.credential.chain[1:])
    yield from (of("the clients' authority", one) for one in settings.trusts)
    yield from (of("the origin's authority", one) for one in settings.origin_trusts)
    if settings.origin_credential is not None:
        yield of("the certificate for the origin", settings.origin_credential.leaf)
    for one in settings.crls or ():
        yield f"the revocation list ({one.issuer})", one.this_update, one.next_update


def _digests(contents: dict[Path, bytes]) -> dict[Path, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
