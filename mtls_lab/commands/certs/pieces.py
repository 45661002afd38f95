"""What goes into which file: each certificate, key and list is a piece, and pieces may share a file."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.crl import crl_to_pem
from mtls_lab.certificates.files import NewFile, file_stem
from mtls_lab.certificates.keys import key_from_pem, key_to_pem
from mtls_lab.certificates.service import ServiceSet
from mtls_lab.commands.certs.arguments import PRIVATE_MODE, PUBLIC_MODE


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One certificate, key or list on its way into a file."""

    path: Path
    """The file, which others may share."""
    content: bytes = field(repr=False)
    """PEM."""
    mode: int
    """Who may read it."""
    kind: str
    """"leaf", "key", "authority" or "list"."""
    says: str
    """What it is, for people."""
    fingerprint: str | None = None
    """A certificate's SHA-256, in hex."""


def cut(options: argparse.Namespace, issued: ServiceSet, passwords: dict[str, str]) -> tuple[Piece, ...]:
    """Leaves before keys before authorities: where pieces share a file, programs look for the leaf first."""
    service, root, folder = issued.service, issued.root, options.folder
    pieces = list(_of_credential(options, "service", file_stem(options.name), service, passwords))
    for name, client in zip(options.client, issued.clients, strict=True):
        pieces += _of_credential(options, "client", file_stem(name), client, passwords)
    pieces.append(
        Piece(
            path=Path(folder, options.authority_file or "root.pem"),
            content=root.certificate.pem,
            mode=options.authority_mode or PUBLIC_MODE,
            kind="authority",
            says="the authority: what both ends trust",
            fingerprint=root.certificate.fingerprint,
        )
    )
    if options.authority_key_file is not None and root.key is not None:
        pieces.append(
            Piece(
                path=Path(folder, options.authority_key_file),
                content=key_to_pem(root.key, passwords.get("authority")),
                mode=options.authority_key_mode or PRIVATE_MODE,
                kind="key",
                says=f"its private key{_encrypted(passwords, 'authority')}: whoever has it can be anybody named here",
            )
        )
    if options.crl_file is not None:
        path, content = Path(folder, options.crl_file), crl_to_pem(issued.crl_der)
        says = "its list of what it takes back: nothing"
        pieces.append(Piece(path=path, content=content, mode=options.crl_mode or PUBLIC_MODE, kind="list", says=says))
    return tuple(pieces)


def _of_credential(
    options: argparse.Namespace, role: str, stem: str, credential: Credential, passwords: dict[str, str]
) -> Iterator[Piece]:
    def place(chosen: str | None, default: str) -> Path:
        text = default if chosen is None else chosen
        return Path(options.folder, text.replace("{name}", stem) if role == "client" else text)

    names = ", ".join(name.partition(":")[2] for name in credential.leaf.names)
    yield Piece(
        path=place(getattr(options, f"{role}_file"), f"{stem}.pem"),
        content=credential.chain_pem,
        mode=getattr(options, f"{role}_mode") or PUBLIC_MODE,
        kind="leaf",
        says=f"the service: {names}" if role == "service" else f"the client {credential.leaf.common_name}",
        fingerprint=credential.leaf.fingerprint,
    )
    password = passwords.get(role)
    yield Piece(
        path=place(getattr(options, f"{role}_key_file"), f"{stem}-key.pem"),
        content=credential.key_pem if password is None else key_to_pem(key_from_pem(credential.key_pem), password),
        mode=getattr(options, f"{role}_key_mode") or PRIVATE_MODE,
        kind="key",
        says=f"its private key{_encrypted(passwords, role)}",
    )


def _encrypted(passwords: dict[str, str], role: str) -> str:
    return ", encrypted" if role in passwords else ""


def join(pieces: Iterable[Piece]) -> tuple[NewFile, ...]:
    """The files. One that is shared gets the strictest of the modes. Raises ValueError for what no program could read.

    A program reads the first key of a file only, and takes the first certificate for the leaf.
    """
    shared: dict[Path, list[Piece]] = {}
    for piece in pieces:
        if not piece.path.parent.is_dir():
            raise ValueError(f"there is no folder {piece.path.parent} for {piece.path.name}: make it, or name another")
        shared.setdefault(piece.path.parent.resolve() / piece.path.name, []).append(piece)
    files = []
    for together in shared.values():
        path, mode = together[0].path, 0o777
        for kind, what in (("key", "two private keys"), ("leaf", "two certificates of different owners")):
            if sum(piece.kind == kind for piece in together) > 1:
                raise ValueError(
                    f"{path} would hold {what}, and programs read the first only: give each owner a name or a file of "
                    "its own, such as --client-file '{name}.pem' --client-key-file '{name}-key.pem'"
                )
        for piece in together:
            mode &= piece.mode
        files.append(NewFile(path=path, content=b"".join(piece.content for piece in together), mode=mode))
    return tuple(files)
