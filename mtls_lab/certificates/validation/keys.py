"""Public keys and signatures by the rules of OpenSSL 3.0: which it can use, how strong they are, who signed what."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mtls_lab.certificates.validation.ber import INTEGER, MalformedError, object_identifier
from mtls_lab.certificates.validation.syntax import ALGORITHM, PSS_PARAMETERS, RSA_KEY, SEQUENCE_OF_ANYTHING, read

_RSA = "1.2.840.113549.1.1."
_KINDS = {
    f"{_RSA}1": "RSA",
    "2.5.8.1.1": "RSA",
    f"{_RSA}10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.2.840.113549.1.3.1": "DH",
    "1.2.840.10046.2.1": "DH",
}
_FIXED_STRENGTH = {"Ed25519": 128, "X25519": 128, "Ed448": 224, "X448": 224}

# Signature algorithm -> (hash, kind of key): what OpenSSL's table of signature algorithms holds (obj_xref).
_SIGNATURES: dict[str, tuple[str | None, str]] = {
    **{f"{_RSA}{last}": (name, "RSA") for last, name in {2: "md2", 3: "md4", 4: "md5", 5: "sha1"}.items()},
    **{
        f"{_RSA}{last}": (name, "RSA")
        for last, name in {11: "sha256", 12: "sha384", 13: "sha512", 14: "sha224"}.items()
    },
    f"{_RSA}10": (None, "RSA-PSS"),
    "1.3.14.3.2.15": ("sha", "RSA"),
    "2.5.8.3.100": ("mdc2", "RSA"),
    "1.3.36.3.3.1.2": ("ripemd160", "RSA"),
    "1.3.14.3.2.3": ("md5", "RSA"),
    "1.3.14.3.2.29": ("sha1", "RSA"),
    **{f"2.16.840.1.101.3.4.3.{13 + i}": (f"sha3_{size}", "RSA") for i, size in enumerate((224, 256, 384, 512))},
    "1.3.14.3.2.13": ("sha", "DSA"),
    "1.2.840.10040.4.3": ("sha1", "DSA"),
    "1.3.14.3.2.27": ("sha1", "DSA"),
    "2.16.840.1.101.3.4.3.1": ("sha224", "DSA"),
    "2.16.840.1.101.3.4.3.2": ("sha256", "DSA"),
    "1.2.840.10045.4.1": ("sha1", "EC"),
    "1.2.840.10045.4.2": (None, "EC"),
    "1.2.840.10045.4.3": (None, "EC"),
    **{f"1.2.840.10045.4.3.{1 + i}": (f"sha{size}", "EC") for i, size in enumerate((224, 256, 384, 512))},
    "1.3.101.112": (None, "Ed25519"),
    "1.3.101.113": (None, "Ed448"),
}
# The algorithms' numbers end where OpenSSL 3.0's table ends; a later OpenSSL may know these too.
_LATER = ("2.16.840.1.101.3.4.3.", "1.2.643.", "1.2.156.10197.", "1.3.6.1.4.1.")
_CURVES = ("1.2.840.10045.3.", "1.3.132.0.", "1.3.36.3.3.2.8.1.1.", "2.23.43.1.4.", "1.2.156.10197.1.301")
"""Where the curves that OpenSSL has are numbered."""
_HASHES: dict[str, tuple[int, type[hashes.HashAlgorithm] | None, bytes]] = {
    "md2": (0, None, b""),
    "md4": (64, None, b""),
    "mdc2": (0, None, b""),
    "sha": (0, None, b""),
    "md5": (39, hashes.MD5, bytes.fromhex("3020300c06082a864886f70d020505000410")),
    "ripemd160": (80, None, bytes.fromhex("3021300906052b2403020105000414")),
    "sha1": (63, hashes.SHA1, bytes.fromhex("3021300906052b0e03021a05000414")),
    "sha224": (112, hashes.SHA224, bytes.fromhex("302d300d06096086480165030402040500041c")),
    "sha256": (128, hashes.SHA256, bytes.fromhex("3031300d060960864801650304020105000420")),
    "sha384": (192, hashes.SHA384, bytes.fromhex("3041300d060960864801650304020205000430")),
    "sha512": (256, hashes.SHA512, bytes.fromhex("3051300d060960864801650304020305000440")),
    "sha3_224": (112, hashes.SHA3_224, bytes.fromhex("302d300d06096086480165030402070500041c")),
    "sha3_256": (128, hashes.SHA3_256, bytes.fromhex("3031300d060960864801650304020805000420")),
    "sha3_384": (192, hashes.SHA3_384, bytes.fromhex("3041300d060960864801650304020905000430")),
    "sha3_512": (256, hashes.SHA3_512, bytes.fromhex("3051300d060960864801650304020a05000440")),
}
_HASH_NAMES = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    **{f"2.16.840.1.101.3.4.2.{1 + i}": name for i, name in enumerate(("sha256", "sha384", "sha512", "sha224"))},
    **{f"2.16.840.1.101.3.4.2.{7 + i}": f"sha3_{size}" for i, size in enumerate((224, 256, 384, 512))},
}
_LARGEST_RSA, _LARGE_RSA, _LARGEST_EXPONENT = 16384, 3072, 64


class UncertainError(Exception):
    """Whether OpenSSL would say yes or no cannot be told here."""


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What was signed, how, and the signature."""

    content: bytes
    """The bytes that were signed."""
    algorithm: dict[str, Any]
    """Its algorithm, as `syntax.ALGORITHM` reads it."""
    unused: int
    """How many bits of the signature's last octet do not count."""
    signature: bytes
    """The signature."""


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A key as OpenSSL has it."""

    kind: str
    """`RSA`, `EC`, ..."""
    strength: int
    """In bits of security, as security levels count them (NIST SP 800-57)."""
    explicit_curve: bool = False
    """The curve is spelled out instead of named: OpenSSL refuses that in a chain (RFC 5480 section 2.1.1)."""
    rsa: tuple[int, int] | None = None
    """Modulus and exponent."""
    key: Any = None
    """The key as `cryptography` has it."""


def read_key(info: dict[str, Any]) -> PublicKey | None:
    """The key in a SubjectPublicKeyInfo; None where OpenSSL has none. Raises UncertainError."""
    oid = info["algorithm"]["oid"]
    kind = _KINDS.get(oid)
    if kind is None:
        if oid.startswith(_LATER):
            raise UncertainError(f"a key of type {oid} is known to later versions of OpenSSL only")
        return None
    if kind in {"RSA", "RSA-PSS"}:
        return _read_rsa(kind, info)
    if kind == "EC" and info["algorithm"].get("parameters", ((0, 0), b""))[0] == (0, 16):
        return _explicit_curve(info["algorithm"]["parameters"][1])
    return _read_other(kind, info)


def _read_rsa(kind: str, info: dict[str, Any]) -> PublicKey | None:
    content = info["key"][1]
    try:
        numbers, end = read(RSA_KEY, content)
    except MalformedError:
        return None
    n, e = numbers["n"], numbers["e"]
    if end != len(content):
        return None
    return PublicKey(kind=kind, strength=rsa_strength(n.bit_length()), rsa=(n, e))


def rsa_strength(size: int) -> int:
    """Security of an RSA modulus of that size in bits (FIPS 140-2 guidance 7.5, as OpenSSL rounds it)."""
    known = {2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}
    if size in known:
        return known[size]
    if size < 8:
        return 0
    natural = size * math.log(2)
    bits = (1.923 * math.cbrt(natural * math.log(natural) ** 2) - 4.69) / math.log(2)
    highest = 192 if size <= 7680 else 256 if size <= 15360 else 1200
    return min(highest, (max(0, int(bits)) + 4) & ~7)


def _explicit_curve(parameters: bytes) -> PublicKey:
    """Its strength is taken from the size of its field: that of the order differs by no more than a bit."""
    try:
        fields, _ = read(SEQUENCE_OF_ANYTHING, parameters)
        field, _ = read(SEQUENCE_OF_ANYTHING, fields[1][1])
        prime, _ = read(INTEGER, b"\x02\x82" + len(field[1][1]).to_bytes(2) + field[1][1])
    except (MalformedError, IndexError, TypeError, OverflowError) as error:
        raise UncertainError("its elliptic curve is spelled out in an unusual way") from error
    return PublicKey(kind="EC", strength=_curve_strength(prime.bit_length()), explicit_curve=True)


def _curve_strength(order: int) -> int:
    for size, strength in ((512, 256), (384, 192), (256, 128), (224, 112), (160, 80)):
        if order >= size:
            return strength
    return order // 2


def _read_other(kind: str, info: dict[str, Any]) -> PublicKey | None:
    if kind == "EC" and not _names_known_curve(info["algorithm"]):
        return None
    try:
        key = load_der_public_key(info[""])
    except UnsupportedAlgorithm as error:
        raise UncertainError(f"this lab cannot read its {kind} key: {error}") from None
    except Exception:  # noqa: BLE001 - a key that is damaged in one of many ways is no key for OpenSSL either
        return None
    strength = _FIXED_STRENGTH.get(kind, 0)
    if isinstance(key, ec.EllipticCurvePublicKey):
        strength = _curve_strength(key.curve.group_order.bit_length())
    elif isinstance(key, dsa.DSAPublicKey):
        numbers = key.parameters().parameter_numbers()
        strength = _dsa_strength(numbers.p.bit_length(), numbers.q.bit_length())
    return PublicKey(kind=kind, strength=strength, key=key)


def _names_known_curve(algorithm: dict[str, Any]) -> bool:
    tag, content = algorithm.get("parameters", ((0, 0), b""))
    return tag == (0, 6) and object_identifier(content).startswith(_CURVES)


def _dsa_strength(modulus: int, order: int) -> int:
    sizes = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
    strength = next((bits for size, bits in sizes if modulus >= size), 0)
    return min(strength, order // 2) if order // 2 >= 80 else 0


def key_fits(algorithm: str, key: PublicKey) -> bool:
    """A key of that kind can have made a signature of that algorithm. False too for one OpenSSL does not know.

    Raises UncertainError where only some builds know it.
    """
    if algorithm not in _SIGNATURES and algorithm.startswith(_LATER):
        raise UncertainError(f"signature algorithm {algorithm} is known to some builds of OpenSSL only")
    _, kind = _SIGNATURES.get(algorithm, (None, None))
    return kind == key.kind or (kind == "RSA-PSS" and key.kind == "RSA")


def hash_strength(algorithm: dict[str, Any]) -> int:
    """Security of a signature's hash in bits; -1 where OpenSSL cannot tell."""
    oid = algorithm["oid"]
    name, kind = _SIGNATURES.get(oid, (None, None))
    if kind == "RSA-PSS":
        settings = _pss(algorithm)
        return -1 if settings is None else _HASHES[settings[0]][0]
    if name is not None:
        return _HASHES[name][0] or -1
    return _FIXED_STRENGTH.get(kind or "", -1)


def hash_name(algorithm: dict[str, Any]) -> str | None:
    """`sha1`, ...; None where the algorithm names none."""
    return _SIGNATURES.get(algorithm["oid"], (None, ""))[0]


def verifies(signed: Signed, key: PublicKey) -> bool:
    """The key made the signature. Raises UncertainError."""
    name, kind = _SIGNATURES.get(signed.algorithm["oid"], (None, None))
    if signed.unused or not key_fits(signed.algorithm["oid"], key):
        return False
    if kind == "RSA" and key.rsa and name:
        return _verifies_rsa(signed, key.rsa, name)
    try:
        if kind == "RSA-PSS" and key.rsa:
            return _verifies_pss(signed, key.rsa)
        return _verifies_other(signed, key.key, name)
    except InvalidSignature:
        return False
    except UncertainError:
        raise
    except Exception as error:  # noqa: BLE001 - `cryptography` refuses some keys that OpenSSL takes
        raise UncertainError(f"this lab cannot check that signature: {error}") from None


def _verifies_rsa(signed: Signed, key: tuple[int, int], name: str) -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2), by hand: `cryptography` takes no small keys, OpenSSL does."""
    n, e = key
    _, _, prefix = _HASHES[name]
    size, value = (n.bit_length() + 7) // 8, int.from_bytes(signed.signature)
    if not n or not prefix or len(signed.signature) != size or value >= n or n.bit_length() > _LARGEST_RSA:
        return False
    if e >= n or (n.bit_length() > _LARGE_RSA and e.bit_length() > _LARGEST_EXPONENT):
        return False
    try:
        digest = prefix + hashlib.new(name, signed.content, usedforsecurity=False).digest()
    except ValueError:
        raise UncertainError(f"this Python has no {name}") from None
    filling = size - len(digest) - 3
    return filling >= 8 and pow(value, e, n).to_bytes(size) == b"\0\1" + b"\xff" * filling + b"\0" + digest


def _pss(algorithm: dict[str, Any]) -> tuple[str, str, int] | None:
    """Hash, hash of the mask, length of the salt (RFC 4055 section 3.1); None where OpenSSL refuses them."""
    try:
        tag, content = algorithm["parameters"]
        settings, _ = read(PSS_PARAMETERS, content)
        name = _HASH_NAMES[settings["hash"]["oid"]] if "hash" in settings else "sha1"
        mask = "sha1"
        if "mask" in settings:
            if settings["mask"]["oid"] != f"{_RSA}8":
                return None
            inner, _ = read(ALGORITHM, settings["mask"]["parameters"][1])
            mask = _HASH_NAMES[inner["oid"]]
    except (KeyError, IndexError, TypeError, MalformedError):
        return None
    salt = settings.get("salt_length", 20)
    return (name, mask, salt) if tag == (0, 16) and salt >= 0 and settings.get("trailer", 1) == 1 else None


def _verifies_pss(signed: Signed, key: tuple[int, int]) -> bool:
    settings = _pss(signed.algorithm)
    if settings is None:
        return False
    name, mask, salt = settings
    made, masked = _HASHES[name][1], _HASHES[mask][1]
    if made is None or masked is None:
        return False
    public = rsa.RSAPublicNumbers(key[1], key[0]).public_key()
    scheme = padding.PSS(padding.MGF1(masked()), salt)
    public.verify(signed.signature, signed.content, scheme, made())
    return True


def _verifies_other(signed: Signed, key: Any, name: str | None) -> bool:
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signed.signature, signed.content)
        return True
    algorithm = _HASHES[name][1] if name else None
    if algorithm is None:
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, signed.content, ec.ECDSA(algorithm()))
        return True
    if isinstance(key, dsa.DSAPublicKey):
        key.verify(signed.signature, signed.content, algorithm())
        return True
    raise UncertainError("this lab cannot use that key")
