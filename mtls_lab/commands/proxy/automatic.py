"""The certificate of a proxy that was given none: made once, kept, renewed in place.

An authority of its own vouches for it, and for these names only (name constraints). Clients trust the authority, which
stays when the certificate is renewed. Its key is kept beside it, for its owner's eyes only: whoever has it can be this
proxy, and nobody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.authority import plan_authority_files
from mtls_lab.certificates.credential import plan_credential_files
from mtls_lab.certificates.files import FileExists, NewFile, write_files
from mtls_lab.certificates.names import is_host_name, parse_names, spell
from mtls_lab.certificates.subject import LONGEST_COMMON_NAME

LIFETIME = timedelta(days=90)
NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Automatic:
    """Where it is kept."""

    folder: Path
    """Its own folder."""

    @property
    def root(self) -> Path:
        """The authority's certificate: what clients trust."""
        return self.folder / "root.pem"

    @property
    def root_key(self) -> Path:
        """The authority's private key."""
        return self.folder / "root-key.pem"

    @property
    def chain(self) -> Path:
        """The proxy's certificate."""
        return self.folder / "proxy.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "proxy-key.pem"

    def prepare(self, names: Sequence[str]) -> bool:
        """See that it is there; True when it was made now. Raises ValueError for one that cannot be used.

        () as names takes whatever is there. OSError is the system's.
        """
        there = [path for path in (self.root, self.root_key, self.chain, self.key) if path.exists()]
        if there and len(there) < 4:
            raise ValueError(
                f"--keep-in {self.folder} holds {', '.join(path.name for path in there)} and not the rest of an "
                "automatic certificate: move them away, or name another folder"
            )
        if not there and self._make(tuple(names) or NAMES):
            return True
        self._check(names)
        return False

    def renew(self, *, at: datetime | None = None) -> bool:
        """Make a new certificate if two thirds of the old one's life are over; True when that was done."""
        now = at or datetime.now(UTC)
        leaf = self._leaf()
        begin, end = leaf.not_before, leaf.not_after
        if begin is None or end is None or end - now > (end - begin) / 3:
            return False
        authority = Authority.read(self.root, self.root_key)
        names = [name if not name.startswith(("DNS:", "IP:")) else name.partition(":")[2] for name in leaf.names]
        write_files(self._files_of(_issue(authority, names)), overwrite=True, durable=True)
        return True

    def _make(self, names: tuple[str, ...]) -> bool:
        """False when somebody else has made one meanwhile."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = Authority.create(f"{names[0][:40]} mtls-lab proxy CA", permitted_names=names)
        _, files = plan_authority_files(authority, self.folder, name="root", keep_key=True, password=None)
        try:
            write_files([*files, *self._files_of(_issue(authority, names))], overwrite=False, durable=True)
        except FileExists:
            return False
        return True

    def _files_of(self, credential: Credential) -> list[NewFile]:
        _, files = plan_credential_files(credential, self.folder, name="proxy")
        return [file for file in files if file.path in {self.chain, self.key}]

    def _check(self, names: Sequence[str]) -> None:
        wanted = {spell(name) for name in parse_names(tuple(names), argument="--name")}
        has = set(self._leaf().names)
        if names and wanted != has:
            raise ValueError(
                f"--name {' --name '.join(names)}: the certificate that is kept in {self.folder} is for "
                f"{', '.join(sorted(has))}; name another folder with --keep-in, or move this one away"
            )

    def _leaf(self) -> Certificate:
        return Certificate.from_pem(self.chain.read_bytes())[0]


def _issue(authority: Authority, names: Sequence[str]) -> Credential:
    # OpenSSL takes what looks like a host in a common name for one, and an address looks so to it.
    name = names[0] if is_host_name(names[0]) and len(names[0]) <= LONGEST_COMMON_NAME else ""
    return authority.issue(name, purpose="serverAuth", names=tuple(names), lifetime=LIFETIME)
