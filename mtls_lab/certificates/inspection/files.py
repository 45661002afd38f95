"""Files alone: do key and certificate belong together, is the order right, does the chain lead to the anchor, when
does it end, and for what is it. Nothing is dialled; what is wrong with a file is said, not raised."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.inspection.chain import inspect_chain
from mtls_lab.certificates.inspection.key import read_credential
from mtls_lab.certificates.inspection.pem_files import holds_key, is_encrypted, kind_of, not_pem
from mtls_lab.certificates.inspection.report import FilesReport
from mtls_lab.certificates.inspection.setting import Setting, short_name
from mtls_lab.certificates.remark import Remark

_LARGEST = 4 * 2**20
"""No PEM file of certificates is larger; a device or a video is."""


def inspect_files(
    certificate_path: str | Path | None,
    key_path: str | Path | None = None,
    anchors_path: str | Path | None = None,
    *,
    password: str | None = None,
    purpose: Purpose | None = None,
    server_name: str | None = None,
    at: datetime | None = None,
) -> FilesReport:
    """Look at a certificate file (leaf first), its key and the trust anchors; any of them may be None.

    Raises OSError for a file that cannot be opened, and ValueError for one that is far too large.
    """
    paths = [None if one is None else Path(one) for one in (certificate_path, key_path, anchors_path)]
    given = tuple(paths)
    contents = [b"" if one is None else _read(one) for one in paths]
    remarks: list[Remark] = []
    if None not in paths[:2] and _swapped(contents[0], contents[1]):
        remarks.append(_SWAPPED)
        paths[:2] = paths[1::-1]
        contents[:2] = contents[1::-1]
    chain = _certificates(paths[0], contents[0], remarks)
    trusts = _certificates(paths[2], contents[2], remarks)
    setting = Setting(
        whose="The certificate",
        trusts=trusts,
        source=str(paths[2]),
        at=at or datetime.now(UTC),
        purpose=purpose,
        server_name=server_name,
    )
    remarks += _anchors(trusts, paths[2], setting.at)
    credential = read_credential(chain, paths[1], contents[1], password, remarks)
    return FilesReport(
        certificate_path=given[0],
        key_path=given[1],
        anchors_path=given[2],
        file_remarks=tuple(remarks),
        chain_remarks=tuple(_on_chain(chain, setting, remarks)),
        credential=credential,
        chain=chain,
        trusts=trusts,
    )


def _on_chain(chain: tuple[Certificate, ...], setting: Setting, said: list[Remark]) -> Iterator[Remark]:
    # A key that belongs to a later certificate has told already that the order is wrong.
    known = {one.cause for one in said} & {"wrong-order"}
    return (one for one in (inspect_chain(chain, setting) if chain else ()) if one.cause not in known)


def needs_password(key_path: str | Path) -> bool:
    """The file holds an encrypted private key."""
    return is_encrypted(_read(Path(key_path)))


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{path} holds more than {_LARGEST // 2**20} MB: give a PEM file of certificates or a key")
    return content


_SWAPPED = Remark(
    level="wrong",
    title="The two files are swapped: the certificate file holds the key, the key file the certificate",
    why="They were looked at the other way round below; no program will do that for you.",
    fixes=(("curl", "--cert CERTIFICATE --key KEY"), ("requests", 'cert=("CERTIFICATE", "KEY")')),
    cause="files-swapped",
)


def _swapped(certificate: bytes, key: bytes) -> bool:
    return holds_key(certificate) and kind_of(key) == "certificate" and b"CERTIFICATE-----" not in certificate


def _certificates(path: Path | None, content: bytes, remarks: list[Remark]) -> tuple[Certificate, ...]:
    if path is None:
        return ()
    kind = kind_of(content)
    if kind == "certificate in DER":
        remarks.append(not_pem(path, kind, "a certificate", cause=None))
        return (Certificate(der=content),)
    try:
        found = Certificate.from_pem(content)
    except ValueError as error:
        remarks.append(not_pem(path, kind, "a certificate", cause="empty-file" if kind == "empty file" else None))
        if kind in ("certificate", "unfinished PEM"):
            remarks[-1] = replace(remarks[-1], evidence=(f"{path}: {error}",))
        return ()
    return found


def _anchors(trusts: tuple[Certificate, ...], path: Path | None, at: datetime) -> Iterator[Remark]:
    for one in trusts[:100]:
        if not one.is_authority:
            yield Remark(
                level="warning",
                title=f"The anchor {short_name(one)} in {path} is no certification authority",
                why="OpenSSL and Python before 3.13 do not stop at such an anchor unless it is self-signed.",
                fixes=(("file", "put the root there that issued it"),),
                cause="leaf-as-anchor",
            )
        elif not one.is_signed_by(one):
            yield Remark(
                level="warning",
                title=f"The anchor {short_name(one)} in {path} is an intermediate, not a root",
                why="OpenSSL and Python before 3.13 go on to the root and do not find it; curl, Go and Java stop here.",
                fixes=(("file", "put its root there as well"),),
                cause="intermediate-as-anchor",
            )
        if one.not_after is not None and one.not_after < at:
            yield Remark(
                level="warning",
                title=f"The anchor {short_name(one)} in {path} has expired",
                why="Paths that end there are refused.",
                cause="expired-root",
            )
