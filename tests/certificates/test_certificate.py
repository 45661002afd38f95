"""A certificate as a value: what it says, whom it names, who signed it, and strangers' odd bytes."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.certificates import Authority, Certificate, Subject

ROOT = Authority.create("Lab Root CA", permitted_names=("localhost", "127.0.0.1", "*.example.org"))
ISSUING = ROOT.intermediate("Lab Issuing CA")
LEAF = ISSUING.issue(
    "localhost",
    names=("localhost", "127.0.0.1", "alice@example.org", "spiffe://lab/alice"),
    subject=Subject(country="de", state="Hessen", locality="Darmstadt", organization="Lab", email="ops@example.org"),
    purpose="serverAuth",
).leaf
DERS = (ROOT.certificate.der, ISSUING.certificate.der, LEAF.der)
FIELDS = [name for name in dir(Certificate) if not name.startswith("_") and name not in ("der", "parsed")]


def forged(*extensions: x509.ExtensionType) -> Certificate:
    """A certificate with exactly these extensions."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, extensions=[])
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Certificate(der=builder.sign(key, SHA256()).public_bytes(Encoding.DER))


def named(*names: str) -> Certificate:
    return forged(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]))


def read_everything(certificate: Certificate) -> None:
    """Every public field and method, and the repr."""
    for name in FIELDS:
        getattr(certificate, name)
    repr(certificate)
    certificate.matches_name("localhost")
    certificate.matches_name("127.0.0.1")
    certificate.is_signed_by(ROOT.certificate)
    ROOT.certificate.is_signed_by(certificate)
    certificate.is_signed_by(certificate)


def test_a_leaf_says_all_there_is_to_say() -> None:
    assert LEAF.subject == "CN=localhost,emailAddress=ops@example.org,O=Lab,L=Darmstadt,ST=Hessen,C=DE"
    assert LEAF.issuer == "CN=Lab Issuing CA"
    assert (LEAF.common_name, LEAF.issuer_common_name) == ("localhost", "Lab Issuing CA")
    assert LEAF.names == ("DNS:localhost", "IP:127.0.0.1", "email:alice@example.org", "URI:spiffe://lab/alice")
    assert LEAF.purposes == ("serverAuth",)
    assert LEAF.key_usage == ("digitalSignature",)
    assert (LEAF.is_authority, LEAF.path_length, LEAF.self_issued) == (False, None, False)
    assert LEAF.authority_key_identifier == ISSUING.certificate.subject_key_identifier
    assert (LEAF.key_type, LEAF.signature_hash) == ("EC P-256", "SHA-256")
    assert LEAF.not_before is not None
    assert LEAF.not_before.tzinfo is UTC
    assert LEAF.problem is None
    assert repr(LEAF) == "Certificate('localhost', issued by 'Lab Issuing CA')"


def test_an_authority_says_so() -> None:
    root, issuing = ROOT.certificate, ISSUING.certificate

    assert (root.is_authority, root.path_length, root.self_issued, root.purposes) == (True, None, True, None)
    assert (issuing.is_authority, issuing.path_length, issuing.self_issued) == (True, 0, False)
    assert root.key_usage == ("keyCertSign", "cRLSign")
    assert root.permitted_names == ("DNS:localhost", "IP:127.0.0.1/32", "DNS:example.org")
    assert root.names == ()


def test_hashes_are_those_of_openssl_and_the_same_key_has_the_same_hash() -> None:
    assert LEAF.fingerprint == LEAF.parsed.fingerprint(SHA256()).hex()
    assert ROOT.certificate.public_key_hash != ISSUING.certificate.public_key_hash


def test_equal_bytes_are_an_equal_certificate() -> None:
    assert Certificate(der=LEAF.der) == LEAF
    assert len({Certificate(der=LEAF.der), LEAF}) == 1


def test_other_purposes_are_shown_as_numbers_and_usages_by_name() -> None:
    certificate = forged(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.CODE_SIGNING]),
        x509.KeyUsage(
            digital_signature=False,
            content_commitment=True,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=True,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=True,
        ),
    )

    assert certificate.purposes == ("clientAuth", "1.3.6.1.5.5.7.3.3")
    assert certificate.key_usage == ("nonRepudiation", "keyAgreement", "decipherOnly")


def test_pem_comes_back_in_order_whatever_stands_around_it() -> None:
    text = b"subject=CN=localhost\n" + LEAF.pem + b"\r\n" + ROOT.certificate.pem.replace(b"\n", b"\r\n")

    assert Certificate.from_pem(text) == (LEAF, ROOT.certificate)
    assert Certificate.from_pem(LEAF.pem.decode()) == (LEAF,)
    assert LEAF.pem == LEAF.parsed.public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("pem", "what"),
    [
        (b"", "nothing at all"),
        (b"hello", "nothing that looks like PEM"),
        (LEAF.der, "DER"),
        (ISSUING.issue("a", purpose="clientAuth").key_pem, "a private key"),
        (LEAF.pem[:-30], "END CERTIFICATE-----' line is missing"),
        (b"-----BEGIN PKCS7-----\nMA==\n-----END PKCS7-----\n", "a PKCS7"),
        (b"-----BEGIN CERTIFICATE-----\nM!==\n-----END CERTIFICATE-----\n", "no base64"),
    ],
)
def test_pem_without_a_certificate_is_told_what_it_is(pem: bytes, what: str) -> None:
    with pytest.raises(ValueError, match="pem holds") as caught:
        Certificate.from_pem(pem)

    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("localhost",), "localhost"),
        (("localhost",), "LOCALHOST"),
        (("LocalHost",), "localhost"),
        (("localhost",), "localhost."),
        (("a.example", "b.example"), "b.example"),
        (("*.example.org",), "shop.example.org"),
        (("*.EXAMPLE.org",), "SHOP.example.ORG."),
        (("xn--bcher-kva.example",), "bücher.example"),
        (("*.xn--bcher-kva.example",), "a.bücher.example"),
        (("my_host",), "my_host"),
    ],
)
def test_a_certificate_is_for_the_names_it_holds(names: tuple[str, ...], asked: str) -> None:
    assert named(*names).matches_name(asked)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ((), "stranger"),  # its common name
        (("localhost",), ""),
        (("localhost",), "."),
        (("localhost",), "localhost.."),
        (("localhost",), ".localhost"),
        (("localhost",), "localhost.example"),
        (("localhost.",), "localhost"),  # no presented identifier ends with a dot
        (("example.org",), "shop.example.org"),
        (("*.example.org",), "example.org"),
        (("*.example.org",), ".example.org"),
        (("*.example.org",), "a.b.example.org"),
        (("s*.example.org",), "shop.example.org"),
        (("*shop.example.org",), "shop.example.org"),
        (("shop.*.org",), "shop.example.org"),
        (("*.*.org",), "shop.example.org"),
        (("*",), "localhost"),
        (("*.",), "localhost."),
        (("127.0.0.1",), "127.0.0.1"),  # an address written as a DNS name
        (("*.0.0.1",), "127.0.0.1"),
        (("xn--strae-oqa.example",), "straße.example"),  # IDNA 2003 would dial strasse.example
        (("localhost",), "a b"),
    ],
)
def test_a_certificate_is_for_no_other_name(names: tuple[str, ...], asked: str) -> None:
    assert not (named(*names) if names else forged()).matches_name(asked)


@pytest.mark.parametrize(
    ("asked", "matches"), [("127.0.0.1", True), ("::1", True), ("0:0::1", True), ("127.0.0.2", False), ("127.1", False)]
)
def test_an_address_matches_its_ip_entry_only(asked: str, matches: bool) -> None:
    leaf = ISSUING.issue("x", names=("127.0.0.1", "::1"), purpose="serverAuth").leaf

    assert leaf.matches_name(asked) is matches


def test_a_signature_is_verified_not_the_name_alone() -> None:
    twin = Authority.create("Lab Issuing CA").certificate

    assert LEAF.is_signed_by(ISSUING.certificate)
    assert not LEAF.is_signed_by(twin)
    assert not LEAF.is_signed_by(ROOT.certificate)
    assert ROOT.certificate.is_signed_by(ROOT.certificate)
    assert not LEAF.is_signed_by(Certificate(der=b"garbage"))


@pytest.mark.parametrize("key_type", ["EC P-384", "RSA 2048", "Ed25519"])
def test_signatures_of_every_key_type_are_verified(key_type: str) -> None:
    root, other = Authority.create("R", key_type=key_type), Authority.create("R", key_type=key_type)
    leaf = root.issue("localhost", purpose="serverAuth").leaf

    assert leaf.is_signed_by(root.certificate)
    assert not leaf.is_signed_by(other.certificate)


@pytest.mark.parametrize(
    "der",
    [b"", b"garbage", b"\x30\x80", LEAF.der[:100], LEAF.der + b"\0"],
    ids=["nothing", "garbage", "endless", "cut off", "too long"],
)
def test_bytes_that_are_no_certificate_read_as_nothing_and_say_why(der: bytes) -> None:
    certificate = Certificate(der=der)

    read_everything(certificate)

    assert (certificate.subject, certificate.not_after, certificate.names, certificate.purposes) == (
        None,
        None,
        (),
        None,
    )
    assert certificate.problem is not None
    assert certificate.problem.startswith("subject cannot be read: ")
    assert repr(certificate) == f"Certificate({len(der)} unreadable bytes)"


def test_one_broken_extension_leaves_the_rest_readable() -> None:
    broken = forged(x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x03\x01"))

    read_everything(broken)

    assert broken.common_name == "stranger"
    assert broken.names == ()
    assert broken.problem is not None
    assert broken.problem.startswith("names cannot be read: ")


@settings(max_examples=400, deadline=None)
@given(
    der=st.sampled_from(DERS),
    edits=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.none() | st.integers(0, 700),
)
def test_a_mutated_certificate_never_raises(der: bytes, edits: list[tuple[int, int]], cut: int | None) -> None:
    mutated = bytearray(der)
    for position, value in edits:
        mutated[position % len(mutated)] = value

    read_everything(Certificate(der=bytes(mutated[:cut])))


@settings(max_examples=200, deadline=None)
@given(
    oid=st.sampled_from([value for value in vars(ExtensionOID).values() if isinstance(value, x509.ObjectIdentifier)]),
    value=st.binary(max_size=40),
)
def test_an_extension_of_arbitrary_bytes_never_raises(oid: x509.ObjectIdentifier, value: bytes) -> None:
    read_everything(forged(x509.UnrecognizedExtension(oid, value)))


@given(der=st.binary(max_size=200), name=st.text(max_size=80))
def test_arbitrary_bytes_and_names_never_raise(der: bytes, name: str) -> None:
    read_everything(Certificate(der=der))
    LEAF.matches_name(name)
