"""The paths that verifiers build from one chain, drawn and in words."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from cast import Lab
from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.drafts import authority_draft, sign
from mtls_lab.certificates.faults import present
from mtls_lab.certificates.keys import generate_key
from mtls_lab.handshake import rehearse
from mtls_lab.views.paths import certification_paths
from mtls_lab.views.picture import Picture

YEAR = timedelta(days=365)


def one_client(lab: Lab, slug: str) -> Picture:
    credential = present(slug, authority=lab.root, name="localhost", purpose="serverAuth")
    assert credential is not None
    return certification_paths(credential, {"the client": (lab.root.certificate,)})


def cross_signed() -> tuple[tuple[Certificate, ...], Mapping[str, tuple[Certificate, ...]]]:
    old, new = Authority.create("Old Root CA", lifetime=YEAR), Authority.create("New Root CA")
    assert new.key is not None
    crossed = old.sign(authority_draft("New Root CA", lifetime=2 * YEAR), new.key)
    chain = new.intermediate("New Issuing CA").issue("localhost", purpose="serverAuth").chain
    return (*chain, crossed), {"an old client": (old.certificate,), "a new client": (new.certificate,)}


def drawn(picture: Picture) -> str:
    return " ".join(ET.fromstring(picture.svg or "").itertext())


def test_a_path_ends_at_the_trust_anchor_that_the_verifier_has(lab: Lab) -> None:
    text = certification_paths(lab.server, {"the client": (lab.root.certificate,)}).text

    assert "  1   Lab Issuing CA              issued by Lab Root CA, sent\n" in text
    assert "  2   Lab Root CA                 signed with its own key, from the trust store\n" in text
    assert text.endswith("  ✓ accepted: ends at a trust anchor, and nothing is wrong on the way")


def test_a_gap_names_who_is_missing(lab: Lab) -> None:
    picture = certification_paths((lab.server.leaf,), {"the client": (lab.root.certificate,)})

    assert "✗ stops: Lab Issuing CA was not sent, and is not in the trust store" in picture.text
    assert "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY (20)" in picture.text
    assert "(verify code 20)" in drawn(picture)


def test_a_root_that_came_along_is_told_from_one_that_is_trusted(lab: Lab) -> None:
    text = one_client(lab, "self-signed-in-chain").text

    assert "✗ stops: a root that is not in the trust store" in text


def test_the_two_kinds_of_twin_stop_at_different_places(lab: Lab) -> None:
    told, untold = one_client(lab, "same-name-other-key").text, one_client(lab, "same-name-other-key-no-aki").text

    assert "✗ stops: the Lab Root CA at hand has another key than the one that signed" in told
    assert "(20)" in told
    assert "      ✗ its signature is not by the key above it\n  1   Lab Root CA" in untold
    assert "(7)" in untold


def test_twins_are_numbered_by_their_keys(lab: Lab) -> None:
    twin = Authority.create("Lab Root CA").certificate

    text = certification_paths((lab.issuing.certificate, twin), {"the client": (lab.root.certificate,)}).text

    assert "  2.  Lab Root CA (key 1)         signed with its own key, not used\n" in text
    assert "the client trusts Lab Root CA (key 2)\n" in text


def test_a_trusted_intermediate_is_not_enough_but_with_partial_chain(lab: Lab) -> None:
    trusts = {"the client": (lab.issuing.certificate,)}

    assert "but not self-signed, so OpenSSL wants more" in certification_paths(lab.server, trusts).text
    assert "✓ accepted" in certification_paths(lab.server, trusts, partial_chain=True).text


def test_old_and_new_clients_go_different_ways_from_the_same_chain() -> None:
    chain, clients = cross_signed()

    sent, old, new = certification_paths(chain, clients).text.split("\n\n")

    assert "New Root CA (key 1)         issued by Old Root CA, not used by a new client" in sent.replace(
        "\n" + " " * 33, ""
    )
    assert "  3   Old Root CA" in old
    assert "  2   New Root CA (key 1)         signed with its own key, from the trust store" in new
    assert "✓ accepted" in old
    assert "✓ accepted" in new


def test_when_the_old_root_has_expired_only_the_old_client_is_locked_out() -> None:
    chain, clients = cross_signed()

    _, old, new = certification_paths(chain, clients, at=datetime.now(UTC) + YEAR + timedelta(days=2)).text.split(
        "\n\n"
    )

    assert "Old Root CA                 signed with its own key, from the trust store\n      ✗ ended 2 days ago" in old
    assert "X509_V_ERR_CERT_HAS_EXPIRED (10)" in old
    assert "✓ accepted" in new


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("path-length", "✗ expected no more authorities below than the path length allows"),
        ("issuer-not-a-ca", "✗ expected an issuer whose basicConstraints say CA"),
        ("name-constraint-dns", "✗ expected a DNS name that the authority permits"),
        ("expired", "✗ ended 1 day ago"),
    ],
)
def test_what_is_wrong_stands_below_the_certificate_that_it_is_about(lab: Lab, slug: str, words: str) -> None:
    picture = one_client(lab, slug)

    assert words in picture.text
    assert "refused: a path is there, and it is not valid" in picture.alt


@pytest.mark.parametrize("slug", ["good", "incomplete-chain", "extra-certificates", "expired", "untrusted-root"])
def test_the_picture_agrees_with_a_real_handshake(lab: Lab, slug: str) -> None:
    scenario = lab.scenario(server_presents=slug, server_verifies="none")
    chain = scenario.server.presents
    assert chain is not None

    picture = certification_paths(chain, {"the client": scenario.client.trusts})

    assert ("✓ accepted" in picture.text) == rehearse(scenario).accepted


def test_the_drawing_says_the_same_and_nothing_random() -> None:
    pictures = [certification_paths(*cross_signed()) for _ in range(2)]

    assert pictures[0] == pictures[1]
    assert pictures[0].html == pictures[1].html
    assert "<img alt=" in pictures[0].html
    assert "<svg" not in pictures[0].html
    assert "an old client" in drawn(pictures[0])
    assert max(map(len, pictures[0].text.splitlines())) <= 80


def test_a_hostile_name_is_spelled_out(lab: Lab) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "\u202eevil <b>" + "x" * 40)])
    key = generate_key("EC P-256")
    draft = replace(authority_draft("Stranger CA", lifetime=YEAR), subject=name)
    stranger = Authority(certificate=sign(draft, public_key=key.public_key(), issuer=None, key=key), key=key)
    credential = stranger.issue("localhost", purpose="serverAuth")

    picture = certification_paths(credential, {"a & b": (lab.root.certificate,)})

    assert "\\u202eevil <b>" in picture.text
    assert "<b>" not in picture.html
    assert "a & b" in drawn(picture)
    assert max(map(len, picture.text.splitlines())) <= 80


def test_bytes_that_are_no_certificate_are_shown_as_refused(lab: Lab) -> None:
    text = certification_paths((Certificate(der=b"nonsense"),), {"the client": (lab.root.certificate,)}).text

    assert "✗ refused, and no path to a trust anchor either" in text


def test_nothing_to_show_and_too_many_verifiers_are_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="holds no certificate"):
        certification_paths((), {"the client": ()})
    with pytest.raises(ValueError, match="give one to 3"):
        certification_paths(lab.server, {})
    with pytest.raises(ValueError, match="give one to 3"):
        certification_paths(lab.server, dict.fromkeys("abcd", ()))


def test_the_chain_of_a_client_is_judged_for_its_purpose(lab: Lab) -> None:
    trusts = {"the server": (lab.root.certificate,)}

    assert "✓ accepted" in certification_paths(lab.alice, trusts, purpose="clientAuth").text
    assert "✗ expected a certificate for serverAuth" in certification_paths(lab.alice, trusts).text
    assert "✗" in certification_paths(replace(lab.server, chain=lab.server.chain), trusts, server_name="x.test").text
