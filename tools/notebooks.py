"""Make the notebooks from their sources: `python tools/notebooks.py [--check] [NAME ...]`.

One source per notebook, `notebooks/sources/NN-slug.py` (jupytext's percent format), makes two notebooks:

    notebooks/NN-slug.ipynb           the lesson: exercises are stubs
    notebooks/solved/NN-slug.ipynb    the same with the solutions in place of the stubs

Cell tags in the source decide what goes where: `# %% tags=["exercise"]` marks a stub, the next cell must be its
`solution`; `lesson-only` and `solved-only` do what they say. A source links to a word of the glossary as the lesson
does, `[**alert**](glossary.md#alert)`; in the solved notebook that leads one folder up. Both notebooks are executed,
each in its own folder, by a fresh kernel of this Python in an environment without proxy and trust variables.

Running this again changes no byte (see stable.py); `--check` proves it and writes nothing. The outputs of cells tagged
`nbval-ignore-output`, whose words differ between versions and systems, are not compared, by nbval neither: a notebook
in which nothing else changed is left as it is.
"""

import argparse
import difflib
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from stable import as_text, comparable, drop_what_varies, settled

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CELL_TIMEOUT_S = 60
# What a machine may set that changes what programs trust, where they connect, or what they print.
UNWANTED = (
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "MTLS_LAB_SEED",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "PYTHONWARNINGS",
    "REQUESTS_CA_BUNDLE",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
GLOSSARY = "](glossary.md#"
"""How a lesson's link to the glossary begins."""
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A notebook to make."""

    source: Path
    """The percent script it is made from."""
    solved: bool
    """Whether it shows the solutions."""

    @property
    def path(self) -> Path:
        """Where it goes."""
        folder = self.source.parents[1]
        return (folder / "solved" if self.solved else folder) / f"{self.source.stem}.ipynb"

    @property
    def name(self) -> str:
        """How it is called in messages and tests: `00-slug` or `solved/00-slug`."""
        return f"solved/{self.source.stem}" if self.solved else self.source.stem


def targets(folder: Path = NOTEBOOKS) -> tuple[Target, ...]:
    """Every notebook that the sources make, lesson before solved."""
    sources = sorted((folder / "sources").glob("[0-9]*.py"))
    return tuple(Target(source=source, solved=solved) for source in sources for solved in (False, True))


def compose(target: Target) -> Any:
    """The notebook before it is executed: the right cells, fixed ids, nothing left over from jupytext."""
    source = jupytext.read(target.source, fmt="py:percent")
    cells = _choose(source.cells, target)
    for cell in cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if target.solved and cell.cell_type == "markdown":
            cell.source = cell.source.replace(GLOSSARY, GLOSSARY.replace("(", "(../"))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    # Cell ids came with 4.5.
    notebook.nbformat_minor = 5
    return notebook


def _choose(cells: Sequence[Any], target: Target) -> list[Any]:
    """The cells of this notebook, each with the id of its place in the source."""
    left_out = {"exercise", "lesson-only"} if target.solved else {"solution", "solved-only"}
    chosen, before = [], set[str]()
    for position, cell in enumerate(cells):
        tags = set(cell.metadata.get("tags", ()))
        if ("solution" in tags) != ("exercise" in before):
            where = f"{target.source.name}, cell {position}: {cell.source[:60]!r}"
            raise ValueError(f"{where}: an `exercise` cell must be followed at once by its one `solution` cell")
        cell.id = f"cell-{position:03}"
        if not tags & left_out:
            chosen.append(cell)
        before = tags
    if "exercise" in before:
        raise ValueError(f"{target.source.name}: its last cell is an exercise without a solution")
    return chosen


def make(target: Target) -> str:
    """The text of the notebook, executed. Raises CellExecutionError where a cell fails that should not."""
    notebook = compose(target)
    target.path.parent.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=True,
        # Errors only: ipykernel warns of every kernel that its loopback TCP is not encrypted.
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(target.path.parent)}},
    )
    client.execute(env=clean_environment())
    drop_what_varies(notebook)
    return as_text(notebook)


def clean_environment() -> dict[str, str]:
    """This environment without what would change what programs trust, reach or print."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in UNWANTED}
    # Plain text from every program, in the same words everywhere; and nobody's progress in a notebook.
    return kept | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC", "MTLS_LAB_PROGRESS": "off"}


def difference(target: Target, made: str) -> str:
    """What differs between the notebook on disk and the one made now, as a unified diff; empty when nothing does."""
    saved = target.path.read_text(encoding="utf-8") if target.path.exists() else ""
    if saved == made or (saved and settled(saved) == saved and comparable(saved) == comparable(made)):
        return ""
    # HTML is one long line in an output: broken at its tags, the part that differs comes into sight.
    before, after = (text.replace("><", ">\n<").splitlines() for text in (saved, made))
    lines = difflib.unified_diff(
        before,
        after,
        fromfile=f"{target.name} as committed",
        tofile=f"{target.name} as made now",
        lineterm="",
        n=2,
    )
    return "\n".join(line[:200] for line in list(lines)[:60])


def main(arguments: Sequence[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    """Make or check the notebooks; the exit code is 1 if one fails or differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the start of a name, such as 03 (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a notebook would change")
    options = parser.parse_args(arguments)
    chosen = [
        target
        for target in targets(folder)
        if not options.names or any(target.source.stem.startswith(name) for name in options.names)
    ]
    if not chosen:
        parser.error(f"no source in {folder / 'sources'} is called like that")
    # Two at a time: a kernel spends half of its time starting.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return int(sum(pool.map(lambda target: _one(target, check=options.check), chosen)) > 0)


def _one(target: Target, *, check: bool) -> bool:
    """Make or check one notebook and say so; whether it failed."""
    began = time.monotonic()
    try:
        made = make(target)
    except (CellExecutionError, ValueError) as error:
        print(f"FAILED     {target.name}\n{error}", flush=True)
        return True
    changed = difference(target, made)
    if changed and not check:
        target.path.write_text(made, encoding="utf-8", newline="\n")
    verdict = ("DIFFERS" if check else "changed") if changed else "unchanged"
    print(f"{verdict:<10} {target.name} ({time.monotonic() - began:.1f} s)", flush=True)
    if check and changed:
        print(changed, flush=True)
    return check and bool(changed)


if __name__ == "__main__":
    sys.exit(main())
