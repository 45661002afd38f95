"""The site as it is built, read with the standard library's parser: its pages, links, anchors and pictures."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
_OUTSIDE = ("http", "https", "mailto")


@dataclass(frozen=True, kw_only=True)
class Built:
    """What building the site came to."""

    folder: Path
    """Where it is."""
    code: int
    """The command's exit code."""
    output: str
    """What it printed, and what Sphinx warned of."""
    seconds: float
    """How long it took."""

    @cached_property
    def pages(self) -> dict[Path, "Page"]:
        """Every page, by its path."""
        return {path: read(path) for path in sorted(self.folder.rglob("*.html"))}

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page refers to, and what can be referred to in it."""

    path: Path
    """Where it is."""
    anchors: frozenset[str]
    """Every `id`, and every `name` of an anchor."""
    links: tuple[str, ...]
    """What its links lead to, as written."""
    needs: tuple[str, ...]
    """What a browser loads by itself: scripts, styles, pictures, frames."""
    pictures: tuple[dict[str, str | None], ...]
    """The attributes of every `<img>`."""
    text: str
    """Its words."""


def build(folder: Path) -> Built:
    """Build the site by its command, as anybody would."""
    began = time.monotonic()
    command = [sys.executable, str(ROOT / "tools" / "build_docs.py"), str(folder)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder.parent
    )
    return Built(folder=folder, code=done.returncode, output=done.stdout, seconds=time.monotonic() - began)


def read(path: Path) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return Page(
        path=path,
        anchors=frozenset(reader.anchors),
        links=tuple(reader.links),
        needs=tuple(reader.needs),
        pictures=tuple(reader.pictures),
        text="".join(reader.words),
    )


def dead_links(pages: dict[Path, Page], folder: Path) -> list[str]:
    """The links of the pages that lead to no file, out of the folder, or to no anchor: a line each."""
    return [
        f"{page.path.relative_to(folder)}: {link}: {reason}"
        for page in pages.values()
        for link in dict.fromkeys((*page.links, *page.needs))
        if (reason := _dead(link, page, pages, folder))
    ]


def outside_links(pages: dict[Path, Page]) -> list[str]:
    """The links that lead to other hosts: listed, never dialled."""
    links = {link for page in pages.values() for link in page.links if urlsplit(link).scheme in _OUTSIDE}
    return sorted(links)


def _dead(link: str, page: Page, pages: dict[Path, Page], folder: Path) -> str | None:
    parts = urlsplit(link)
    if parts.scheme in (*_OUTSIDE, "data"):
        return None
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return "works in one place only"
    target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if not target.is_relative_to(folder.resolve()):
        return "leads out of the site"
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    # The theme's own "back to top" is `#`.
    if anchor and target in pages and anchor not in pages[target].anchors:
        return "no such anchor"
    return None


@dataclass
class _Reader(HTMLParser):
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    pictures: list[dict[str, str | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.anchors.add(found["id"] or "")
        if tag == "a":
            self.anchors.add(found.get("name") or "")
            self.links.append(found.get("href") or "")
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "shortcut icon", "preload", "prefetch"):
            self.needs.append(found.get("href") or "")
        if tag == "img":
            self.pictures.append(found)
        if tag in ("script", "img", "iframe", "source", "embed", "audio", "video") and "src" in found:
            self.needs.append(found["src"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
