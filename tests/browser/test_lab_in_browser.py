"""The lab as a learner meets it: `mtls-lab`, JupyterLab, a real Chromium, notebook 00 and its panel.

One server and one browser serve this module. They end with it, and so everything is in one module: while Playwright
runs, an event loop runs in this thread, and tests elsewhere could not start one.

Each test of the panel starts with a reset; every wait is for a condition. On a failure there is a picture of the page
beside the other pictures, in MTLS_LAB_SCREENSHOTS or else in pytest's own folder.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from axe_audit import audit
from lab_page import PATIENCE_MS, LabPage, Panel, Theme, Traffic, browser_name, chromium
from lab_server import ROOT, LabServer, lab_server
from tools import program

pytestmark = pytest.mark.browser

FIRST = "00-two-switches.ipynb"
# The solved ones run in the same kernel with nbval; here they would only cost time.
OTHERS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb") if path.name != FIRST)
THEMES: tuple[Theme, ...] = ("Light", "Dark")
CLIENT, SERVER = "client verifies server", "server verifies client"


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """Notebook 00 just after a clone: nothing has run, nothing is trusted."""

    trusted: bool
    """Whether Lab trusts any code cell."""
    interruptions: list[str]
    """The words of dialogs and pop-ups."""
    pictures: list[dict[str, Any]]
    """Every picture: `alt`, and `width`, which is 0 when it does not show."""
    table: str
    """The words of the truth table."""
    panel: str
    """What stands where the panel will be."""
    silent: list[int]
    """The cells that have outputs of which nothing shows."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    program(browser_name())
    with lab_server(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: LabServer) -> Iterator[tuple[BrowserContext, Traffic]]:
    with chromium(program(browser_name())) as running:
        yield running


@pytest.fixture(scope="module")
def traffic(browser: tuple[BrowserContext, Traffic]) -> Traffic:
    return browser[1]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for screenshots."""
    named = os.environ.get("MTLS_LAB_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen(
    request: pytest.FixtureRequest, browser: tuple[BrowserContext, Traffic], pictures: Path
) -> Iterator[None]:
    """No exception in the page during any test; a picture of every tab when a test fails."""
    context, traffic = browser
    errors, failures = len(traffic.errors), request.session.testsfailed
    yield
    if request.session.testsfailed > failures:
        for number, page in enumerate(context.pages):
            page.screenshot(path=pictures / f"failed-{request.node.name.replace('/', '-')}-{number}.png")
    assert traffic.errors[errors:] == []


@pytest.fixture(scope="module")
def fresh(server: LabServer, browser: tuple[BrowserContext, Traffic]) -> tuple[LabPage, FirstLook]:
    """The page that `mtls-lab` opens, and what it shows before anything is run."""
    lab = LabPage(browser[0].new_page(), server)
    lab.enter()
    lab.until_ready()
    with lab.unrolled():
        look = FirstLook(
            trusted=lab.trusted(),
            interruptions=lab.interruptions(),
            pictures=lab.pictures(),
            table=lab.output("truth_table(client").inner_text(),
            panel=lab.output("panel = TwoSwitches()").inner_text(),
            silent=lab.silent_cells(),
        )
    return lab, look


@pytest.fixture(scope="module")
def first_look(fresh: tuple[LabPage, FirstLook]) -> FirstLook:
    return fresh[1]


@pytest.fixture(scope="module")
def played(fresh: tuple[LabPage, FirstLook]) -> LabPage:
    """Notebook 00 with every cell run."""
    lab = fresh[0]
    lab.run_all()
    return lab


@pytest.fixture
def panel(played: LabPage) -> Panel:
    """The panel at its start."""
    # Chromium gives a tab in the background little time.
    played.page.bring_to_front()
    panel = Panel(played.page)
    panel.reset()
    return panel


@pytest.fixture(scope="module")
def second_tab(server: LabServer, browser: tuple[BrowserContext, Traffic]) -> LabPage:
    """A tab with a workspace of its own, for the other notebooks."""
    lab = LabPage(browser[0].new_page(), server)
    lab.enter("lab/workspaces/second")
    return lab


# A reader of a clone that is not trusted sees every result


def test_a_clone_is_not_trusted(first_look: FirstLook) -> None:
    assert not first_look.trusted


def test_the_lab_opens_without_news_or_questions(first_look: FirstLook) -> None:
    assert first_look.interruptions == []


def test_every_picture_shows_untrusted_and_has_alt_text(first_look: FirstLook) -> None:
    assert len(first_look.pictures) >= 4
    for picture in first_look.pictures:
        assert picture["width"] > 0 and picture["alt"].startswith("A TLS handshake"), picture


def test_the_truth_table_shows_untrusted(first_look: FirstLook) -> None:
    for words in ("nothing", "alice's", "a stranger's", "chain and name", "✗", "accepted"):
        assert words in first_look.table


def test_the_panel_tells_its_state_in_words_untrusted(first_look: FirstLook) -> None:
    assert "client verifies server: chain and name; server verifies client: none" in first_look.panel
    assert "✓ Accepted: one-way TLS" in first_look.panel


def test_no_result_is_lost_untrusted(first_look: FirstLook) -> None:
    assert first_look.silent == []


# The notebook runs


def test_every_cell_runs_without_an_error(played: LabPage) -> None:
    assert played.complaints() == []


# Both switches


def test_both_switches_are_flipped_by_mouse(panel: Panel) -> None:
    panel.level(CLIENT, "none").click()
    assert panel.verdict("nobody was verified").startswith("!")

    panel.level(SERVER, "required").click()
    refused = panel.verdict("The server refused the client: The client presented no certificate")
    assert refused.startswith("✗")

    panel.choice("client presents").select_option("good")
    panel.verdict("the client did not verify the server")

    panel.level(CLIENT, "chain and name").click()
    assert panel.verdict("Accepted: mutual TLS").startswith("✓")


def test_both_switches_are_flipped_by_keyboard_alone(panel: Panel) -> None:
    keyboard = panel.root.page.keyboard
    panel.level(CLIENT, "none").focus()

    keyboard.press("Space")
    panel.verdict("nobody was verified")

    panel.tab_to(panel.level(SERVER, "required"))
    keyboard.press("Space")
    panel.verdict("The server refused the client: The client presented no certificate")

    panel.tab_to(panel.level(CLIENT, "chain and name"), backwards=True)
    keyboard.press("Space")
    expect(panel.level(CLIENT, "chain and name")).to_be_checked(timeout=PATIENCE_MS)
    panel.tab_to(panel.level(SERVER, "optional"))
    keyboard.press("Space")
    panel.verdict("Accepted without a client certificate: it is optional")


def test_a_fault_is_chosen_by_keyboard_alone(panel: Panel) -> None:
    # Lab takes the keys from a list that is closed, not from an open one (jupyter-widgets/ipywidgets issue 3912).
    keyboard = panel.root.page.keyboard
    panel.level(CLIENT, "chain and name").focus()

    panel.tab_to(panel.choice("server presents"))
    keyboard.press("Space")
    keyboard.type("exp")
    keyboard.press("Enter")

    panel.verdict("The client refused the server: The server's certificate has expired")
    panel.tab_to(panel.root.get_by_role("button", name="reset"))
    keyboard.press("Enter")
    panel.verdict("Accepted: one-way TLS")


@pytest.mark.live
@pytest.mark.parametrize("name", ["requests", "curl"])
def test_a_live_program_brings_the_same_verdict(panel: Panel, name: str) -> None:
    if name == "curl":
        program("curl")
    panel.level(SERVER, "required").click()
    rehearsed = panel.verdict("The client presented no certificate")
    picture = panel.picture()

    panel.choice("program").select_option(name)
    expect(panel.root).to_contain_text(f"{name} says", timeout=PATIENCE_MS)
    assert (panel.status.inner_text(), panel.picture()) == (rehearsed, picture)

    panel.choice("client presents").select_option("good")
    panel.verdict("Accepted: mutual TLS")


# What it looks like


@pytest.mark.parametrize("theme", THEMES)
def test_panel_and_ladder_follow_the_theme(panel: Panel, played: LabPage, pictures: Path, theme: Theme) -> None:
    played.change_theme(theme)
    panel.level(SERVER, "required").click()
    panel.verdict("The client presented no certificate")

    ladder, table = played.output("show(rehearse(both_on))"), played.output("truth_table(client")
    with played.unrolled():
        panel.root.screenshot(path=pictures / f"panel-{theme.lower()}.png")
        ladder.screenshot(path=pictures / f"ladder-{theme.lower()}.png")
        table.screenshot(path=pictures / f"table-{theme.lower()}.png")
    assert (panel.lightness(panel.status) > 0.5) == (theme == "Dark")
    assert ladder.locator("img").evaluate("image => image.naturalWidth") > 0


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_the_planted_fault_in_every_output_and_nothing_else(
    panel: Panel, played: LabPage, theme: Theme
) -> None:
    played.change_theme(theme)
    panel.choice("server presents").select_option("wrong-host")
    panel.verdict("The client refused the server")

    result = audit(played)

    assert result.violations == []
    assert result.found == result.planted > 10


# From saved state, and the other notebooks


def test_a_trusted_notebook_shows_the_panel_before_anything_runs(server: LabServer, second_tab: LabPage) -> None:
    # Lab trusts content: with the same content, the notebook of the first look would be trusted as well.
    notebook = json.loads((server.notebooks / FIRST).read_text(encoding="utf-8"))
    notebook["metadata"]["title"] = "trusted"
    copy = server.notebooks / "trusted.ipynb"
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    server.trust(copy)

    second_tab.open("trusted.ipynb")

    assert second_tab.trusted()
    panel = Panel(second_tab.page)
    second_tab.scroll_until("panel = TwoSwitches()", panel.root)
    assert panel.verdict("Accepted: one-way TLS")
    expect(panel.level(CLIENT, "chain and name")).to_be_checked()
    assert panel.picture().startswith("A TLS handshake")
    second_tab.end()


@pytest.mark.live
@pytest.mark.parametrize("notebook", OTHERS)
def test_every_other_notebook_runs_without_an_error(second_tab: LabPage, notebook: str) -> None:
    second_tab.open(notebook)

    second_tab.run_all()

    assert second_tab.complaints() == []
    second_tab.end()


# Last: about everything above


def test_nothing_leaves_this_machine(panel: Panel, played: LabPage, traffic: Traffic) -> None:
    assert len(traffic.addresses) > 50
    assert any(address.startswith("ws://") for address in traffic.addresses)
    assert traffic.hosts <= {"127.0.0.1", "localhost"}
    # What a page asked for and no longer wanted when it was left, is cut off (ERR_ABORTED): that is no look-up.
    assert [failed for failed in traffic.failed if "ERR_ABORTED" not in failed] == []
    # The server would ask the network on behalf of the page.
    assert [
        address for address in traffic.addresses if "/lab/api/news" in address or "/lab/api/update" in address
    ] == []


def test_nothing_ever_interrupted_the_learner(panel: Panel, played: LabPage) -> None:
    assert played.interruptions() == []
