"""What `sscg` is for, in one call: an authority of its own for one service and its clients, as files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mtls_lab.certificates.authority import LEAF_LIFETIME, Authority, plan_authority_files
from mtls_lab.certificates.credential import Credential, plan_credential_files
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.files import write_files
from mtls_lab.certificates.names import is_host_name
from mtls_lab.certificates.subject import Subject


@dataclass(frozen=True, kw_only=True)
class ServiceSet:
    """One service, its clients, and the authority that knows nobody else."""

    root: Authority
    """What both ends trust; without its key unless that was to be kept."""
    service: Credential
    """What the service presents."""
    clients: tuple[Credential, ...]
    """What each client presents, in the order asked for."""
    paths: tuple[Path, ...]
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
    password: str | None = None,
    overwrite: bool = False,
) -> ServiceSet:
    """Issue credentials for one service and its clients, and write all their files into the folder, or none.

    The authority can vouch for these names only (name constraints; Java does not look at a root's), and its key is
    thrown away after signing unless `keep_authority_key`. The password encrypts every key that is written.
    The files are `root.pem` and, for each name, what `Credential.write` writes.
    """
    people = tuple(clients)
    wanted = (name,) if names is None else tuple(names)
    root = Authority.create(
        f"{name[:56]} Root CA",
        subject=subject,
        lifetime=lifetime,
        key_type=key_type,
        signature_hash=signature_hash,
        permitted_names=(*wanted, *_permitted_besides((name, *people), subject)),
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

    service = issue(name, "serverAuth", wanted)
    presented = tuple(issue(person, "clientAuth") for person in people)
    key_password = password if keep_authority_key else None
    _, files = plan_authority_files(root, folder, name="root", keep_key=keep_authority_key, password=key_password)
    for credential in (service, *presented):
        files += plan_credential_files(credential, folder, password=password)[1]
    write_files(files, overwrite=overwrite)
    return ServiceSet(
        root=root if keep_authority_key else root.without_key(),
        service=service,
        clients=presented,
        paths=tuple(file.path for file in files),
    )


def _permitted_besides(common_names: tuple[str, ...], subject: Subject | None) -> tuple[str, ...]:
    """What verifiers hold against name constraints although it stands in the subject only.

    OpenSSL does so with a common name that looks like a host name, RFC 5280 section 4.2.1.10 with e-mail addresses.
    """
    hosts = tuple(name for name in common_names if "." in name and is_host_name(name))
    return hosts if subject is None or subject.email is None else (*hosts, f"email:{subject.email}")
