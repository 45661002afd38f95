"""The explanation card tells everything an explanation holds."""

from dataclasses import fields, replace
from html import escape
from html.parser import HTMLParser

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import Alert, Explanation, Fix, explain, rehearse
from mtls_lab.handshake.explanation import Suspect
from mtls_lab.views import explanation_card

FULL = Explanation(
    refused_by="client",
    stage="TLS handshake",
    cause="expired",
    also=("wrong-host",),
    title="The server's certificate has expired",
    expected="a certificate whose validity period includes now",
    presented="localhost, which ended 3 days ago",
    alert=Alert.certificate_expired,
    verify_code=10,
    why="It is over. Time has passed.",
    fixes=(Fix(tool="curl", text="--cacert root.pem"), Fix(tool="mtls_lab", text='issuing.issue("localhost")')),
    reference="RFC 5280 section 4.1.2.5",
    evidence=("TLSv1.3 was agreed on", "the client trusts Lab Root CA"),
    ambiguous_with=("not-yet-valid",),
    which="the intermediate Old Issuing CA",
    depth=1,
    confidence="likely",
)
POSSIBLE = (
    Suspect(slug="expired", title="It has expired", decides="the dates"),
    Suspect(slug="stale-crl", title="The list is old", decides="the list's dates"),
)


def words_of(html: str) -> str:
    pieces: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            pieces.append(data)

    Reader().feed(html)
    return " ".join(pieces)


@pytest.mark.parametrize(
    "fact",
    [
        "The client refused the server",
        FULL.title,
        FULL.expected,
        FULL.presented,
        FULL.why,
        *(fix.text for fix in FULL.fixes),
        *(fix.tool for fix in FULL.fixes),
        FULL.reference,
        "X509_V_ERR_CERT_HAS_EXPIRED (10)",
        "certificate_expired (45)",
        *FULL.evidence,
        *FULL.also,
        *FULL.ambiguous_with,
        FULL.confidence,
        "TLS handshake",
        "the intermediate Old Issuing CA, at depth 1",
    ],
)
def test_text_and_html_tell_each_fact(fact: str) -> None:
    card = explanation_card(FULL)

    assert fact in card.text
    assert fact in words_of(card.html)


def test_where_several_causes_remain_each_is_told_with_what_would_decide() -> None:
    card = explanation_card(replace(FULL, suspects=POSSIBLE))

    for words in (
        "It has expired (expired): look at the dates",
        "The list is old (stale-crl): look at the list's dates",
    ):
        assert words in card.text
        assert words in words_of(card.html)


def test_what_an_eavesdropper_cannot_tell_is_called_neither_accepted_nor_refused() -> None:
    lab = make_lab()
    for slug in ("good", "absent"):
        card = explanation_card(explain(rehearse(only(lab.scenario(client_presents=slug), "TLSv1.3")).overheard()))

        assert "? not known" in words_of(card.html)
        assert "accepted" not in words_of(card.html)


def test_every_field_of_an_explanation_has_a_place() -> None:
    told = {"refused_by", "stage", "title", "expected", "presented", "alert", "verify_code", "why", "fixes"}
    told |= {"reference", "evidence", "ambiguous_with", "suspects", "also", "confidence", "which", "depth"}

    assert {one.name for one in fields(Explanation)} - told == {"cause"}  # the title is the cause in words


def test_a_verdict_is_a_word_and_a_sign() -> None:
    assert "✗ refused" in words_of(explanation_card(FULL).html)


def test_a_silent_success_is_accepted_but(lab: Lab) -> None:
    explanation = explain(rehearse(lab.scenario(client_verifies="none")))

    assert "! accepted, but" in words_of(explanation_card(explanation).html)


def test_a_card_holds_nothing_random() -> None:
    one, other = (explanation_card(explain(rehearse(make_lab().scenario(client_presents="absent")))) for _ in range(2))

    assert one == other


def test_hostile_words_are_escaped() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    card = explanation_card(Explanation(**{**vars(FULL), "presented": hostile, "evidence": (hostile,)}))

    assert "<img" not in card.html
    assert escape(hostile) in card.html
