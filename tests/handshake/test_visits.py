"""The walk through the gallery: every exhibit has its place, and is played as it was staged."""

from collections import Counter
from dataclasses import replace

import pytest

from mtls_lab.handshake import explain
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import KINDS, tour, visit, words_at


def test_every_exhibit_is_of_exactly_one_kind() -> None:
    placed = Counter(slug for slugs in KINDS.values() for slug in slugs)

    assert placed.keys() == EXHIBITS.keys()
    assert set(placed.values()) == {1}


def test_a_visit_tells_what_each_end_knows() -> None:
    one = visit("no-crl", "client")

    assert one.explanation.cause == "no-crl"
    assert one.seen_by("server").cause == "no-crl"
    assert one.seen_by("client").confidence == "possible"
    assert "no-crl" in {suspect.slug for suspect in one.seen_by("client").suspects}


def test_a_tour_passes_every_exhibit_of_its_version_at_its_sides() -> None:
    seen = {(one.exhibit.slug, one.side) for one in tour("TLSv1.2", sides=("server",))}

    assert seen == {
        (slug, "server") for slug, one in EXHIBITS.items() if "server" in one.sides and "TLSv1.2" in one.versions
    }


def test_what_there_is_none_of_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"'bogus' is no exhibit: choose one of untrusted-root"):
        visit("bogus", "client")
    with pytest.raises(ValueError, match="shows in TLSv1.2 only"):
        visit("no-common-cipher", "client", "TLSv1.3")
    with pytest.raises(ValueError, match="only a server"):
        visit("wrong-host", "client")


@pytest.mark.parametrize(
    ("slug", "at_the_client", "at_the_server"),
    [
        ("expired", "alert certificate expired", "certificate verify failed: certificate has expired"),
        ("untrusted-root", "alert unknown ca", "certificate verify failed: unable to get local issuer certificate"),
        ("absent", "alert certificate required", "peer did not return a certificate"),
        ("client-not-asked", "", ""),
    ],
)
def test_the_words_are_openssls_without_class_and_old_version(
    slug: str, at_the_client: str, at_the_server: str
) -> None:
    handshake = visit(slug, "client").handshake

    assert words_at(handshake, "client") == at_the_client
    assert words_at(handshake, "server") == at_the_server
    assert words_at(handshake.seen_by("server"), "client") == ""


@pytest.mark.parametrize("prefix", ["sslv3", "ssl/tls", "tlsv1", "tlsv13"])
def test_the_words_for_an_alert_are_the_same_in_every_openssl(prefix: str) -> None:
    handshake = visit("expired", "client", cast=Cast.gather()).handshake
    client = handshake.client
    assert client is not None and client.failure is not None
    failure = replace(client.failure, text=f"[SSL: X] {prefix} alert certificate expired")
    worded = replace(handshake, client=replace(client, failure=failure))

    assert words_at(worded, "client") == "alert certificate expired"
    assert explain(worded).cause == "expired"
