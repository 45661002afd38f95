"""JupyterLab in a browser tab, and the panel in it, as a person meets them: by roles and by words.

Lab's state is read from `jupyterapp`, which the server exposes: the DOM has no element that says "the last cell has
run". Everything waits on a condition; a time-out means that it never came true.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, WebSocket, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotShown

from lab_server import LabServer

PATIENCE_MS = 60_000
Theme = Literal["Light", "Dark"]
# Chromium looks up names of its own accord (sign-in, updates), with Playwright's own switches, too.
FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    "--disable-quic",
    "--force-color-profile=srgb",
)

# No promise in it: Playwright takes one for "true".
_READY = """() => {
  const widget = jupyterapp.shell.currentWidget;
  const session = widget?.sessionContext;
  return !!session?.isReady && widget.context.isReady && session.session?.kernel?.status === 'idle';
}"""
_RUN_ALL = """async () => {
  await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
_COMPLAINTS = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, number) => {
  if (cell.model.type !== 'code' || !cell.model.sharedModel.source.trim()) return [];
  const tags = cell.model.getMetadata('tags') ?? [];
  const bad = cell.model.outputs.toJSON().filter(output =>
    (output.output_type === 'error' && !tags.includes('raises-exception')) || output.name === 'stderr');
  const words = bad.map(output => `cell ${number}: ${output.ename ?? ''} ${output.evalue ?? output.text}`);
  return cell.model.executionCount ? words : [`cell ${number} did not run`, ...words];
})"""
_TRUSTED = """() => jupyterapp.shell.currentWidget.content.widgets.some(
  cell => cell.model.type === 'code' && cell.model.trusted)"""
_SILENT = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, number) => {
  if (cell.model.type !== 'code' || cell.model.outputs.length === 0) return [];
  const shown = [...cell.node.querySelectorAll('.jp-OutputArea-output')];
  const speaks = output => output.innerText.trim() || [...output.querySelectorAll('img')].some(one => one.naturalWidth);
  return shown.length >= cell.model.outputs.length && shown.every(speaks) ? [] : [number];
})"""
_NEEDED = """() => {
  document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0;
  return document.querySelector('.jp-WindowedPanel-viewport').offsetHeight;
}"""
_IS_AS_TALL = "height => document.querySelector('.jp-WindowedPanel-outer').clientHeight >= height"
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# A transition or a style sheet that still loads would be in the picture.
_THEME_IS_ON = """dark => {
  const colour = getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor;
  const [red, green, blue] = colour.match(/[0-9]+/g).map(Number);
  return document.body.dataset.jpThemeLight === String(!dark) && (red + green + blue < 380) === dark;
}"""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What the browser sent, and what it complained about."""

    addresses: list[str] = field(default_factory=list)
    """Every address asked for, WebSockets too."""
    failed: list[str] = field(default_factory=list)
    """Requests that got no answer, each with the browser's reason."""
    errors: list[str] = field(default_factory=list)
    """Exceptions that no script caught."""

    @property
    def hosts(self) -> set[str]:
        """The hosts that were asked."""
        parts = [urlsplit(address) for address in self.addresses]
        return {part.hostname or "" for part in parts if part.scheme not in ("data", "blob", "about")}


@contextmanager
def chromium(executable: str) -> Iterator[tuple[BrowserContext, Traffic]]:
    """Run a browser, and note what it sends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            # Tall enough for the whole panel: a picture of an element ends at the edge of Lab's scrolling area.
            context = browser.new_context(viewport={"width": 1280, "height": 1700})
            context.set_default_timeout(PATIENCE_MS)
            yield context, _watched(context)
        finally:
            browser.close()


def _watched(context: BrowserContext) -> Traffic:
    traffic = Traffic()

    def watch_sockets(page: Page) -> None:
        def note(socket: WebSocket) -> None:
            traffic.addresses.append(socket.url)

        page.on("websocket", note)

    context.on("page", watch_sockets)
    context.on("request", lambda request: traffic.addresses.append(request.url))
    context.on("requestfailed", lambda request: traffic.failed.append(f"{request.url}: {request.failure}"))
    context.on("weberror", lambda error: traffic.errors.append(str(error.error)))
    return traffic


class LabPage:
    """One tab with the lab in it."""

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page = page
        """The tab."""
        self._server = server

    def enter(self, path: str = "") -> None:
        """Go to a page of the server, by default the one that `mtls-lab` opens, and wait for Lab itself."""
        self.page.goto(self._server.address(path))
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate("async () => { await jupyterapp.restored; }")

    def open(self, notebook: str) -> None:
        """Open a notebook of the lab's folder in this tab."""
        # In braces: the command's answer is the widget, and Playwright would copy it, with all that hangs on it.
        self.page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', {path}); }", notebook)
        self.page.wait_for_function("path => jupyterapp.shell.currentWidget?.context?.path === path", arg=notebook)
        self.until_ready()

    def scroll_to(self, source: str) -> None:
        """Bring the cell whose source begins so into view: Lab draws a cell out of sight only when it is idle."""
        self.page.bring_to_front()
        self.page.evaluate(
            """async source => {
                const notebook = jupyterapp.shell.currentWidget.content;
                const starts = cell => cell.model.sharedModel.getSource().startsWith(source);
                await notebook.scrollToItem(notebook.widgets.findIndex(starts));
            }""",
            source,
        )

    def scroll_until(self, source: str, shown: Locator) -> None:
        """Bring that cell into view until it shows this: pictures that load above it push it out of sight again."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while True:
            self.scroll_to(source)
            try:
                shown.wait_for(state="attached", timeout=PATIENCE_MS / 10)
            except NotShown:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def until_ready(self) -> None:
        """Wait until the notebook is loaded and its kernel idle."""
        self.page.wait_for_function(_READY)

    def end(self) -> None:
        """Shut the kernel down and close the notebook without saving it."""
        self.page.evaluate("""async () => {
            const widget = jupyterapp.shell.currentWidget;
            await widget.sessionContext.shutdown();
            widget.dispose();
        }""")

    def run_all(self) -> None:
        """Take all outputs away, run every cell, and wait for the last one."""
        self.page.evaluate(_RUN_ALL)

    def complaints(self) -> list[str]:
        """Errors and words on stderr in the outputs, and cells that did not run."""
        found: list[str] = self.page.evaluate(_COMPLAINTS)
        return found

    @contextmanager
    def unrolled(self) -> Iterator[None]:
        """Make the window as tall as the notebook: what Lab's scrolling area cuts off has no words and no colours."""
        size = self.page.viewport_size
        height = 0
        # More than one round: only what has been in the window once has its true height.
        while (needed := self.page.evaluate(_NEEDED)) > height:
            height = needed
            self.page.set_viewport_size({"width": 1280, "height": height + 400})
            # Lab lays its panels out in answer to the resize.
            self.page.wait_for_function(_IS_AS_TALL, arg=height)
            self.page.evaluate(_TWO_FRAMES)
        try:
            yield
        finally:
            if size is not None:
                self.page.set_viewport_size(size)

    def trusted(self) -> bool:
        """Whether Lab trusts any code cell of the notebook."""
        return bool(self.page.evaluate(_TRUSTED))

    def silent_cells(self) -> list[int]:
        """The cells that have outputs, of which nothing shows: no words and no picture."""
        found: list[int] = self.page.evaluate(_SILENT)
        return found

    def change_theme(self, theme: Theme) -> None:
        """Switch Lab's theme and wait until the notebook has its colours."""
        switch = "async theme => { await jupyterapp.commands.execute('apputils:change-theme', {theme}); }"
        self.page.evaluate(switch, f"JupyterLab {theme}")
        self.page.wait_for_function(_THEME_IS_ON, arg=theme == "Dark")

    def output(self, source: str) -> Locator:
        """The outputs of the code cell that holds these words."""
        cell = self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-InputArea", has_text=source))
        return cell.locator(".jp-OutputArea-output")

    def pictures(self) -> list[dict[str, Any]]:
        """Every `<img>` in the outputs: `alt`, and `width`, which is 0 when it does not show."""
        images = self.page.locator(".jp-OutputArea-output img")
        found: list[dict[str, Any]] = images.evaluate_all(
            """images => Promise.all(images.map(async image => {
                await image.decode().catch(() => null);
                return {alt: image.alt, width: image.naturalWidth};
            }))"""
        )
        return found

    def interruptions(self) -> list[str]:
        """The words of every dialog and every pop-up."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()


class Panel:
    """The two switches of the notebook in a tab."""

    def __init__(self, page: Page) -> None:
        self.root = page.locator(".mtls-lab-two-switches")
        """The whole panel."""
        self.status = self.root.get_by_role("status")
        """What a screen reader announces."""

    def level(self, switch: str, level: str) -> Locator:
        """One position of a switch."""
        return self.root.locator(".widget-radio", has_text=switch).get_by_role("radio", name=level, exact=True)

    def choice(self, name: str) -> Locator:
        """A drop-down list."""
        return self.root.get_by_label(name, exact=True)

    def verdict(self, words: str) -> str:
        """The whole verdict, as soon as it holds these words."""
        # Out of sight it would have no words: Lab lets the browser skip it.
        self.root.scroll_into_view_if_needed()
        expect(self.status).to_contain_text(words, use_inner_text=True, timeout=PATIENCE_MS)
        return self.status.inner_text()

    def picture(self) -> str:
        """The words that stand for the ladder."""
        return self.root.locator("img").get_attribute("alt") or ""

    def lightness(self, words: Locator) -> float:
        """How light the colour of these words is, from 0 (black) to 1 (white)."""
        share: float = words.evaluate(
            """element => getComputedStyle(element.querySelector('strong') ?? element).color
                .match(/[0-9]+/g).slice(0, 3).map(Number).reduce((sum, part) => sum + part) / 765"""
        )
        return share

    def tab_to(self, control: Locator, *, backwards: bool = False) -> None:
        """Press Tab until the control has the focus."""
        for _ in range(40):
            if control.evaluate("element => element === document.activeElement"):
                return
            self.root.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        raise AssertionError(f"the Tab key does not reach {control}")

    def reset(self) -> None:
        """Press the button, and wait until every control is back."""
        self.root.get_by_role("button", name="reset").click()
        expect(self.level("client verifies server", "chain and name")).to_be_checked(timeout=PATIENCE_MS)
        expect(self.level("server verifies client", "none")).to_be_checked(timeout=PATIENCE_MS)
        start = {"client presents": "nothing", "server presents": "good", "program": "in memory"}
        for name, value in start.items():
            expect(self.choice(name)).to_have_value(value, timeout=PATIENCE_MS)
        self.verdict("Accepted: one-way TLS")


def browser_name() -> str:
    """The browser to run: MTLS_LAB_CHROMIUM, else the first that is installed, by its path; else `chromium`."""
    named = os.environ.get("MTLS_LAB_CHROMIUM")
    installed = map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))
    return named or next(filter(None, installed), "chromium")
