"""The catalogue of faults: each is wrong in the one way it says, and in no other."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Certificate, Credential, Purpose, certification_path
from mtls_lab.certificates.faults import FAULTS, Role, present

ROOT = Authority.create("Lab Root CA")
ISSUING = ROOT.intermediate("Lab Issuing CA")
PURPOSES: dict[Role, Purpose] = {"client": "clientAuth", "server": "serverAuth"}
CASES = [(slug, side) for slug, fault in FAULTS.items() for side in fault.sides]


def presented(slug: str, side: Role = "server", *, name: str | None = None) -> Credential:
    """What that side presents with that fault."""
    name = name or ("localhost" if side == "server" else "alice")
    credential = present(slug, authority=ISSUING, name=name, purpose=PURPOSES[side])
    assert credential is not None
    return credential


def flaws(leaf: Certificate, chain: tuple[Certificate, ...], side: Role, dialled: str) -> set[str]:
    """Everything that is wrong with a chain, by the rules of path validation and of names."""
    now = datetime.now(UTC)
    assert leaf.not_before is not None and leaf.not_after is not None
    path = certification_path(chain, (ROOT.certificate,))
    found = {
        "path": path.anchor is None,
        "late": leaf.not_after < now,
        "early": leaf.not_before > now,
        "purpose": leaf.purposes != (PURPOSES[side],),
        "name": side == "server" and not leaf.matches_name(dialled),
        "strict": leaf.key_usage != ("digitalSignature",) or leaf.is_authority or leaf.authority_key_identifier is None,
        "unreadable": leaf.problem is not None,
    }
    return {flaw for flaw, there in found.items() if there}


EXPECTED = {
    "untrusted-root": {"path"},
    "self-signed": {"path"},
    "expired": {"late"},
    "not-yet-valid": {"early"},
    "wrong-host": {"name"},
    "wrong-ip": {"name"},
    "ip-as-dns": {"name"},
    "cn-only": {"name"},
    "wrong-purpose": {"purpose"},
    "incomplete-chain": {"path"},
}
DIALLED = {"wrong-ip": "127.0.0.1", "ip-as-dns": "127.0.0.1"}


@pytest.mark.parametrize(("slug", "side"), [case for case in CASES if case[0] != "absent"])
def test_a_fault_is_wrong_in_one_way_only(slug: str, side: Role) -> None:
    dialled = DIALLED.get(slug, "localhost")

    credential = presented(slug, side)

    assert flaws(credential.leaf, credential.chain, side, dialled) == EXPECTED[slug]


@pytest.mark.parametrize("slug", ["wrong-ip", "ip-as-dns"])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_an_address_fault_shows_only_when_the_address_is_dialled(slug: str, name: str) -> None:
    leaf = presented(slug, name=name).leaf

    assert leaf.matches_name("localhost")
    assert not leaf.matches_name("127.0.0.1")


@pytest.mark.parametrize("side", ["client", "server"])
def test_good_has_no_flaw(side: Role) -> None:
    credential = presented("good", side)

    assert flaws(credential.leaf, credential.chain, side, "localhost") == set()


@pytest.mark.parametrize(("slug", "side"), [case for case in CASES if case[0] != "absent"])
def test_every_faulty_credential_still_loads_into_openssl(slug: str, side: Role, tmp_path: Path) -> None:
    credential = presented(slug, side)
    files = credential.write(tmp_path)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(files.chain_path, files.key_path)

    assert credential.key_matches


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
    authority = ROOT.intermediate("Fresh CA")
    before = (authority, dict(FAULTS))

    for slug, side in CASES:
        present(slug, authority=authority, name="localhost", purpose=PURPOSES[side])

    assert (authority, dict(FAULTS)) == before


def test_time_faults_keep_clear_of_the_edge() -> None:
    now = datetime.now(UTC)
    late, early = presented("expired").leaf, presented("not-yet-valid").leaf

    assert late.not_after is not None and early.not_before is not None
    assert late.not_after < now - timedelta(hours=23)
    assert early.not_before > now + timedelta(days=6)
