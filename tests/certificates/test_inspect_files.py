"""Files alone: what is in them, whether they belong together, and what is wrong."""

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cast import Lab, make_lab
from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.drafts import authority_draft, leaf_draft, sign
from mtls_lab.certificates.faults import FAULTS, present
from mtls_lab.certificates.inspection import FilesReport, inspect_files, needs_password
from mtls_lab.certificates.keys import generate_key, key_from_pem, key_to_pem
from tools import program


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def check(lab: Lab, tmp_path: Path) -> Callable[..., FilesReport]:
    """The report on these contents; what is left out is alice's and good."""

    def run(
        chain: bytes | None = None, key: bytes | None = None, anchors: bytes | None = None, **settings: object
    ) -> FilesReport:
        contents = (
            lab.alice.chain_pem if chain is None else chain,
            lab.alice.key_pem if key is None else key,
            lab.root.certificate.pem if anchors is None else anchors,
        )
        paths = [tmp_path / name for name in ("alice.pem", "alice-key.pem", "root.pem")]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
            path.chmod(0o600)
        return inspect_files(*paths, **settings)  # type: ignore[arg-type]

    return run


Check = Callable[..., FilesReport]


def wrong(report: FilesReport) -> list[str | None]:
    return [one.cause for one in report.remarks if one.level == "wrong"]


def titles(report: FilesReport, level: str) -> str:
    return "\n".join(one.title for one in report.remarks if one.level == level)


def joined(*certificates: Certificate) -> bytes:
    return b"".join(one.pem for one in certificates)


def test_good_files_are_good_and_say_for_what_and_until_when(check: Check) -> None:
    report = check()

    assert report.exit_code == 0
    assert report.credential is not None and report.credential.key_matches
    assert "Key and certificate belong together (EC P-256)" in titles(report, "good")
    assert "alice <- Lab Issuing CA <- Lab Root CA" in titles(report, "good")
    assert "for clients (clientAuth)" in titles(report, "good")
    assert "is the first to end, on" in titles(report, "good")


def test_neither_the_text_nor_the_json_holds_the_key(check: Check, lab: Lab) -> None:
    report = check()

    secret = lab.alice.key_pem.splitlines()[1].decode()
    assert secret not in str(report) + repr(report) + str(report.as_dict())


def test_a_key_of_another_certificate_is_found(check: Check, lab: Lab) -> None:
    report = check(key=lab.server.key_pem)

    assert wrong(report) == ["key-mismatch"]
    assert report.credential is None


def test_a_key_of_another_certificate_of_the_file_is_a_matter_of_order(check: Check, lab: Lab) -> None:
    leaf, issuing = lab.alice.chain

    report = check(chain=joined(issuing, leaf))

    assert set(wrong(report)) == {"wrong-order"}
    assert "number 2 of the file" in titles(report, "wrong")


def test_intermediates_in_the_wrong_order_are_worth_a_warning(check: Check) -> None:
    root = Authority.create("Lab Root CA")
    upper = root.intermediate("Upper CA", path_length=1)
    alice = upper.intermediate("Lower CA").issue("alice", purpose="clientAuth")
    leaf, lower, high = alice.chain

    report = check(chain=joined(leaf, high, lower), key=alice.key_pem, anchors=root.certificate.pem)

    assert wrong(report) == []
    assert "not in order" in titles(report, "warning")


def test_a_missing_intermediate_is_named(check: Check, lab: Lab) -> None:
    report = check(chain=lab.alice.leaf.pem)

    assert wrong(report) == ["incomplete-chain"]
    assert "leads to Lab Issuing CA, whose certificate is neither" in report.verdict


def test_a_root_of_the_same_name_and_another_key_is_told_from_the_right_one(check: Check) -> None:
    report = check(anchors=Authority.create("Lab Root CA").certificate.pem)

    assert wrong(report) == ["same-name-other-key"]


def test_the_root_in_the_chain_is_needless_and_a_stranger_too(check: Check, lab: Lab) -> None:
    report = check(chain=joined(*lab.alice.chain, lab.root.certificate, lab.stranger.certificate))

    assert report.exit_code == 0
    assert "holds the root" not in titles(report, "wrong")
    assert "Not part of the path: Stranger CA" in titles(report, "note")


@pytest.mark.parametrize("slug", ["expired", "not-yet-valid", "wrong-purpose", "self-signed"])
def test_a_fault_of_the_certificate_is_found_under_its_name(check: Check, lab: Lab, slug: str) -> None:
    bad = lab.fault(slug, "clientAuth", "alice")
    assert bad is not None

    report = check(chain=bad.chain_pem, key=bad.key_pem, purpose="clientAuth")

    assert wrong(report) == [slug]


def ordered(lab: Lab, slug: str, side: str) -> Credential:
    """What an end with this fault presents, issued by the intermediate or, where it needs one of its own, the root."""
    name, purpose = ("localhost", "serverAuth") if side == "server" else ("alice", "clientAuth")
    for authority in (lab.issuing, lab.root):
        with suppress(ValueError):
            made = present(slug, authority=authority, name=name, purpose=purpose)  # type: ignore[arg-type]
            assert made is not None
            return made
    raise AssertionError(f"neither authority can make {slug}")


@pytest.mark.parametrize(
    ("slug", "side"),
    [(slug, side) for slug, fault in FAULTS.items() for side in fault.sides if slug != "absent"],
)
def test_no_fault_of_the_catalogue_makes_it_raise(check: Check, lab: Lab, slug: str, side: str) -> None:
    bad = ordered(lab, slug, side)

    report = check(chain=bad.chain_pem, key=bad.key_pem, server_name="localhost" if side == "server" else None)

    assert str(report)
    assert json.loads(json.dumps(report.as_dict()))["exit_code"] in (0, 1)


def test_a_name_constraint_is_found_although_nobody_dials(check: Check) -> None:
    root = Authority.create("Lab Root CA", permitted_names=("example.org",))
    key = generate_key("EC P-256")
    leaf = root.sign(leaf_draft("localhost", purpose="serverAuth", lifetime=timedelta(days=90)), key)

    report = check(chain=leaf.pem, key=key_to_pem(key), anchors=root.certificate.pem)

    assert wrong(report) == ["name-constraint-dns"]


def test_a_certificate_that_ends_within_a_month_is_worth_a_warning(check: Check, lab: Lab) -> None:
    end = lab.alice.leaf.not_after
    assert end is not None

    soon = check(at=end - timedelta(days=29))
    later = check(at=end - timedelta(days=31))

    assert "ends soon" in titles(soon, "warning")
    assert "ends soon" not in titles(later, "warning")
    assert soon.exit_code == 0


def test_a_certificate_without_a_purpose_for_tls_is_refused_by_both(check: Check) -> None:
    root = Authority.create("Lab Root CA")
    alice = root.issue("alice", purpose="clientAuth")

    report = check(chain=alice.chain_pem, key=alice.key_pem, anchors=root.certificate.pem, purpose="serverAuth")

    assert wrong(report) == ["wrong-purpose"]


def test_a_short_rsa_key_is_too_weak(check: Check) -> None:
    root = Authority.create("Lab Root CA")
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    leaf = root.sign(leaf_draft("localhost", purpose="serverAuth", lifetime=timedelta(days=90)), key)

    report = check(chain=leaf.pem, key=key_to_pem(key), anchors=root.certificate.pem)

    assert wrong(report) == ["weak-key"]


# what the files are


def test_swapped_files_are_noticed_and_looked_at_the_other_way_round(check: Check, lab: Lab) -> None:
    report = check(chain=lab.alice.key_pem, key=lab.alice.chain_pem)

    assert wrong(report) == ["files-swapped"]
    assert report.credential is not None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: b"", "holds nothing"),
        (lambda lab: lab.alice.leaf.der, "holds a certificate in DER"),
        (lambda lab: lab.alice.pkcs12("secret"), "holds a PKCS#12 file"),
        (lambda lab: lab.alice.leaf.pem.decode().encode("utf-16"), "holds UTF-16 text"),
        (lambda lab: lab.alice.leaf.pem[:200], "holds an unfinished PEM"),
        (lambda _: b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "holds a public key"),
        (lambda _: b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----", "a certificate request"),
        (lambda _: b"\x30\x82nonsense", "nothing that looks like PEM"),
        (lambda _: b"<html>", "nothing that looks like PEM"),
        (lambda _: b"-----BEGIN CERTIFICATE-----\nA===\n-----END CERTIFICATE-----\n", "should hold a certificate"),
    ],
)
def test_what_is_no_certificate_is_called_by_its_name(
    check: Check, lab: Lab, make: Callable[[Lab], bytes], words: str
) -> None:
    report = check(chain=make(lab))

    assert report.exit_code == 1
    assert words in report.verdict


def test_a_key_in_der_is_called_by_its_name(check: Check, lab: Lab) -> None:
    der = key_from_pem(lab.alice.key_pem).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    report = check(key=der)

    assert wrong(report) == ["key-is-der"]
    assert report.remarks[0].fixes[0][1].startswith("pkey -inform DER -in ")


def test_key_and_certificate_may_be_one_file(lab: Lab, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(lab.alice.chain_pem + lab.alice.key_pem)
    both.chmod(0o600)

    report = inspect_files(both, both)

    assert report.exit_code == 0
    assert report.credential is not None


def test_an_encrypted_key_needs_its_password_and_opens_with_it(check: Check, lab: Lab, tmp_path: Path) -> None:
    encrypted = key_to_pem(key_from_pem(lab.alice.key_pem), "secret")

    closed, bad, opened = (check(key=encrypted, password=one) for one in (None, "no", "secret"))

    assert needs_password(tmp_path / "alice-key.pem")
    assert wrong(closed) == ["encrypted-key"]
    assert "password" in titles(bad, "wrong") and bad.credential is None
    assert opened.exit_code == 0 and opened.credential is not None


def test_a_key_that_others_may_read_is_worth_a_warning(lab: Lab, tmp_path: Path) -> None:
    files = lab.alice.write(tmp_path)
    files.key_path.chmod(0o644)

    report = inspect_files(files.chain_path, files.key_path)

    assert "Others on this machine may read" in titles(report, "warning")


def test_an_intermediate_as_the_only_anchor_is_refused_by_openssl_and_warned_of(check: Check, lab: Lab) -> None:
    report = check(anchors=lab.issuing.certificate.pem)

    assert wrong(report) == ["intermediate-as-anchor"]
    assert "is an intermediate, not a root" in titles(report, "warning")


def test_certificates_that_nobody_can_read_are_said_and_not_raised(check: Check) -> None:
    report = check(chain=Certificate(der=b"\x30\x03\x02\x01\x01").pem)

    assert report.exit_code == 1
    assert "Number 1 of the chain is no certificate" in titles(report, "wrong")


def test_a_file_that_is_not_there_is_the_callers_to_mend(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect_files(tmp_path / "none.pem")


@pytest.mark.live
@pytest.mark.parametrize("slug", ["good", "expired", "incomplete-chain", "untrusted-root", "self-signed"])
def test_openssl_verify_agrees(check: Check, lab: Lab, slug: str, tmp_path: Path) -> None:
    chosen = lab.alice if slug == "good" else lab.fault(slug, "clientAuth", "alice")
    assert chosen is not None
    report = check(chain=chosen.chain_pem, key=chosen.key_pem)
    leaf, rest = tmp_path / "leaf.pem", tmp_path / "rest.pem"
    leaf.write_bytes(chosen.leaf.pem)
    rest.write_bytes(joined(*chosen.chain[1:]) or chosen.leaf.pem)

    command = [program("openssl"), "verify", "-purpose", "sslclient", "-CAfile", str(tmp_path / "root.pem")]
    done = subprocess.run([*command, "-untrusted", str(rest), str(leaf)], capture_output=True, check=False)

    assert (report.exit_code == 0) == (done.returncode == 0)


def test_the_time_can_be_chosen(check: Check) -> None:
    report = check(at=datetime.now(UTC) + timedelta(days=4000))

    assert {"expired", "expired-intermediate", "expired-root"} <= set(wrong(report))


def test_an_anchor_that_is_a_leaf_is_warned_of(check: Check, lab: Lab) -> None:
    report = check(anchors=lab.alice.leaf.pem)

    assert wrong(report) == ["leaf-as-anchor"]


def test_a_strict_verifiers_demand_is_a_warning_only(check: Check) -> None:
    key, leaf_key = generate_key("EC P-256"), generate_key("EC P-256")
    draft = authority_draft("Old Root CA", lifetime=timedelta(days=90))
    root = sign(draft, public_key=key.public_key(), issuer=None, key=key)
    holder = Authority(certificate=root, key=key)
    leaf = holder.sign(
        replace(leaf_draft("localhost", purpose="serverAuth", lifetime=timedelta(days=9)), names=()), leaf_key
    )
    credential = Credential(key_pem=key_to_pem(leaf_key), chain=(leaf,))

    report = check(chain=credential.chain_pem, key=credential.key_pem, anchors=root.pem)

    assert wrong(report) == []
