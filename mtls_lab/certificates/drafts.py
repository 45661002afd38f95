"""What a certificate is to say, and the signing of it: the low-level builder under `Authority` and the faults.

A `Draft` is sound unless told otherwise; a fault changes the one thing that is wrong and nothing else.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab.certificates.certificate import KEY_USAGES, Certificate
from mtls_lab.certificates.keys import PrivateKey, PublicKey, choose_hash, to_der
from mtls_lab.certificates.names import everything_else, parse_constraints, parse_names
from mtls_lab.certificates.subject import LONGEST_COMMON_NAME, Subject

Purpose = Literal["serverAuth", "clientAuth"]

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CLOCK_SKEW = timedelta(minutes=5)
"""Certificates begin to be valid this long before now: the clocks of two machines never quite agree."""
LONGEST_LIFETIME = timedelta(days=36525)

_PURPOSE_OIDS = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a certificate will say, apart from its key and its issuer."""

    subject: x509.Name
    """Whom it names."""
    not_before: datetime
    """When it begins to be valid (aware, UTC)."""
    not_after: datetime
    """The last moment it is valid (aware, UTC)."""
    names: tuple[x509.GeneralName, ...] = ()
    """The entries of subjectAltName."""
    purpose: Purpose | None = None
    """The one key purpose of a leaf; None for an authority."""
    is_authority: bool = False
    """It may issue certificates."""
    path_length: int | None = None
    """How many intermediates may follow below an authority; None for any number."""
    permitted: tuple[x509.GeneralName, ...] = ()
    """The only names that certificates below an authority may hold, by kind."""
    excluded: tuple[x509.GeneralName, ...] = ()
    """The names that certificates below an authority may not hold."""
    extra: tuple[x509.Extension[x509.ExtensionType], ...] = ()
    """Extensions to add, each in place of the sound one of its kind."""
    left_out: tuple[x509.ObjectIdentifier, ...] = ()
    """Extensions to leave out."""


def leaf_draft(
    name: str,
    *,
    purpose: Purpose,
    names: Iterable[str] | None = None,
    subject: Subject | None = None,
    lifetime: timedelta,
) -> Draft:
    """A sound leaf. A server has its names in subjectAltName, always: by default `name` itself."""
    if purpose not in PURPOSES:
        raise ValueError(f"purpose={purpose!r} must be {' or '.join(map(repr, PURPOSES))}")
    if names is None and purpose == "serverAuth":
        alternatives = parse_names((name,), argument="name")
        # A host name may be longer than a common name can be; it counts in subjectAltName only.
        common_name = name if len(name) <= LONGEST_COMMON_NAME else ""
    else:
        alternatives = parse_names(names or (), argument="names")
        common_name = name
    if not alternatives and (purpose == "serverAuth" or not name):
        raise ValueError(f"name={name!r}, names={names!r} leave a {purpose} certificate nameless: try 'localhost'")
    not_before, not_after = valid_for(lifetime)
    return Draft(
        subject=(subject or Subject()).name(common_name),
        names=alternatives,
        purpose=purpose,
        not_before=not_before,
        not_after=not_after,
    )


def authority_draft(
    name: str,
    *,
    subject: Subject | None = None,
    lifetime: timedelta,
    permitted_names: Iterable[str] = (),
    path_length: int | None = None,
) -> Draft:
    """A sound authority. Where some host names or addresses are permitted, all others are excluded."""
    if path_length is not None and path_length < 0:
        raise ValueError(f"path_length={path_length!r} must be 0 (leaves only) or more, or None for any number")
    if not name:
        raise ValueError("name='' leaves the authority nameless: give one such as 'Lab Root CA'")
    permitted = parse_constraints(permitted_names, argument="permitted_names")
    not_before, not_after = valid_for(lifetime)
    return Draft(
        subject=(subject or Subject()).name(name),
        is_authority=True,
        path_length=path_length,
        permitted=permitted,
        excluded=everything_else(permitted),
        not_before=not_before,
        not_after=not_after,
    )


def valid_for(lifetime: timedelta) -> tuple[datetime, datetime]:
    """not_before and not_after: from a little before now (CLOCK_SKEW) until `lifetime` from now."""
    if not isinstance(lifetime, timedelta):
        raise TypeError(f"lifetime={lifetime!r} must be a timedelta such as timedelta(days=398)")
    if not timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        raise ValueError(f"lifetime={lifetime!r} must be between a second and 100 years, such as timedelta(days=398)")
    now = datetime.now(UTC).replace(microsecond=0)
    return now - CLOCK_SKEW, now + lifetime


def sign(
    draft: Draft,
    *,
    public_key: PublicKey,
    issuer: Certificate | None,
    key: PrivateKey,
    signature_hash: str | None = None,
) -> Certificate:
    """The draft as a certificate for `public_key`, signed with the issuer's `key`. Issuer None: self-signed."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(draft.subject)
        .issuer_name(draft.subject if issuer is None else issuer.parsed.subject)
        .public_key(public_key)
        # Positive, unique, at most 20 octets (RFC 5280 section 4.1.2.2): 127 random bits do not collide.
        .serial_number((int.from_bytes(os.urandom(16)) >> 1) + 1)
        .not_valid_before(draft.not_before)
        .not_valid_after(draft.not_after)
    )
    instead = {one.oid for one in draft.extra}
    for extension, critical in _extensions(draft, public_key, issuer):
        if extension.oid not in instead and extension.oid not in draft.left_out:
            builder = builder.add_extension(extension, critical)
    for one in draft.extra:
        builder = builder.add_extension(one.value, one.critical)
    return Certificate(der=to_der(builder.sign(key, choose_hash(key, signature_hash))))


def _extensions(
    draft: Draft, public_key: PublicKey, issuer: Certificate | None
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Each extension, and whether a verifier that does not know it must refuse the certificate (critical)."""
    own_key = x509.SubjectKeyIdentifier.from_public_key(public_key)
    yield x509.BasicConstraints(ca=draft.is_authority, path_length=draft.path_length), True
    yield _key_usage(draft, public_key), True
    yield own_key, False
    yield _authority_key_identifier(issuer, own_key), False
    if draft.purpose is not None:
        yield x509.ExtendedKeyUsage([_PURPOSE_OIDS[draft.purpose]]), False
    if draft.names:
        # Without a subject the names are all there is: then they must be critical (RFC 5280 section 4.2.1.6).
        yield x509.SubjectAlternativeName(draft.names), not list(draft.subject)
    if draft.permitted or draft.excluded:
        yield x509.NameConstraints(draft.permitted or None, draft.excluded or None), True


def _key_usage(draft: Draft, public_key: PublicKey) -> x509.KeyUsage:
    """keyCertSign and cRLSign for an authority, digitalSignature for a leaf (RFC 5280 section 4.2.1.3).

    An RSA server of TLS 1.2 may also be sent a key encrypted for it: keyEncipherment.
    """
    if draft.is_authority:
        used = {"key_cert_sign", "crl_sign"}
    elif isinstance(public_key, RSAPublicKey) and draft.purpose == "serverAuth":
        used = {"digital_signature", "key_encipherment"}
    else:
        used = {"digital_signature"}
    return x509.KeyUsage(**{usage: usage in used for usage in KEY_USAGES})


def _authority_key_identifier(
    issuer: Certificate | None, own_key: x509.SubjectKeyIdentifier
) -> x509.AuthorityKeyIdentifier:
    """The issuer's subjectKeyIdentifier, whoever computed it and how (RFC 5280 section 4.2.1.1)."""
    identifier = own_key
    if issuer is not None and issuer.subject_key_identifier is not None:
        identifier = x509.SubjectKeyIdentifier(bytes.fromhex(issuer.subject_key_identifier))
    elif issuer is not None:
        identifier = x509.SubjectKeyIdentifier.from_public_key(issuer.parsed.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
