"""From handshake to explanation: each cause is reached by its fault, and a near miss does not reach it."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cast import Lab, make_lab, only
from mtls_lab.certificates import Authority
from mtls_lab.certificates.drafts import authority_draft
from mtls_lab.certificates.keys import generate_key
from mtls_lab.handshake import (
    CLIENT_LEVELS,
    SERVER_LEVELS,
    VERSIONS,
    Alert,
    ClientLevel,
    Endpoint,
    Explanation,
    Handshake,
    Role,
    Scenario,
    ServerLevel,
    Version,
    explain,
    rehearse,
)
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.rehearse import rehearse_resumed
from mtls_lab.handshake.successes import SUCCESSES

# exhibit: (OpenSSL's verdict, alert in TLS 1.3, alert in TLS 1.2 where it differs), as measured with OpenSSL 3.0
VERDICTS: dict[str, tuple[int | None, Alert | None, Alert | None]] = {
    "untrusted-root": (20, Alert.unknown_ca, None),
    "same-name-other-key": (20, Alert.unknown_ca, None),
    "same-name-other-key-no-aki": (7, Alert.decrypt_error, None),
    "self-signed": (18, Alert.unknown_ca, None),
    "self-signed-in-chain": (19, Alert.unknown_ca, None),
    "expired": (10, Alert.certificate_expired, None),
    "expired-intermediate": (10, Alert.certificate_expired, None),
    "expired-root": (10, Alert.certificate_expired, None),
    "optional-expired": (10, Alert.certificate_expired, None),
    "not-yet-valid": (9, Alert.bad_certificate, None),
    "not-yet-valid-intermediate": (9, Alert.bad_certificate, None),
    "not-yet-valid-root": (9, Alert.bad_certificate, None),
    "wrong-host": (62, Alert.bad_certificate, None),
    "wildcard-too-deep": (62, Alert.bad_certificate, None),
    "cn-only": (62, Alert.bad_certificate, None),
    "email-only": (62, Alert.bad_certificate, None),
    "wrong-ip": (64, Alert.bad_certificate, None),
    "ip-as-dns": (64, Alert.bad_certificate, None),
    "wrong-purpose": (26, Alert.unsupported_certificate, None),
    "wrong-key-usage": (26, Alert.unsupported_certificate, None),
    "incomplete-chain": (20, Alert.unknown_ca, None),
    "leaf-as-anchor": (20, Alert.unknown_ca, None),
    "intermediate-as-anchor": (2, Alert.unknown_ca, None),
    "issuer-not-a-ca": (79, Alert.unknown_ca, None),
    "issuer-without-key-cert-sign": (79, Alert.unknown_ca, None),
    "path-length": (25, Alert.unknown_ca, None),
    "name-constraint-dns": (47, Alert.certificate_unknown, None),
    "name-constraint-ip": (47, Alert.certificate_unknown, None),
    "name-constraint-email": (47, Alert.certificate_unknown, None),
    "name-constraint-uri": (47, Alert.certificate_unknown, None),
    "name-constraint-excluded": (48, Alert.certificate_unknown, None),
    "unknown-critical-extension": (34, Alert.certificate_unknown, None),
    "missing-aki": (85, Alert.certificate_unknown, None),
    "missing-ski": (86, Alert.certificate_unknown, None),
    "weak-key": (66, Alert.bad_certificate, None),
    "weak-hash": (68, Alert.bad_certificate, None),
    "revoked": (23, Alert.certificate_revoked, None),
    "no-crl": (3, Alert.unknown_ca, None),
    "stale-crl": (12, Alert.certificate_expired, None),
    "absent": (None, Alert.certificate_required, Alert.handshake_failure),
    "withheld": (None, Alert.certificate_required, Alert.handshake_failure),
    "protocol-version": (None, Alert.protocol_version, None),
    "no-common-cipher": (None, Alert.handshake_failure, None),
    "no-common-group": (None, Alert.handshake_failure, None),
    "http-to-tls-port": (None, None, None),
    "tls-to-http-port": (None, None, None),
}
LOADING = (
    "key-mismatch",
    "wrong-order",
    "files-swapped",
    "empty-file",
    "encrypted-key",
    "key-is-der",
    "not-a-certificate",
)
"""The end cannot load its own credential: it is the end that gives up, and no byte is sent."""
ACCEPTED = ("extra-certificates", "client-not-asked")
WHICH = {
    "expired-intermediate": ("the intermediate Old Issuing CA", 1),
    "not-yet-valid-intermediate": ("the intermediate New Issuing CA", 1),
    "expired-root": ("the root Aged Root CA", 2),
    "not-yet-valid-root": ("the root Aged Root CA", 2),
    "issuer-not-a-ca": ("the intermediate Mallory", 1),
    "issuer-without-key-cert-sign": ("the intermediate Clerk CA", 1),
    "missing-ski": ("the intermediate Plain CA", 1),
    "incomplete-chain": ("the intermediate Lab Issuing CA", 0),
    "intermediate-as-anchor": ("the intermediate Lab Issuing CA", 1),
    "self-signed-in-chain": ("the root Stranger CA", 1),
    "path-length": ("the intermediate Leaves Only CA", 2),
}
"""Where it is not the leaf: which certificate, and how far up the path."""
ABOUT_NO_CERTIFICATE = (
    "absent",
    "withheld",
    "protocol-version",
    "no-common-cipher",
    "no-common-group",
    "no-common-signature-algorithm",
    "http-to-tls-port",
    "tls-to-http-port",
)
ROWS: list[tuple[str, Role, Version]] = [
    (exhibit.slug, side, version)
    for exhibit in EXHIBITS.values()
    for side in exhibit.sides
    for version in exhibit.versions
]
REFUSED = [row for row in ROWS if row[0] not in ACCEPTED]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def staged() -> dict[tuple[str, Role, Version], Handshake]:
    """Every exhibit, rehearsed once."""
    cast = Cast.gather()
    return {row: rehearse(EXHIBITS[row[0]].stage(cast, row[1], row[2])) for row in ROWS}


Staged = dict[tuple[str, Role, Version], Handshake]


def refuser_of(slug: str, side: Role) -> str:
    if slug in ACCEPTED:
        return "neither"
    if slug in LOADING:
        return side
    # Only a server can turn down what a ClientHello offers, whichever end is behind the times.
    if slug in ("protocol-version", "no-common-cipher", "no-common-group", "no-common-signature-algorithm"):
        return "server"
    return "client" if side == "server" else "server"


def stage_of(slug: str, side: Role, version: Version) -> str | None:
    if slug in ACCEPTED:
        return None
    if slug in LOADING:
        return "before the handshake"
    judged_late = side == "client" and version == "TLSv1.3"
    early = slug in ("protocol-version", "no-common-cipher", "no-common-group", "http-to-tls-port")
    return "after the client finished" if judged_late and not early else "TLS handshake"


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_with_both_sides_the_cause_the_refuser_the_stage_and_the_certificate_are_right(
    staged: Staged, slug: str, side: Role, version: Version
) -> None:
    explanation = explain(staged[slug, side, version])

    assert explanation.cause == EXHIBITS[slug].cause
    assert explanation.refused_by == refuser_of(slug, side)
    assert explanation.stage == stage_of(slug, side, version)
    assert explanation.confidence == "certain"
    if slug in LOADING + ACCEPTED + ABOUT_NO_CERTIFICATE:
        assert explanation.which is None
    else:
        assert (explanation.which, explanation.depth) == WHICH.get(slug, (f"the {side}'s certificate", 0))


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
@pytest.mark.parametrize("seen_by", ["client", "server"])
def test_one_side_names_the_true_cause_among_the_possible_and_claims_no_false_certainty(
    staged: Staged, seen_by: Role, slug: str, side: Role, version: Version
) -> None:
    explanation = explain(staged[slug, side, version].seen_by(seen_by))

    assert EXHIBITS[slug].cause in (suspect.slug for suspect in explanation.suspects)
    assert explanation.confidence != "certain" or explanation.cause == EXHIBITS[slug].cause
    assert explanation.suspects[0].slug == explanation.cause
    if explanation.refused_by != "neither":
        assert all(suspect.decides for suspect in explanation.suspects)


@pytest.mark.parametrize("seen_by", ["client", "server"])
def test_one_side_names_the_true_cause_first_in_most_cases(staged: Staged, seen_by: Role) -> None:
    first = sum(
        explain(handshake.seen_by(seen_by)).cause == EXHIBITS[slug].cause for (slug, _, _), handshake in staged.items()
    )

    # 89 % and 87 % when this was written; 80 % is what the lab promises.
    assert first / len(staged) >= 0.85


def test_what_the_other_end_was_set_up_with_is_not_looked_at(staged: Staged) -> None:
    """The scenario of a record may say it; an end that could not be asked is a stranger all the same."""
    for handshake in staged.values():
        for hidden in (replace(handshake, client=None), replace(handshake, server=None)):
            seen_by: Role = "server" if hidden.client is None else "client"

            assert explain(hidden).cause == explain(handshake.seen_by(seen_by)).cause


@pytest.mark.parametrize(("slug", "side", "version"), [row for row in ROWS if row[0] in VERDICTS])
def test_openssl_gives_the_verdict_and_the_alert_that_were_measured(
    staged: Staged, slug: str, side: Role, version: Version
) -> None:
    verify_code, alert, alert_in_1_2 = VERDICTS[slug]

    explanation = explain(staged[slug, side, version])

    assert explanation.verify_code == verify_code
    assert explanation.alert == (alert_in_1_2 if version == "TLSv1.2" and alert_in_1_2 else alert)
    row = REFUSALS[EXHIBITS[slug].cause]
    assert explanation.verify_code in (row.verify_codes or {None})
    assert explanation.alert in (row.alerts or {None})


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_fault_nobody_refuses(version: Version) -> None:
    assert explain(rehearse(Cast.gather().scenario(version))).cause == "accepted"


def test_every_exhibit_is_measured_or_listed() -> None:
    assert EXHIBITS.keys() == {*VERDICTS, *LOADING, *ACCEPTED, "no-common-signature-algorithm"}


def test_every_exhibit_has_a_cause_and_every_cause_an_exhibit() -> None:
    causes = {exhibit.cause for exhibit in EXHIBITS.values()}

    assert causes - set(SUCCESSES) == set(REFUSALS)


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

    assert explanation.cause == "same-name-other-key"
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
    assert explanation.cause == "expired-intermediate"
    assert explanation.title == "The intermediate Old Issuing CA has expired"
    assert explanation.presented == "Old Issuing CA, which ended 1 day ago"


def test_nothing_in_an_explanation_varies_from_run_to_run(staged: Staged) -> None:
    fresh = Cast.gather()
    for row, handshake in staged.items():
        again = rehearse(EXHIBITS[row[0]].stage(fresh, row[1], row[2]))

        assert explain(again) == explain(handshake), row
        assert explain(again.seen_by("client")) == explain(handshake.seen_by("client")), row


def test_every_cause_cites_a_section() -> None:
    for row in (*REFUSALS.values(), *SUCCESSES.values()):
        assert re.match(r"RFC \d+ (section|appendix) \S+", row.reference), row.slug


@pytest.mark.parametrize(("slug", "side", "version"), ROWS)
def test_every_explanation_comes_with_a_fix_two_sentences_and_its_evidence(
    staged: Staged, slug: str, side: Role, version: Version
) -> None:
    handshake = staged[slug, side, version]
    for view in (handshake, handshake.seen_by("client"), handshake.seen_by("server")):
        explanation = explain(view)

        assert explanation.fixes or explanation.cause == "accepted"
        assert explanation.evidence
        assert explanation.why.count(". ") >= 1
        assert "None" not in words_of(explanation)


def words_of(explanation: Explanation) -> str:
    """What a reader gets to see, without the fixes, which may speak Python."""
    words = (explanation.title, explanation.expected, explanation.presented, explanation.why, *explanation.evidence)
    return " ".join(words)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_lets_a_revoked_client_in_and_says_so(version: Version) -> None:
    cast = Cast.gather()
    revoked = EXHIBITS["revoked"].stage(cast, "client", version)

    before, after = rehearse_resumed(cast.scenario(version), revoked)

    assert (before.resumed, explain(before).cause) == (False, "accepted")
    assert after.accepted and after.resumed
    assert explain(after).cause == "resumed"
    assert explain(after.seen_by("client")).cause == explain(after.seen_by("server")).cause == "resumed"
    # The control: the same list stops a full handshake.
    assert explain(rehearse(revoked)).cause == "revoked"


def test_two_things_wrong_at_once_are_both_said() -> None:
    cast = Cast.gather()
    scenario = EXHIBITS["expired"].stage(cast, "server", "TLSv1.3")
    scenario = replace(scenario, server_name="shop.example")

    explanation = explain(rehearse(scenario))

    # OpenSSL looks at the name before the dates, and stops there.
    assert (explanation.cause, explanation.also) == ("wrong-host", ("expired",))


def test_a_root_that_openssl_appends_by_itself_is_no_extra_certificate() -> None:
    """A leaf right below the root, and a server that trusts that root: OpenSSL completes the chain."""
    root = Authority.create("Lab Root CA")
    trusts = (root.certificate,)
    client = Endpoint(presents=root.issue("alice", purpose="clientAuth"), trusts=trusts, verifies="chain and name")
    server = Endpoint(presents=root.issue("localhost", purpose="serverAuth"), trusts=trusts, verifies="required")
    handshake = rehearse(Scenario(client=client, server=server))

    assert handshake.server_chain is not None and handshake.server_chain[-1] == root.certificate
    for view in (handshake, handshake.seen_by("client"), handshake.seen_by("server")):
        assert explain(view).cause == "accepted"


def test_a_listed_authority_is_not_withheld_from() -> None:
    cast = Cast.gather()
    scenario = EXHIBITS["withheld"].stage(cast, "client", "TLSv1.3")
    server = replace(scenario.server, trusts=(cast.root.certificate,), acceptable_authorities=(cast.root.certificate,))
    handshake = rehearse(replace(scenario, server=server))

    assert handshake.acceptable_authorities == (cast.root.certificate.issuer_der,)
    assert explain(handshake).cause == "accepted"


def test_a_client_that_does_not_obey_the_list_is_refused_for_its_issuer() -> None:
    cast = Cast.gather()
    scenario = EXHIBITS["withheld"].stage(cast, "client", "TLSv1.3")
    scenario = replace(scenario, client=replace(scenario.client, withholds=False))

    assert explain(rehearse(scenario)).cause == "untrusted-root"


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
