"""The page in a learner's folder."""

from collections.abc import Sequence


def readme(name: str, notebooks: Sequence[str]) -> str:
    """How to begin, what is where, what is kept and who sees it."""
    test = "\n" + _SELF_TEST if any(one.startswith("16-") for one in notebooks) else ""
    return _PAGE.format(
        name=name, first=notebooks[0], notebooks="\n".join(f"- `{one}`" for one in notebooks), test=test
    )


_SELF_TEST = """\
The self-test, `16-what-changed.ipynb`, has two halves: one before you begin, one when you are through.
"""
_PAGE = """\
# Mutual TLS: the lab of {name}

Open the lab from this folder:

    mtls-lab .

or open this folder in JupyterLab. Begin with `{first}` and run its cells from the top.
{test}
## What is here

{notebooks}
- `glossary.md`: every term of the course.
- `mtls-lab-learner.json`: your name and your seed. The seed makes some of your tasks differ from your neighbour's.
- `mtls-lab-progress.json`, once you have begun: what you have done.

## How an exercise works

Write your answer in place of the dots and run the cell: `check(...)` runs a real handshake and says what came of it.
Stuck? `hint("00-table")` is a nudge, and `hint("00-table", 2)` says more. An exercise that is right has three points;
the first hint is free, each further one costs a point. What you have earned stays.

    from mtls_lab.exercises import progress
    progress()

shows how far you are and what comes next.

## What is kept

`mtls-lab-progress.json` holds your name as above, and for each exercise how often you answered, the hints you took and
the points; and your answers to the self-test. No key, no host name, no time. Nothing is sent anywhere: your instructor
sees it when you hand the file in. It is your own word, not an examination: anybody can edit it.
"""
