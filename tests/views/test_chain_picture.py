"""Certificates to look at."""

from datetime import UTC, datetime, timedelta

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.faults import present
from mtls_lab.views import certificate_card, chain_card, show


def test_a_chain_says_what_hangs_on_what(lab: Lab) -> None:
    text = chain_card(lab.server).text

    assert text.index("localhost  (end-entity") < text.index("Lab Issuing CA  (intermediate)")
    assert "issued by Lab Issuing CA: signature ✓, key identifiers ✓" in text
    assert "Lab Root CA  (not here: the verifier must find it among its trust anchors)" in text


def test_a_root_hangs_on_nothing(lab: Lab) -> None:
    text = show(lab.root).text

    assert text.startswith("Lab Root CA  (root: signed with its own key)")
    assert "issued by" not in text


def test_an_authority_is_shown_up_to_its_root(lab: Lab) -> None:
    text = show(lab.issuing).text

    assert text.index("Lab Issuing CA  (") < text.index("Lab Root CA  (root")
    assert "not here" not in text


def test_a_twin_of_the_issuer_is_told_by_its_signature(lab: Lab) -> None:
    twin = Authority.create("Lab Root CA")

    text = chain_card((lab.issuing.certificate, twin.certificate)).text

    assert "signature ✗ made with another key" in text


def test_a_key_that_does_not_belong_is_told(lab: Lab) -> None:
    mismatched = Credential(key_pem=lab.alice.key_pem, chain=lab.server.chain)

    assert "private key ✗ of another certificate" in chain_card(mismatched).text
    assert "private key ✓ belongs to this certificate" in chain_card(lab.server).text


@pytest.mark.parametrize(("days", "words"), [(-4000, "not yet valid"), (0, "valid now"), (40_000, "expired")])
def test_validity_is_judged_at_the_time_given(lab: Lab, days: int, words: str) -> None:
    at = datetime.now(UTC) + timedelta(days=days)

    card = certificate_card(lab.server.leaf, at=at)

    assert f"{words}, made for" in card.text
    assert f"{words}, made for" in card.alt


def test_an_expired_certificate_is_shown_as_such(lab: Lab) -> None:
    expired = present("expired", authority=lab.issuing, name="localhost", purpose="serverAuth")
    assert expired is not None

    assert "expired, made for" in show(expired).text


def test_a_chain_holds_nothing_random() -> None:
    one, other = (show(make_lab().server) for _ in range(2))

    assert one == other


def test_every_line_fits_80_columns(lab: Lab) -> None:
    for what in (lab.root, lab.issuing, lab.server, lab.alice):
        assert max(map(len, show(what).text.splitlines())) <= 80


def test_bytes_that_are_no_certificate_are_shown_with_their_problem() -> None:
    card = show(Certificate(der=b"nonsense"))

    assert "problem" in card.text
    assert "<svg" not in card.html


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no certificate"):
        chain_card(())
