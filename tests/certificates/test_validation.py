"""The validator: every cause it names, the judge's number for it, and that nothing makes it raise."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.validation import Validation, validate
from mtls_lab.handshake.exhibits import EXHIBITS, OTHER, PURPOSES, Cast
from mtls_lab.handshake.messages import Role
from mtls_lab.handshake.rehearse import rehearse
from mtls_lab.handshake.verify_codes import VERIFY_CODES
from openssl_verdict import OpenSSL

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Authority.create("Lab Root CA")
UPPER = ROOT.intermediate("Upper CA", path_length=1)
LOWER = UPPER.intermediate("Lower CA")
SHOP = LOWER.issue("localhost", names=("localhost", "127.0.0.1", "*.shop.example"), purpose="serverAuth")
TRUSTS = (ROOT.certificate,)


@pytest.fixture(scope="module")
def openssl() -> OpenSSL:
    return OpenSSL()


def judge(chain: tuple[Certificate, ...] = SHOP.chain, **changes: Any) -> Validation:
    return validate(chain, **{"trusts": TRUSTS, "at": NOW, "purpose": "serverAuth", **changes})


def slugs(validation: Validation) -> list[str]:
    return [one.slug for one in validation.problems]


# against real handshakes

CAST = Cast.gather()
STAGED = [(slug, side) for slug, exhibit in EXHIBITS.items() for side in exhibit.sides]


@pytest.mark.parametrize(("slug", "side"), STAGED)
def test_the_verdict_is_that_of_the_handshake_and_the_slug_that_of_the_exhibit(slug: str, side: Role) -> None:
    exhibit = EXHIBITS[slug]
    scenario = exhibit.stage(CAST, side, exhibit.versions[-1])
    end, peer = scenario.end(OTHER[side]), scenario.end(side)
    if peer.presents is None:
        # Nothing is there to be judged, so there is nothing to compare.
        assert slug in {"absent", "withheld", "http-to-tls-port", "tls-to-http-port"}
        return

    handshake = rehearse(scenario)

    seen = handshake.client if side == "server" else handshake.server
    code = seen.failure.verify_code if seen and seen.failure else None
    level = re.search(r"SECLEVEL=(\d)", end.ciphers or "")
    ours = validate(
        peer.presents.chain,
        trusts=end.trusts,
        at=datetime.now(UTC),
        purpose=PURPOSES[side],
        server_name=scenario.server_name if end.verifies == "chain and name" else None,
        crls=end.crls,
        strict=end.strict,
        security_level=int(level[1]) if level else 2,
    )
    assert ours.unsure is None
    if code:
        assert (ours.verify_code, ours.problems[0].slug) == (code, _cause(exhibit.cause))
    elif handshake.accepted:
        assert ours.accepted


def _cause(cause: str) -> str:
    # Who does not know that an intermediate exists cannot tell that it is missing.
    return "untrusted-root" if cause == "incomplete-chain" else cause


# single mistakes


def test_a_sound_chain_has_no_problem_and_its_path_ends_at_the_anchor() -> None:
    found = judge(server_name="localhost")

    assert (found.accepted, found.verify_code, found.unsure) == (True, 0, None)
    assert found.path.certificates == (*SHOP.chain, ROOT.certificate)
    assert found.path.anchor == ROOT.certificate


def test_an_empty_chain_has_no_path_and_no_problem() -> None:
    assert judge(()).path.certificates == ()
    assert judge(()).accepted


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("localhost", None),
        ("LOCALHOST", None),
        ("localhost.", "wrong-host"),
        ("127.0.0.1", None),
        ("127.0.0.2", "wrong-ip"),
        ("a.shop.example", None),
        ("*.shop.example", None),
        ("a.b.shop.example", "wildcard-too-deep"),
        ("a_b.shop.example", "wildcard-too-deep"),
        ("shop.example", "wildcard-too-deep"),
        ("other.example", "wrong-host"),
        ("::1", "wrong-ip"),
    ],
)
def test_names_match_as_openssl_matches_them(name: str, slug: str | None, openssl: OpenSSL) -> None:
    found = judge(server_name=name)

    chain, trusts = ([one.der for one in ones] for ones in (SHOP.chain, TRUSTS))
    verdict = openssl.verdict(tuple(chain), trusts=tuple(trusts), at=NOW, purpose="serverAuth", server_name=name)
    assert slugs(found) == ([] if slug is None else [slug])
    assert found.verify_code == verdict.first[0]


@pytest.mark.parametrize("name", ["", ".example.org", "a\0b", "x" * 64, "ä" * 60])
def test_a_name_that_ssl_refuses_to_dial_leaves_the_prediction_unsure(name: str) -> None:
    assert "cannot dial" in (judge(server_name=name).unsure or "")


def test_a_leaf_among_the_anchors_is_no_anchor_unless_partial_chains_are() -> None:
    assert slugs(judge(SHOP.chain[:1], trusts=(SHOP.leaf,)))[0] == "leaf-as-anchor"
    assert judge(SHOP.chain[:1], trusts=(SHOP.leaf,), partial_chain=True).accepted


def test_an_intermediate_among_the_anchors_is_no_anchor_unless_partial_chains_are() -> None:
    found = judge(trusts=(LOWER.certificate,))

    assert (slugs(found)[0], found.verify_code, found.problems[0].depth) == ("intermediate-as-anchor", 2, 1)
    assert judge(trusts=(LOWER.certificate,), partial_chain=True).accepted


def test_a_twin_is_told_by_its_key_identifier() -> None:
    twin = Authority.create("Lab Root CA").certificate

    found = judge(trusts=(twin,))

    assert (slugs(found)[0], found.verify_code) == ("same-name-other-key", 20)
    assert (found.path.twin, found.path.missing_issuer) == (twin, "CN=Lab Root CA")


@pytest.mark.parametrize(
    ("chain", "trusts", "slug"),
    [
        (SHOP.chain, (), "untrusted-root"),
        (SHOP.chain[:1], TRUSTS, "untrusted-root"),
        ((*SHOP.chain, ROOT.certificate), (), "self-signed-in-chain"),
        (TRUSTS, (), "self-signed"),
        ((Certificate(der=b"\x30\x00"), *SHOP.chain), TRUSTS, "unreadable-certificate"),
        ((SHOP.leaf, Certificate(der=b"no certificate")), TRUSTS, "unreadable-certificate"),
    ],
)
def test_chains_that_lead_nowhere(chain: tuple[Certificate, ...], trusts: tuple[Certificate, ...], slug: str) -> None:
    assert slugs(judge(chain, trusts=trusts))[0] == slug


@pytest.mark.parametrize(
    ("days", "first"),
    [(-1, "not-yet-valid-root"), (400, "expired"), (40000, "expired-root")],
)
def test_times_are_judged_from_the_anchor_down(days: int, first: str) -> None:
    found = judge(at=NOW + timedelta(days=days))

    assert slugs(found)[0] == first
    assert slugs(found)[-1] == first.removesuffix("-root")


def test_the_last_second_is_already_too_late() -> None:
    end = SHOP.leaf.not_after
    assert end is not None

    assert judge(at=end - timedelta(seconds=1)).accepted
    assert slugs(judge(at=end)) == ["expired"]


def test_all_problems_are_listed_in_the_order_in_which_openssl_meets_them() -> None:
    found = judge(at=NOW + timedelta(days=40000), purpose="clientAuth", server_name="other.example", crls=())

    assert slugs(found)[:3] == ["wrong-purpose", "wrong-host", "no-crl"]
    assert slugs(found)[3:] == ["expired-root", "expired-intermediate", "expired-intermediate", "expired"]


def test_phrases_hold_nothing_that_varies_by_run() -> None:
    text = " ".join(one.expected + one.presented for one in judge(at=NOW + timedelta(days=40000)).problems)

    assert "ended" in text
    assert not re.search(r"20\d\d|\d\d:\d\d", text)


def test_a_revocation_list_is_looked_up(openssl: OpenSSL) -> None:
    leaf = ROOT.issue("localhost", purpose="serverAuth").leaf
    good, revoked = (revocations(serial) for serial in (7, leaf.serial_number or 0))

    assert judge((leaf,), crls=(good,)).accepted
    assert slugs(judge((leaf,), crls=(good, revoked))) in ([], ["revoked"])
    assert slugs(judge((leaf,), crls=(revoked,))) == ["revoked"]
    assert slugs(judge((leaf,), crls=(good,), at=NOW + timedelta(days=9))) == ["stale-crl"]
    assert slugs(judge((leaf,), crls=())) == ["no-crl"]
    verdict = openssl.verdict(
        (leaf.der,), trusts=(ROOT.certificate.der,), at=NOW, purpose="serverAuth", crls=(revoked,)
    )
    assert verdict.first == (23, 0)


def revocations(serial_number: int) -> bytes:
    entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(NOW).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(ROOT.certificate.parsed.subject)
    builder = builder.last_update(NOW - timedelta(days=1)).next_update(NOW + timedelta(days=1))
    assert ROOT.key is not None
    return builder.add_revoked_certificate(entry).sign(ROOT.key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("key_type", ["RSA 2048", "EC P-384", "EC P-521", "Ed25519"])
def test_every_kind_of_key_can_vouch(key_type: str) -> None:
    authority = Authority.create("Lab Root CA", key_type=key_type)
    leaf = authority.issue("localhost", purpose="serverAuth", key_type=key_type).leaf

    assert judge((leaf,), trusts=(authority.certificate,)).accepted


# every number a peer can provoke


def test_every_verify_code_that_a_peer_can_provoke_has_a_slug() -> None:
    from mtls_lab.certificates.validation import slugs as words

    # No memory, misuse, DANE, Suite B, OCSP and the like: not a peer's doing with these settings.
    never = {0, 17, 27, 29, 30, 31, 50, *range(56, 62), 65, 69, 70, 71, 73, 74, 75}
    covered = set(words.PLAIN) | set(words.SPECIAL)

    assert set(VERIFY_CODES) - never - covered == set()


# nothing raises


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    chain=st.lists(st.binary(max_size=60), max_size=3),
    trusts=st.lists(st.binary(max_size=60), max_size=2),
    lists=st.none() | st.lists(st.binary(max_size=60), max_size=2),
    name=st.none() | st.text(max_size=80),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_no_bytes_and_no_name_make_it_raise(
    chain: list[bytes], trusts: list[bytes], lists: list[bytes] | None, name: str | None, at: datetime
) -> None:
    found = validate(
        tuple(Certificate(der=der) for der in chain),
        trusts=tuple(Certificate(der=der) for der in trusts),
        at=at,
        purpose="serverAuth",
        server_name=name,
        crls=None if lists is None else tuple(lists),
    )

    assert found.accepted == (found.verify_code == 0)


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 2000), piece=st.binary(max_size=6), which=st.integers(0, 3), name=st.text(max_size=20))
def test_no_damage_makes_it_raise(position: int, piece: bytes, which: int, name: str) -> None:
    chain = [*SHOP.chain, ROOT.certificate]
    der = chain[which].der
    start = position % len(der)
    chain[which] = Certificate(der=der[:start] + piece + der[start + len(piece) :])

    found = judge(tuple(chain[:3]), trusts=(chain[3],), server_name=name or None, crls=(der, piece))

    assert isinstance(found.verify_code, int)


def test_misuse_is_told_apart_from_what_a_peer_sends() -> None:
    with pytest.raises(ValueError, match="purpose='emailProtection' must be"):
        judge(purpose="emailProtection")
    with pytest.raises(ValueError, match="has no time zone"):
        judge(at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the misuse


def test_a_long_chain_is_followed_to_its_end() -> None:
    authority = ROOT
    for number in range(30):
        authority = authority.intermediate(f"CA {number}", path_length=40)
    leaf = authority.issue("localhost", purpose="serverAuth")

    found = judge(leaf.chain)

    assert found.accepted
    assert len(found.path.certificates) == 32
