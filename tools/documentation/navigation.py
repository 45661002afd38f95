"""What leads through the site: the table of notebooks, the tables of contents at the side."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

MARK = "<!-- notebooks -->"
"""Where the table of notebooks stands on the start page."""
_LOOK_UP = ("atlas.md", "gallery.md", "notebooks/glossary.md")
_COMMANDS = ("certs.md", "proxy.md", "explain.md", "rosetta.md")
_REFERENCE = ("api/index.rst", "changelog.md", "contributing.md")
_INSTRUCTORS = re.compile(r"instructor|workshop|answer|hub|kubernetes|binder|classroom")
"""Pages for who teaches: no learner is led to the answers."""


def start_page(text: str, folder: Path, pages: Iterable[Path]) -> str:
    """The start page with its table of notebooks, and the tables of contents that Sphinx shows at the side."""
    names = [page.as_posix() for page in pages if page.as_posix() != "index.md"]
    notebooks = [name for name in names if re.fullmatch(r"notebooks/\d+[^/]*\.ipynb", name)]
    known = {*notebooks, *_LOOK_UP, *_COMMANDS, *_REFERENCE}
    others = [name for name in names if name not in known and not name.startswith("notebooks/solved/")]
    teaching = [name for name in others if _INSTRUCTORS.search(name)]
    parts = [
        text.replace(MARK, _table(folder, notebooks)),
        _toctree("Notebooks", [f"{_label(folder, name)} <{_bare(name)}>" for name in notebooks]),
        _toctree("Look it up", _there(_LOOK_UP, names, "atlas.md")),
        _toctree("Commands", _there(_COMMANDS, names)),
        _toctree("More", [_bare(name) for name in others if name not in teaching]),
        _toctree("Reference", _there(_REFERENCE, names, "api/index.rst")),
        _toctree("Solutions", ["solved"]),
        _toctree("For instructors", [_bare(name) for name in teaching]),
    ]
    return "\n".join(filter(None, parts))


def solved_page(folder: Path, pages: Iterable[Path]) -> str:
    """The page that leads to the solved notebooks."""
    names = [page.as_posix() for page in pages if page.as_posix().startswith("notebooks/solved/")]
    return "\n".join(
        (
            "---\nhide-toc: true\n---\n",
            "# Solved notebooks\n",
            "The same notebooks with every exercise solved. Try the exercise first: its check does the handshake, says",
            "what is wrong and gives three hints.\n",
            _table(folder, names),
            _toctree(None, [f"{_label(folder, name)} <{_bare(name)}>" for name in names]),
        )
    )


def title_and_minutes(path: Path) -> tuple[str, str]:
    """The question that a notebook asks, and its minutes; "" where it does not say."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    head = "".join(cells[0]["source"])
    title = re.search(r"(?m)^# (.+)$", head)
    minutes = re.search(r"\*\*Minutes:\*\* ([\d-]+)", head)
    if title is None:
        raise ValueError(f"{path.name}: its first cell has no title (`# ...`)")
    return title[1], minutes[1] if minutes else ""


def _label(folder: Path, name: str) -> str:
    number = Path(name).name.partition("-")[0]
    return f"{number} {title_and_minutes(folder / name)[0]}"


def _table(folder: Path, names: Sequence[str]) -> str:
    rows = ["| no. | question | minutes |", "|---|---|---|"]
    for name in names:
        title, minutes = title_and_minutes(folder / name)
        rows.append(f"| {Path(name).name.partition('-')[0]} | [{title}]({name}) | {minutes} |")
    return "\n".join(rows) + "\n"


def _there(wanted: Sequence[str], names: Sequence[str], *made: str) -> list[str]:
    return [_bare(name) for name in wanted if name in names or name in made]


def _bare(name: str) -> str:
    return str(Path(name).with_suffix(""))


def _toctree(caption: str | None, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    head = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{head}\n" + "\n".join(entries) + "\n```\n"
