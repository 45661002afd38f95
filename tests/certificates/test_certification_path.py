"""The way from a leaf up to a trust anchor."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.certificates import Authority, Certificate, Subject, certification_path
from mtls_lab.certificates.authority import AUTHORITY_LIFETIME
from mtls_lab.certificates.drafts import Draft, sign, valid_for
from tools import program

ROOT = Authority.create("Lab Root CA")
UPPER = ROOT.intermediate("Upper CA", path_length=1)
LOWER = UPPER.intermediate("Lower CA")
SHOP = LOWER.issue("localhost", purpose="serverAuth")
TRUSTS = (ROOT.certificate,)


def cross_signed(authority: Authority, by: Authority) -> Certificate:
    """The same name and key, vouched for by another authority."""
    not_before, not_after = valid_for(AUTHORITY_LIFETIME)
    name = authority.certificate.common_name or ""
    draft = Draft(subject=Subject().name(name), not_before=not_before, not_after=not_after, is_authority=True)
    assert authority.key is not None and by.key is not None
    return sign(draft, public_key=authority.key.public_key(), issuer=by.certificate, key=by.key)


def test_a_complete_chain_leads_to_the_anchor() -> None:
    path = certification_path(SHOP.chain, TRUSTS)

    assert path.certificates == (SHOP.leaf, LOWER.certificate, UPPER.certificate, ROOT.certificate)
    assert (path.anchor, path.missing_issuer, path.twin) == (ROOT.certificate, None, None)


def test_the_order_of_what_is_sent_does_not_matter_but_the_leaf_comes_first() -> None:
    shuffled = (SHOP.leaf, ROOT.certificate, UPPER.certificate, LOWER.certificate)

    assert certification_path(shuffled, TRUSTS).certificates == (*SHOP.chain, ROOT.certificate)


def test_an_intermediate_may_come_from_the_trust_anchors() -> None:
    assert certification_path((SHOP.leaf,), (*TRUSTS, LOWER.certificate, UPPER.certificate)).anchor == ROOT.certificate


@pytest.mark.parametrize("missing", [LOWER, UPPER])
def test_a_gap_names_the_issuer_that_nobody_supplied(missing: Authority) -> None:
    chain = tuple(one for one in SHOP.chain if one != missing.certificate)

    path = certification_path(chain, TRUSTS)

    assert path.anchor is None
    assert path.missing_issuer == missing.certificate.subject
    assert path.certificates == chain[: SHOP.chain.index(missing.certificate)]
    assert path.twin is None


def test_a_trusted_intermediate_alone_is_no_anchor() -> None:
    path = certification_path(SHOP.chain, (LOWER.certificate,))

    assert (path.anchor, path.missing_issuer) == (None, "CN=Lab Root CA")


def test_a_stranger_s_root_ends_the_path_without_anchor() -> None:
    path = certification_path((*SHOP.chain, ROOT.certificate), (Authority.create("Other CA").certificate,))

    assert path.certificates[-1] == ROOT.certificate
    assert (path.anchor, path.missing_issuer, path.twin) == (None, None, None)


def test_a_self_signed_leaf_is_its_own_anchor_where_it_is_trusted() -> None:
    assert certification_path(TRUSTS, TRUSTS).anchor == ROOT.certificate
    assert certification_path(TRUSTS, ()).anchor is None


def test_a_twin_has_the_right_name_and_another_key() -> None:
    twin = Authority.create("Lab Root CA").certificate

    path = certification_path(SHOP.chain, (twin,))

    assert (path.anchor, path.missing_issuer, path.twin) == (None, "CN=Lab Root CA", twin)
    assert certification_path(SHOP.chain, (twin, ROOT.certificate)).anchor == ROOT.certificate


def test_cross_signed_ways_are_all_tried() -> None:
    dead_end = Authority.create("Dead End CA")
    crossed = cross_signed(LOWER, dead_end), cross_signed(UPPER, dead_end)
    chain = (SHOP.leaf, crossed[0], LOWER.certificate, crossed[1], UPPER.certificate)

    assert certification_path(chain, TRUSTS).anchor == ROOT.certificate
    assert certification_path(chain, (dead_end.certificate,)).anchor == dead_end.certificate


def test_loops_end() -> None:
    first, second = Authority.create("First CA"), Authority.create("Second CA")
    loop = (cross_signed(first, second), cross_signed(second, first))
    leaf = first.issue("localhost", purpose="serverAuth").leaf

    path = certification_path((leaf, *loop), TRUSTS)

    assert path.anchor is None
    assert path.certificates[0] == leaf


def test_a_hostile_chain_costs_no_more_than_its_square() -> None:
    authority = Authority.create("Same CA")
    leaf = authority.issue("localhost", purpose="serverAuth").leaf
    many = tuple(cross_signed(authority, authority) for _ in range(30))

    assert certification_path((leaf, *many), TRUSTS).anchor is None


def test_garbage_and_nothing_lead_nowhere() -> None:
    garbage = Certificate(der=b"garbage")

    assert certification_path((), TRUSTS).certificates == ()
    assert certification_path((garbage, SHOP.leaf), TRUSTS).certificates == (garbage,)
    assert certification_path((garbage,), TRUSTS).missing_issuer is None
    assert certification_path((SHOP.leaf, garbage, *SHOP.chain[1:]), (garbage, *TRUSTS)).anchor == ROOT.certificate


@pytest.mark.live
def test_a_key_identifier_that_does_not_fit_is_another_issuer_as_openssl_has_it(tmp_path: Path) -> None:
    leaf = ROOT.issue("localhost", purpose="serverAuth").leaf
    renamed = _with_key_identifier(ROOT, b"another name for the same key")

    path = certification_path((leaf,), (renamed,))

    assert leaf.is_signed_by(renamed)
    assert (path.anchor, path.missing_issuer, path.twin) == (None, "CN=Lab Root CA", None)
    assert openssl_verifies(leaf, ROOT.certificate, tmp_path)
    assert not openssl_verifies(leaf, renamed, tmp_path)


def openssl_verifies(leaf: Certificate, trusted: Certificate, folder: Path) -> bool:
    (folder / "leaf.pem").write_bytes(leaf.pem)
    (folder / "root.pem").write_bytes(trusted.pem)
    command = [program("openssl"), "verify", "-CAfile", "root.pem", "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False).returncode == 0


def _with_key_identifier(authority: Authority, identifier: bytes) -> Certificate:
    """The same root, its subjectKeyIdentifier chosen freely (RFC 5280 section 4.2.1.2 allows any)."""
    old, key = authority.certificate.parsed, authority.key
    assert key is not None
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), 1)
    builder = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(identifier), critical=False)
    return Certificate(der=builder.sign(key, SHA256()).public_bytes(Encoding.DER))
