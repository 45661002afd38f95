"""Certificates that nobody here wrote, and damaged ones of our own, as cases for the validator and for its judge."""

import random
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import cryptography_vectors
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.validation import Validation, validate
from mtls_lab.certificates.validation.revocation import RevocationList
from openssl_verdict import OpenSSL, Verdict

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
NOW = datetime.now(UTC).replace(microsecond=0)
_BLOCK = rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END"
_LIST = rb"-----BEGIN X509 CRL-----([^-]*)-----END"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question for both."""

    label: str
    """Where it comes from."""
    chain: tuple[bytes, ...]
    """DER, leaf first."""
    trusts: tuple[bytes, ...]
    """DER."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What else `validate` takes."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both answers."""

    case: Case
    """The question."""
    ours: Validation
    """The prediction."""
    judged: Verdict
    """OpenSSL's."""

    @property
    def same_verdict(self) -> bool:
        """Both accept or both refuse."""
        return self.ours.accepted == (not self.judged.problems)

    @property
    def same_reason(self) -> bool:
        """The same first problem at the same depth."""
        return self.found[:1] == self.judged.problems[:1] or (not self.judged.readable and not self.ours.accepted)

    @property
    def same_problems(self) -> bool:
        """The same problems in the same order, and a path of the same length."""
        if not self.judged.readable:
            return not self.ours.accepted
        judged = [self._repeated(*pair) for pair in zip(self.judged.problems, self.found, strict=False)]
        judged += self.judged.problems[len(judged) :]
        return self.found == tuple(judged) and len(self.ours.path.certificates) == self.judged.length

    def _repeated(self, judged: tuple[int, int], ours: tuple[int, int | None]) -> tuple[int, int | None]:
        """Made to go on after a weak leaf, OpenSSL repeats that number where no anchor is found; we give the reason."""
        return ours if judged == (66, ours[1]) and ours[0] in {2, 18, 19, 20} else judged

    @property
    def found(self) -> tuple[tuple[int, int | None], ...]:
        """Our problems in the judge's form."""
        return tuple((one.verify_code, one.depth) for one in self.ours.problems)


def compare(case: Case, openssl: OpenSSL) -> Comparison:
    """Ask both."""
    chain, trusts = (tuple(map(_certificate, ders)) for ders in (case.chain, case.trusts))
    ours = validate(chain, trusts=trusts, **case.settings)
    judged = openssl.verdict(case.chain, trusts=case.trusts, **case.settings)
    return Comparison(case=case, ours=ours, judged=judged)


@lru_cache(maxsize=2000)
def _certificate(der: bytes) -> Certificate:
    """One object a certificate: what it has been read to be stays read."""
    return Certificate(der=der)


# what others published


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Many certificates, found by name."""

    ders: tuple[bytes, ...]
    """All of them."""
    by_subject: dict[bytes, tuple[bytes, ...]]
    """By the canonical subject."""

    @classmethod
    def of(cls, ders: Iterable[bytes]) -> "Pool":
        """A pool of those."""
        all_ders = tuple(dict.fromkeys(ders))
        by_subject: dict[bytes, tuple[bytes, ...]] = {}
        for der in all_ders:
            reading = _certificate(der).reading
            if reading is not None:
                by_subject[reading.subject.canonical] = (*by_subject.get(reading.subject.canonical, ()), der)
        return cls(ders=all_ders, by_subject=by_subject)

    def above(self, der: bytes) -> tuple[bytes, ...]:
        """Every certificate that could stand above this one by its names."""
        found: dict[bytes, None] = {}
        waiting = [der]
        while waiting:
            reading = _certificate(waiting.pop()).reading
            if reading is None:
                continue
            new = [one for one in self.by_subject.get(reading.issuer.canonical, ()) if one not in found and one != der]
            found.update(dict.fromkeys(new))
            waiting += new
        return tuple(found)


def read_certificates(folder: Path) -> tuple[bytes, ...]:
    """Every certificate in every file below a folder."""
    found: list[bytes] = []
    for path in sorted(folder.rglob("*")):
        if "PKITS_data" not in path.relative_to(folder).parts and path.suffix in {
            ".pem",
            ".der",
            ".crt",
            ".cer",
            ".cert",
            ".p7b",
        }:
            content = path.read_bytes()
            blocks = re.findall(_BLOCK, content)
            found += [b64decode(b"".join(block.split())) for block in blocks] if blocks else [content]
    return tuple(found)


def from_pool(pool: Pool, label: str, *, seed: int) -> Iterator[Case]:
    """Each certificate as a leaf: alone and with what fits above it, against several trust sets and settings."""
    choose = random.Random(seed)
    for index, der in enumerate(pool.ders):
        above = pool.above(der)
        roots = tuple(one for one in above if (read := _certificate(one).reading) and read.self_issued)
        for chain, trusts in (
            ((der,), ()),
            ((der,), (der,)),
            ((der, *above), roots),
            ((der, *above), above),
            ((der,), above),
            ((der, *above), ()),
            ((der, *choose.sample(pool.ders, min(5, len(pool.ders)))), (*above, *choose.sample(pool.ders, 2))),
        ):
            yield Case(label=f"{label} {index}", chain=chain, trusts=trusts, settings=settings_for(der, choose))


def settings_for(der: bytes, choose: random.Random) -> dict[str, Any]:
    """A purpose, a time near the certificate's own, sometimes a name it holds, now and then stricter flags."""
    certificate = _certificate(der)
    begin, end = certificate.not_before or NOW, certificate.not_after or NOW
    times = [begin + (end - begin) / 2, begin + (end - begin) / 2, NOW, begin - timedelta(days=1), end, begin]
    names = [name.partition(":")[2] for name in certificate.names if name.startswith(("DNS:", "IP:"))]
    names = [name.replace("*", "www") for name in names if name and not name.startswith(".") and name.isascii()]
    name = choose.choice([None, None, "example.com", choose.choice(names or ["127.0.0.1"])])
    return {
        "at": choose.choice(times).replace(microsecond=0),
        "purpose": choose.choice(["serverAuth", "clientAuth"]),
        "server_name": name if name is None or "/" not in name else None,
        "strict": choose.random() < 0.3,
        "partial_chain": choose.random() < 0.3,
        "security_level": choose.choice([2, 2, 1, 0]),
        "crls": choose.choice([None, None, None, ()]),
    }


def from_pkits() -> Iterator[Case]:
    """NIST's test suite: every certificate as a leaf, all that fits above it, its one anchor, all its lists."""
    folder = VECTORS / "PKITS_data"
    pool = Pool.of(read_certificates(folder / "certs"))
    anchor = (folder / "certs/TrustAnchorRootCertificate.crt").read_bytes()
    lists = [path.read_bytes() for path in sorted((folder / "crls").glob("*.crl"))]
    issued = [(RevocationList(der).issuer.canonical, der) for der in lists]
    for der in pool.ders:
        chain = (der, *(one for one in pool.above(der) if one != anchor))
        above = {read.issuer.canonical for one in chain if (read := _certificate(one).reading)}
        for crls in (None, tuple(one for issuer, one in issued if issuer in above)):
            for purpose in ("serverAuth", "clientAuth"):
                for strict in (False, True):
                    settings = {
                        "at": datetime(2012, 1, 1, tzinfo=UTC),
                        "purpose": purpose,
                        "strict": strict,
                        "crls": crls,
                    }
                    yield Case(label="PKITS", chain=chain, trusts=(anchor,), settings=settings)


def from_limbo(content: dict[str, Any]) -> Iterator[Case]:
    """The cases of C2SP's x509-limbo."""
    for one in content["testcases"]:
        names = [one["expected_peer_name"]] if one["expected_peer_name"] else []
        at = datetime.fromisoformat(one["validation_time"]) if one["validation_time"] else NOW
        for name in (None, *(name["value"] for name in names if name["kind"] != "RFC822")):
            for flags in (0, 1, 2, 3):
                settings = {
                    "at": at,
                    "purpose": "serverAuth" if one["validation_kind"] == "SERVER" else "clientAuth",
                    "server_name": name,
                    "strict": bool(flags & 1),
                    "partial_chain": bool(flags & 2),
                    "crls": tuple(_blocks(_LIST, "".join(one["crls"]))) or None,
                }
                leaf = _blocks(_BLOCK, one["peer_certificate"])
                chain = (*leaf, *_blocks(_BLOCK, "".join(one["untrusted_intermediates"])))
                trusts = tuple(_blocks(_BLOCK, "".join(one["trusted_certs"])))
                yield Case(label=one["id"], chain=chain, trusts=trusts, settings=settings)


def _blocks(pattern: bytes, pem: str) -> list[bytes]:
    return [b64decode(b"".join(block.split())) for block in re.findall(pattern, pem.encode())]


# damaged ones of our own


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A chain with nothing wrong."""

    chain: tuple[bytes, ...]
    """DER, leaf first."""
    trusts: tuple[bytes, ...]
    """DER."""
    settings: dict[str, Any]
    """With these it is accepted."""


def own_chains() -> tuple[Sound, ...]:
    """Of several shapes, new each time: what is found in them depends on chance too."""
    root = Authority.create("Lab Root CA")
    upper = root.intermediate("Upper CA", path_length=1)
    lower = upper.intermediate("Lower CA")
    narrow = root.intermediate("Narrow CA", permitted_names=("localhost", "127.0.0.1"))
    old = Authority.create("RSA Root CA", key_type="RSA 2048")
    names = ("localhost", "127.0.0.1", "::1", "alice@example.org", "spiffe://lab/alice")
    issued = (
        (lower.issue("localhost", names=names, purpose="serverAuth"), root),
        (narrow.issue("localhost", names=names[:2], purpose="serverAuth"), root),
        (old.issue("localhost", purpose="serverAuth", key_type="RSA 2048"), old),
        (lower.issue("alice", purpose="clientAuth"), root),
    )
    return tuple(_sound(credential, authority) for credential, authority in issued)


def _sound(credential: Credential, authority: Authority) -> Sound:
    purpose = "clientAuth" if credential.leaf.purposes == ("clientAuth",) else "serverAuth"
    return Sound(
        chain=tuple(one.der for one in credential.chain),
        trusts=(authority.certificate.der,),
        settings={"purpose": purpose, "at": NOW + timedelta(hours=1)},
    )


def published_chains() -> tuple[Sound, ...]:
    """The same every time: two of NIST's with name constraints, one as a real host sends it, one with EdDSA."""
    folder = VECTORS / "PKITS_data/certs"
    nist = [
        tuple((folder / f"{name}.crt").read_bytes() for name in names)
        for names in (
            ("ValidDNSnameConstraintsTest30EE", "nameConstraintsDNS1CACert", "TrustAnchorRootCertificate"),
            (
                "ValidpathLenConstraintTest14EE",
                "pathLenConstraint6subsubsubCA41XCert",
                "pathLenConstraint6subsubCA41Cert",
                "pathLenConstraint6subCA4Cert",
                "pathLenConstraint6CACert",
                "TrustAnchorRootCertificate",
            ),
        )
    ]
    real = tuple(_blocks(_BLOCK, (VECTORS / "cryptography.io.chain.pem").read_text(encoding="ascii")))
    eddsa = tuple(_blocks(_BLOCK, (VECTORS / "ed25519/root-ed25519.pem").read_text(encoding="ascii"))) * 2
    return tuple(
        Sound(chain=ders[:-1], trusts=ders[-1:], settings={"purpose": "serverAuth", "at": _middle(ders[0]), **more})
        for ders, more in ((nist[0], {}), (nist[1], {}), (real, {"partial_chain": True}), (eddsa, {}))
    )


def _middle(der: bytes) -> datetime:
    certificate = _certificate(der)
    assert certificate.not_before is not None and certificate.not_after is not None
    return (certificate.not_before + (certificate.not_after - certificate.not_before) / 2).replace(microsecond=0)


def damage(der: bytes, choose: random.Random) -> bytes:
    """One to three bytes changed, or a piece taken out, doubled or moved."""
    content = bytearray(der)
    kind = choose.randrange(8)
    if kind < 5:
        for _ in range(choose.randint(1, 3)):
            position = choose.randrange(len(content))
            content[position] = choose.choice([choose.randrange(256), content[position] ^ 1 << choose.randrange(8)])
        return bytes(content)
    start = choose.randrange(len(content))
    end = min(len(content), start + choose.randint(1, 12))
    piece = bytes(content[start:end])
    if kind == 5:
        del content[start:end]
    elif kind == 6:
        content[start:start] = piece
    else:
        content[start:end] = choose.randbytes(len(piece))
    return bytes(content)


def from_damage(chains: tuple[Sound, ...], count: int, *, seed: int) -> Iterator[Case]:
    """Chains in which one certificate is damaged, after each one that is sound."""
    choose = random.Random(seed)
    for one in chains:
        yield Case(label="sound", chain=one.chain, trusts=one.trusts, settings=one.settings)
    for index in range(count):
        sound = choose.choice(chains)
        ders = list(sound.chain)
        position = choose.randrange(len(ders))
        ders[position] = damage(ders[position], choose)
        settings = settings_for(sound.chain[0], choose) | sound.settings
        yield Case(label=f"damage {index}", chain=tuple(ders), trusts=sound.trusts, settings=settings)


_REVOKED = x509.CertificateRevocationListBuilder


def own_list(authority: Authority, *serial_numbers: int, ends: datetime) -> bytes:
    """A revocation list of ours."""
    builder = _REVOKED().issuer_name(authority.certificate.parsed.subject).last_update(NOW - timedelta(days=2))
    for one in serial_numbers:
        entry = x509.RevokedCertificateBuilder().serial_number(one).revocation_date(NOW).build()
        builder = builder.add_revoked_certificate(entry)
    assert authority.key is not None
    return builder.next_update(ends).sign(authority.key, SHA256()).public_bytes(Encoding.DER)


def from_lists(count: int, *, seed: int) -> Iterator[Case]:
    """A sound chain, and revocation lists of which one is damaged."""
    choose = random.Random(seed)
    root = Authority.create("Lab Root CA")
    leaf = root.issue("localhost", purpose="serverAuth").leaf
    serial_number = leaf.serial_number or 0
    lists = [
        own_list(root, ends=NOW + timedelta(days=1)),
        own_list(root, serial_number, ends=NOW + timedelta(days=1)),
        own_list(root, 7, serial_number, ends=NOW - timedelta(days=1)),
        own_list(Authority.create("Lab Root CA"), ends=NOW + timedelta(days=1)),
        own_list(Authority.create("Other CA"), ends=NOW + timedelta(days=1)),
    ]
    for index in range(count):
        given = choose.sample(lists, choose.randint(0, 3))
        if given and choose.random() < 0.7:
            position = choose.randrange(len(given))
            given[position] = damage(given[position], choose)
        settings = {"at": NOW, "purpose": "serverAuth", "crls": tuple(given)}
        yield Case(label=f"list {index}", chain=(leaf.der,), trusts=(root.certificate.der,), settings=settings)
