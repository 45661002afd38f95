"""Projector mode: what it puts into a notebook, and that a browser makes it large and dark enough."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab.views import projector
from tools import program

BROWSER = Path(__file__).parents[1] / "browser"
INLINE_SIZES = r"(?<![\w-])font-size:(\d+px)"
VIEWS = sorted((Path(__file__).parents[2] / "mtls_lab" / "views").glob("*.py"))


def style() -> str:
    return projector()._repr_html_().partition("<style>")[2].partition("</style>")[0]


def test_it_says_what_it_does_and_how_to_end_it() -> None:
    assert repr(projector()) == ("Projector mode: on, as long as this output is there. projector(on=False) ends it.")
    assert repr(projector(on=False)) == "Projector mode: off, as long as this output is there."


def test_the_same_call_gives_the_same_bytes() -> None:
    assert projector()._repr_html_() == projector()._repr_html_()
    assert not re.search(r"\b0x|\d{4}-\d\d-\d\d|localhost|127\.", projector()._repr_html_())


def test_it_is_a_style_sheet_and_words_and_asks_for_nothing() -> None:
    html = projector()._repr_html_()

    assert set(re.findall(r"<(\w+)", html)) == {"style", "p", "span"}
    assert not re.search(r"url\(|@import|https?:", html)


def test_where_the_style_sheet_is_taken_away_the_words_say_so() -> None:
    left = re.sub(r"(?s)<style>.*</style>", "", projector()._repr_html_())

    assert "It is not on yet: run this cell." in left


def test_it_hides_nothing_but_the_sentence_that_it_is_not_on() -> None:
    hiding = [rule for rule in style().splitlines() if re.search(r"display:none|visibility|opacity:0|clip", rule)]

    assert hiding == [".mtls-lab-projector-idle{display:none}"]


def test_off_says_so_in_a_class_and_carries_no_style_sheet() -> None:
    html = projector(on=False)._repr_html_()

    assert 'class="mtls-lab-projector-off"' in html
    assert "<style" not in html


@pytest.mark.parametrize("on", [0, "off", None])
def test_anything_but_true_and_false_is_refused_with_what_to_write(on: object) -> None:
    with pytest.raises(TypeError, match=r"projector\(on=False\) off"):
        projector(on=on)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_every_size_that_a_view_writes_into_its_html_becomes_larger(path: Path) -> None:
    """An element with a size of its own does not follow the page's."""
    sizes = set() if path.stem == "projector" else set(re.findall(INLINE_SIZES, path.read_text(encoding="utf-8")))

    assert [size for size in sizes if f'[style*="font-size:{size}"]' not in style()] == []


# in a browser: a page with the names that JupyterLab uses, and our output in it

PAGE = """
<body data-jp-theme-light="{light}" style="margin:0;background:{paper}">
<style>:root {{ --jp-content-font-size1: 14px; --jp-content-font-color1: {grey} }}
 p {{ font-size: var(--jp-content-font-size1); color: var(--jp-content-font-color1) }}</style>
<div class="jp-Notebook"><p id="prose">words</p>
<div class="jp-OutputArea-output jp-RenderedHTMLCommon" style="width:1128px">
<table style="max-width:860px"><tr><td id="cell" style="font-size:14px">cell</td></tr></table>
<img id="picture" alt="a" width="860" style="max-width:100%;height:auto" src="data:image/svg+xml;base64,{svg}">
</div>{outputs}</div></body>
"""
SCRIPT = """
import json, sys
from lab_page import browser_name, chromium
import shutil
with chromium(shutil.which(browser_name())) as (context, _):
    page, seen = context.new_page(), []
    for html in json.load(sys.stdin):
        page.set_content(html)
        seen.append(page.evaluate('''() => {
            const of = (name, what) => getComputedStyle(document.getElementById(name))[what];
            return {prose: of('prose', 'fontSize'), ink: of('prose', 'color'), cell: of('cell', 'fontSize'),
                    picture: document.getElementById('picture').offsetWidth,
                    words: document.body.innerText.includes('not on yet')};
        }'''))
print(json.dumps(seen))
"""
SVG = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI4NjAiIGhlaWdodD0iMTAiLz4="


def page(*outputs: object, light: bool = True) -> str:
    shown = "".join(f"<div class='jp-OutputArea-output'>{one._repr_html_()}</div>" for one in outputs)  # type: ignore[attr-defined]
    paper, grey = ("#fff", "#333") if light else ("#111", "#ccc")
    return PAGE.format(light=str(light).lower(), paper=paper, grey=grey, svg=SVG, outputs=shown)


def look(*pages: str) -> list[dict[str, object]]:
    """What a real browser makes of these pages. In a process of its own: Playwright leaves a running event loop."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(pages),
        cwd=BROWSER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: list[dict[str, object]] = json.loads(done.stdout)
    return seen


@pytest.mark.browser
def test_a_browser_makes_type_and_pictures_larger_and_ink_black_or_white() -> None:
    program("chromium")

    before, light, dark, off = look(
        page(), page(projector()), page(projector(), light=False), page(projector(), projector(on=False))
    )

    assert (before["prose"], before["cell"], before["picture"]) == ("14px", "14px", 860)
    assert (light["prose"], light["cell"], light["picture"]) == ("20px", "20px", 1128)
    assert (light["ink"], dark["ink"]) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert light["words"] is False
    # Off wins, though the style sheet is still in the page. The sentence that it is not on would then be true.
    assert {key: off[key] for key in ("prose", "ink", "cell", "picture")} == {
        key: before[key] for key in ("prose", "ink", "cell", "picture")
    }
