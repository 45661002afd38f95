"""Lay out what Sphinx is given: the repository's pages where they stand on the site, with links that lead there.

A page keeps its place but for two things: what is in docs/ moves to the top, and three pages are made (the table of
notebooks on the start page, the atlas, the reference). New pages and notebooks are found by their names alone.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from documentation import atlas_page, gallery_page, navigation, reference
from documentation.links import Links

_WIDE = ("gallery.md",)
"""Pages whose tables want the whole width."""


def stage(root: Path, folder: Path) -> None:
    """Write the sources of the site into the folder, from the repository at `root`."""
    folder.mkdir(parents=True, exist_ok=True)
    places = places_of(root)
    for name in ("conf.py", "_static"):
        _copy(root / "docs" / name, folder / name)
    links = Links(root=root, places=places)
    for source, place in places.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(_page(source, place, links), encoding="utf-8")
        elif source.suffix == ".ipynb":
            target.write_text(_notebook(source, links), encoding="utf-8")
        else:
            _copy(source, target)
    index = folder / "index.md"
    pages = [place for place in places.values() if place.suffix in (".md", ".ipynb")]
    index.write_text(navigation.start_page(index.read_text(encoding="utf-8"), folder, pages), encoding="utf-8")
    (folder / "solved.md").write_text(navigation.solved_page(folder, pages), encoding="utf-8")
    atlas_page.write(folder)
    reference.write(folder / "api")


def places_of(root: Path) -> dict[Path, Path]:
    """Every file that goes on the site, and where it stands there."""
    found: dict[Path, Path] = {}
    for path in _files(root / "docs", ("*.md", "**/*.md", "*.svg", "*.png")):
        found[path] = path.relative_to(root / "docs")
    for path in _files(root / "notebooks", ("[0-9]*.ipynb", "solved/[0-9]*.ipynb", "*.md")):
        found[path] = path.relative_to(root)
    found[root / "CHANGELOG.md"] = Path("changelog.md")
    found[root / "CONTRIBUTING.md"] = Path("contributing.md")
    return found


def _files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if not any(part.startswith("_") for part in path.relative_to(folder).parts))


def _page(source: Path, place: Path, links: Links) -> str:
    text = links.rewritten(source.read_text(encoding="utf-8"), source)
    if place.name == "gallery.md":
        text = gallery_page.adapted(text)
    return f"---\nhide-toc: true\n---\n\n{text}" if str(place) in _WIDE else text


def _notebook(source: Path, links: Links) -> str:
    notebook = json.loads(source.read_text(encoding="utf-8"))
    # The widgets' saved state is for a live front end: a fifth of the file, and read by nobody here.
    notebook["metadata"].pop("widgets", None)
    # `!openssl ...` is IPython's, not Python's.
    notebook["metadata"]["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = links.rewritten("".join(cell["source"]), source)
    return json.dumps(notebook)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copyfile(source, target)
