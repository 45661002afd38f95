"""The ladder: one story, drawn, written and said, the same on every run."""

import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, cast

import pytest

from cast import Lab, make_lab, only
from mtls_lab.certificates import Credential
from mtls_lab.handshake import VERSIONS, Version, rehearse
from mtls_lab.views import Picture, ladder

STATES: dict[str, dict[str, str]] = {
    "mutual": {},
    "anonymous": {"client_presents": "absent"},
    "one-way": {"client_presents": "absent", "server_verifies": "none"},
    "optional": {"client_presents": "absent", "server_verifies": "optional"},
    "nobody": {"client_verifies": "none", "server_verifies": "none"},
    "chain": {"client_verifies": "chain"},
    "impostor": {"server_presents": "untrusted-root"},
    "stranger": {"client_presents": "untrusted-root"},
    "by address": {"server_name": "127.0.0.1"},
    "wrong name": {"server_name": "example.com"},
}


def play(lab: Lab, version: Version = "TLSv1.3", **settings: Any) -> Picture:
    """The ladder of a rehearsal."""
    return ladder(rehearse(only(lab.scenario(**settings), version)))


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> dict[str, str]:
    return STATES[cast(str, request.param)]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    return cast(Version, request.param)


def rows(picture: Picture) -> list[str]:
    """What stands between the lifelines, with its note."""
    lines = [line[2:] for line in picture.text.splitlines() if line[:3] in ("  │", "  ✓", "  ✗", "  •")]
    return [re.sub(r"[─═◄►│· ]+", " ", line).strip() for line in lines]


def images(html: str) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                found.append(dict(attrs))

    Reader().feed(html)
    return found


def test_two_runs_with_other_keys_make_the_same_bytes(state: dict[str, str], version: Version) -> None:
    one, other = (play(make_lab(), version, **state) for _ in range(2))

    assert one == other


def test_the_text_fits_80_columns(lab: Lab, state: dict[str, str], version: Version) -> None:
    text = play(lab, version, **state).text

    assert max(map(len, text.splitlines())) <= 80


def test_the_html_holds_an_image_with_alt_text_and_no_svg_element(
    lab: Lab, state: dict[str, str], version: Version
) -> None:
    picture = play(lab, version, **state)
    (image,) = images(picture.html)

    assert "<svg" not in picture.html
    assert "<script" not in picture.html
    assert image["alt"] == picture.alt
    assert b64decode((image["src"] or "").partition("base64,")[2]).decode() == picture.svg


def test_the_drawing_is_well_formed_and_opaque(lab: Lab, state: dict[str, str], version: Version) -> None:
    root = ET.fromstring(play(lab, version, **state).svg or "")

    background = root[0]
    assert background.tag.endswith("rect")
    assert background.get("fill-opacity") is None
    assert float(background.get("width", 0)) == pytest.approx(float(root.get("width", 0)), abs=1)


def test_the_three_forms_tell_the_same_messages(lab: Lab, state: dict[str, str], version: Version) -> None:
    picture = play(lab, version, **state)
    drawn = " ".join(ET.fromstring(picture.svg or "").itertext())

    for row in rows(picture):
        for word in re.findall(r"[A-Z][a-z]+[A-Z]\w+", row):
            assert word in picture.alt
            assert word in drawn


def test_the_bundle_is_html_and_text_only(lab: Lab) -> None:
    picture = play(lab)

    assert picture._repr_mimebundle_() == {"text/html": picture.html, "text/plain": picture.text}
    assert repr(picture) == picture.text


def test_in_tls_13_the_client_is_through_before_the_server_refuses(lab: Lab) -> None:
    told = rows(play(lab, client_presents="absent"))

    assert [told.index(one) for one in told if "client: handshake complete" in one or "refuses" in one] == sorted(
        told.index(one) for one in told if "client: handshake complete" in one or "refuses" in one
    )
    assert told[-3].startswith("server: refuses the client")
    assert told[-2] == "Alert certificate_required (116)"
    assert told[-1].startswith("• client: learns of it only now")


def test_in_tls_12_the_client_is_not_through_when_the_server_refuses(lab: Lab) -> None:
    told = rows(play(lab, "TLSv1.2", client_presents="absent"))

    assert told[-1] == "Alert handshake_failure (40)"
    assert not any("handshake complete" in one for one in told)


def test_in_tls_12_an_eavesdropper_reads_the_certificates(lab: Lab) -> None:
    picture = play(lab, "TLSv1.2")

    assert "An eavesdropper reads the server name localhost, the server's certificate and the client's" in picture.alt


def test_in_tls_13_an_eavesdropper_reads_the_server_name_only(lab: Lab) -> None:
    picture = play(lab)

    assert (
        "reads the server name localhost, but not the server's certificate or the client's certificate" in picture.alt
    )


def test_a_refusal_is_told_by_number_and_name(lab: Lab) -> None:
    text = play(lab, server_presents="expired").text

    assert "The client refused the server" in text
    assert "X509_V_ERR_CERT_HAS_EXPIRED (10)" in text
    assert "Alert certificate_expired (45)" in text


def test_a_certificate_that_nobody_asks_for_is_said_so(lab: Lab) -> None:
    text = play(lab, server_verifies="none").text

    assert "alice (not asked for)" in text


def test_a_server_that_cannot_load_its_key_shows_no_messages(lab: Lab) -> None:
    scenario = lab.scenario()
    mismatched = Credential(key_pem=lab.alice.key_pem, chain=lab.server.chain)

    picture = ladder(rehearse(replace(scenario, server=replace(scenario.server, presents=mismatched))))

    assert "The server could not begin" in picture.text
    assert "Nothing was sent" in picture.text
    assert "ClientHello" not in picture.text


def test_without_the_secrets_it_is_what_an_eavesdropper_sees(lab: Lab) -> None:
    handshake = replace(rehearse(only(lab.scenario(), "TLSv1.3")), secrets="")

    told = rows(ladder(handshake))

    assert [one for one in told if "Certificate" in one] == []
    assert sum("EncryptedRecord no secret here opens it" in one for one in told) == 2


def test_in_tls_12_a_closed_finished_is_still_a_finished(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(client_presents="absent"), "TLSv1.2"))

    assert ladder(replace(handshake, secrets="")) == ladder(handshake)


def test_a_retry_is_told_and_the_second_hello_is_no_news(lab: Lab) -> None:
    handshake = rehearse(only(lab.scenario(), "TLSv1.3"))
    hello, server_hello, *rest = handshake.messages
    retry = replace(server_hello, name="HelloRetryRequest")
    # OpenSSL's two ends always agree at once, so the retry is put in by hand.
    handshake.__dict__["messages"] = (hello, retry, hello, server_hello, *rest)

    told = rows(ladder(handshake))

    assert told[1:5] == [
        "ClientHello server_name: localhost",
        "HelloRetryRequest asks for another key share",
        "ClientHello once more",
        "ServerHello",
    ]
