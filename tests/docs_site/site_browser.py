"""The site in a real Chromium that can look no name up, from a disk or under a path of a server on loopback."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PATIENCE_MS = 30_000
Scheme = Literal["light", "dark"]
FLAGS = ("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--disable-quic", "--force-color-profile=srgb")
# What a closed `<details>` holds is not judged, and the pale words prove that axe looks at colours at all.
_ALL_OPEN_AND_PLANTED = """() => {
  document.querySelectorAll('details').forEach(details => { details.open = true; });
  document.querySelector('article').insertAdjacentHTML(
    'beforeend', '<p class="planted" style="color:#dddddd;background:#ffffff">pale words</p>');
}"""


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Browser, *, scheme: Scheme = "light", width: int = 1280, scripts: bool = True) -> Iterator["Tab"]:
    """A new tab for a person who wants that colour scheme."""
    context = browser.new_context(
        viewport={"width": width, "height": 1000}, color_scheme=scheme, java_script_enabled=scripts
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield Tab(context)
    finally:
        context.close()


class Tab:
    """A tab, what it asked for, and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: list[str] = []
        """Every address that was asked for."""
        self.wrong: list[str] = []
        """Exceptions of scripts, and requests without an answer."""
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("requestfailed", lambda request: self.wrong.append(f"{request.url}: {request.failure}"))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        self.page: Page = context.new_page()
        """The page in it."""

    def open(self, address: str) -> None:
        """Go there, and wait until all is loaded."""
        self.page.goto(address, wait_until="load")

    @property
    def too_wide(self) -> int:
        """By how many pixels the page must be scrolled sideways; 0 for none."""
        found: int = self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        return max(found, 0)

    def violations(self, *, only: str | None = None) -> list[str]:
        """What axe finds, a line each, by all its rules or by one; raises where it does not find what is planted."""
        self.page.evaluate(_ALL_OPEN_AND_PLANTED)
        options: dict[str, Any] = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
        rules = Axe().run(self.page, options=options).response["violations"]
        nodes = [(rule, node) for rule in rules for node in rule["nodes"]]
        others = [(rule, node) for rule, node in nodes if 'class="planted"' not in node["html"]]
        assert only not in (None, "color-contrast") or len(nodes) > len(others), (
            "axe did not find the planted pale words: it looked at nothing"
        )
        return [_line(*other) for other in others]


def _line(rule: dict[str, Any], node: dict[str, Any]) -> str:
    reasons = [check["message"] for check in (*node["any"], *node["all"], *node["none"])]
    return f"{rule['id']}: {node['html'][:160]}: {'; '.join(reasons)}"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on loopback; the address of its top, with a slash at the end."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name for it
        """Say nothing."""
