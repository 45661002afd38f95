"""What makes an executed notebook the same bytes on every run.

Jupyter puts random ids on widget models, keeps models nobody sees, and saves facts about the machine. Here:

1. `language_info` (the Python's version) goes, and so does all that a kernel adds to outputs besides their content.
2. A traceback becomes its last line: its frames differ between Pythons, and nbval compares none of it.
3. Of the widget models those remain that an output shows, directly or through another model, and they are numbered
   in the order in which they are first met.
4. The text is what nbformat writes for a valid notebook: sorted keys, UTF-8, `\\n`, one newline at the end.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import nbformat

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
NOT_COMPARED = "nbval-ignore-output"
REFERENCE = "IPY_MODEL_"


def drop_what_varies(notebook: Any) -> None:
    """Take out of an executed notebook, in place, what differs between two runs of the same cells."""
    notebook.metadata.pop("language_info", None)
    for cell in notebook.cells:
        # Timing and the kernel's own notes; the tags were all we put there.
        cell.metadata = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
    _keep_shown_models(notebook)


def as_text(notebook: Any) -> str:
    """The notebook as it is saved, with its widget models numbered."""
    text = nbformat.writes(notebook)
    for number, model in enumerate(_models(notebook), start=1):
        text = text.replace(model, f"{number:032x}")
    # Read and written once more, since the new ids sort differently.
    settled = nbformat.reads(text, as_version=4)
    nbformat.validate(settled)
    return str(nbformat.writes(settled)).rstrip("\n") + "\n"


def settled(text: str) -> str:
    """A saved notebook as this pipeline would have saved it: differs when something else wrote the file."""
    notebook = nbformat.reads(text, as_version=4)
    drop_what_varies(notebook)
    return as_text(notebook)


def comparable(text: str) -> str:
    """The notebook without the outputs that may differ between versions and systems."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if NOT_COMPARED in cell.metadata.get("tags", ()):
            cell.outputs = []
    drop_what_varies(notebook)
    return as_text(notebook)


def _keep_shown_models(notebook: Any) -> None:
    state = _state(notebook)
    shown = {model: state[model] for model in _models(notebook) if model in state}
    if shown:
        notebook.metadata["widgets"][WIDGET_STATE]["state"] = shown
    else:
        notebook.metadata.pop("widgets", None)


def _models(notebook: Any) -> list[str]:
    """The ids of the models that are shown, in the order in which they are met, depth first."""
    state, found = _state(notebook), list[str]()

    def visit(model: str) -> None:
        if model not in found:
            found.append(model)
            for reference in _references(state.get(model, {})):
                visit(reference)

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            view = output.get("data", {}).get(WIDGET_VIEW)
            if view:
                visit(view["model_id"])
    return found


def _state(notebook: Any) -> dict[str, Any]:
    saved = copy.copy(notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}))
    return dict(saved)


def _references(value: object) -> Iterator[str]:
    """The models that a model's state points to, by sorted key."""
    if isinstance(value, str) and re.fullmatch(REFERENCE + r"[0-9a-f]{32}", value):
        yield value.removeprefix(REFERENCE)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _references(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)
