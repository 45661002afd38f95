"""libpq's settings as libpq reads them: which attempts it makes, what it verifies, what it shows.

The settings mean what psql 15 makes of them; the tests hold this against the real one. What libpq does silently is
kept: `prefer` and `allow` fall back to plaintext, `require` becomes verify-ca where the root file exists, a certificate
file that is missing is no error.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.exercises.escape_room.database.reply import Libpq
from mtls_lab.handshake import ClientLevel, Endpoint

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""From none to all: whether there must be TLS, who issued, and the name."""
KNOWN = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_OPEN_KEY = (
    'private key file "{name}" has group or world access; file must have permissions u=rw (0600) or less if owned by '
    "the current user, or permissions u=rw,g=r (0640) or less if owned by root"
)


class Unusable(Exception):
    """libpq does not even begin: its words."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt to connect."""

    tls: Endpoint | None
    """With these settings; None in plaintext."""


def attempts(settings: Libpq) -> Iterator[Attempt]:
    """What libpq tries, in order: the next only after the server, not TLS itself, said no. Raises Unusable."""
    check_names(settings)
    mode = settings.get("sslmode", "prefer")
    if mode not in MODES:
        raise Unusable(f'invalid sslmode value: "{mode}"')
    if mode in {"disable", "allow"}:
        yield Attempt(tls=None)
    if mode != "disable":
        yield Attempt(tls=_endpoint(mode, settings))
    if mode == "prefer":
        yield Attempt(tls=None)


def check_names(settings: Libpq) -> None:
    """Raises ValueError for a setting that the room does not know."""
    odd = [name for name in settings if name not in KNOWN]
    if odd:
        raise ValueError(f"libpq[{odd[0]!r}]: the room knows {', '.join(KNOWN)}")


def _endpoint(mode: str, settings: Libpq) -> Endpoint:
    level: ClientLevel = {"verify-ca": "chain", "verify-full": "chain and name"}.get(mode, "none")  # type: ignore[assignment]
    trusts = tuple[Certificate, ...]()
    root = settings.get("sslrootcert", "")
    if root and Path(root).is_file():
        trusts = _certificates(Path(root))
        level = "chain" if level == "none" else level
    elif level != "none":
        raise Unusable(f'root certificate file "{Path(root).name}" does not exist')
    return Endpoint(presents=_credential(settings), trusts=trusts, verifies=level)


def _certificates(path: Path) -> tuple[Certificate, ...]:
    try:
        return Certificate.from_pem(path.read_bytes())
    except ValueError:
        raise Unusable(f'could not read root certificate file "{path.name}": no certificate or crl found') from None


def _credential(settings: Libpq) -> Credential | None:
    chain_path, key_path = (Path(settings.get(name, "")) for name in ("sslcert", "sslkey"))
    if not chain_path.is_file():
        return None
    if not key_path.is_file():
        raise Unusable(f'certificate present, but not private key file "{key_path.name}"')
    seen = key_path.stat()
    allowed = 0o640 if hasattr(seen, "st_uid") and seen.st_uid == 0 else 0o600
    if stat.S_IMODE(seen.st_mode) & 0o777 & ~allowed:
        raise Unusable(_OPEN_KEY.format(name=key_path.name))
    chain = Certificate.from_pem(chain_path.read_bytes())
    credential = Credential(key_pem=key_path.read_bytes(), chain=chain, issuers=chain[1:])
    if not credential.key_matches:
        raise Unusable(f'could not load private key file "{key_path.name}": key values mismatch')
    return credential
