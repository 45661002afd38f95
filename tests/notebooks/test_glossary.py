"""The glossary and the notebooks hold together: every bold term leads to a word, and every word is led to."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

import notebook_lint
import notebooks

GLOSSARY = notebooks.NOTEBOOKS / "glossary.md"
LESSONS = {target.name: target for target in notebooks.targets()}
LINK = r"\[([^\]]+)\]\(((?:\.\./)?glossary\.md)#([^)\s]+)\)"


def sections() -> dict[str, str]:
    """Each heading with what stands below it, in the order of the page."""
    pieces = re.split(r"(?m)^## (.*)$", GLOSSARY.read_text(encoding="utf-8"))
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


ENTRIES = sections()
ANCHORS = {notebook_lint.anchor(heading): heading for heading in ENTRIES}


@cache
def prose(target: notebooks.Target) -> str:
    """All Markdown of a notebook, as it is made."""
    cells = notebooks.compose(target).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def sources_linked_from(anchor: str) -> Iterator[str]:
    for name, target in LESSONS.items():
        if not target.solved and any(found[3] == anchor for found in re.finditer(LINK, prose(target))):
            yield name


@pytest.mark.parametrize("name", LESSONS)
def test_every_bold_term_is_a_link(name: str) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(prose(LESSONS[name]))])

    assert list(notebook_lint.bold_terms_link_to_the_glossary(notebook)) == []


@pytest.mark.parametrize("name", LESSONS)
def test_every_link_leads_to_a_heading_from_where_the_notebook_is(name: str) -> None:
    target = LESSONS[name]

    links = [(found[2], found[3]) for found in re.finditer(LINK, prose(target))]

    assert [page for page, _ in links if (target.path.parent / page).resolve() != GLOSSARY] == []
    assert sorted({anchor for _, anchor in links} - ANCHORS.keys()) == []


def test_every_word_is_linked_from_a_notebook_or_named_by_another_one() -> None:
    named = {anchor for heading, text in ENTRIES.items() for anchor in re.findall(r"\]\(#([^)]+)\)", text)
             if anchor != notebook_lint.anchor(heading)}  # fmt: skip

    lonely = [anchor for anchor in ANCHORS if anchor not in named and not any(sources_linked_from(anchor))]

    assert lonely == []


def test_the_headings_are_in_small_letters_in_order_and_each_stands_once() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^#+ (.*)$", text)[1:]

    assert headings == sorted(set(headings))
    # JupyterLab keeps capitals and signs in an anchor, GitHub does not: without them there is one rule.
    assert [heading for heading in headings if not re.fullmatch(r"[a-z0-9_-]+(?: [a-z0-9_-]+)*", heading)] == []


@pytest.mark.parametrize("heading", ENTRIES)
def test_an_entry_says_what_it_means_where_it_is_from_where_it_shows_and_what_others_say(heading: str) -> None:
    body, *labels = re.split(r"\*(From:|Shown in|Elsewhere:)\*", ENTRIES[heading].strip())
    sentences = re.findall(r"[.?](?=\s|$)", body)

    assert labels[::2] == ["From:", "Shown in", "Elsewhere:"]
    assert 1 <= len(sentences) <= 5
    assert all(len(text.strip()) > 5 for text in labels[1::2])


@pytest.mark.parametrize("heading", ENTRIES)
def test_the_notebooks_and_words_that_an_entry_names_exist(heading: str) -> None:
    text = ENTRIES[heading]
    shown = re.findall(r"\[notebook (\d\d)\]\(([^)]+)\)", text)

    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= ANCHORS.keys()
    assert len(shown) == len(re.findall(r"notebook \d\d", text)) > 0
    assert [page for number, page in shown if not page.startswith(number) or page[:-6] not in LESSONS] == []


@pytest.mark.parametrize("name", LESSONS)
def test_the_notebook_that_an_entry_names_speaks_of_it(name: str) -> None:
    """A term that moved to another notebook moves in the glossary, too."""
    target = LESSONS[name]
    told = re.sub(r"\W+", " ", target.source.read_text(encoding="utf-8").lower())
    owed = [heading for heading, text in ENTRIES.items() if f"]({target.source.stem}.ipynb)" in text]

    absent = [heading for heading in owed if not re.search(spoken(heading), told)]

    assert absent == []


def spoken(heading: str) -> str:
    """How prose and code speak of it; an ending may change (revoke, revoked; pinning, pinned)."""
    others = {"subject alternative name": "subjectaltname", "pinning": "pin", "resume": "resum", "revoke": "revo"}
    words = re.sub(r"\W+", " ", others.get(heading, heading))
    return words.rstrip("ey")


def test_the_page_uses_the_words_of_the_guide() -> None:
    # A heading is a word of the standard: client-cert is RFC 9440's.
    text = re.sub(r"(?m)^#.*$", "", GLOSSARY.read_text(encoding="utf-8"))

    assert list(notebook_lint.forbidden_words(text)) == []


@pytest.mark.parametrize(
    "words", ["ssl_verify_client", "verify-full", "badssl.com", "SSL certificate", "issuer", "sslv3"]
)
def test_the_words_of_other_programs_are_found(words: str) -> None:
    assert words in GLOSSARY.read_text(encoding="utf-8")


def test_a_learners_folder_gets_the_glossary(tmp_path: Path) -> None:
    from mtls_lab import cli

    cli.lay_out(tmp_path)

    assert (tmp_path / "glossary.md").read_bytes() == GLOSSARY.read_bytes()
