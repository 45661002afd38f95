"""The panel, driven by its traits as a notebook or a test would."""

import json
import sys
from collections.abc import Iterator
from subprocess import run
from typing import NoReturn

import pytest

from mtls_lab.clients import PROGRAMS
from mtls_lab.handshake import CLIENT_LEVELS, SERVER_LEVELS, ClientLevel, Handshake, Scenario, ServerLevel, rehearse
from mtls_lab.views import switches
from mtls_lab.views.cast import choices
from mtls_lab.views.switches import IN_MEMORY, TwoSwitches


@pytest.fixture
def panel() -> Iterator[TwoSwitches]:
    made = TwoSwitches()
    yield made
    made.close()


def html(panel: TwoSwitches) -> str:
    """All the HTML it shows."""
    return f"{panel._status.value}{panel._typed.value}{panel._story.value}"


def test_it_starts_with_one_way_tls(panel: TwoSwitches) -> None:
    assert panel.handshake.accepted
    assert panel.explanation.title == "Accepted: one-way TLS"


@pytest.mark.parametrize("client", CLIENT_LEVELS)
@pytest.mark.parametrize("server", SERVER_LEVELS)
def test_every_position_of_both_switches_is_played(
    panel: TwoSwitches, client: ClientLevel, server: ServerLevel
) -> None:
    panel.client_verifies, panel.server_verifies = client, server

    assert panel.scenario.client.verifies == client
    assert panel.scenario.server.verifies == server
    assert panel.explanation.refused_by == ("server" if server == "required" else "neither")


@pytest.mark.parametrize("slug", choices("server"))
def test_every_fault_of_the_server_is_told(panel: TwoSwitches, slug: str) -> None:
    panel.server_presents = slug

    assert panel.error is None
    assert panel.explanation.refused_by == ("neither" if slug == "good" else panel.explanation.refused_by)
    assert 'role="status"' in panel._status.value


@pytest.mark.parametrize("slug", choices("client"))
def test_every_fault_of_the_client_is_told(panel: TwoSwitches, slug: str) -> None:
    panel.server_verifies = "required"
    panel.client_presents = slug

    assert panel.error is None
    assert panel.explanation.refused_by == ("neither" if slug == "good" else panel.explanation.refused_by)


def test_the_controls_follow_the_traits_and_the_traits_the_controls(panel: TwoSwitches) -> None:
    radio = panel.children[1].children[1].children[0]

    panel.server_verifies = "optional"
    assert radio.value == "optional"

    radio.value = "required"
    assert panel.server_verifies == "required"
    assert panel.explanation.cause == "absent"


def test_a_word_that_is_no_level_is_refused(panel: TwoSwitches) -> None:
    with pytest.raises(Exception, match="required"):
        panel.set_trait("server_verifies", "always")


def test_several_changes_at_once_make_one_handshake(panel: TwoSwitches, monkeypatch: pytest.MonkeyPatch) -> None:
    played = []

    def counted(scenario: Scenario) -> Handshake:
        played.append(scenario)
        return rehearse(scenario)

    monkeypatch.setattr(switches, "rehearse", counted)

    with panel.hold_trait_notifications():
        panel.client_verifies, panel.server_verifies, panel.client_presents = "chain", "required", "good"

    assert len(played) == 1
    assert panel.explanation.refused_by == "neither"


def test_reset_goes_back_to_the_start_in_one_step(panel: TwoSwitches) -> None:
    start = repr(panel), html(panel)
    panel.server_verifies, panel.server_presents, panel.server_name = "required", "expired", "127.0.0.1"
    assert (repr(panel), html(panel)) != start

    panel.reset()

    assert (repr(panel), html(panel)) == start


def test_an_error_is_shown_and_not_lost(panel: TwoSwitches, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> NoReturn:
        raise OSError("no room <b>")

    monkeypatch.setattr(switches, "rehearse", broken)
    panel.server_verifies = "required"

    assert panel.handshake is None
    assert panel.error == "This state could not be played. OSError: no room <b>"
    assert "no room &lt;b&gt;" in panel._status.value
    assert "no room" in repr(panel)

    monkeypatch.undo()
    panel.server_verifies = "optional"
    assert panel.error is None
    assert panel.explanation is not None


def test_the_verdict_is_announced_and_the_picture_has_alt_text(panel: TwoSwitches) -> None:
    panel.server_verifies = "required"

    assert '<div role="status" aria-live="polite"' in panel._status.value
    assert "The server refused the client" in panel._status.value
    assert '<img alt="A TLS handshake' in panel._story.value
    assert "<svg" not in html(panel)


def test_it_shows_the_line_for_exactly_this_state(panel: TwoSwitches) -> None:
    panel.client_verifies = "none"

    assert "curl -k" in panel._typed.value
    for name in PROGRAMS:
        assert name in panel._typed.value


def test_its_text_tells_the_state_and_the_verdict(panel: TwoSwitches) -> None:
    panel.server_verifies = "required"

    bundle = panel._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == (
        "Two switches: client verifies server: chain and name; server verifies client: required\n"
        "client presents: nothing; server presents: good; name dialled: localhost; TLS 1.2 and 1.3; in memory\n"
        "✗ The server refused the client: The client presented no certificate"
    )


def test_two_panels_show_the_same_bytes(panel: TwoSwitches) -> None:
    other = TwoSwitches()
    try:
        assert (repr(other), html(other)) == (repr(panel), html(panel))
    finally:
        other.close()


def test_its_saved_state_needs_no_kernel(panel: TwoSwitches) -> None:
    state = panel.get_state()

    assert json.dumps(state, default=lambda widget: widget.model_id)
    assert not {"scenario", "handshake", "client_verifies"} & set(state)


def test_it_can_be_closed_twice() -> None:
    panel = TwoSwitches()

    panel.close()
    panel.close()


@pytest.mark.live
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("version", ["TLS 1.2 only", "TLS 1.3 only"])
@pytest.mark.parametrize("slug", ["nothing", "good", "untrusted-root", "expired"])
def test_a_live_program_tells_the_same_story_as_the_rehearsal(
    panel: TwoSwitches, program: str, slug: str, version: str
) -> None:
    with panel.hold_trait_notifications():
        panel.server_verifies, panel.client_presents, panel.versions = "required", slug, version
    explanation, story = panel.explanation, panel._story.value

    panel.program = program

    if panel.call.missing:
        pytest.skip(panel.call.missing)
    assert panel.error is None
    assert panel.handshake.client_port is not None
    assert panel.explanation == explanation
    assert panel._story.value == story


@pytest.mark.live
def test_a_refusal_without_an_alert_is_said_so(panel: TwoSwitches) -> None:
    panel.server_presents = "wrong-host"

    panel.program = "curl"

    if panel.call.missing:
        pytest.skip(panel.call.missing)
    assert panel.explanation.refused_by == "client"
    assert "no alert: the server is not told" in panel._story.value


@pytest.mark.live
def test_the_proxy_is_switched_not_restarted(panel: TwoSwitches) -> None:
    panel.program = "requests"
    port = panel._proxy.port

    panel.server_verifies = "required"
    panel.program = IN_MEMORY
    panel.program = "requests"

    assert panel._proxy.port == port


@pytest.mark.live
def test_a_missing_program_is_said_so(panel: TwoSwitches, monkeypatch: pytest.MonkeyPatch) -> None:
    if "curl" not in PROGRAMS:
        pytest.skip("no curl in the registry of clients")
    monkeypatch.setenv("PATH", "")

    panel.program = "curl"

    assert panel.handshake is None
    assert "curl is not installed" in panel._status.value


def test_views_need_no_ipywidgets_until_the_panel_is_used() -> None:
    code = "import sys, mtls_lab.views; mtls_lab.views.show; print('ipywidgets' in sys.modules)"

    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
