"""Certificate signing requests (PKCS#10, RFC 2986): how a key is certified without leaving its owner.

The request carries the public key, what its owner would like to be called, and a signature with the private key. The
signature proves that the sender holds the key, and nothing else: who the sender is, and which names it may have, the
authority must know from elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography import x509

from mtls_lab.certificates.keys import PrivateKey, PublicKey, choose_hash
from mtls_lab.certificates.names import parse_names
from mtls_lab.certificates.subject import Subject

LARGEST_REQUEST = 65_536
"""In bytes: a stranger sends it."""


@dataclass(frozen=True, kw_only=True)
class SigningRequest:
    """A request whose signature was checked."""

    common_name: str
    """What its owner would like to be called; "" for nothing."""
    public_key: PublicKey
    """The key to be certified."""

    @classmethod
    def from_pem(cls, request_pem: bytes) -> Self:
        """Read it. Raises ValueError for what is no request, and for one whose signature does not fit its key."""
        if not isinstance(request_pem, bytes) or b"-----BEGIN CERTIFICATE REQUEST-----" not in request_pem:
            raise ValueError(
                "request_pem holds no '-----BEGIN CERTIFICATE REQUEST-----': make one, signing_request(key, name)"
            )
        if len(request_pem) > LARGEST_REQUEST:
            raise ValueError(f"request_pem is {len(request_pem)} bytes long: a request has at most {LARGEST_REQUEST}")
        try:
            parsed = x509.load_pem_x509_csr(request_pem)
            proven, key, subject = parsed.is_signature_valid, parsed.public_key(), parsed.subject
        except Exception as error:  # noqa: BLE001 - cryptography raises many kinds for what a stranger may send
            raise ValueError(f"request_pem cannot be read ({error}): make it again") from None
        if not proven:
            raise ValueError("request_pem: its signature is not by the key in it, so the sender may not hold that key")
        if not isinstance(key, PublicKey):
            raise ValueError(f"request_pem is for a {type(key).__name__}: make a key with generate_key('EC P-256')")  # noqa: TRY004 - its content, not its Python type
        named = [str(one.value) for one in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
        return cls(common_name=next(iter(named), ""), public_key=key)


def signing_request(key: PrivateKey, name: str, *, names: Iterable[str] = ()) -> bytes:
    """A request (PEM) for that key, signed with it: what one sends to an authority. The key itself is not in it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    builder = x509.CertificateSigningRequestBuilder().subject_name(Subject().name(name))
    wanted = parse_names(tuple(names), argument="names")
    if wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted), critical=False)
    return builder.sign(key, choose_hash(key, None)).public_bytes(Encoding.PEM)
