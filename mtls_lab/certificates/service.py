"""What `sscg` is for, in one call: an authority of its own for one service and its clients, as files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from mtls_lab.certificates.authority import LEAF_LIFETIME, Authority, plan_authority_files
from mtls_lab.certificates.credential import Credential, plan_credential_files
from mtls_lab.certificates.crl import crl, crl_to_pem
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.files import NewFile, file_stem, write_files
from mtls_lab.certificates.names import parse_names
from mtls_lab.certificates.subject import LONGEST_COMMON_NAME, Subject

_LABEL = "[A-Za-z0-9_]+(-+[A-Za-z0-9_]+)*"
_LIKE_A_HOST = rf"{_LABEL}(\.{_LABEL})+"
"""What OpenSSL takes for a host name in a common name (cn2dnsid in v3_ncons.c): an address too, and underscores."""


@dataclass(frozen=True, kw_only=True)
class ServiceSet:
    """One service, its clients, and the authority that knows nobody else."""

    root: Authority
    """What both ends trust; without its key unless that was to be kept."""
    service: Credential
    """What the service presents."""
    clients: tuple[Credential, ...]
    """What each client presents, in the order asked for."""
    crl_der: bytes = field(repr=False)
    """The authority's list of what it takes back: nothing. It is good as long as the authority is."""
    paths: tuple[Path, ...] = ()
    """Every file that was written."""


def issue_set(
    folder: str | Path,
    name: str = "localhost",
    *,
    names: Iterable[str] | None = None,
    clients: Iterable[str] = (),
    subject: Subject | None = None,
    lifetime: timedelta = LEAF_LIFETIME,
    key_type: str = "EC P-256",
    signature_hash: str | None = None,
    keep_authority_key: bool = False,
    write_crl: bool = False,
    password: str | None = None,
    overwrite: bool = False,
) -> ServiceSet:
    """Issue credentials for one service and its clients, and write all their files into the folder, or none.

    As `issue_service`, but the authority's key is thrown away unless `keep_authority_key`. The password encrypts every
    key that is written. The files are `root.pem`, with `write_crl` also `root-crl.pem`, and for each name what
    `Credential.write` writes.
    """
    issued = issue_service(
        name,
        names=names,
        clients=clients,
        subject=subject,
        lifetime=lifetime,
        key_type=key_type,
        signature_hash=signature_hash,
    )
    key_password = password if keep_authority_key else None
    root = issued.root
    _, files = plan_authority_files(root, folder, name="root", keep_key=keep_authority_key, password=key_password)
    if write_crl:
        files += (NewFile(path=Path(folder, "root-crl.pem"), content=crl_to_pem(issued.crl_der)),)
    # The service's by its name: where that is long, the certificate has no common name to go by.
    files += plan_credential_files(issued.service, folder, name=file_stem(name), password=password)[1]
    for client in issued.clients:
        files += plan_credential_files(client, folder, password=password)[1]
    write_files(files, overwrite=overwrite)
    paths = tuple(file.path for file in files)
    return replace(issued, root=root if keep_authority_key else root.without_key(), paths=paths)


def issue_service(
    name: str = "localhost",
    *,
    names: Iterable[str] | None = None,
    clients: Iterable[str] = (),
    subject: Subject | None = None,
    lifetime: timedelta = LEAF_LIFETIME,
    key_type: str = "EC P-256",
    signature_hash: str | None = None,
) -> ServiceSet:
    """Issue credentials for one service and its clients, in memory; the authority still has its key.

    The authority can vouch for these names only (name constraints; Java does not look at a root's), and all end with
    it. A name longer than a common name can be (64 letters) stands in subjectAltName only.
    """
    people = tuple(clients)
    wanted = (name,) if names is None else tuple(names)
    root = Authority.create(
        f"{name[:56]} Root CA",
        subject=subject,
        lifetime=lifetime,
        key_type=key_type,
        signature_hash=signature_hash,
        permitted_names=(*wanted, *_permitted_besides(name, people, subject)),
    )

    def issue(owner: str, purpose: Purpose, names: Iterable[str] | None = None) -> Credential:
        return root.issue(
            owner,
            purpose=purpose,
            names=names,
            subject=subject,
            lifetime=lifetime,
            key_type=key_type,
            signature_hash=signature_hash,
        )

    return ServiceSet(
        root=root,
        service=issue(name if len(name) <= LONGEST_COMMON_NAME else "", "serverAuth", wanted),
        clients=tuple(issue(person, "clientAuth") for person in people),
        # Whose key is thrown away makes no next list: this one must last.
        crl_der=crl(root, next_update=root.certificate.not_after, signature_hash=signature_hash),
    )


def _permitted_besides(name: str, clients: tuple[str, ...], subject: Subject | None) -> tuple[str, ...]:
    """What verifiers hold against name constraints although it stands in the subject only.

    OpenSSL does so with a common name that looks like a host name to it, where no dNSName is given; RFC 5280 section
    4.2.1.10 with e-mail addresses.
    """
    besides = [f"DNS:{host}" for host in (name, *clients) if re.fullmatch(_LIKE_A_HOST, host)]
    try:
        parse_names(besides, argument="clients")
    except ValueError as error:
        raise ValueError(f"{error}; or leave its dots out: with them OpenSSL takes it for a host name") from None
    return tuple(besides) if subject is None or subject.email is None else (*besides, f"email:{subject.email}")
