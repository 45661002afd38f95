"""The timeline: both versions on one scale, drawn and in words."""

import xml.etree.ElementTree as ET

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import rehearse
from mtls_lab.views.timeline import timeline


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def both(lab: Lab, client_presents: str) -> str:
    scenario = lab.scenario(client_presents=client_presents)
    return timeline(rehearse(only(scenario, "TLSv1.2")), rehearse(only(scenario, "TLSv1.3"))).text


def test_a_refused_client_hears_after_two_round_trips_in_both_versions(lab: Lab) -> None:
    text = both(lab, "absent")

    assert "  2   client  its handshake call fails, and says why\n" in text
    assert "  2   client  its first read fails, and says why\n" in text
    assert "sends Alert handshake_failure (40)" in text
    assert "sends Alert certificate_required (116)" in text


def test_only_in_tls_1_3_it_thinks_that_it_is_in_for_one_of_them(lab: Lab) -> None:
    tls_1_2, tls_1_3 = both(lab, "expired").split("TLS 1.3")

    assert "thinks" not in tls_1_2
    assert "  1   client  its handshake call returns\n" in tls_1_3
    assert tls_1_3.endswith("From 1 to 2, it thinks it is in.")


def test_an_accepted_client_of_tls_1_3_does_not_know_it_either(lab: Lab) -> None:
    text = both(lab, "good")

    assert "its handshake call returns: it is in" in text
    assert "it reads the answer: it is in" in text
    assert text.endswith("From 1 to 2, it does not know yet.")


@pytest.mark.parametrize("client_presents", ["good", "absent", "untrusted-root"])
def test_the_picture_is_the_same_every_time_and_says_in_words_what_it_shows(lab: Lab, client_presents: str) -> None:
    pictures = [timeline(rehearse(lab.scenario(client_presents=client_presents))) for _ in range(2)]

    assert pictures[0].html == pictures[1].html
    assert "<img alt=" in pictures[0].html
    assert "<svg" not in pictures[0].html
    assert max(map(len, pictures[0].text.splitlines())) <= 80
    words = "".join(ET.fromstring(pictures[0].svg or "").itertext())
    assert "it does not know yet" in words or "it thinks it is in" in words
    assert "From 1 to 2" in pictures[0].alt


def test_where_the_server_did_not_judge_the_client_there_is_nothing_to_show(lab: Lab) -> None:
    for scenario in (lab.scenario(server_verifies="none"), lab.scenario(server_presents="wrong-host")):
        with pytest.raises(ValueError, match="in which the server judged the client"):
            timeline(rehearse(scenario))
    with pytest.raises(ValueError, match="without a handshake"):
        timeline()
