"""A directory of trust anchors as OpenSSL looks into it: one file a certificate, named by a hash of the subject.

The name is `HASH.N`: eight hexadecimal digits, and a number for certificates whose hashes are the same. `openssl
rehash` makes such links; here it is done without the program, so that a lesson about directories needs none.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile, write_files

_SEQUENCE, _SET, _OBJECT, _UTF8 = 0x30, 0x31, 0x06, 0x0C


def hashed_directory(folder: Path, certificates: Sequence[Certificate]) -> Path:
    """Make the folder and put the certificates into it, as `SSL_CERT_DIR` and `--capath` want them; returns it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number: dict[str, int] = {}
    files = []
    for one in certificates:
        name = subject_hash(one)
        number[name] = number.get(name, -1) + 1
        files.append(NewFile(path=folder / f"{name}.{number[name]}", content=one.pem, mode=PRIVATE))
    write_files(files, overwrite=True)
    return folder


def subject_hash(certificate: Certificate) -> str:
    """What `openssl x509 -subject_hash` prints: SHA-1 of the subject in OpenSSL's canonical form, first four bytes.

    Canonical: every text as UTF-8, ASCII letters lower case, runs of spaces one space, and no outer SEQUENCE.
    """
    rdns = b"".join(_field(_SET, b"".join(sorted(map(_attribute, rdn)))) for rdn in certificate.parsed.subject.rdns)
    # No secret hangs on it: it is a file name.
    digest = hashlib.sha1(rdns, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _attribute(attribute: object) -> bytes:
    oid, value = attribute.oid.dotted_string, attribute.value  # type: ignore[attr-defined]  # x509.NameAttribute
    text = re.sub(r"[ \t\n\v\f\r]+", " ", str(value)).strip()
    lower = re.sub(r"[A-Z]", lambda found: found[0].lower(), text)
    return _field(_SEQUENCE, _field(_OBJECT, _oid(oid)) + _field(_UTF8, lower.encode()))


def _field(tag: int, content: bytes) -> bytes:
    """DER: tag, length, content (X.690 section 8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _oid(dotted: str) -> bytes:
    """An object identifier's content (X.690 section 8.19)."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    return b"".join(_base_128((first * 40 + second, *rest)))


def _base_128(numbers: Iterable[int]) -> Iterable[bytes]:
    for number in numbers:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | (number & 0x7F))
        yield bytes(reversed(digits))
