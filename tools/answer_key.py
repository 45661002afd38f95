"""Write the answer key, docs/answer-key.md: `python tools/answer_key.py [--check]`.

Nothing in it is written by hand. The solutions are the `solution` cells of the notebooks' sources, what the lab says to
them stands in the solved notebooks, tasks and hints in the exercises, and what a wrong answer is told in the code of
their checks (wrong_answers.py reads it). A new notebook or exercise is found by its file. `--check` writes nothing and
fails where the page is not what the sources say.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

import notebooks
from mtls_lab.exercises import find
from written_page import write_or_check
from wrong_answers import wrong_answers

PAGE = Path(__file__).parents[1] / "docs" / "answer-key.md"
_HEAD = """# Answer key

For whoever teaches the course: every exercise with its solution, what the lab says to it, its hints, and what a wrong
answer is told. Made by `python tools/answer_key.py` from the notebooks' sources and from `mtls_lab/exercises/`; do not
edit it. [instructor.md](instructor.md) has the paths through the course.

Other answers than these may be right, too: a check does not compare, it runs what it is given. In the tables of wrong
answers the left column is the condition as it stands in the code of the check, and `…` is filled in when it is found.
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One pair of an exercise cell and its solution."""

    code: str
    """The solution."""
    said: str
    """What the solved notebook shows below it."""

    @property
    def slug(self) -> str | None:
        """The exercise that is checked; None for a prediction, and where nothing is checked."""
        found = re.search(r"""\bcheck\(\s*["']([\w-]+)["']""", self.code)
        return found[1] if found else None


def page(folder: Path = notebooks.NOTEBOOKS) -> str:
    """The whole page."""
    solved = [target for target in notebooks.targets(folder) if target.solved]
    return "\n".join([_HEAD, *(line for target in solved for line in _chapter(target))])


def answers(target: notebooks.Target) -> tuple[Answer, ...]:
    """Every exercise of a solved notebook, in order."""
    saved = {cell.id: cell for cell in nbformat.read(target.path, as_version=4).cells}
    return tuple(
        Answer(code=cell.source, said=_said(saved[cell.id]))
        for cell in notebooks.compose(target).cells
        if "solution" in cell.metadata.get("tags", ())
    )


def _said(cell: Any) -> str:
    outputs = cell.get("outputs", ())
    return "\n".join((output.get("text") or output.get("data", {}).get("text/plain", "")).strip() for output in outputs)


def _chapter(target: notebooks.Target) -> Iterator[str]:
    stem, first = target.source.stem, notebooks.compose(target).cells[0].source
    title = re.search(r"(?m)^# (.*)$", first)
    yield f"## {stem[:2]}: {title[1] if title else stem}\n"
    yield f"[The lesson](../notebooks/{stem}.ipynb), [the solved notebook](../notebooks/solved/{stem}.ipynb).\n"
    found = answers(target)
    predictions = [one for one in found if one.slug is None and "predict(" in one.code]
    if predictions:
        yield from ("### Predictions\n", _row("answer", "what the lab says"), _row("---", "---"))
        yield from (_row(_inline(one.code), _plain(one.said)) for one in predictions)
        yield ""
    others = [one for one in found if one.slug is None and one not in predictions]
    if others:
        yield "### Not checked\n"
        yield from (f"```python\n{one.code}\n```\n\n```text\n{one.said}\n```\n" for one in others)
    for one in found:
        if one.slug is not None:
            yield from _exercise(one, one.slug)


def _exercise(answer: Answer, slug: str) -> Iterator[str]:
    exercise = find(slug)
    yield f"### {slug}\n"
    yield f"{exercise.task}\n"
    yield f"```python\n{answer.code}\n```\n"
    yield f"The lab says: {_plain(answer.said)}\n"
    yield "Hints:\n"
    yield from (f"{step}. {_plain(hint)}" for step, hint in enumerate(exercise.hints, start=1))
    yield ""
    told = wrong_answers(exercise.check)
    if told:
        yield from (_row("a wrong answer", "what it is told"), _row("---", "---"))
        yield from (_row(_inline(one.when) if one.when else "otherwise", _plain(one.told)) for one in told)
        yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _inline(code: str) -> str:
    """Code on one line, between as many backticks as it takes."""
    line = " ".join(code.split())
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def _plain(words: str) -> str:
    """Words in which nothing is taken for markup, but code stays code."""
    pieces = re.split(r"(`[^`]*`)", " ".join(words.split()))
    return "".join(piece if piece.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", piece) for piece in pieces)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page; 1 where it is out of date."""
    return write_or_check(page, PAGE, Path(__file__), __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
