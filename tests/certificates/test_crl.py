"""What an authority takes back, and that real programs read it so."""

import re
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.crl import crl, crl_to_pem, crls_from_pem, empty_crl
from tools import program

ROOT = Authority.create("Lab Root CA")
ISSUING = ROOT.intermediate("Lab Issuing CA")
ALICE = ISSUING.issue("alice", purpose="clientAuth")
BOB = ISSUING.issue("bob", purpose="clientAuth")
NOW = datetime.now(UTC)


def parsed(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def serial_numbers(der: bytes) -> set[int]:
    return {entry.serial_number for entry in parsed(der)}


def ask(folder: Path, name: str, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed by a real program."""
    done = subprocess.run(
        [program(name), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def openssl_verdict(folder: Path, credential: Credential, *lists: bytes) -> int:
    """OpenSSL's verify code for the leaf, when it demands a list of the leaf's issuer; 0 is fine."""
    (folder / "root.pem").write_bytes(ROOT.certificate.pem)
    (folder / "chain.pem").write_bytes(credential.chain_pem)
    (folder / "lists.pem").write_bytes(b"".join(map(crl_to_pem, lists)))
    given = ["-CRLfile", "lists.pem"] if lists else []
    command = ["verify", "-crl_check", "-CAfile", "root.pem", "-untrusted", "chain.pem", *given, "chain.pem"]
    code, said = ask(folder, "openssl", *command)
    found = re.search(r"error (\d+) at 0 depth", said)
    assert (code == 0) == (found is None), said
    return int(found[1]) if found else 0


def test_a_list_names_its_authority_and_what_it_takes_back() -> None:
    made = crl(ISSUING, (ALICE.leaf,))

    assert serial_numbers(made) == {ALICE.leaf.serial_number}
    assert parsed(made).issuer == ISSUING.certificate.parsed.subject
    assert parsed(made).is_signature_valid(ISSUING.certificate.parsed.public_key())  # type: ignore[arg-type]
    assert serial_numbers(empty_crl(ISSUING)) == set()


def test_a_list_says_whose_key_signed_it_and_which_list_it_is() -> None:
    first, second = crl(ISSUING), crl(ISSUING)

    numbers = [
        parsed(one).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (first, second)
    ]
    identifier = parsed(first).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier

    assert numbers[0] < numbers[1]
    assert identifier is not None and identifier.hex() == ISSUING.certificate.subject_key_identifier
    assert [extension.critical for extension in parsed(first).extensions] == [False, False]


def test_a_list_is_good_from_five_minutes_ago_for_thirty_days() -> None:
    made = parsed(empty_crl(ISSUING))

    assert timedelta(minutes=5) <= datetime.now(UTC) - made.last_update_utc < timedelta(minutes=6)
    assert made.next_update_utc == made.last_update_utc + timedelta(days=30)


def test_the_times_are_those_asked_for_in_any_time_zone() -> None:
    made = parsed(crl(ISSUING, this_update=datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))))

    assert made.last_update_utc == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert made.next_update_utc == datetime(2024, 5, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"this_update": NOW, "next_update": NOW}, "next_update=.* must be later than this_update"),
        ({"next_update": NOW - timedelta(days=1)}, "put both in the past"),
        ({"this_update": NOW.replace(tzinfo=None)}, "this_update=.* has no time zone"),
        ({"next_update": NOW.replace(tzinfo=None)}, "next_update=.* has no time zone"),
    ],
)
def test_times_that_make_no_sense_are_refused(times: dict[str, datetime], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        crl(ISSUING, **times)  # type: ignore[arg-type]


def test_only_the_authority_that_issued_it_takes_a_certificate_back() -> None:
    twin = Authority.create("Lab Root CA")

    with pytest.raises(ValueError, match="revoked holds Certificate.'alice'.*'Lab Root CA' did not issue"):
        crl(ROOT, (ALICE.leaf,))
    with pytest.raises(ValueError, match="did not issue"):
        crl(twin, (ISSUING.certificate,))
    with pytest.raises(ValueError, match="revoked holds Certificate.7 unreadable bytes"):
        crl(ROOT, (Certificate(der=b"garbage"),))


def test_a_key_that_was_thrown_away_signs_no_list() -> None:
    with pytest.raises(ValueError, match="authority='Lab Root CA' signs nothing more.*keep the key"):
        empty_crl(ROOT.without_key())


def test_a_certificate_is_taken_back_once() -> None:
    assert len(parsed(crl(ISSUING, (ALICE.leaf, ALICE.leaf, BOB.leaf)))) == 2


def test_pem_holds_any_number_of_lists_and_says_what_it_holds_instead() -> None:
    lists = (crl(ISSUING, (ALICE.leaf,)), empty_crl(ROOT))
    text = b"".join(map(crl_to_pem, lists))

    assert crls_from_pem(text) == crls_from_pem(b"a comment\n" + text.replace(b"\n", b"\r\n")) == lists
    with pytest.raises(ValueError, match="pem holds no list"):
        crls_from_pem(ROOT.certificate.pem)
    with pytest.raises(ValueError, match="half a list"):
        crls_from_pem(text[:-40])
    with pytest.raises(ValueError, match="block 2 cannot be read"):
        crls_from_pem(crl_to_pem(lists[0]) + crl_to_pem(b"no list"))


# what real programs make of it


@pytest.mark.live
@pytest.mark.parametrize("key_type", ["EC P-256", "EC P-384", "RSA 2048", "Ed25519"])
def test_openssl_and_gnutls_find_the_signature_good(tmp_path: Path, key_type: str) -> None:
    root = Authority.create("Lab Root CA", key_type=key_type)
    (tmp_path / "root.pem").write_bytes(root.certificate.pem)
    made = crl(root, (root.issue("alice", purpose="clientAuth").leaf,))
    (tmp_path / "list.der").write_bytes(made)
    (tmp_path / "list.pem").write_bytes(crl_to_pem(made))

    code, said = ask(tmp_path, "openssl", "crl", "-in", "list.pem", "-CAfile", "root.pem", "-noout", "-text")
    assert code == 0 and "verify OK" in said
    command = ["--verify-crl", "--load-ca-certificate", "root.pem", "--infile", "list.pem"]
    assert "Verified" in ask(tmp_path, "certtool", *command)[1]
    assert ask(tmp_path, "openssl", "crl", "-in", "list.der", "-inform", "DER", "-noout")[0] == 0


# X509_V_ERR_UNABLE_TO_GET_CRL 3, CRL_NOT_YET_VALID 11, CRL_HAS_EXPIRED 12, CERT_REVOKED 23 (x509_vfy.h).
@pytest.mark.live
def test_openssl_refuses_what_was_taken_back_and_nobody_else(tmp_path: Path) -> None:
    taken_back = crl(ISSUING, (ALICE.leaf,))
    past = NOW - timedelta(days=60)

    assert openssl_verdict(tmp_path, ALICE, taken_back) == 23
    assert openssl_verdict(tmp_path, BOB, taken_back) == 0
    assert openssl_verdict(tmp_path, ALICE, empty_crl(ISSUING)) == 0
    assert openssl_verdict(tmp_path, ALICE) == 3
    assert openssl_verdict(tmp_path, ALICE, empty_crl(ROOT)) == 3
    assert openssl_verdict(tmp_path, ALICE, empty_crl(ISSUING, this_update=past)) == 12
    assert openssl_verdict(tmp_path, ALICE, empty_crl(ISSUING, this_update=NOW + timedelta(days=1))) == 11


@pytest.mark.live
def test_gnutls_refuses_what_was_taken_back_and_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.pem)
    (tmp_path / "lists.pem").write_bytes(crl_to_pem(crl(ISSUING, (ALICE.leaf,))) + crl_to_pem(empty_crl(ROOT)))

    def verdict(credential: Credential) -> str:
        (tmp_path / "chain.pem").write_bytes(credential.chain_pem)
        files = ["--load-ca-certificate", "root.pem", "--load-crl", "lists.pem", "--infile", "chain.pem"]
        return ask(tmp_path, "certtool", "--verify", *files)[1]

    assert "revoked" in verdict(ALICE)
    assert "Chain verification output: Verified." in verdict(BOB)
