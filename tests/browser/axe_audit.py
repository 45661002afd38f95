"""axe-core on our own outputs only: Lab around them has violations of its own that we cannot mend.

Lab misleads axe in three ways, and each time axe answers "no violation" for words it never looked at:

1. Lab's `<body>` is 0 pixels high and hides what overflows; axe takes all text in it for invisible. It gets a height.
2. What Lab's scrolling area cuts off is not judged. The window is made as tall as the notebook.
3. What a closed `<details>` holds is not judged. They are opened first.

So every audit plants pale words in each output, and counts whether axe finds them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from lab_page import LabPage

_EVERYTHING_SHOWS = """() => {
  document.body.style.height = '100vh';
  document.querySelectorAll('.jp-OutputArea details:not([open])').forEach(details => {
    details.open = true;
    details.dataset.opened = '';
  });
  document.querySelectorAll('.jp-OutputArea-output').forEach(output => output.insertAdjacentHTML(
    'beforeend', '<p class="planted" style="color:#dddddd;background:#ffffff">pale words</p>'));
}"""
_AS_BEFORE = """() => {
  document.body.style.height = '';
  document.querySelectorAll('[data-opened]').forEach(details => {
    details.open = false;
    delete details.dataset.opened;
  });
  document.querySelectorAll('.planted').forEach(planted => planted.remove());
}"""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What axe says of the outputs of a notebook."""

    planted: int
    """How many outputs there are: in each stand pale words that it has to find."""
    found: int
    """How many of them it found."""
    violations: list[str]
    """All else: a line each, with the rule, the element and the reason."""


def audit(lab: LabPage) -> Audit:
    """Let axe judge all outputs of the notebook, the panel among them."""
    context, options = {"include": [[".jp-OutputArea-output"]]}, {"resultTypes": ["violations"]}
    with _everything_shown(lab):
        planted = lab.page.locator(".planted").count()
        rules = Axe().run(lab.page, context=context, options=options).response["violations"]
    nodes = [(rule, node) for rule in rules for node in rule["nodes"]]
    others = [(rule, node) for rule, node in nodes if 'class="planted"' not in node["html"]]
    return Audit(planted=planted, found=len(nodes) - len(others), violations=[_line(*other) for other in others])


def _line(rule: dict[str, Any], node: dict[str, Any]) -> str:
    reasons = [check["message"] for check in (*node["any"], *node["all"], *node["none"])]
    return f"{rule['id']}: {node['html'][:160]}: {'; '.join(reasons)}"


@contextmanager
def _everything_shown(lab: LabPage) -> Iterator[None]:
    lab.page.evaluate(_EVERYTHING_SHOWS)
    try:
        with lab.unrolled():
            yield
    finally:
        lab.page.evaluate(_AS_BEFORE)
