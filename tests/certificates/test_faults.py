"""The catalogue of faults: each is wrong in the one way it says, and in no other."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Credential, Purpose, certification_path
from mtls_lab.certificates.faults import FAULTS, Role, present
from mtls_lab.certificates.validation import validate

ROOT = Authority.create("Lab Root CA")
ISSUING = ROOT.intermediate("Lab Issuing CA")
PURPOSES: dict[Role, Purpose] = {"client": "clientAuth", "server": "serverAuth"}
CASES = [(slug, side) for slug, fault in FAULTS.items() for side in fault.sides]


def authority_for(slug: str) -> Authority:
    return ROOT if slug in FAULTS and FAULTS[slug].above else ISSUING


def presented(slug: str, side: Role = "server", *, name: str | None = None) -> Credential:
    """What that side presents with that fault."""
    name = name or ("localhost" if side == "server" else "alice")
    credential = present(slug, authority=authority_for(slug), name=name, purpose=PURPOSES[side])
    assert credential is not None
    return credential


def flaws(credential: Credential, side: Role, dialled: str, *, strict: bool = True) -> set[str]:
    """Everything that OpenSSL would find wrong with what is presented, by kind; or that it cannot load."""
    if credential.key_problem is not None or not credential.key_matches:
        return {"unusable"}
    found = validate(
        credential.chain,
        trusts=(ROOT.certificate,),
        at=datetime.now(UTC),
        purpose=PURPOSES[side],
        server_name=dialled if side == "server" else None,
        strict=strict,
    )
    return {KINDS.get(problem.verify_code, str(problem.verify_code)) for problem in found.problems}


KINDS = {
    2: "path",
    18: "path",
    19: "path",
    20: "path",
    21: "path",
    7: "signature",
    9: "early",
    10: "late",
    26: "purpose",
    62: "name",
    64: "name",
    79: "not an authority",
    32: "key usage",
    81: "strict",
    25: "path length",
    47: "constraint",
    48: "constraint",
    34: "extension",
    66: "weak",
    68: "weak",
    85: "strict",
    86: "strict",
}
"""OpenSSL's verdicts, by the kind of rule that was broken."""
EXPECTED = {
    "untrusted-root": {"path"},
    "same-name-other-key": {"path"},
    # Without the identifier it cannot be strict, either.
    "same-name-other-key-no-aki": {"signature", "strict"},
    "self-signed": {"path"},
    "self-signed-in-chain": {"path"},
    "expired": {"late"},
    "not-yet-valid": {"early"},
    "expired-intermediate": {"late"},
    "not-yet-valid-intermediate": {"early"},
    "wrong-host": {"name"},
    "wildcard-too-deep": {"name"},
    "wrong-ip": {"name"},
    "ip-as-dns": {"name"},
    "cn-only": {"name"},
    "email-only": {"name"},
    "wrong-purpose": {"purpose"},
    "wrong-key-usage": {"purpose"},
    "incomplete-chain": {"path"},
    "wrong-order": {"unusable"},
    "extra-certificates": set(),
    # What is no authority has no purpose as one, and no keyCertSign; OpenSSL says so in three ways.
    "issuer-not-a-ca": {"not an authority", "purpose", "key usage"},
    "issuer-without-key-cert-sign": {"not an authority", "purpose", "key usage", "strict"},
    "path-length": {"path length"},
    "name-constraint-dns": {"constraint"},
    "name-constraint-ip": {"constraint"},
    "name-constraint-email": {"constraint"},
    "name-constraint-uri": {"constraint"},
    "name-constraint-excluded": {"constraint"},
    "unknown-critical-extension": {"extension"},
    "missing-aki": {"strict"},
    "missing-ski": {"strict"},
    "weak-key": {"weak"},
    "weak-hash": {"weak"},
    # Nothing is wrong with the certificate; TLS 1.3 cannot sign with its key.
    "no-common-signature-algorithm": set(),
    "key-mismatch": {"unusable"},
    "encrypted-key": {"unusable"},
    "key-is-der": {"unusable"},
    "files-swapped": {"unusable"},
    "empty-file": {"unusable"},
    "not-a-certificate": {"unusable"},
}
UNUSABLE = {slug for slug, found in EXPECTED.items() if "unusable" in found}
DIALLED = {"wrong-ip": "127.0.0.1", "ip-as-dns": "127.0.0.1"}


@pytest.mark.parametrize(("slug", "side"), [case for case in CASES if case[0] != "absent"])
def test_a_fault_is_wrong_in_one_way_only(slug: str, side: Role) -> None:
    dialled = DIALLED.get(slug, "localhost")

    credential = presented(slug, side)

    assert flaws(credential, side, dialled) == EXPECTED[slug]


@pytest.mark.parametrize("slug", ["wrong-ip", "ip-as-dns"])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_an_address_fault_shows_only_when_the_address_is_dialled(slug: str, name: str) -> None:
    leaf = presented(slug, name=name).leaf

    assert leaf.matches_name("localhost")
    assert not leaf.matches_name("127.0.0.1")


@pytest.mark.parametrize("side", ["client", "server"])
def test_good_has_no_flaw(side: Role) -> None:
    credential = presented("good", side)

    assert flaws(credential, side, "localhost") == set()


@pytest.mark.parametrize(("slug", "side"), [case for case in CASES if case[0] not in UNUSABLE | {"absent"}])
def test_every_faulty_credential_still_loads_into_openssl(slug: str, side: Role, tmp_path: Path) -> None:
    credential = presented(slug, side)
    files = credential.write(tmp_path)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT)
    # Weak keys and hashes load at level 0 only: that they would not otherwise is another lesson.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(files.chain_path, files.key_path)

    assert credential.key_matches


@pytest.mark.parametrize(("slug", "side"), [case for case in CASES if case[0] in UNUSABLE])
def test_what_cannot_be_loaded_is_refused_by_openssl_without_a_question(slug: str, side: Role, tmp_path: Path) -> None:
    credential = presented(slug, side)
    chain_path, key_path = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain_path.write_bytes(credential.chain_pem)
    key_path.write_bytes(credential.key_pem)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(chain_path, key_path, password="")


def test_what_stands_in_place_of_a_key_is_told() -> None:
    told = {
        slug: presented(slug).key_problem for slug in ("encrypted-key", "key-is-der", "files-swapped", "empty-file")
    }

    assert told == {
        "encrypted-key": "encrypted",
        "key-is-der": "DER",
        "files-swapped": "a certificate",
        "empty-file": "nothing",
    }
    assert presented("good").key_problem is None


def test_a_fault_above_the_leaf_needs_an_authority_that_may_have_others_below_it() -> None:
    with pytest.raises(ValueError, match="authority='Lab Issuing CA' may issue leaves only .* give the root"):
        present("path-length", authority=ISSUING, name="localhost", purpose="serverAuth")


def test_the_details_are_as_the_sentences_say() -> None:
    assert presented("cn-only").leaf.names == ()
    assert presented("cn-only").leaf.common_name == "localhost"
    assert presented("ip-as-dns").leaf.names == ("DNS:localhost", "DNS:127.0.0.1")
    assert presented("wrong-ip").leaf.names == ("DNS:localhost", "IP:192.0.2.1")
    assert presented("wrong-host").leaf.names == ("DNS:other.example",)
    assert presented("untrusted-root").leaf.issuer_common_name == "Stranger CA"
    lone = presented("self-signed")
    assert lone.chain == (lone.leaf,)
    assert lone.leaf.is_signed_by(lone.leaf)


def test_an_incomplete_chain_knows_what_it_leaves_out() -> None:
    credential = presented("incomplete-chain")

    assert credential.chain == (credential.leaf,)
    assert credential.issuers == (ISSUING.certificate,)
    assert certification_path(credential.chain + credential.issuers, (ROOT.certificate,)).anchor == ROOT.certificate


def test_a_root_s_leaf_has_no_intermediate_to_leave_out() -> None:
    with pytest.raises(ValueError, match="authority='Lab Root CA' is a root, .* root.intermediate"):
        present("incomplete-chain", authority=ROOT, name="localhost", purpose="serverAuth")


def test_absent_is_nothing_and_only_a_client_can_be() -> None:
    assert present("absent", authority=ISSUING, name="alice", purpose="clientAuth") is None
    with pytest.raises(ValueError, match="slug='absent', purpose='serverAuth': only a client can have this fault"):
        present("absent", authority=ISSUING, name="localhost", purpose="serverAuth")
    with pytest.raises(ValueError, match="slug='wrong-host', purpose='clientAuth': only a server"):
        present("wrong-host", authority=ISSUING, name="alice", purpose="clientAuth")


def test_an_unknown_slug_or_purpose_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="slug='broken' is no fault: choose 'good' or one of 'untrusted-root'"):
        present("broken", authority=ISSUING, name="alice", purpose="clientAuth")
    with pytest.raises(ValueError, match="purpose='client' must be"):
        present("good", authority=ISSUING, name="alice", purpose="client")  # type: ignore[arg-type]


@pytest.mark.parametrize("slug", FAULTS)
def test_every_fault_is_documented(slug: str) -> None:
    fault = FAULTS[slug]

    assert slug == fault.slug == fault.make.__name__.replace("_", "-")
    assert fault.title
    assert fault.sentence.endswith(".") and "\n" not in fault.sentence
    assert fault.reference.startswith("RFC ")


def test_making_a_fault_changes_nothing() -> None:
    before = (ROOT, ISSUING, dict(FAULTS))

    for slug, side in CASES:
        present(slug, authority=authority_for(slug), name="localhost", purpose=PURPOSES[side])

    assert (ROOT, ISSUING, dict(FAULTS)) == before


def test_time_faults_keep_clear_of_the_edge() -> None:
    now = datetime.now(UTC)
    late, early = presented("expired").leaf, presented("not-yet-valid").leaf

    assert late.not_after is not None and early.not_before is not None
    assert late.not_after < now - timedelta(hours=23)
    assert early.not_before > now + timedelta(days=6)
