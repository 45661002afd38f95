"""Certificate signing requests: the key is certified, and stays where it is."""

import subprocess
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.keys import generate_key, hash_of, key_to_pem
from mtls_lab.certificates.signing_request import LARGEST_REQUEST, SigningRequest, signing_request
from mtls_lab.handshake import Endpoint, Scenario, rehearse
from tools import program

KEY_TYPES = ("EC P-256", "EC P-384", "RSA 2048", "Ed25519")


@pytest.fixture(scope="module")
def issuing() -> Authority:
    return Authority.create("Lab Root CA").intermediate("Lab Issuing CA")


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_the_certificate_is_for_the_key_of_the_request_whatever_its_type(issuing: Authority, key_type: str) -> None:
    key = generate_key(key_type)

    chain = issuing.sign_request(signing_request(key, "me"), purpose="clientAuth")

    assert chain[0].public_key_hash == hash_of(key.public_key())
    assert chain[0].common_name == "me"
    assert chain[1:] == issuing.chain


def test_who_asked_gets_in_with_what_was_signed_and_the_own_key(issuing: Authority) -> None:
    key = generate_key("EC P-256")
    chain = issuing.sign_request(signing_request(key, "me"), purpose="clientAuth")
    me = Credential(key_pem=key_to_pem(key), chain=chain)
    server = issuing.issue("localhost", purpose="serverAuth")
    trusts = (issuing.root,)

    handshake = rehearse(
        Scenario(
            client=Endpoint(presents=me, trusts=trusts, verifies="chain and name"),
            server=Endpoint(presents=server, trusts=trusts, verifies="required"),
        )
    )

    assert handshake.accepted


def test_a_request_holds_no_private_key() -> None:
    key = generate_key("EC P-256")

    request = signing_request(key, "me")

    assert b"PRIVATE KEY" not in request
    assert key_to_pem(key).splitlines()[1] not in request


def test_names_that_a_request_asks_for_are_not_taken(issuing: Authority) -> None:
    request = signing_request(generate_key("EC P-256"), "me", names=("spiffe://lab.example/admin", "lab.example"))

    chain = issuing.sign_request(request, purpose="clientAuth")
    given = issuing.sign_request(request, purpose="clientAuth", name="you", names=("spiffe://lab.example/you",))

    assert chain[0].names == ()
    assert (given[0].common_name, given[0].names) == ("you", ("URI:spiffe://lab.example/you",))


def test_a_request_whose_signature_is_by_another_key_is_refused(issuing: Authority) -> None:
    mine, other = (signing_request(generate_key("EC P-256"), "me") for _ in range(2))
    der = bytearray(_der(mine))
    der[-1] ^= 1

    with pytest.raises(ValueError, match="request"):
        issuing.sign_request(_pem(bytes(der)), purpose="clientAuth")
    assert SigningRequest.from_pem(other).common_name == "me"


@pytest.mark.parametrize(
    ("request_pem", "complaint"),
    [
        (b"", "holds no"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\n" + b"A" * LARGEST_REQUEST, "bytes long"),
    ],
    ids=["nothing", "rubbish", "endless"],
)
def test_what_is_no_request_is_named(issuing: Authority, request_pem: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        issuing.sign_request(request_pem, purpose="clientAuth")


def test_an_authority_whose_key_was_thrown_away_signs_no_request(issuing: Authority) -> None:
    request = signing_request(generate_key("EC P-256"), "me")

    with pytest.raises(ValueError, match="thrown away"):
        issuing.without_key().sign_request(request, purpose="clientAuth")


@pytest.mark.live
def test_openssl_reads_and_verifies_our_request_and_we_read_its(issuing: Authority, tmp_path: Path) -> None:
    openssl = program("openssl")
    ours, theirs = tmp_path / "ours.csr", tmp_path / "theirs.csr"
    ours.write_bytes(signing_request(generate_key("EC P-256"), "me", names=("me.example",)))

    done = subprocess.run([openssl, "req", "-in", ours, "-noout", "-verify"], capture_output=True, check=False)
    made = [openssl, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*made, "-keyout", tmp_path / "me-key.pem", "-subj", "/CN=me", "-out", theirs], capture_output=True, check=True
    )

    assert done.returncode == 0
    assert issuing.sign_request(theirs.read_bytes(), purpose="clientAuth")[0].common_name == "me"


def _der(pem: bytes) -> bytes:
    from base64 import b64decode

    return b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-")))


def _pem(der: bytes) -> bytes:
    from base64 import encodebytes

    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + encodebytes(der) + b"-----END CERTIFICATE REQUEST-----\n"
