"""What is mended in every page of HTML when all are written: what the theme owes keyboards and screen readers."""

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

_SAID = (
    # Two landmarks of a kind must be told apart.
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="site">'),
    ('<aside class="toc-drawer', '<aside aria-label="on this page" class="toc-drawer'),
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    # What is wider than the page scrolls: the keyboard must reach it (WCAG 2.1.1).
    ("<pre>", '<pre tabindex="0">'),
)
_TABLE = re.compile(r'<div class="table-wrapper')
_SIGNATURE = re.compile(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", re.DOTALL)


def setup(app: Any) -> None:
    """Have Sphinx call us when it is done."""
    # After the theme, which writes at that moment, too.
    app.connect("build-finished", _mend_all, priority=900)


def _mend_all(app: Any, exception: Exception | None) -> None:
    if exception is None:
        for path in sorted(Path(app.outdir).rglob("*.html")):
            path.write_text(mended(path.read_text(encoding="utf-8")), encoding="utf-8")


def mended(page: str) -> str:
    """The page with what is missing."""
    for old, new in _SAID:
        page = page.replace(old, new)
    page = _TABLE.sub(_numbered(), page)
    # A signature over many lines is a list of definitions without a term.
    page = _SIGNATURE.sub(lambda found: f'<div class="sig-lines">{_lines(found[1])}</div>', page)
    if "<h1" not in page:
        page = page.replace('id="furo-main-content">', 'id="furo-main-content">\n<h1>Search</h1>', 1)
    return page


def _numbered() -> Callable[[re.Match[str]], str]:
    numbers = count(1)
    return lambda _: f'<div tabindex="0" role="region" aria-label="table {next(numbers)}" class="table-wrapper'


def _lines(definitions: str) -> str:
    return definitions.replace("<dd>", "<div>").replace("</dd>", "</div>")
