"""From handshake to explanation: each cause is reached by its fault, and a near miss does not reach it."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cast import Lab, make_lab, only
from mtls_lab.certificates import Authority
from mtls_lab.certificates.drafts import authority_draft
from mtls_lab.certificates.faults import FAULTS
from mtls_lab.certificates.keys import generate_key
from mtls_lab.handshake import (
    CLIENT_LEVELS,
    SERVER_LEVELS,
    VERSIONS,
    Alert,
    ClientLevel,
    Role,
    Scenario,
    ServerLevel,
    Version,
    explain,
    rehearse,
)
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.successes import SUCCESSES

# fault: (verify_code, alert in TLS 1.3, alert in TLS 1.2 where it differs), as measured; a new fault may go without
VERDICTS: dict[str, tuple[int | None, Alert, Alert | None]] = {
    "untrusted-root": (20, Alert.unknown_ca, None),
    "self-signed": (18, Alert.unknown_ca, None),
    "expired": (10, Alert.certificate_expired, None),
    "not-yet-valid": (9, Alert.bad_certificate, None),
    "wrong-host": (62, Alert.bad_certificate, None),
    "wrong-ip": (64, Alert.bad_certificate, None),
    "ip-as-dns": (64, Alert.bad_certificate, None),
    "cn-only": (62, Alert.bad_certificate, None),
    "wrong-purpose": (26, Alert.unsupported_certificate, None),
    "incomplete-chain": (20, Alert.unknown_ca, None),
    "absent": (None, Alert.certificate_required, Alert.handshake_failure),
}
ROWS = [(slug, side, version) for slug, fault in FAULTS.items() for side in sorted(fault.sides) for version in VERSIONS]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def scenario_of(lab: Lab, slug: str, side: Role) -> Scenario:
    name = "127.0.0.1" if "ip" in slug.split("-") else "localhost"
    if side == "server":
        return lab.scenario(server_presents=slug, server_name=name)
    return lab.scenario(client_presents=slug)


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_each_fault_is_explained_by_its_own_cause(lab: Lab, slug: str, side: Role, version: Version) -> None:
    row = REFUSALS[slug]

    explanation = explain(rehearse(only(scenario_of(lab, slug, side), version)))

    assert explanation.cause == slug
    assert explanation.refused_by == ("client" if side == "server" else "server")
    assert explanation.verify_code in (row.verify_codes or {None})
    assert explanation.alert in row.alerts
    late = side == "client" and version == "TLSv1.3"
    assert explanation.stage == ("after the client finished" if late else "TLS handshake")
    assert explanation.confidence == "certain"


@pytest.mark.parametrize(("slug", "side", "version"), [row for row in ROWS if row[0] in VERDICTS])
def test_openssl_gives_the_verdict_and_the_alert_that_were_measured(
    lab: Lab, slug: str, side: Role, version: Version
) -> None:
    verify_code, alert, alert_in_1_2 = VERDICTS[slug]

    explanation = explain(rehearse(only(scenario_of(lab, slug, side), version)))

    assert explanation.verify_code == verify_code
    assert explanation.alert == (alert_in_1_2 if version == "TLSv1.2" and alert_in_1_2 else alert)


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_without_the_fault_nobody_refuses(lab: Lab, slug: str, side: Role, version: Version) -> None:
    scenario = scenario_of(lab, slug, side)
    good = replace(
        scenario,
        client=replace(scenario.client, presents=lab.alice),
        server=replace(scenario.server, presents=lab.server),
    )

    assert explain(rehearse(only(good, version))).cause == "accepted"


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_the_refused_ends_side_alone_names_the_cause_among_the_possible(
    lab: Lab, slug: str, side: Role, version: Version
) -> None:
    handshake = rehearse(only(scenario_of(lab, slug, side), version))
    refused = replace(handshake, client=None) if side == "server" else replace(handshake, server=None)

    explanation = explain(refused)

    assert slug in (explanation.cause, *explanation.also, *explanation.ambiguous_with)
    assert explanation.refused_by == ("client" if side == "server" else "server")


def test_every_fault_has_a_cause_and_every_cause_a_fault() -> None:
    staged = {"key-mismatch"}  # no credential to present: the pair does not even load
    assert set(FAULTS) | staged == set(REFUSALS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_level", CLIENT_LEVELS)
@pytest.mark.parametrize("server_level", SERVER_LEVELS)
def test_each_position_of_the_switches_says_what_was_not_verified(
    lab: Lab, version: Version, client_level: ClientLevel, server_level: ServerLevel
) -> None:
    scenario = only(lab.scenario(client_verifies=client_level, server_verifies=server_level), version)

    explanation = explain(rehearse(scenario))

    said = {explanation.cause, *explanation.also}
    assert explanation.refused_by == "neither"
    assert ("client-not-asked" in said) == (server_level == "none")
    assert ("name-not-checked" in said) == (client_level == "chain")
    assert ("nobody-verified" in said) == (client_level == "none" and server_level == "none")
    assert bool({"nobody-verified", "server-not-verified"} & said) == (client_level == "none")


def test_an_optional_server_lets_the_nameless_in_and_says_so(lab: Lab) -> None:
    explanation = explain(rehearse(lab.scenario(server_verifies="optional", client_presents="absent")))

    assert explanation.cause == "optional-anonymous"


@pytest.mark.parametrize("version", VERSIONS)
def test_optional_refuses_a_bad_certificate_all_the_same(lab: Lab, version: Version) -> None:
    scenario = only(lab.scenario(server_verifies="optional", client_presents="expired"), version)

    assert explain(rehearse(scenario)).cause == "expired"


def test_a_missing_intermediate_that_nobody_knows_is_told_from_nothing(lab: Lab) -> None:
    leaf_only = replace(lab.alice, chain=lab.alice.chain[:1], issuers=())
    scenario = lab.scenario()
    # the server's chain holds the same intermediate; take the server from another one
    other = lab.root.intermediate("Other Issuing CA").issue("localhost", purpose="serverAuth")
    scenario = replace(
        scenario,
        client=replace(scenario.client, presents=leaf_only),
        server=replace(scenario.server, presents=other),
    )

    explanation = explain(rehearse(scenario))

    assert explanation.cause == "untrusted-root"
    assert "incomplete-chain" in explanation.ambiguous_with


def test_the_same_name_with_another_key_is_said_to_be_another_authority(lab: Lab) -> None:
    twin = Authority.create("Lab Root CA").issue("alice", purpose="clientAuth")
    scenario = lab.scenario()

    explanation = explain(rehearse(replace(scenario, client=replace(scenario.client, presents=twin))))

    assert explanation.cause == "untrusted-root"
    assert "another key" in explanation.why


@pytest.mark.parametrize("end", ["client", "server"])
def test_a_key_of_another_certificate_is_found_before_the_handshake(lab: Lab, end: Role) -> None:
    swapped = replace(lab.alice, key_pem=lab.server.key_pem)
    if end == "server":
        swapped = replace(lab.server, key_pem=lab.alice.key_pem)
    scenario = lab.scenario()
    swapped_end = replace(scenario.end(end), presents=swapped)
    scenario = replace(scenario, client=swapped_end) if end == "client" else replace(scenario, server=swapped_end)

    explanation = explain(rehearse(scenario))

    assert (explanation.cause, explanation.refused_by, explanation.stage) == (
        "key-mismatch",
        end,
        "before the handshake",
    )


def test_which_certificate_of_the_chain_has_expired_is_said(lab: Lab) -> None:
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    draft = authority_draft("Old Issuing CA", lifetime=timedelta(days=1), path_length=0)
    key = generate_key("EC P-256")
    certificate = lab.root.sign(replace(draft, not_before=yesterday - timedelta(days=9), not_after=yesterday), key)
    old = Authority(certificate=certificate, issuers=(lab.root.certificate,), key=key)
    server = old.issue("localhost", purpose="serverAuth")
    scenario = lab.scenario()

    explanation = explain(rehearse(replace(scenario, server=replace(scenario.server, presents=server))))

    assert explanation.verify_code == 10
    assert explanation.cause == "expired"
    assert explanation.title == "The intermediate Old Issuing CA has expired"
    assert explanation.presented == "Old Issuing CA, which ended 1 day ago"


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_nothing_in_an_explanation_varies_from_run_to_run(lab: Lab, slug: str, side: Role, version: Version) -> None:
    first = explain(rehearse(only(scenario_of(lab, slug, side), version)))
    fresh = make_lab()

    assert explain(rehearse(only(scenario_of(fresh, slug, side), version))) == first


def test_every_cause_cites_a_section() -> None:
    for row in (*REFUSALS.values(), *SUCCESSES.values()):
        assert re.match(r"RFC \d+ (section|appendix) \S+", row.reference), row.slug


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_every_refusal_comes_with_a_fix_and_its_evidence(lab: Lab, slug: str, side: Role, version: Version) -> None:
    explanation = explain(rehearse(only(scenario_of(lab, slug, side), version)))

    assert explanation.fixes
    assert any("alert" in line for line in explanation.evidence)
    assert explanation.why.count(". ") >= 1


def test_garbage_in_place_of_a_handshake_is_unknown_and_no_exception(lab: Lab) -> None:
    handshake = rehearse(lab.scenario(client_presents="absent"))

    explanation = explain(replace(handshake, wire=(("client", b"\x16\x03\x01garbage"),), client=None))

    assert (explanation.cause, explanation.refused_by) == ("unknown", "server")


def test_without_the_secrets_it_does_not_claim_to_know_what_was_asked(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(), "TLSv1.3"))

    hidden = replace(handshake, secrets="")

    assert handshake.asked is True
    assert hidden.asked is None
    assert "client-not-asked" not in (explain(hidden).cause, *explain(hidden).also)
    assert rehearse(only(lab.scenario(server_verifies="none"), "TLSv1.3")).asked is False


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_crossed_the_wire_it_never_raises(lab: Lab, version: Version) -> None:
    chance = random.Random(8446)  # the same mutations on every run
    for slug in ("good", "absent", "wrong-purpose"):
        handshake = rehearse(only(lab.scenario(client_presents=slug), version))
        for _ in range(100):
            nth = chance.randrange(len(handshake.wire))
            sender, data = handshake.wire[nth]
            broken = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            cut = bytes(broken[: chance.randint(1, len(broken))])
            wire = (*handshake.wire[:nth], (sender, cut), *handshake.wire[nth + 1 :])
            side = chance.choice(["client", "server", "both"])
            seen = replace(handshake, wire=wire, secrets=chance.choice([handshake.secrets, ""]))
            if side == "client":
                seen = replace(seen, server=None)
            elif side == "server":
                seen = replace(seen, client=None)

            assert explain(seen).cause
