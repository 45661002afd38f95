"""The evidence without a verdict: each kind of fault can be seen in it, and nothing varies."""

from dataclasses import replace

import pytest

from mtls_lab.handshake import rehearse
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import visit
from mtls_lab.views.case_file import case_file

# exhibit: what gives it away
TELLS = {
    "untrusted-root": "issued by Stranger CA, which is neither sent nor trusted",
    "same-name-other-key": "issued by Lab Root CA: signature ✗ made with another key, key identifiers ✗ differ",
    "self-signed": "signed with its own key",
    "leaf-as-anchor": "alice (a leaf, issued by Lab Issuing CA, in time)",
    "intermediate-as-anchor": "Lab Issuing CA (an intermediate, issued by Lab Root CA, in time)",
    "expired": "alice: ended 1 day ago",
    "not-yet-valid-intermediate": "New Issuing CA: begins in 7 days",
    "expired-root": "Aged Root CA (a root, ended 1 day ago)",
    "wrong-host": "names DNS:other.example",
    "wrong-purpose": "for serverAuth",
    "wrong-key-usage": "its key for dataEncipherment",
    "incomplete-chain": "issued by Lab Issuing CA, which is neither sent nor trusted",
    "issuer-not-a-ca": "Mallory: in time; names DNS:mallory.example; is no authority",
    "issuer-without-key-cert-sign": "may sign certificates for leaves only; its key for digitalSignature, cRLSign;",
    "name-constraint-uri": "only for URI:allowed.example",
    "name-constraint-excluded": "not for DNS:alice.example",
    "unknown-critical-extension": "extension 1.3.6.1.4.1.32473.1, critical",
    "missing-aki": "no authorityKeyIdentifier",
    "missing-ski": "no subjectKeyIdentifier",
    "weak-key": "key RSA 1024",
    "weak-hash": "signed with SHA-1",
    "revoked": "a revocation list, in time, which names this certificate",
    "no-crl": "a revocation list, and has none",
    "stale-crl": "a revocation list, out of date, which does not name this certificate",
    "absent": "an empty Certificate message",
    "protocol-version": "no Certificate message",
    "key-mismatch": "nothing: one of the two never began",
}


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast.gather()


@pytest.mark.parametrize("slug", TELLS)
def test_the_evidence_shows_what_is_wrong(cast: Cast, slug: str) -> None:
    shown = case_file(visit(slug, EXHIBITS[slug].sides[0], cast=cast).handshake)
    good = case_file(rehearse(cast.scenario()))

    assert TELLS[slug] in " ".join(shown.text.split())
    assert TELLS[slug] in shown.alt
    assert TELLS[slug] not in good.alt


def test_a_signature_that_is_not_checked_is_not_called_wrong(cast: Cast) -> None:
    shown = case_file(visit("weak-hash", "client", cast=cast).handshake)

    assert "key identifiers ✓, a signature that is not checked here" in shown.alt
    assert "✗" not in shown.alt


def test_the_name_dialled_is_there_where_the_server_is_judged(cast: Cast) -> None:
    assert "name dialled: 127.0.0.1." in case_file(visit("wrong-ip", "server", cast=cast).handshake).alt
    assert "name dialled" not in case_file(visit("expired", "client", cast=cast).handshake).alt


def test_what_an_end_that_could_not_be_asked_goes_by_is_not_known(cast: Cast) -> None:
    handshake = visit("leaf-as-anchor", "client", cast=cast).handshake

    alone = case_file(handshake.seen_by("client"))

    assert "server trusts: not known here." in alone.alt
    assert "a leaf" not in alone.alt


def test_it_names_no_cause_and_varies_by_nothing(cast: Cast) -> None:
    other = Cast.gather()
    for slug in ("expired", "revoked", "stale-crl", "self-signed"):
        first = case_file(visit(slug, "client", cast=cast).handshake)

        assert first == case_file(visit(slug, "client", cast=other).handshake)
        assert slug not in first.text


def test_a_hostile_name_is_escaped(cast: Cast) -> None:
    nasty = cast.issuing.issue("<b>alice</b>", names=(), purpose="clientAuth")
    scenario = cast.scenario()
    handshake = rehearse(replace(scenario, client=replace(scenario.client, presents=nasty)))

    shown = case_file(handshake, title="A <title>")

    assert "<b>" not in shown.html
    assert "<b>alice</b>" in shown.text
    assert "&lt;title&gt;" in shown.html
