"""The rehearsal: two real OpenSSL ends in memory."""

import gc
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import VERSIONS, Alert, Endpoint, Handshake, Role, Scenario, Version, rehearse, rehearse_all
from tools import program


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def sent(handshake: Handshake, role: Role) -> list[str]:
    return [message.name for message in handshake.messages if message.sender == role]


@pytest.mark.parametrize("version", VERSIONS)
def test_mutual_tls_completes_on_both_sides(lab: Lab, version: Version) -> None:
    handshake = rehearse(only(lab.scenario(), version))

    assert handshake.accepted
    assert handshake.client is not None and handshake.server is not None
    assert handshake.client.completed and handshake.server.completed
    assert handshake.version == handshake.client.version == handshake.server.version == version
    assert handshake.asked
    assert handshake.client_chain == lab.alice.chain
    assert handshake.server_chain == lab.server.chain


def test_a_server_that_does_not_verify_does_not_ask(lab: Lab) -> None:
    handshake = rehearse(lab.scenario(server_verifies="none"))

    assert handshake.accepted
    assert not handshake.asked
    assert handshake.client_chain is None


def test_in_tls_1_3_a_refused_client_had_completed(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(client_presents="absent"), "TLSv1.3"))

    assert handshake.client is not None and handshake.server is not None
    assert handshake.client.completed
    assert not handshake.server.completed
    assert handshake.client.failure is not None
    assert handshake.client.failure.during == "after the handshake"
    assert [message.alert for message in handshake.fatal_alerts()] == [Alert.certificate_required]


def test_in_tls_1_2_a_refused_client_had_not_completed(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(client_presents="absent"), "TLSv1.2"))

    assert handshake.client is not None
    assert not handshake.client.completed
    assert [message.alert for message in handshake.fatal_alerts()] == [Alert.handshake_failure]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_that_refuses_sends_its_alert_and_no_data(lab: Lab, version: Version) -> None:
    handshake = rehearse(only(lab.scenario(server_presents="expired"), version))

    assert handshake.client is not None and handshake.client.failure is not None
    assert handshake.client.failure.verify_code == 10
    assert [(one.sender, one.alert) for one in handshake.fatal_alerts()] == [("client", Alert.certificate_expired)]
    assert "ApplicationData" not in sent(handshake, "client")


def test_data_and_goodbye_follow_an_accepted_handshake(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(), "TLSv1.3"))

    assert sent(handshake, "client") == [
        "ClientHello", "ChangeCipherSpec", "Certificate", "CertificateVerify", "Finished", "ApplicationData", "Alert",
    ]  # fmt: skip
    assert sent(handshake, "server")[-2:] == ["ApplicationData", "Alert"]
    assert not list(handshake.fatal_alerts())


def test_no_end_hands_out_tickets(lab: Lab) -> None:
    for version in VERSIONS:
        assert "NewSessionTicket" not in sent(rehearse(only(lab.scenario(), version)), "server")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_on_the_wire_is_the_same_on_every_run(lab: Lab, version: Version) -> None:
    scenario = only(lab.scenario(client_presents="untrusted-root"), version)

    stories = {tuple((m.sender, m.name, m.alert) for m in rehearse(scenario).messages) for _ in range(20)}

    assert len(stories) == 1


def test_rehearsing_together_tells_the_same_as_one_by_one(lab: Lab) -> None:
    scenarios = [lab.scenario(client_presents=slug) for slug in ("good", "absent", "expired", "wrong-purpose")] * 2

    together = [one.server and one.server.failure for one in rehearse_all(scenarios)]

    assert together == [handshake.server and handshake.server.failure for handshake in map(rehearse, scenarios)]


def test_a_client_without_trust_anchors_trusts_nobody(lab: Lab) -> None:
    scenario = lab.scenario()

    handshake = rehearse(replace(scenario, client=replace(scenario.client, trusts=())))

    assert handshake.client is not None and handshake.client.failure is not None
    assert handshake.client.failure.verify_code == 20


def test_a_key_of_another_certificate_is_a_refusal_and_nothing_is_sent(lab: Lab) -> None:
    swapped = replace(lab.alice, key_pem=lab.server.key_pem)
    scenario = lab.scenario()

    handshake = rehearse(replace(scenario, client=replace(scenario.client, presents=swapped)))

    assert handshake.client is not None and handshake.client.failure is not None
    assert handshake.client.failure.during == "loading"
    assert handshake.messages == ()


def test_nothing_secret_shows_in_a_handshake(lab: Lab) -> None:
    text = repr(rehearse(lab.scenario()))

    assert "PRIVATE KEY" not in text
    assert "TRAFFIC_SECRET" not in text


def test_rehearsals_leave_no_descriptor_behind(lab: Lab) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc/self/fd, which this system does not have")
    scenarios = [lab.scenario(), lab.scenario(client_presents="absent")] * 10
    rehearse_all(scenarios)
    gc.collect()
    before = descriptors()

    for scenario in scenarios:
        rehearse(scenario)
    gc.collect()

    assert descriptors() == before


@pytest.mark.parametrize("name", ["", ".example", "a..b", "a" * 64, "nul\0byte"])
def test_a_name_that_is_none_is_refused_with_its_value(lab: Lab, name: str) -> None:
    scenario = lab.scenario()

    with pytest.raises(ValueError, match="server_name="):
        replace(scenario, server_name=name)


def test_levels_of_the_other_end_are_refused_by_name(lab: Lab) -> None:
    end = Endpoint(presents=lab.server, verifies="required")
    other = Endpoint(verifies="chain")

    with pytest.raises(ValueError, match="client.verifies='required' is a server's level"):
        Scenario(client=end, server=end)
    with pytest.raises(ValueError, match="server.verifies='chain' is a client's level"):
        Scenario(client=other, server=replace(end, verifies="chain"))
    with pytest.raises(ValueError, match="verifies='yes' is no level"):
        Endpoint(verifies="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a tuple of certificates"):
        Endpoint(verifies="none", trusts=(lab.root,))  # type: ignore[arg-type]


def test_a_server_without_a_credential_is_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="server.presents=None"):
        Scenario(client=Endpoint(verifies="none"), server=Endpoint(verifies="none"))


def test_a_handshake_is_a_capture_file_that_opens_decrypted(lab: Lab, tmp_path: Path) -> None:
    tshark = program("tshark")
    path = tmp_path / "handshake.pcapng"
    path.write_bytes(rehearse(only(lab.scenario(client_presents="absent"), "TLSv1.3")).pcapng())

    command = [tshark, "-r", str(path), "-Y", "tls.alert_message", "-T", "fields", "-e", "tls.alert_message.desc"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert shown.stdout.split() == ["116"]
