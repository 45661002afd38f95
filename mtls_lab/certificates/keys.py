"""Private keys: made, named, written and read.

`serialization` is imported where it is used: it brings SSH and a dozen ciphers along, a third of this floor's import.
"""

import hashlib
import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
SignatureHash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

_CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_HASHES: dict[str, type[SignatureHash]] = {
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
_KEY_TYPES = "'EC P-256', 'EC P-384', 'EC P-521', 'RSA 2048' (or more bits) or 'Ed25519'"
_LONGEST_PASSWORD = 1023
"""In bytes; OpenSSL's own buffer."""


def generate_key(key_type: str) -> PrivateKey:
    """A new private key of that type, named as `Certificate.key_type` names it ("RSA-2048" and "P-256" will do)."""
    word = re.sub(r"[\s_-]", "", key_type).upper().removeprefix("EC")
    if word == "ED25519":
        return ed25519.Ed25519PrivateKey.generate()
    for name, curve in _CURVES.items():
        if word == name.replace("-", ""):
            return ec.generate_private_key(curve())
    size = int(word[3:]) if re.fullmatch(r"RSA\d{1,5}", word) else 0
    if 2048 <= size <= 8192 and size % 8 == 0:
        return rsa.generate_private_key(public_exponent=65537, key_size=size)
    hint = " (OpenSSL refuses RSA keys below 2048 bits, above 8192 they take minutes)" if size else ""
    raise ValueError(f"key_type={key_type!r} must be {_KEY_TYPES}{hint}")


def describe_key(key: object) -> str:
    """The key's type in words: `EC P-256`, `RSA 2048`, `Ed25519`."""
    match key:
        case ec.EllipticCurvePublicKey():
            return f"EC {_CURVE_NAMES.get(key.curve.name, key.curve.name)}"
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey")


def to_der(certificate: x509.Certificate) -> bytes:
    """A certificate's bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def hash_of(key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo, in hex."""
    from cryptography.hazmat.primitives import serialization

    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).hexdigest()


def choose_hash(key: PrivateKey, signature_hash: str | None) -> SignatureHash | None:
    """What this key signs with: the hash asked for, else SHA-256, or as strong as the curve; Ed25519 has its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        if signature_hash is not None:
            raise ValueError(
                f"signature_hash={signature_hash!r}: an Ed25519 authority has its hash built in: leave it out"
            )
        return None
    if signature_hash is None:
        bits = key.curve.key_size if isinstance(key, ec.EllipticCurvePrivateKey) else 256
        signature_hash = {256: "SHA-256", 384: "SHA-384"}.get(bits, "SHA-512")
    if signature_hash not in _HASHES:
        raise ValueError(f"signature_hash={signature_hash!r} must be one of {', '.join(map(repr, _HASHES))}")
    return _HASHES[signature_hash]()


def key_to_pem(key: PrivateKey, password: str | None = None) -> bytes:
    """PKCS#8 PEM, encrypted (PBES2, AES-256) when there is a password."""
    from cryptography.hazmat.primitives import serialization

    encryption = serialization.NoEncryption() if password is None else encrypt_with(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def key_from_pem(pem: bytes, password: str | None = None) -> PrivateKey:
    """Read a private key. Raises ValueError that tells a wrong, a missing and a needless password apart."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(pem, None if password is None else password.encode())
    except TypeError:
        if password is None:
            raise ValueError("password=None: this private key is encrypted, give its password") from None
        raise ValueError("password=...: this private key is not encrypted, leave the password out") from None
    except ValueError as error:
        if b"PRIVATE KEY-----" not in pem:
            raise ValueError("there is no private key in this PEM (no '-----BEGIN ... PRIVATE KEY-----')") from None
        hint = "the password is wrong, or " if password is not None else ""
        raise ValueError(f"the private key cannot be read: {hint}it is damaged ({error})") from None
    if not isinstance(key, PrivateKey):
        raise ValueError(f"a {type(key).__name__} signs no TLS handshake here: use {_KEY_TYPES}")  # noqa: TRY004 - its content, not its Python type
    return key


def encrypt_with(password: str) -> "KeySerializationEncryption":
    """The strongest encryption `cryptography` writes. Raises ValueError for a bad password, without showing it."""
    from cryptography.hazmat.primitives import serialization

    size = len(password.encode())
    if not 1 <= size <= _LONGEST_PASSWORD:
        raise ValueError(f"password is {size} bytes long: give 1 to {_LONGEST_PASSWORD}, or None for no encryption")
    return serialization.BestAvailableEncryption(password.encode())
