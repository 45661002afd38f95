"""Certificate revocation lists (RFC 5280 section 5): what an authority takes back before it expires."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509

from mtls_lab.certificates.authority import Authority
from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.drafts import CLOCK_SKEW
from mtls_lab.certificates.keys import PrivateKey, choose_hash

CRL_LIFETIME = timedelta(days=30)
"""What `openssl ca` gives too. When it is over, a verifier that demands a CRL refuses every certificate."""

_BLOCK = rb"-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----"


def crl(
    authority: Authority,
    revoked: Iterable[Certificate] = (),
    *,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    number: int | None = None,
    signature_hash: str | None = None,
) -> bytes:
    """The authority's signed list (DER) of the certificates that it takes back; the order does not matter.

    `this_update` is when it was made, by default five minutes ago, for clocks that are behind; `next_update` is its
    last good moment, by default 30 days later. Both in the past make a stale list. `number` must grow from one list
    to the next: by default it is the time. Raises ValueError for a certificate of another authority, which this list
    could not take back, and where the authority's key was thrown away.
    """
    key = _signing_key(authority)
    made, until = _times(this_update, next_update)
    if number is None:
        number = int(datetime.now(UTC).timestamp() * 1_000_000)
    # The extensions that RFC 5280 section 5.2 demands of every list.
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.parsed.subject)
        .last_update(made)
        .next_update(until)
        .add_extension(_authority_key_identifier(authority.certificate), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial_number in _serial_numbers(authority.certificate, revoked):
        entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(made)
        builder = builder.add_revoked_certificate(entry.build())
    return _to_der(builder.sign(key, choose_hash(key, signature_hash)))


def empty_crl(
    authority: Authority, *, this_update: datetime | None = None, next_update: datetime | None = None
) -> bytes:
    """The authority's signed list (DER) that takes nothing back: what a verifier needs that demands a list."""
    return crl(authority, this_update=this_update, next_update=next_update)


def crl_to_pem(crl_der: bytes) -> bytes:
    """The list as PEM, with a final newline (RFC 7468 section 6)."""
    body = b64encode(crl_der)
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN X509 CRL-----", *lines, b"-----END X509 CRL-----", b""])


def crls_from_pem(pem: bytes | str) -> tuple[bytes, ...]:
    """Every list (DER) in this PEM text, in order. Raises ValueError where there is none, or one cannot be read."""
    text = pem.encode() if isinstance(pem, str) else bytes(pem)
    found = re.findall(_BLOCK, text)
    if not found or len(found) != text.count(b"-----BEGIN X509 CRL-----"):
        what = "half a list (its '-----END X509 CRL-----' line is missing)" if b"BEGIN X509 CRL" in text else "no list"
        raise ValueError(f"pem holds {what}; give '-----BEGIN X509 CRL-----' blocks, such as `openssl crl` prints")
    lists = []
    for position, block in enumerate(found, 1):
        try:
            lists.append(b64decode(b"".join(block.split()), validate=True))
            x509.load_der_x509_crl(lists[-1])
        except ValueError as error:
            raise ValueError(f"pem: X509 CRL block {position} cannot be read ({error}); make it again") from None
    return tuple(lists)


def _signing_key(authority: Authority) -> PrivateKey:
    if authority.key is None:
        raise ValueError(
            f"authority={authority.certificate.common_name!r} signs nothing more, no list either: "
            "its key was thrown away; keep the key where certificates are to be taken back"
        )
    return authority.key


def _times(this_update: datetime | None, next_update: datetime | None) -> tuple[datetime, datetime]:
    for argument, value in (("this_update", this_update), ("next_update", next_update)):
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{argument}={value!r} has no time zone: give it one such as tzinfo=UTC")
    # A list counts in whole seconds (RFC 5280 section 5.1.2.4).
    made = (this_update or datetime.now(UTC) - CLOCK_SKEW).replace(microsecond=0)
    until = (next_update or made + CRL_LIFETIME).replace(microsecond=0)
    if until <= made:
        raise ValueError(
            f"next_update={until} must be later than this_update={made}: for a stale list, put both in the past"
        )
    return made, until


def _serial_numbers(issuer: Certificate, revoked: Iterable[Certificate]) -> Iterable[int]:
    """A list says serial numbers only, so a stranger's would take back somebody else (RFC 5280 section 5.3)."""
    serial_numbers: dict[int, None] = {}
    for certificate in revoked:
        if certificate.serial_number is None or not certificate.is_signed_by(issuer):
            raise ValueError(
                f"revoked holds {certificate!r}, which {issuer.common_name!r} did not issue: "
                f"the authority that issued it takes it back"
            )
        serial_numbers[certificate.serial_number] = None
    return serial_numbers


def _authority_key_identifier(issuer: Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own subjectKeyIdentifier, else the usual hash of its key (RFC 5280 section 5.2.1)."""
    if issuer.subject_key_identifier is None:
        own = x509.SubjectKeyIdentifier.from_public_key(issuer.parsed.public_key())
    else:
        own = x509.SubjectKeyIdentifier(bytes.fromhex(issuer.subject_key_identifier))
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _to_der(signed: x509.CertificateRevocationList) -> bytes:
    # Not at the top: it brings SSH and a dozen ciphers along (see keys.py).
    from cryptography.hazmat.primitives.serialization import Encoding

    return signed.public_bytes(Encoding.DER)
