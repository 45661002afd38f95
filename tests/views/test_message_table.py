"""The table of messages: what each is for, where that is defined, and who can read it."""

import re
from dataclasses import replace
from typing import cast

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import VERSIONS, Handshake, Message, Version, rehearse
from mtls_lab.handshake.wire.code_points import HANDSHAKE_TYPES
from mtls_lab.views.folding import told
from mtls_lab.views.message_purposes import purpose_of
from mtls_lab.views.message_table import message_table


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    return cast(Version, request.param)


def play(lab: Lab, version: Version, client_presents: str = "good") -> Handshake:
    return rehearse(only(lab.scenario(client_presents=client_presents), version))


def heads(text: str) -> list[str]:
    """`client ── ClientHello` for every message of the text."""
    return [" ".join(one) for one in re.findall(r"(?m)^(client|server)  (──|══) (\w+)", text)]


def test_every_message_worth_a_row_has_one_in_all_three_forms(lab: Lab, version: Version) -> None:
    handshake = play(lab, version)
    picture = message_table(handshake)

    names = [message.name for message in told(handshake)]
    assert [head.split()[-1] for head in heads(picture.text)] == names
    assert re.findall(r'<th scope="row"[^>]*>(\w+)</th>', picture.html) == names
    assert re.findall(r"The \w+ sends \w+ (\w+)", picture.alt) == names


def test_every_message_has_a_purpose_and_a_section_of_the_right_rfc(lab: Lab, version: Version) -> None:
    rfc = "RFC 8446" if version == "TLSv1.3" else "RFC 5246"

    for message in told(play(lab, version, "absent")):
        purpose, section = purpose_of(message, version=version)
        assert purpose != "makes no sense here"
        assert section.startswith(f"{rfc} section ")


def test_the_sections_are_those_of_the_rfcs() -> None:
    def section(name: str, sender: str, version: Version) -> str:
        message = Message(sender=sender, name=name, encrypted=False, body=b"")  # type: ignore[arg-type]
        return purpose_of(message, version=version)[1]

    assert section("CertificateVerify", "client", "TLSv1.3") == "RFC 8446 section 4.4.3"
    assert section("CertificateVerify", "client", "TLSv1.2") == "RFC 5246 section 7.4.8"
    assert section("Certificate", "server", "TLSv1.2") == "RFC 5246 section 7.4.2"
    assert section("Certificate", "client", "TLSv1.2") == "RFC 5246 section 7.4.6"
    assert section("Certificate", "client", "TLSv1.3") == "RFC 8446 section 4.4.2"
    assert section("NewSessionTicket", "server", "TLSv1.2") == "RFC 5077 section 3.3"


def test_every_handshake_message_that_the_decoder_knows_has_a_purpose() -> None:
    # Of TLS 1.3 alone or of TLS 1.2 alone: a purpose in one of the two is enough. MessageHash never crosses the wire.
    def purposes(name: str) -> set[str]:
        message = Message(sender="server", name=name, encrypted=False, body=b"")
        return {purpose_of(message, version=version)[0] for version in VERSIONS}

    names = {*HANDSHAKE_TYPES.values(), "HelloRetryRequest", "EncryptedRecord", "Alert"}
    unknown = {name for name in names if purposes(name) == {"makes no sense here"}}

    assert unknown == set()


def test_without_the_secrets_tls_13_is_two_hellos_and_closed_records(lab: Lab) -> None:
    overheard = replace(play(lab, "TLSv1.3"), secrets="")

    picture = message_table(overheard)

    assert heads(picture.text) == [
        "client ── ClientHello",
        "server ── ServerHello",
        "server ══ EncryptedRecord",
        "client ══ EncryptedRecord",
    ]
    assert "alice" not in picture.text + picture.html + picture.alt


def test_without_the_secrets_tls_12_reads_the_same(lab: Lab) -> None:
    handshake = play(lab, "TLSv1.2")

    assert message_table(replace(handshake, secrets="")) == message_table(handshake)
    assert "alice, with Lab Issuing CA" in message_table(handshake).text


@pytest.mark.parametrize(
    ("one", "alert"),
    [("TLSv1.2", "server ── Alert"), ("TLSv1.3", "server ══ Alert")],
)
def test_the_alert_of_a_refusal_is_plaintext_in_12_and_encrypted_in_13(lab: Lab, one: Version, alert: str) -> None:
    assert heads(message_table(play(lab, one, "absent")).text)[-1] == alert


def test_two_runs_with_other_keys_make_the_same_bytes(version: Version) -> None:
    one, other = (message_table(play(make_lab(), version)) for _ in range(2))

    assert one == other


def test_the_text_fits_80_columns(lab: Lab, version: Version) -> None:
    text = message_table(play(lab, version, "absent")).text

    assert max(map(len, text.splitlines())) <= 80


def test_a_name_from_a_stranger_cannot_become_markup(lab: Lab) -> None:
    odd = lab.issuing.issue("<b>alice</b>", purpose="clientAuth")
    scenario = only(lab.scenario(), "TLSv1.2")
    picture = message_table(rehearse(replace(scenario, client=replace(scenario.client, presents=odd))))

    assert "<b>" not in picture.html
    assert "&lt;b&gt;alice" in picture.html


def test_a_handshake_that_never_began_has_no_rows(lab: Lab) -> None:
    nothing = replace(play(lab, "TLSv1.3"), wire=(), secrets="")

    picture = message_table(nothing)

    assert heads(picture.text) == []
    assert "Nothing was sent" in picture.text
