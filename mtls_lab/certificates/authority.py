"""An authority: it signs certificates with its own key."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Self

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.drafts import Draft, Purpose, authority_draft, leaf_draft, sign
from mtls_lab.certificates.files import PRIVATE, NewFile, file_stem, write_files
from mtls_lab.certificates.keys import PrivateKey, PublicKey, generate_key, hash_of, key_from_pem, key_to_pem
from mtls_lab.certificates.subject import Subject

AUTHORITY_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=398)
"""What browsers accept at most, and what sscg gives."""


@dataclass(frozen=True, kw_only=True)
class AuthorityFiles:
    """Where `Authority.write` put what."""

    certificate_path: Path
    """Its certificate, then those above it. A root's is what verifiers trust."""
    key_path: Path | None
    """Its private key, for its owner's eyes only; None where it was not kept."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A root (`Authority.create`) or an intermediate below one (`intermediate`); it issues credentials."""

    certificate: Certificate
    """Its own certificate."""
    issuers: tuple[Certificate, ...] = ()
    """The authorities above it, nearest first, the root last; () for a root."""
    key: PrivateKey | None = field(repr=False, compare=False)
    """Its private key; None once it was thrown away, and then it signs nothing more."""

    @classmethod
    def create(
        cls,
        name: str = "Lab Root CA",
        *,
        subject: Subject | None = None,
        lifetime: timedelta = AUTHORITY_LIFETIME,
        key_type: str = "EC P-256",
        signature_hash: str | None = None,
        permitted_names: Iterable[str] = (),
    ) -> Self:
        """A new root: its certificate is signed with its own key.

        `permitted_names`, where given, are the only host names and addresses that it can vouch for.
        """
        draft = authority_draft(name, subject=subject, lifetime=lifetime, permitted_names=permitted_names)
        key = generate_key(key_type)
        root = sign(draft, public_key=key.public_key(), issuer=None, key=key, signature_hash=signature_hash)
        return cls(certificate=root, key=key)

    def intermediate(
        self,
        name: str,
        *,
        subject: Subject | None = None,
        lifetime: timedelta = AUTHORITY_LIFETIME,
        key_type: str = "EC P-256",
        signature_hash: str | None = None,
        permitted_names: Iterable[str] = (),
        path_length: int | None = 0,
    ) -> Self:
        """A new authority below this one. It issues leaves only, unless `path_length` lets more authorities follow."""
        if self.certificate.path_length == 0:
            raise ValueError(
                f"{self.certificate.common_name!r} may issue leaves only (path_length=0): "
                "make the intermediate from an authority above it, or that authority with path_length=1"
            )
        draft = authority_draft(
            name, subject=subject, lifetime=lifetime, permitted_names=permitted_names, path_length=path_length
        )
        key = generate_key(key_type)
        certificate = self.sign(draft, key, signature_hash=signature_hash)
        return type(self)(certificate=certificate, issuers=(self.certificate, *self.issuers), key=key)

    def issue(
        self,
        name: str,
        *,
        purpose: Purpose,
        names: Iterable[str] | None = None,
        subject: Subject | None = None,
        lifetime: timedelta = LEAF_LIFETIME,
        key_type: str = "EC P-256",
        signature_hash: str | None = None,
    ) -> Credential:
        """A new private key, and the chain that vouches for it.

        `name` becomes the common name. `names` are what verifiers look at (subjectAltName): host names, IP addresses,
        e-mail addresses, URIs. Left out, a server's is `name` and a client has none. The certificate begins to be
        valid five minutes ago, for clocks that are behind, and never outlives its authority.
        """
        draft = leaf_draft(name, purpose=purpose, names=names, subject=subject, lifetime=lifetime)
        key = generate_key(key_type)
        leaf = self.sign(draft, key, signature_hash=signature_hash)
        return Credential(key_pem=key_to_pem(key), chain=(leaf, *self.chain), issuers=self.chain)

    def sign(self, draft: Draft, key: PrivateKey, *, signature_hash: str | None = None) -> Certificate:
        """A certificate that says what the draft says, for the public half of `key`. `issue` is the usual way."""
        return self._sign(draft, key.public_key(), signature_hash=signature_hash)

    def sign_request(
        self,
        request_pem: bytes,
        *,
        purpose: Purpose,
        name: str | None = None,
        names: Iterable[str] | None = None,
        lifetime: timedelta = LEAF_LIFETIME,
    ) -> tuple[Certificate, ...]:
        """The chain, leaf first, for the key in a certificate signing request (RFC 2986): its owner keeps the key.

        Of the request only the key is taken, and the common name where `name` is left out. `names` are what you give
        it; names that it asks for are not looked at. Raises ValueError for a request whose sender did not prove to
        hold the key.
        """
        from mtls_lab.certificates.signing_request import SigningRequest

        request = SigningRequest.from_pem(request_pem)
        draft = leaf_draft(name or request.common_name, purpose=purpose, names=names, lifetime=lifetime)
        return (self._sign(draft, request.public_key), *self.chain)

    def _sign(self, draft: Draft, public_key: PublicKey, *, signature_hash: str | None = None) -> Certificate:
        if self.key is None:
            raise ValueError(f"{self.certificate.common_name!r} signs nothing more: its key was thrown away")
        end = self.certificate.not_after
        if end is not None and draft.not_before < end < draft.not_after:
            draft = replace(draft, not_after=end)
        return sign(draft, public_key=public_key, issuer=self.certificate, key=self.key, signature_hash=signature_hash)

    @property
    def root(self) -> Certificate:
        """The certificate at the top: what others must trust."""
        return (self.certificate, *self.issuers)[-1]

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """What the holder of a leaf sends besides the leaf: the intermediates, nearest first, without the root."""
        return (self.certificate, *self.issuers)[:-1]

    def without_key(self) -> Self:
        """The same authority with its key thrown away: what it signed stays good, and nobody signs more."""
        return replace(self, key=None)

    def write(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        keep_key: bool = False,
        overwrite: bool = False,
        password: str | None = None,
    ) -> AuthorityFiles:
        """Write `name.pem` and, with `keep_key`, `name-key.pem` (the password encrypts it): all, or none.

        The name defaults to "root" for a root. Raises ValueError when a file exists already, unless `overwrite`.
        """
        paths, files = plan_authority_files(self, folder, name=name, keep_key=keep_key, password=password)
        write_files(files, overwrite=overwrite)
        return paths

    @classmethod
    def read(cls, certificate_path: str | Path, key_path: str | Path, password: str | None = None) -> Self:
        """Read PEM files: the authority's certificate first, then those above it, the root last; and its key."""
        certificate, *issuers = Certificate.from_pem(Path(certificate_path).read_bytes())
        key = key_from_pem(Path(key_path).read_bytes(), password)
        if not certificate.is_authority:
            raise ValueError(f"certificate_path={str(certificate_path)!r} holds {certificate!r}, which is no authority")
        if not (certificate, *issuers)[-1].self_issued:
            raise ValueError(f"certificate_path={str(certificate_path)!r} ends without the root: append it")
        if hash_of(key.public_key()) != certificate.public_key_hash:
            raise ValueError(f"key_path={str(key_path)!r} holds the key of another certificate than {certificate!r}")
        return cls(certificate=certificate, issuers=tuple(issuers), key=key)


def plan_authority_files(
    authority: Authority, folder: str | Path, *, name: str | None, keep_key: bool, password: str | None
) -> tuple[AuthorityFiles, tuple[NewFile, ...]]:
    """What `Authority.write` writes, and where."""
    certificate = authority.certificate
    stem = name or (file_stem(certificate.common_name or "intermediate") if authority.issuers else "root")
    chain = (certificate, *authority.issuers)
    certificate_path = Path(folder, f"{stem}.pem")
    public = NewFile(path=certificate_path, content=b"".join(one.pem for one in chain))
    if not keep_key:
        if password is not None:
            raise ValueError("password=... encrypts the authority's key, which is not written without keep_key=True")
        return AuthorityFiles(certificate_path=certificate_path, key_path=None), (public,)
    if authority.key is None:
        raise ValueError("keep_key=True: this authority's key was thrown away, there is none to keep")
    key_path = Path(folder, f"{stem}-key.pem")
    private = NewFile(path=key_path, content=key_to_pem(authority.key, password), mode=PRIVATE)
    return AuthorityFiles(certificate_path=certificate_path, key_path=key_path), (public, private)
