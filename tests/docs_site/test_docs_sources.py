"""What Sphinx is given: pages in their places, links that lead there, docstrings as reStructuredText."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from documentation import gallery_page, navigation, pages, reference
from documentation.links import Links
from documentation.stage import places_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def links(tmp_path: Path) -> Links:
    """A repository with a page, a notebook, its glossary, and a file that is not on the site."""
    for name in ("docs/certs.md", "docs/index.md", "notebooks/00-a.ipynb", "notebooks/solved/00-a.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    for name in ("notebooks/glossary.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        (tmp_path / name).write_text("", encoding="utf-8")
    return Links(root=tmp_path, places=places_of(tmp_path))


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("docs/certs.md", "[a](../notebooks/00-a.ipynb)", "[a](notebooks/00-a.ipynb)"),
        ("notebooks/solved/00-a.ipynb", "[**t**](../glossary.md#a-term)", "[**t**](../glossary.md#a-term)"),
        ("notebooks/glossary.md", "[c](../docs/certs.md#x)", "[c](../certs.md#x)"),
        ("CHANGELOG.md", "[all](notebooks/solved)", "[all](solved.md)"),
        ("docs/certs.md", "the [licence](../LICENSE) says", "the licence says"),
        ("docs/certs.md", "[out](https://example.org/a_(b)) [here](#b)", "[out](https://example.org/a_(b)) [here](#b)"),
        ("docs/certs.md", "`[a](nowhere.md)` and\n\n```sh\n[b](nowhere.md)\n```\n", None),
    ],
)
def test_a_link_leads_to_the_same_page_on_the_site(links: Links, source: str, text: str, expected: str | None) -> None:
    assert links.rewritten(text, links.root / source) == (text if expected is None else expected)


@pytest.mark.parametrize("target", ["nowhere.md", "../../../etc/hostname"])
def test_a_link_to_no_file_of_the_repository_is_an_error_that_names_both(links: Links, target: str) -> None:
    with pytest.raises(ValueError, match=f"docs/certs.md: the link to '{re.escape(target)}' leads to no file"):
        links.rewritten(f"[a]({target})", links.root / "docs/certs.md")


def test_the_gallery_keeps_every_row_and_gets_an_anchor_for_each() -> None:
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    slugs = re.findall(r"(?m)^\| `([\w-]+)` \|", text)

    adapted = gallery_page.adapted(text)

    assert slugs
    assert re.findall(r"(?m)^\| \[`([\w-]+)`\]\{#([\w-]+)\} \|", adapted) == [(slug, slug) for slug in slugs]


def test_a_row_of_the_gallery_with_another_number_of_cells_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 cells in place of 8"):
        gallery_page.adapted("| `expired` | too | few |")


def test_an_instructors_page_stands_in_a_section_of_its_own(tmp_path: Path) -> None:
    start = navigation.start_page("# Start\n", tmp_path, [Path("certs.md"), Path("answer-key.md"), Path("odd.md")])

    sections = dict(re.findall(r":caption: (.+)\n\n((?:.+\n)+?)```", start))

    assert sections["Commands"].split() == ["certs"]
    assert sections["More"].split() == ["odd"]
    assert sections["For instructors"].split() == ["answer-key"]


def test_a_docstrings_prose_is_escaped_and_its_code_is_left_alone() -> None:
    lines = ["A *star*, a | and `*args` of name_ here.", "", "    curl -v *", "", ">>> 2 * 3", "6", "", "a * b"]

    assert list(reference._marked(lines)) == [
        "A \\*star\\*, a \\| and ``*args`` of name\\_ here.",
        "",
        "::",
        "",
        "    curl -v *",
        "",
        ">>> 2 * 3",
        "6",
        "",
        "a \\* b",
    ]


def test_what_scrolls_can_be_reached_and_no_two_regions_have_one_name() -> None:
    page = '<h1>x</h1><pre>a</pre><div class="table-wrapper docutils">1</div><div class="table-wrapper">2</div>'

    mended = pages.mended(page)

    assert '<pre tabindex="0">' in mended
    assert re.findall(r'<div tabindex="0" role="region" aria-label="([^"]+)"', mended) == ["table 1", "table 2"]


@pytest.mark.parametrize(
    ("folder", "reason"), [("docs", "is inside the checkout"), ("{full}", "holds something that is no site")]
)
def test_a_folder_that_the_site_would_spoil_is_refused_by_name(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    target = str(tmp_path) if folder == "{full}" else str(ROOT / folder)

    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "build_docs.py"), target], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert reason in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
