"""A credential: what an endpoint presents, and the private key that proves it is its own."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile, file_stem, write_files
from mtls_lab.certificates.keys import encrypt_with, hash_of, key_from_pem, key_to_pem

KeyProblem = Literal["encrypted", "DER", "a certificate", "nothing", "something else"]


@dataclass(frozen=True, kw_only=True)
class CredentialFiles:
    """Where `Credential.write` put what."""

    chain_path: Path
    """The chain, leaf first: what `curl --cert`, nginx and `load_cert_chain` take."""
    certificate_path: Path
    """The leaf alone."""
    key_path: Path
    """The private key (PKCS#8), for its owner's eyes only."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A private key and the chain that vouches for it. Nothing checks that they belong together: see `key_matches`."""

    key_pem: bytes = field(repr=False)
    """The private key, not encrypted."""
    chain: tuple[Certificate, ...]
    """What is presented: leaf first, then the intermediates, without the root (RFC 8446 section 4.4.2)."""
    issuers: tuple[Certificate, ...] = field(default=(), repr=False, compare=False)
    """The intermediates that vouch for the leaf, presented or not, nearest first; () where nobody knows."""

    def __post_init__(self) -> None:
        if not isinstance(self.chain, tuple) or not all(isinstance(one, Certificate) for one in self.chain):
            raise TypeError(f"chain={self.chain!r} must be a tuple of certificates, leaf first")
        if not self.chain:
            raise ValueError("chain=() holds no certificate: give at least the leaf")

    @property
    def leaf(self) -> Certificate:
        """The certificate of this credential's own key."""
        return self.chain[0]

    @property
    def chain_pem(self) -> bytes:
        """The chain as PEM, leaf first."""
        return b"".join(certificate.pem for certificate in self.chain)

    @cached_property
    def key_matches(self) -> bool:
        """The private key belongs to the leaf; False too where one of them cannot be read."""
        return self.key_fits(self.leaf)

    def key_fits(self, certificate: Certificate) -> bool:
        """The private key belongs to that certificate; False too where one of them cannot be read."""
        try:
            return hash_of(key_from_pem(self.key_pem).public_key()) == certificate.public_key_hash
        except ValueError:
            return False

    @cached_property
    def key_problem(self) -> KeyProblem | None:
        """What stands in `key_pem` instead of a private key in PEM; None where there is one that can be read."""
        try:
            key_from_pem(self.key_pem)
        except ValueError:
            return _what_is(self.key_pem)
        return None

    @classmethod
    def read(cls, certificate_path: str | Path, key_path: str | Path, password: str | None = None) -> Self:
        """Read PEM files, the certificates leaf first; both may be one file. The key is decrypted."""
        key = key_from_pem(Path(key_path).read_bytes(), password)
        chain = Certificate.from_pem(Path(certificate_path).read_bytes())
        return cls(key_pem=key_to_pem(key), chain=chain, issuers=chain[1:])

    def write(
        self, folder: str | Path, *, name: str | None = None, overwrite: bool = False, password: str | None = None
    ) -> CredentialFiles:
        """Write `name.pem` (the chain), `name-leaf.pem` and `name-key.pem`: all three, or none.

        The name defaults to the leaf's common name; the password encrypts the key.
        Raises ValueError when one of the files exists already, unless `overwrite`.
        """
        paths, files = plan_credential_files(self, folder, name=name, password=password)
        write_files(files, overwrite=overwrite)
        return paths

    def pkcs12(self, password: str) -> bytes:
        """Key and chain as one encrypted PKCS#12 file (RFC 7292), which browsers and Java import."""
        # Not at the top: `import mtls_lab` stays lean.
        from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

        name = (self.leaf.common_name or "credential").encode()
        others = [certificate.parsed for certificate in self.chain[1:]]
        return serialize_key_and_certificates(
            name, key_from_pem(self.key_pem), self.leaf.parsed, others, encrypt_with(password)
        )

    def write_pkcs12(
        self, folder: str | Path, *, password: str, name: str | None = None, overwrite: bool = False
    ) -> Path:
        """Write `name.p12`, for its owner's eyes only; as `write` otherwise."""
        path = Path(folder, f"{name or _owner(self)}.p12")
        write_files([NewFile(path=path, content=self.pkcs12(password), mode=PRIVATE)], overwrite=overwrite)
        return path


def plan_credential_files(
    credential: Credential, folder: str | Path, *, name: str | None = None, password: str | None = None
) -> tuple[CredentialFiles, tuple[NewFile, ...]]:
    """What `Credential.write` writes, and where."""
    stem = name or _owner(credential)
    paths = CredentialFiles(
        chain_path=Path(folder, f"{stem}.pem"),
        certificate_path=Path(folder, f"{stem}-leaf.pem"),
        key_path=Path(folder, f"{stem}-key.pem"),
    )
    key_pem = credential.key_pem if password is None else key_to_pem(key_from_pem(credential.key_pem), password)
    return paths, (
        NewFile(path=paths.chain_path, content=credential.chain_pem),
        NewFile(path=paths.certificate_path, content=credential.leaf.pem),
        NewFile(path=paths.key_path, content=key_pem, mode=PRIVATE),
    )


def _owner(credential: Credential) -> str:
    return file_stem(credential.leaf.common_name or next(iter(credential.leaf.names), ""))


def _what_is(key_pem: bytes) -> KeyProblem:
    if b"ENCRYPTED" in key_pem and b"PRIVATE KEY-----" in key_pem:
        return "encrypted"
    if key_pem[:1] == b"\x30":
        return "DER"
    if b"CERTIFICATE-----" in key_pem:
        return "a certificate"
    return "something else" if key_pem.strip() else "nothing"
