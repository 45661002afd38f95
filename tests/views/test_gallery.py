"""The gallery's panel, driven by its traits as a notebook or a test would."""

import json
from collections.abc import Iterator
from typing import NoReturn

import pytest

from mtls_lab.handshake import Role, explain
from mtls_lab.handshake.exhibits import EXHIBITS
from mtls_lab.handshake.gallery import KINDS, Visit, visit
from mtls_lab.views import gallery
from mtls_lab.views.gallery import NOT_YET, Gallery
from mtls_lab.views.gallery_story import BOTH, CLIENT_ALONE, EVIDENCE, SERVER_ALONE


@pytest.fixture
def panel() -> Iterator[Gallery]:
    made = Gallery()
    yield made
    made.close()


def html(panel: Gallery) -> str:
    """All the HTML it shows."""
    return f"{panel._intro.value}{panel._status.value}{panel._story.value}"


def test_what_happened_is_covered_until_there_is_a_guess(panel: Gallery) -> None:
    assert panel.visit.explanation.refused_by == "server"
    assert panel._story.value == ""
    assert "refused" not in panel._status.value

    panel.guess = "server"

    assert "As you said" in panel._status.value
    assert "The server refused the client" in panel._status.value
    assert panel._story.value


def test_a_wrong_guess_is_told_and_uncovers_too(panel: Gallery) -> None:
    panel.guess = "neither"

    assert "✗ You said neither: the server gave up." in panel._status.value
    assert panel._story.value


@pytest.mark.parametrize(("trait", "value"), [("exhibit", "expired"), ("side", "server"), ("tls", "TLSv1.2")])
def test_another_exhibit_is_covered_again(panel: Gallery, trait: str, value: str) -> None:
    panel.guess = "server"

    setattr(panel, trait, value)

    assert panel.guess == NOT_YET
    assert panel._story.value == ""


@pytest.mark.parametrize(("seen", "role"), [(CLIENT_ALONE, "client"), (SERVER_ALONE, "server")])
def test_one_end_alone_shows_what_that_end_can_know(panel: Gallery, seen: str, role: Role) -> None:
    panel.guess, panel.seen = "server", seen

    told = explain(panel.visit.handshake.seen_by(role))
    assert told.title in panel._status.value
    assert f"<strong>{told.confidence}</strong>" in panel._story.value
    assert f"seen_by(&quot;{role}&quot;)" in panel._story.value


def test_the_client_alone_is_led_astray_where_both_sides_know(panel: Gallery) -> None:
    panel.guess = "server"
    assert "The server does not trust Lab Root CA" in panel._status.value
    assert "alert unknown ca" in panel._story.value

    panel.seen = BOTH
    assert "The verifier trusts an intermediate, and wants a root" in panel._status.value
    assert '<img alt="A TLS handshake' in panel._story.value


def test_the_evidence_shows_what_was_judged_and_by_what(panel: Gallery) -> None:
    panel.guess, panel.seen = "server", EVIDENCE

    assert "Lab Issuing CA (an intermediate, issued by Lab Root CA, in time)" in panel._story.value


@pytest.mark.parametrize("slug", EXHIBITS)
def test_every_exhibit_is_on_show_at_every_side_and_in_every_version(panel: Gallery, slug: str) -> None:
    panel.exhibit = slug
    for panel.side in EXHIBITS[slug].sides:
        for panel.tls in EXHIBITS[slug].versions:
            panel.guess, panel.seen = "neither", BOTH

            assert panel.error is None
            assert panel.visit.explanation.cause == EXHIBITS[slug].cause
            assert panel.kind == next(kind for kind, slugs in KINDS.items() if slug in slugs)
            assert panel._exhibits.value == slug


def test_who_picks_an_exhibit_is_shown_a_side_that_can_have_it(panel: Gallery) -> None:
    panel.exhibit = "wrong-host"
    assert (panel.side, panel.tls) == ("server", "TLSv1.3")

    panel.exhibit = "no-common-cipher"
    assert panel.tls == "TLSv1.2"


def test_a_side_that_cannot_have_the_fault_is_told_which_can(panel: Gallery) -> None:
    panel.exhibit = "wrong-host"
    panel.side = "client"

    assert panel.visit is None
    assert "only at the server" in panel._status.value
    assert "only at the server" in repr(panel)


def test_another_question_shows_its_first_exhibit(panel: Gallery) -> None:
    panel.kind = "Which lists are there?"

    assert panel.exhibit == panel._exhibits.value == "revoked"
    assert [slug for _, slug in panel._exhibits.options] == list(KINDS[panel.kind])


def test_the_controls_follow_the_traits_and_the_traits_the_controls(panel: Gallery) -> None:
    kind, exhibits = panel.children[1], panel.children[2]

    panel.exhibit = "stale-crl"
    assert (kind.value, exhibits.value) == ("Which lists are there?", "stale-crl")

    exhibits.value = "no-crl"
    assert panel.exhibit == "no-crl"
    kind.value = "When is it valid?"
    assert panel.exhibit == "expired"


def test_an_exhibit_that_was_played_is_not_played_again(panel: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    played = []

    def counted(*arguments: object, **named: object) -> Visit:
        played.append(arguments)
        return visit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(gallery, "visit", counted)
    for panel.exhibit in ("revoked", "stale-crl", "revoked"):
        for panel.seen in (BOTH, CLIENT_ALONE):
            panel.guess = "server"

    assert len(played) == 2


def test_an_error_is_shown_and_not_lost(panel: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise OSError("no room <b>")

    monkeypatch.setattr(gallery, "visit", broken)
    panel.exhibit = "revoked"

    assert panel.error == "This exhibit could not be played. OSError: no room <b>"
    assert "no room &lt;b&gt;" in panel._status.value

    monkeypatch.undo()
    panel.exhibit = "stale-crl"
    assert panel.error is None
    assert panel.visit is not None


def test_the_result_is_announced_and_nothing_is_an_inline_picture(panel: Gallery) -> None:
    panel.guess, panel.seen = "server", BOTH

    assert '<div role="status" aria-live="polite"' in panel._status.value
    assert "<svg" not in html(panel)


def test_its_text_tells_the_state_and_the_result(panel: Gallery) -> None:
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == (
        "Gallery: intermediate-as-anchor, at the client, in TLS 1.3\n"
        "your guess: not yet; seen by: the client alone\n"
        "Who will refuse? Guess first: what happened is covered until you do."
    )

    panel.guess = "server"

    assert repr(panel).endswith(
        "✓ As you said: the server gave up.\n"
        "✗ The server refused the client: The server does not trust Lab Root CA (possible)"
    )


def test_two_panels_show_the_same_bytes(panel: Gallery) -> None:
    other = Gallery()
    try:
        for one in (panel, other):
            one.guess, one.seen = "server", EVIDENCE
        assert (repr(other), html(other)) == (repr(panel), html(panel))
    finally:
        other.close()


def test_its_saved_state_needs_no_kernel(panel: Gallery) -> None:
    state = panel.get_state()

    assert json.dumps(state, default=lambda widget: widget.model_id)
    assert not {"visit", "exhibit", "guess"} & set(state)
