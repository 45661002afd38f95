"""Who a client is: each kind of name on its own, and nothing read into a certificate that it does not say."""

import hashlib
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.proxy.identity import Identity
from proxy.naming import certificate, identity
from tools import program


def test_every_kind_of_name_is_kept_apart_in_the_certificates_order() -> None:
    names = (
        "spiffe://lab/alice",
        "alice.clients.example",
        "alice@lab.example",
        "192.0.2.7",
        "spiffe://lab/bob",
    )
    credential = Authority.create("Root").issue("alice", purpose="clientAuth", names=names)

    found = Identity.of(credential.leaf)

    assert found.uris == ("spiffe://lab/alice", "spiffe://lab/bob")
    assert found.dns_names == ("alice.clients.example",)
    assert found.emails == ("alice@lab.example",)
    assert found.addresses == ("192.0.2.7",)
    assert found.subject == "CN=alice"


def test_a_common_name_is_no_dns_name_and_an_address_in_the_subject_no_rfc822_name() -> None:
    found = identity(("E", "alice@lab.example"), ("CN", "alice.clients.example"))

    assert (found.dns_names, found.emails, found.uris) == ((), (), ())
    assert found.subject == "CN=alice.clients.example,emailAddress=alice@lab.example"


def test_the_hash_is_the_keys_and_stays_when_the_certificate_is_renewed() -> None:
    one, other = identity(("CN", "alice")), identity(("CN", "bob"))

    assert one.key_sha256 == other.key_sha256
    assert one.fingerprint != other.fingerprint


def test_the_hash_is_that_of_the_public_key_info() -> None:
    made = certificate(("CN", "alice"))
    info = made.parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert Identity.of(made).key_sha256 == hashlib.sha256(info).hexdigest()


@pytest.mark.live
def test_openssl_computes_the_same_hash(tmp_path: Path) -> None:
    openssl, path = program("openssl"), tmp_path / "alice.pem"
    made = certificate(("CN", "alice"))
    path.write_bytes(made.pem)

    script = f"{openssl} x509 -in {path} -pubkey -noout | {openssl} pkey -pubin -outform DER | {openssl} sha256"
    printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=30).stdout

    assert printed.split()[-1] == Identity.of(made).key_sha256


def test_a_certificate_that_cannot_be_read_names_nobody() -> None:
    found = Identity.of(Certificate(der=b"\x30\x03\x02\x01\x01"))

    assert (found.subject, found.uris, found.dns_names, found.emails, found.key_sha256) == ("", (), (), (), "")


def test_a_certificate_without_a_subject_is_called_by_its_names() -> None:
    assert identity(uri=["spiffe://lab/alice"]).name == "spiffe://lab/alice"
    assert identity(("CN", "alice")).name == "CN=alice"
    assert Identity.of(certificate()).name.startswith("the key ")


def test_json_leaves_out_what_is_empty() -> None:
    found = Identity.of(certificate(("CN", "alice"), san=[x509.IPAddress(ip_address("192.0.2.7"))])).as_dict()

    assert list(found) == ["subject", "ip", "key_sha256", "fingerprint"]
    assert found["ip"] == ["192.0.2.7"]
