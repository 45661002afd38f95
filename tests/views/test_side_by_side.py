"""Two handshakes beside each other, flight by flight, and the round trips that the client waits."""

import re
from dataclasses import replace

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import VERSIONS, Handshake, Version, rehearse
from mtls_lab.views import Picture, side_by_side
from mtls_lab.views.side_by_side import flights_of, round_trips


def play(lab: Lab, version: Version, client_presents: str = "good") -> Handshake:
    return rehearse(only(lab.scenario(client_presents=client_presents), version))


def both(lab: Lab, client_presents: str = "good") -> Picture:
    tls12, tls13 = (play(lab, version, client_presents) for version in VERSIONS)
    return side_by_side({"TLS 1.2": tls12, "TLS 1.3": tls13})


@pytest.mark.parametrize(("version", "trips"), [("TLSv1.2", 2), ("TLSv1.3", 1)])
def test_the_client_waits_twice_in_tls_12_and_once_in_tls_13(lab: Lab, version: Version, trips: int) -> None:
    assert round_trips(play(lab, version)) == trips


def test_a_retry_costs_one_round_trip_more(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.3")
    hello, server_hello, *rest = handshake.messages
    # OpenSSL's two ends always agree at once, so the retry is put in by hand.
    retry = replace(server_hello, name="HelloRetryRequest")
    handshake.__dict__["messages"] = (hello, retry, hello, server_hello, *rest)

    assert round_trips(handshake) == 2


def test_what_cannot_be_counted_is_none(lab: Lab) -> None:
    assert round_trips(play(lab, "TLSv1.2", "absent")) is None
    assert round_trips(replace(play(lab, "TLSv1.3"), secrets="")) is None
    assert round_trips(replace(play(lab, "TLSv1.3"), wire=(), secrets="")) is None


def test_flights_take_turns_and_the_client_begins(lab: Lab) -> None:
    for version in VERSIONS:
        senders = [flight[0].sender for flight in flights_of(play(lab, version))]

        assert senders == ["client", "server", "client", "server"][: len(senders)]
        assert len(senders) == (4 if version == "TLSv1.2" else 3)


def test_a_row_is_a_flight_and_a_column_a_handshake(lab: Lab) -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", both(lab).html)[1:]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]

    assert [row[0] for row in cells] == [
        "the client sends",
        "the server sends",
        "the client sends",
        "the server sends",
        "round trips before the request",
    ]
    assert cells[1][1].startswith("── ServerHello<br>── Certificate")
    assert cells[1][2].startswith("── ServerHello<br>══ EncryptedExtensions")
    assert cells[3][1:] == ["── ChangeCipherSpec<br>══ Finished", ""]
    assert cells[4][1:] == ["2", "1"]


def test_the_three_forms_tell_the_same_messages(lab: Lab) -> None:
    picture = both(lab, "absent")
    names = [re.findall(r"[A-Z][a-z]+[A-Z]\w+|Alert \w+", form) for form in (picture.text, picture.html, picture.alt)]

    assert sorted(names[0]) == sorted(names[1]) == sorted(names[2])
    assert "Alert certificate_required" in names[0]


def test_what_is_not_to_be_counted_says_why(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.3")

    hidden = side_by_side({"with": handshake, "without": replace(handshake, secrets="")})

    assert "no request: the server never finished" in both(lab, "absent").text
    assert "encryption hides it" in hidden.text


def test_two_runs_with_other_keys_make_the_same_bytes() -> None:
    assert both(make_lab()) == both(make_lab())


def test_the_text_fits_80_columns(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.2", "absent")
    long = side_by_side({"a long name " * 9: handshake, "another long name " * 9: handshake})

    assert max(map(len, both(lab).text.splitlines())) <= 80
    assert max(map(len, long.text.splitlines())) <= 80


def test_a_name_given_to_a_column_cannot_become_markup(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.3")

    assert "<b>" not in side_by_side({"<b>": handshake, "other": handshake}).html


def test_one_or_three_are_refused_with_the_remedy(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.3")

    with pytest.raises(ValueError, match=r'takes two handshakes, not 1: \{"left": one, "right": other\}'):
        side_by_side({"one": handshake})
    with pytest.raises(ValueError, match="not 3"):
        side_by_side(dict.fromkeys("abc", handshake))
