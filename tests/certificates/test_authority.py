"""What an Authority issues, field by field, and what it refuses to."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab.certificates import Authority, Certificate, Subject

ROOT = Authority.create("Lab Root CA")
ISSUING = ROOT.intermediate("Lab Issuing CA")


def critical(certificate: Certificate) -> dict[str, bool]:
    """Each extension by name, and whether it is critical."""
    return {extension.oid._name: extension.critical for extension in certificate.parsed.extensions}


def test_every_certificate_has_the_extensions_that_strict_verifiers_want() -> None:
    server = ISSUING.issue("localhost", purpose="serverAuth").leaf
    always = {
        "basicConstraints": True,
        "keyUsage": True,
        "subjectKeyIdentifier": False,
        "authorityKeyIdentifier": False,
    }

    assert critical(ROOT.certificate) == always
    assert critical(ISSUING.certificate) == always
    assert critical(server) == always | {"extendedKeyUsage": False, "subjectAltName": False}
    assert server.parsed.version is x509.Version.v3


def test_a_root_may_sign_certificates_and_an_intermediate_leaves_only() -> None:
    assert ROOT.certificate.key_usage == ISSUING.certificate.key_usage == ("keyCertSign", "cRLSign")
    assert (ROOT.certificate.path_length, ISSUING.certificate.path_length) == (None, 0)
    assert ROOT.certificate.is_signed_by(ROOT.certificate)
    assert ISSUING.certificate.is_signed_by(ROOT.certificate)


def test_a_leaf_may_sign_handshakes_and_only_an_rsa_server_is_sent_keys() -> None:
    rsa = {
        purpose: ROOT.issue("x", purpose=purpose, key_type="RSA 2048").leaf for purpose in ("serverAuth", "clientAuth")
    }

    assert ROOT.issue("x", purpose="serverAuth").leaf.key_usage == ("digitalSignature",)
    assert rsa["serverAuth"].key_usage == ("digitalSignature", "keyEncipherment")
    assert rsa["clientAuth"].key_usage == ("digitalSignature",)


def test_a_server_is_named_by_its_name_and_a_client_by_its_common_name_only() -> None:
    server = ROOT.issue("127.0.0.1", purpose="serverAuth").leaf
    client = ROOT.issue("alice", purpose="clientAuth").leaf

    assert (server.common_name, server.names, server.purposes) == ("127.0.0.1", ("IP:127.0.0.1",), ("serverAuth",))
    assert (client.common_name, client.names, client.purposes) == ("alice", (), ("clientAuth",))


@pytest.mark.parametrize("name", ["", ".".join(["a" * 30] * 3)], ids=["none", "longer than a common name can be"])
def test_without_a_subject_the_names_are_critical(name: str) -> None:
    leaf = ROOT.issue(name, names=("localhost",) if not name else None, purpose="serverAuth").leaf

    assert leaf.subject == ""
    assert leaf.names == (f"DNS:{name or 'localhost'}",)
    assert critical(leaf)["subjectAltName"]


def test_serial_numbers_are_random_positive_and_short() -> None:
    serials = [ROOT.issue("alice", purpose="clientAuth").leaf.serial_number for _ in range(50)]

    assert len(set(serials)) == 50
    assert all(serial is not None and 0 < serial < 1 << 128 for serial in serials)
    assert max(serial.bit_length() for serial in serials if serial is not None) > 100


def test_validity_begins_five_minutes_ago_and_lasts_as_long_as_asked() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    leaf = ROOT.issue("localhost", purpose="serverAuth", lifetime=timedelta(days=90)).leaf
    default = ROOT.issue("localhost", purpose="serverAuth").leaf
    after = datetime.now(UTC)

    assert leaf.not_before is not None and leaf.not_after is not None and default.not_after is not None
    assert before <= leaf.not_before + timedelta(minutes=5) <= after
    assert leaf.not_after - leaf.not_before == timedelta(days=90, minutes=5)
    assert before <= default.not_after - timedelta(days=398) <= after


def test_a_leaf_never_outlives_its_authority() -> None:
    root = Authority.create(lifetime=timedelta(days=3))

    leaf = root.issue("localhost", purpose="serverAuth", lifetime=timedelta(days=4)).leaf

    assert leaf.not_after == root.certificate.not_after


@pytest.mark.parametrize(
    "lifetime", [timedelta(0), timedelta(days=-5), timedelta(days=99999), timedelta(milliseconds=9)]
)
def test_a_lifetime_that_makes_no_sense_is_refused_by_name(lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match=re.escape(f"lifetime={lifetime!r} must be")):
        ROOT.issue("localhost", purpose="serverAuth", lifetime=lifetime)
    with pytest.raises(ValueError, match="timedelta\\(days=398\\)"):
        Authority.create(lifetime=lifetime)


def test_a_lifetime_is_no_number() -> None:
    with pytest.raises(TypeError, match="lifetime=398 must be a timedelta"):
        ROOT.issue("localhost", purpose="serverAuth", lifetime=398)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key_type", "made"),
    [
        ("EC P-256", "EC P-256"),
        ("P-384", "EC P-384"),
        ("ec p-521", "EC P-521"),
        ("RSA-2048", "RSA 2048"),
        ("RSA 3072", "RSA 3072"),
        ("Ed25519", "Ed25519"),
    ],
)
def test_the_key_is_of_the_type_asked_for(key_type: str, made: str) -> None:
    credential = ROOT.issue("alice", purpose="clientAuth", key_type=key_type)

    assert credential.leaf.key_type == made
    assert credential.key_matches


@pytest.mark.parametrize("key_type", ["RSA 1024", "RSA 2047", "RSA 99999", "RSA", "DSA", "P-192", "", "2048"])
def test_another_key_type_is_refused_by_name(key_type: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"key_type={key_type!r} must be 'EC P-256'")):
        ROOT.issue("alice", purpose="clientAuth", key_type=key_type)


@pytest.mark.parametrize(
    ("key_type", "asked", "used"),
    [
        ("EC P-256", None, "SHA-256"),
        ("EC P-384", None, "SHA-384"),
        ("EC P-521", None, "SHA-512"),
        ("RSA 2048", None, "SHA-256"),
        ("EC P-256", "SHA-512", "SHA-512"),
        ("RSA 2048", "SHA-384", "SHA-384"),
        ("Ed25519", None, None),
    ],
)
def test_the_authority_signs_with_the_hash_asked_for(key_type: str, asked: str | None, used: str | None) -> None:
    root = Authority.create(key_type=key_type, signature_hash=asked)

    assert root.certificate.signature_hash == used
    assert root.issue("alice", purpose="clientAuth", signature_hash=asked).leaf.signature_hash == used


def test_a_weak_or_senseless_hash_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="signature_hash='SHA-1' must be one of 'SHA-256', 'SHA-384', 'SHA-512'"):
        Authority.create(signature_hash="SHA-1")
    with pytest.raises(ValueError, match="signature_hash='SHA-256': an Ed25519 authority has its hash built in"):
        Authority.create(key_type="Ed25519", signature_hash="SHA-256")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "DEU"),
        ("country", "D1"),
        ("country", ""),
        ("state", "x" * 129),
        ("organization", ""),
        ("organizational_unit", "x" * 65),
        ("locality", "a\nb"),
        ("email", "nobody"),
    ],
)
def test_a_subject_field_that_makes_no_sense_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{field}[ =]"):
        Subject(**{field: value})


def test_names_that_identify_nobody_are_refused() -> None:
    with pytest.raises(ValueError, match="name holds 'my server': "):
        ROOT.issue("my server", purpose="serverAuth")
    with pytest.raises(ValueError, match=r"name='localhost', names=\(\) leave a serverAuth certificate nameless"):
        ROOT.issue("localhost", names=(), purpose="serverAuth")
    with pytest.raises(ValueError, match="name='', names=None leave a clientAuth certificate nameless"):
        ROOT.issue("", purpose="clientAuth")
    with pytest.raises(ValueError, match="name='x+' must be 1 to 64 printable letters"):
        ROOT.issue("x" * 65, purpose="clientAuth")
    with pytest.raises(ValueError, match="name='' leaves the authority nameless"):
        Authority.create("")


def test_a_purpose_must_be_said_and_be_one_of_two() -> None:
    with pytest.raises(TypeError, match="purpose"):
        ROOT.issue("localhost")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="purpose='server' must be 'serverAuth' or 'clientAuth'"):
        ROOT.issue("localhost", purpose="server")  # type: ignore[arg-type]


def test_what_is_sent_leaves_the_root_out_and_what_is_trusted_is_the_root() -> None:
    leaf_only = ROOT.issue("localhost", purpose="serverAuth")
    with_intermediate = ISSUING.issue("localhost", purpose="serverAuth")

    assert leaf_only.chain == (leaf_only.leaf,)
    assert with_intermediate.chain == (with_intermediate.leaf, ISSUING.certificate)
    assert ROOT.chain == ()
    assert ISSUING.chain == (ISSUING.certificate,)
    assert ROOT.root == ISSUING.root == ROOT.certificate


def test_an_intermediate_may_stand_below_another_if_that_one_allows_it() -> None:
    upper = ROOT.intermediate("Upper CA", path_length=1)
    lower = upper.intermediate("Lower CA")

    assert lower.chain == (lower.certificate, upper.certificate)
    assert lower.root == ROOT.certificate
    with pytest.raises(ValueError, match="'Lower CA' may issue leaves only"):
        lower.intermediate("One too many")
    with pytest.raises(ValueError, match="path_length=-1 must be 0"):
        ROOT.intermediate("Negative CA", path_length=-1)


def test_an_authority_without_its_key_signs_nothing_more() -> None:
    spent = ROOT.without_key()

    assert spent.certificate == ROOT.certificate
    assert ROOT.key is not None
    with pytest.raises(ValueError, match="'Lab Root CA' signs nothing more: its key was thrown away"):
        spent.issue("localhost", purpose="serverAuth")


def test_only_these_names_are_permitted_and_kinds_not_named_are_excluded() -> None:
    hosts = Authority.create(permitted_names=("localhost",)).certificate
    addresses = Authority.create(permitted_names=("127.0.0.1",)).certificate

    assert (hosts.permitted_names, hosts.excluded_names) == (("DNS:localhost",), ("IP:0.0.0.0/0", "IP:::/0"))
    assert (addresses.permitted_names, addresses.excluded_names) == (("IP:127.0.0.1/32",), ("DNS:",))
    assert critical(hosts)["nameConstraints"]


def test_the_key_of_an_authority_shows_in_no_repr() -> None:
    assert repr(ISSUING).startswith("Authority(certificate=Certificate('Lab Issuing CA', issued by 'Lab Root CA'), ")
    assert "key" not in repr(ISSUING)


@pytest.mark.parametrize("password", [None, "correct horse"])
def test_an_authority_is_written_without_its_key_unless_asked_and_read_back(
    tmp_path: Path, password: str | None
) -> None:
    files = ISSUING.write(tmp_path, name="without")
    kept = ISSUING.write(tmp_path, keep_key=True, password=password)

    assert files.key_path is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "Lab-Issuing-CA-key.pem",
        "Lab-Issuing-CA.pem",
        "without.pem",
    ]
    assert kept.key_path is not None
    assert kept.key_path.stat().st_mode & 0o777 == 0o600
    again = Authority.read(kept.certificate_path, kept.key_path, password)
    assert again == ISSUING
    assert again.issue("localhost", purpose="serverAuth").leaf.is_signed_by(ISSUING.certificate)


def test_a_key_that_is_not_there_cannot_be_kept_nor_another_one_read(tmp_path: Path) -> None:
    root = ROOT.write(tmp_path, keep_key=True)
    other = ISSUING.write(tmp_path, name="other", keep_key=True)
    assert root.key_path is not None and other.key_path is not None

    with pytest.raises(ValueError, match="keep_key=True: this authority's key was thrown away"):
        ROOT.without_key().write(tmp_path, name="spent", keep_key=True)
    with pytest.raises(ValueError, match=r"password=\.\.\. encrypts the authority's key, which is not written"):
        ROOT.write(tmp_path, name="spent", password="x")
    with pytest.raises(ValueError, match="holds the key of another certificate"):
        Authority.read(root.certificate_path, other.key_path)


def test_what_is_read_must_be_an_authority_up_to_its_root(tmp_path: Path) -> None:
    kept = ISSUING.write(tmp_path, name="issuing", keep_key=True)
    leaf = ROOT.issue("alice", purpose="clientAuth").write(tmp_path)
    kept.certificate_path.write_bytes(ISSUING.certificate.pem)
    assert kept.key_path is not None

    with pytest.raises(ValueError, match=r"issuing\.pem' ends without the root"):
        Authority.read(kept.certificate_path, kept.key_path)
    with pytest.raises(ValueError, match=r"Certificate\('alice', issued by 'Lab Root CA'\), which is no authority"):
        Authority.read(leaf.chain_path, leaf.key_path)


def test_a_stranger_s_authority_without_key_identifier_is_named_by_its_key() -> None:
    made = replace(ROOT, certificate=_without_identifier(ROOT))

    leaf = made.issue("localhost", purpose="serverAuth").leaf

    assert made.certificate.subject_key_identifier is None
    assert leaf.authority_key_identifier == ROOT.certificate.subject_key_identifier


def _without_identifier(authority: Authority) -> Certificate:
    from cryptography.hazmat.primitives import hashes, serialization

    old, key = authority.certificate.parsed, authority.key
    assert key is not None
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), 1)
    builder = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    return Certificate(der=builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
