"""The private key's file: can it be read, is it this certificate's, may others read it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential
from mtls_lab.certificates.inspection.pem_files import MENDING, Kind, holds_key, is_encrypted, kind_of, not_pem
from mtls_lab.certificates.inspection.setting import short_name
from mtls_lab.certificates.keys import describe_key, hash_of, key_from_pem, key_to_pem
from mtls_lab.certificates.remark import Remark, printable


def read_credential(
    chain: tuple[Certificate, ...], path: Path | None, content: bytes, password: str | None, remarks: list[Remark]
) -> Credential | None:
    if path is None:
        return None
    kind = kind_of(content)
    if not holds_key(content):
        causes: dict[Kind, str] = {
            "empty file": "empty-file",
            "private key in DER": "key-is-der",
            "certificate": "files-swapped",
        }
        remarks.append(not_pem(path, kind, "a private key", cause=causes.get(kind)))
        return None
    remarks += _readable_by_others(path)
    if is_encrypted(content) and password is None:
        remarks.append(_encrypted(path))
        return None
    try:
        key = key_from_pem(_key_block(content), password if is_encrypted(content) else None)
    except ValueError as error:
        remarks.append(_unreadable_key(path, str(error)))
        return None
    if not chain:
        return None
    return _joined(chain, key_to_pem(key), path, remarks, kind=describe_key(key.public_key()))


def _joined(
    chain: tuple[Certificate, ...], key_pem: bytes, path: Path, remarks: list[Remark], *, kind: str
) -> Credential | None:
    credential = Credential(key_pem=key_pem, chain=chain, issuers=chain[1:])
    if credential.key_matches:
        remarks.append(Remark(level="good", title=f"Key and certificate belong together ({kind})"))
        return credential
    own = hash_of(key_from_pem(key_pem).public_key())
    place = next((number for number, one in enumerate(chain, 1) if one.public_key_hash == own), None)
    if place is not None:
        title = f"The key in {path} belongs to certificate number {place} of the file, not to the first"
        fix = ("shell", "put the leaf first: cat leaf.pem intermediate.pem > chain.pem")
    else:
        title = f"The key in {path} does not belong to the certificate of {short_name(chain[0])}"
        fix = ("openssl", "compare x509 -noout -pubkey -in CERTIFICATE with pkey -pubout -in KEY")
    remarks.append(
        Remark(
            level="wrong",
            title=title,
            why="With another key nobody can sign what the certificate promises, so TLS libraries refuse the pair "
            "(`key values mismatch`) before anything is sent.",
            fixes=(fix,),
            evidence=(
                f"SHA-256 of the key's public half: {own}",
                f"SHA-256 of the public key in the certificate: {chain[0].public_key_hash}",
            ),
            cause="key-mismatch" if place is None else "wrong-order",
        )
    )
    return None


def _key_block(content: bytes) -> bytes:
    """The private key alone, where certificates or curve parameters stand in the same file."""
    blocks = [f"-----BEGIN {block}" for block in content.decode("latin-1").split("-----BEGIN ")[1:]]
    return next((one.encode("latin-1") for one in blocks if "PRIVATE KEY-----" in one.partition("\n")[0]), content)


def _encrypted(path: Path) -> Remark:
    return Remark(
        level="wrong",
        title=f"The key in {path} is encrypted and no password was given: whether it matches is not known",
        why="A program without a person in front of it cannot ask: requests and Go refuse such a key, nginx does not "
        "start, curl and psql stop and wait.",
        fixes=(("mtls-lab", "--password-file FILE"), MENDING["encrypted private key"]),
        cause="encrypted-key",
    )


def _unreadable_key(path: Path, problem: str) -> Remark:
    # Our own words about the argument `password` are for callers in Python.
    reason = problem.partition(": ")[2] if problem.startswith("password=") else problem
    return Remark(level="wrong", title=f"The key in {path} cannot be read: {printable(reason)}")


def _readable_by_others(path: Path) -> Iterator[Remark]:
    """libpq refuses a key that others may read; it is right for all."""
    if os.name != "posix":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Remark(
            level="warning",
            title=f"Others on this machine may read the key in {path} (mode {mode:04o})",
            why="Who reads it can be you. libpq (psql) refuses such a file, most others say nothing.",
            fixes=(("shell", f"chmod 600 {path}"),),
        )
