"""The reference: a page for every package that says what is public (`__all__`), read from its docstrings."""

import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import mtls_lab

_MODULES = ("mtls_lab.certificates.crl", "mtls_lab.clients.atlas", "mtls_lab.handshake.exhibits")
"""Single modules that belong to the lessons, each with the names that it defines."""
_ROLES = {"class": "autoclass", "function": "autofunction", "data": "autodata"}
_CODE = re.compile(r"(`[^`]*`)")


def write(folder: Path) -> None:
    """Write the pages into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict(_pages())
    for name, text in pages.items():
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")
    (folder / "index.rst").write_text(_index(list(pages)), encoding="utf-8")


def setup(app: Any) -> None:
    """Let Sphinx read our docstrings as they are written."""
    app.connect("autodoc-process-docstring", _as_rst)


def _pages() -> Iterator[tuple[str, str]]:
    """Each page's name and text; a name is described once, first of all as one of the fifteen of `mtls_lab`."""
    described: set[int] = set()
    for module in _modules():
        names = [name for name in _public(module) if _first_time(getattr(module, name), described)]
        if names:
            yield module.__name__, _page(module, names)


def _modules() -> Iterator[ModuleType]:
    yield mtls_lab
    walked = pkgutil.walk_packages(mtls_lab.__path__, "mtls_lab.")
    packages = [one.name for one in walked if one.ispkg]
    for name in sorted({*packages, *_MODULES}):
        module = import_module(name)
        if hasattr(module, "__all__") or name in _MODULES:
            yield module


def _public(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _first_time(value: object, described: set[int]) -> bool:
    # A word or a number may be shared by chance: only what has a definition can be the same thing.
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return True
    is_new = id(value) not in described
    described.add(id(value))
    return is_new


def _page(module: ModuleType, names: list[str]) -> str:
    title = module.__name__
    parts = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", "   :no-index:", ""]
    parts += [f".. currentmodule:: {title}", "", ".. autosummary::", "   :nosignatures:", ""]
    parts += [f"   {name}" for name in names]
    for name in names:
        parts += ["", f".. {_ROLES[_kind(getattr(module, name))]}:: {name}"]
        parts += ["   :members:"] if _kind(getattr(module, name)) == "class" else []
    return "\n".join(parts) + "\n"


def _kind(value: object) -> str:
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else "data"


def _index(names: list[str]) -> str:
    title = "Reference"
    parts = [title, "=" * len(title), ""]
    parts += ["The names that a notebook needs are all in :doc:`mtls_lab`. The packages below hold the rest, from the"]
    parts += ["certificates at the bottom to the panels on top; imports go downwards only.", ""]
    parts += [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names)]
    return "\n".join(parts) + "\n"


def _as_rst(app: Any, what: str, name: str, of: object, options: Any, lines: list[str]) -> None:
    """Our docstrings are prose with `code` in it: what reStructuredText would take for a mark is given a backslash."""
    del app, options
    if what == "data":
        lines[:] = _said_of(name.rpartition(".")[2], of).splitlines()
    lines[:] = list(_marked(lines))


def _marked(lines: list[str]) -> Iterator[str]:
    before, is_code, is_doctest = "", False, False
    for line in lines:
        is_doctest = line.lstrip().startswith(">>>") or (is_doctest and bool(line.strip()))
        # As in Markdown: what stands four columns in, after an empty line, is code.
        if line.startswith("    ") and not before.strip() and not is_code and not is_doctest:
            is_code = True
            yield from ("::", "")
        is_code = is_code and (line.startswith("    ") or not line.strip())
        yield line if is_code or is_doctest else _escaped(line)
        before = line


def _said_of(name: str, value: object) -> str:
    """What stands below an assignment, in whichever of our modules it is: Python knows only what its type says."""
    for module_name, module in sorted(sys.modules.items()):
        if module_name.startswith("mtls_lab") and vars(module).get(name) is value:
            found = ModuleAnalyzer.for_module(module_name).find_attr_docs().get(("", name))
            if found:
                return "\n".join(found)
    return ""


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    return "".join(f"`{part}`" if part.startswith("`") else _without_marks(part) for part in parts)


def _without_marks(words: str) -> str:
    return re.sub(r"[*|]|_(?=\W|$)", lambda found: f"\\{found[0]}", words.replace("\\", "\\\\"))
