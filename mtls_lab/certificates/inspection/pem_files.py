"""What a file is that should hold a certificate or a key: told from its bytes, whatever it is called."""

import re
from pathlib import Path
from typing import Literal

from cryptography import x509

from mtls_lab.certificates.remark import Remark

Kind = Literal[
    "certificate",
    "private key",
    "encrypted private key",
    "certificate and private key",
    "certificate in DER",
    "private key in DER",
    "PKCS#12 file",
    "certificate request",
    "public key",
    "UTF-16 text",
    "empty file",
    "unfinished PEM",
    "something else",
]

_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)

MENDING: dict[Kind, tuple[str, str]] = {
    "certificate in DER": ("openssl", "x509 -inform DER -in FILE -out certificate.pem"),
    "private key in DER": ("openssl", "pkey -inform DER -in FILE -out key.pem"),
    "PKCS#12 file": ("openssl", "pkcs12 -in FILE -out both.pem -noenc  (key and certificates as PEM)"),
    "certificate request": (
        "authority",
        "a request (CSR) is what an authority signs: use the certificate it gave back",
    ),
    "public key": ("authority", "a public key alone proves nothing: use the certificate that holds it"),
    "UTF-16 text": ("shell", "iconv -f UTF-16 -t ASCII FILE > fixed.pem  (PowerShell's `>` writes UTF-16)"),
    "encrypted private key": ("openssl", "pkey -in FILE -out key.pem  (asks for its password, writes it in the clear)"),
}
"""What turns a file of that kind into what was wanted."""


def kind_of(content: bytes) -> Kind:
    """What these bytes are."""
    if not content.strip():
        return "empty file"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16 text"
    return _kind_of_der(content) if content[:1] == b"\x30" else _kind_of_pem(content)


def _kind_of_pem(content: bytes) -> Kind:
    has_certificate, has_key = _CERTIFICATE.search(content), _KEY.search(content)
    if has_certificate and b"-----END" not in content:
        return "unfinished PEM"
    if has_certificate:
        return "certificate and private key" if has_key else "certificate"
    if has_key:
        return "encrypted private key" if is_encrypted(content) else "private key"
    if b"CERTIFICATE REQUEST-----" in content:
        return "certificate request"
    return "public key" if b"PUBLIC KEY-----" in content else "something else"


def is_encrypted(content: bytes) -> bool:
    """It holds a private key that only a password opens."""
    return _ENCRYPTED.search(content) is not None


def holds_key(content: bytes) -> bool:
    """It holds a private key in PEM, encrypted or not."""
    return _KEY.search(content) is not None


def not_pem(path: Path, kind: Kind, wanted: str, *, cause: str | None) -> Remark:
    """The file holds something else than what was wanted of it."""
    held = "nothing" if kind == "empty file" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    held = {"something else": "nothing that looks like PEM", "UTF-16 text": "UTF-16 text"}.get(kind, held)
    mend = MENDING.get(kind)
    return Remark(
        level="wrong",
        title=f"{path} should hold {wanted} in PEM and holds {held}",
        why="PEM is text between `-----BEGIN ...-----` and `-----END ...-----` (RFC 7468); most programs say no more "
        "than `no start line`.",
        fixes=() if mend is None else ((mend[0], mend[1].replace("FILE", str(path))),),
        cause=cause,
    )


def _kind_of_der(content: bytes) -> Kind:
    from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12

    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        pass  # then it is something else in DER
    else:
        return "certificate in DER"
    try:
        load_der_private_key(content, None)
    except (ValueError, TypeError) as error:
        if isinstance(error, TypeError):
            return "private key in DER"  # an encrypted one
    except Exception:  # noqa: BLE001 - an algorithm that `cryptography` does not know: still a key
        return "private key in DER"
    else:
        return "private key in DER"
    try:
        pkcs12.load_pkcs12(content, None)
    except ValueError as error:
        # It says "password" only once it has recognised the container; otherwise it could not even parse it.
        return "PKCS#12 file" if "password" in str(error).lower() else "something else"
    return "PKCS#12 file"
