"""The site as a reader meets it: built once by its command, read as HTML, and opened in a real Chromium.

Everything is in one file, so that it is built once: a file is what a process of the test run takes. MTLS_LAB_SITE names
a site that is built already, for whoever works on its looks.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from built_site import ROOT, Built, build, dead_links, outside_links
from mtls_lab.clients.atlas import Atlas, Meaning
from mtls_lab.clients.rosetta import STARTING, recorded
from mtls_lab.clients.rosetta.elsewhere import ELSEWHERE
from site_browser import Scheme, Tab, chromium, served, tab
from tools import program

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
SOLVED = sorted(path.stem for path in (ROOT / "notebooks" / "solved").glob("[0-9]*.ipynb"))
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
KINDS = (
    "index.html",
    "notebooks/00-two-switches.html",
    "notebooks/15-rosetta.html",
    "atlas.html?q=certificate%20verify%20failed",
    "gallery.html",
    "notebooks/glossary.html",
    "api/mtls_lab.handshake.html",
    "search.html?q=alert",
)
"""A page of each kind."""
BOUND_MB, BOUND_ATLAS_KB, BOUND_S = 25, 500, 900
"""The site, the two files of the atlas, and the building on a machine that does other things as well."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Built:
    named = os.environ.get("MTLS_LAB_SITE")
    if named:
        return Built(folder=Path(named), code=0, output="", seconds=0)
    return build(tmp_path_factory.mktemp("built") / "site")


@pytest.fixture(scope="module")
def browser(site: Built) -> Iterator[Browser]:
    # Asked here, not imported: the other folder's helpers choose the browser.
    named = os.environ.get("MTLS_LAB_CHROMIUM", "chromium")
    with chromium(program(named)) as running:
        yield running


@pytest.fixture(scope="module")
def atlas_tab(site: Built, browser: Browser) -> Iterator[Tab]:
    with tab(browser) as opened:
        opened.open(_address(site, "atlas.html"))
        yield opened


def _address(site: Built, page: str) -> str:
    path, _, query = page.partition("?")
    return (site.folder / path).as_uri() + (f"?{query}" if query else "")


# As it is built


def test_the_site_is_built_without_a_warning(site: Built, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nthe site: {site.seconds:.0f} s, {site.size / 1e6:.1f} MB, {len(site.pages)} pages")

    assert site.code == 0, site.output
    assert "WARNING" not in site.output
    assert site.seconds < BOUND_S
    assert site.size < BOUND_MB * 1e6


def test_nothing_is_left_in_the_checkout(site: Built) -> None:
    assert [path.name for path in (ROOT / "docs").iterdir() if path.name in ("_build", "api", "jupyter_execute")] == []


def test_no_link_and_no_anchor_is_dead(site: Built) -> None:
    assert dead_links(site.pages, site.folder) == []


def test_links_to_other_hosts_are_few_and_none_is_dialled(site: Built, capsys: pytest.CaptureFixture[str]) -> None:
    found = outside_links(site.pages)
    with capsys.disabled():
        print("\nlinks that leave the site:", *found, sep="\n  ")

    assert found
    assert [link for link in found if not link.startswith(("https://", "mailto:"))] == []


def test_no_page_loads_anything_from_elsewhere(site: Built) -> None:
    needed = {need for page in site.pages.values() for need in page.needs}

    assert [need for need in needed if re.match(r"(?i)(?:[a-z]+:)?//", need)] == []
    styles = list(site.folder.rglob("*.css"))
    assert styles
    loading = re.compile(r"@import|url\(\s*[\"']?(?:https?:)?//")
    assert [path.name for path in styles if loading.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solved"])
def test_every_notebook_is_there_in_order_and_named_at_the_side(site: Built, folder: str) -> None:
    names = LESSONS if folder == "notebooks" else SOLVED
    page = site.pages[site.folder / ("index.html" if folder == "notebooks" else "solved.html")]

    listed = [found[1] for link in page.links if (found := re.fullmatch(rf"{folder}/(\d[^/]*)\.html", link))]

    assert list(dict.fromkeys(listed)) == names
    assert all(site.folder / folder / f"{name}.html" in site.pages for name in names)


def test_no_learner_is_led_to_the_answers(site: Built) -> None:
    teaching = {path.stem for path in (ROOT / "docs").glob("*.md")} & {"answer-key", "instructor", "workshop"}
    start = site.pages[site.folder / "index.html"]
    places = {name: list(start.links).index(f"{name}.html") for name in teaching}

    # They stand at the side, in a section of their own below everything that is for learners.
    assert all(place > list(start.links).index("solved.html") for place in places.values())
    assert ("For instructors" in start.text) == bool(teaching)


def test_every_picture_has_words(site: Built) -> None:
    silent = [
        f"{page.path.name}: {str(picture.get('src'))[:60]}"
        for page in site.pages.values()
        for picture in page.pictures
        if not (picture.get("alt") or "").strip()
    ]

    assert sum(len(page.pictures) for page in site.pages.values()) > 50
    assert silent == []


def test_a_panel_is_there_in_words(site: Built) -> None:
    page = site.pages[site.folder / "notebooks" / "00-two-switches.html"]
    notebook = json.loads((ROOT / "notebooks" / "00-two-switches.ipynb").read_text(encoding="utf-8"))
    panels = [
        "".join(output["data"]["text/plain"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]

    assert panels
    assert all(words.strip().splitlines()[0] in page.text for words in panels)
    assert "VBox(" not in page.text


def test_the_reference_has_every_public_name_and_says_what_each_field_is(site: Built) -> None:
    import mtls_lab

    page = site.pages[site.folder / "api" / "mtls_lab.html"]
    everywhere = {anchor for one in site.pages.values() for anchor in one.anchors}

    assert [name for name in mtls_lab.__all__ if f"mtls_lab.{name}" not in page.anchors] == []
    assert "mtls_lab.handshake.Side.completed" in everywhere
    assert "The trust anchors (RFC 5280 section 6.1); empty trusts nobody." in page.text


# The atlas


def _messages() -> list[str]:
    """What programs printed, as a person pastes it: every recorded text, what was measured elsewhere, and wrapped."""
    rows = [row for row in recorded() if not row.accepted and row.client.name != STARTING]
    said = {words for row in rows for words in (row.client_words, row.server_words) if words}
    wrapped = [f"some log line\n{words}\nat port 8443" for words in sorted(said)[::7]]
    broken = [words[: len(words) // 2] for words in sorted(said)[::5]]
    odd = ["", "?", "\0" * 9, "(" * 500, "hello world, no TLS error at all", "curl: (58)", "certificate verify failed"]
    return [*sorted(said), *(other.words for other in ELSEWHERE), *wrapped, *broken, *odd]


def _plain(found: tuple[Meaning, ...]) -> list[object]:
    return [
        [one.words, one.said_by, list(one.programs), one.cases, one.source]
        + [[cause.slug, cause.side, cause.refused_by, round(cause.share, 9)] for cause in one.causes]
        for one in found
    ]


_LOOK_UP = """messages => messages.map(message => window.mtlsLabLookUp(message).map(one => [
  one.words, one.saidBy, one.programs, one.cases, one.source,
  ...one.causes.map(row => [row.cause.slug, row.cause.side, row.cause.refusedBy, Math.round(row.share * 1e9) / 1e9])
]))"""


@pytest.mark.browser
def test_the_page_finds_what_look_up_finds_in_the_same_order(atlas_tab: Tab) -> None:
    messages, look_up = _messages(), Atlas(recorded()).look_up
    found = atlas_tab.page.evaluate(_LOOK_UP, messages)

    other = [
        (message, theirs, ours)
        for message, theirs in zip(messages, found, strict=True)
        if theirs != (ours := _plain(look_up(message)))
    ]
    assert len(messages) > 400
    assert sum(1 for one in found if one) > 350
    assert other == []


@pytest.mark.browser
def test_a_message_is_looked_up_by_keyboard_and_the_count_is_announced(site: Built, browser: Browser) -> None:
    with tab(browser) as opened:
        opened.open(_address(site, "atlas.html"))
        page = opened.page
        box = page.get_by_label("The message, or a part of it")
        box.focus()
        page.keyboard.type("curl: (58) could not load PEM client certificate")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page.get_by_role("status")).to_contain_text("answers")
        first = page.locator(".atlas-meaning").first
        expect(first).to_contain_text("weak-hash")
        expect(first).to_contain_text("what mends it")
        first.get_by_role("link", name="weak-hash").click()
        expect(page).to_have_url(re.compile(r"gallery\.html#weak-hash$"))
        assert opened.wrong == []


@pytest.mark.browser
def test_what_nobody_says_is_said_so_and_clear_starts_again(site: Built, browser: Browser) -> None:
    with tab(browser) as opened:
        opened.open(_address(site, "atlas.html?q=hello%20world"))
        page = opened.page
        expect(page.get_by_role("status")).to_contain_text("No program in the atlas")

        page.get_by_role("button", name="Clear").click()

        expect(page.get_by_role("status")).to_be_empty()
        expect(page.get_by_label("The message, or a part of it")).to_be_focused()


@pytest.mark.browser
def test_without_scripts_the_atlas_is_a_table(site: Built, browser: Browser) -> None:
    with tab(browser, scripts=False) as opened:
        opened.open(_address(site, "atlas.html"))
        page = opened.page
        row = page.locator(".atlas-table tbody tr", has_text="pkix path building failed: unable to find").first

        expect(row).to_contain_text("java")
        expect(row).to_contain_text("untrusted-root at the server")
        expect(page.locator("#atlas-search")).to_be_hidden()
        expect(page.get_by_text("The search needs JavaScript.")).to_be_visible()


def test_the_atlas_is_small_enough_to_open_on_a_telephone(site: Built) -> None:
    files = (site.folder / "atlas.html", site.folder / "_static" / "atlas-data.js")

    assert sum(path.stat().st_size for path in files) < BOUND_ATLAS_KB * 1000


# In a browser


@pytest.mark.browser
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("page", KINDS)
def test_axe_finds_nothing(site: Built, browser: Browser, page: str, scheme: Scheme) -> None:
    with tab(browser, scheme=scheme) as opened:
        opened.open(_address(site, page))

        # Dark differs in its colours alone.
        assert opened.violations(only="color-contrast" if scheme == "dark" else None) == []


@pytest.mark.browser
def test_on_a_telephone_what_scrolls_sideways_can_be_reached(site: Built, browser: Browser) -> None:
    with tab(browser, width=390) as opened:
        opened.open(_address(site, "notebooks/05-what-crosses.html"))

        assert opened.page.locator(".cell_output .output[tabindex]").count() > 0
        assert opened.violations(only="scrollable-region-focusable") == []


@pytest.mark.browser
def test_every_page_opens_from_a_disk_asks_nobody_and_is_no_wider_than_the_screen(
    site: Built, browser: Browser
) -> None:
    wide = []
    with tab(browser, width=390) as opened:
        for path in site.pages:
            opened.open(path.as_uri())
            for width in (390, 1280):
                opened.page.set_viewport_size({"width": width, "height": 1000})
                if opened.too_wide:
                    wide.append(f"{path.relative_to(site.folder)}, {width} px: {opened.too_wide} px too wide")

        assert wide == []
        assert {address.partition(":")[0] for address in opened.asked} <= {"file", "data"}
        assert opened.wrong == []


@pytest.mark.browser
def test_the_site_works_below_a_path_of_a_server(site: Built, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "where").symlink_to(site.folder, target_is_directory=True)
    with served(tmp_path) as top, tab(browser) as opened:
        opened.open(f"{top}some/where/")
        opened.page.locator(".sidebar-tree").get_by_role("link", name="00 Who checks whom?").click()
        expect(opened.page.get_by_role("heading", level=1)).to_contain_text("Who checks whom?")
        opened.page.locator(".sidebar-search").fill("certificate_required")
        opened.page.keyboard.press("Enter")
        expect(opened.page.locator("#search-results li").first).to_be_visible()

        # The icon that every browser asks for by itself is at the top of the server, outside the site.
        outside = [address for address in opened.asked if not address.startswith((f"{top}some/where/", "data:"))]
        assert [address for address in outside if not address.endswith("/favicon.ico")] == []
        assert opened.wrong == []
