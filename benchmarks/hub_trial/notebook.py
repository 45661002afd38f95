"""Running a notebook cell by cell through a browser, and what comes out of it compared with what is committed."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from hub_trial.browser import Browser, Kernel, Message
from hub_trial.environment import ROOT

CELL_LIMIT_S = 240.0
"""How long a cell may take while everybody works."""
_MAY_DIFFER = {"nbval-ignore-output", "raises-exception"}


@dataclass(kw_only=True)
class Run:
    """A notebook that was run."""

    path: str
    """Which."""
    cells: int = 0
    """How many code cells were run."""
    seconds: float = 0.0
    """From opening it to its last cell's end."""
    troubles: list[str] = field(default_factory=list)
    """Errors, cells that took too long, and outputs that are not the committed ones."""


async def run_notebook(browser: Browser, path: str, *, think_s: float) -> tuple[Run, Kernel | None]:
    """Open it, run its cells in order, save it. The kernel goes on; None when there never was one."""
    run, began = Run(path=path), time.perf_counter()
    kernel: Kernel | None = None
    try:
        model = await browser.ask_json(f"api/contents/{path}?content=1")
        kernel = await browser.open_kernel(path)
        for number, cell in enumerate(model["content"]["cells"]):
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip():
                await _run_cell(kernel, cell, f"{path} cell {number}", run)
                await asyncio.sleep(think_s)  # a person reads; zero for none
        saved = {name: model[name] for name in ("type", "format", "content")}
        await browser.ask(f"api/contents/{path}", "PUT", saved)
    except Exception as error:  # noqa: BLE001  # whatever it was: it is this learner's trouble, and counted
        run.troubles.append(f"{browser.name} {path}: {type(error).__name__}: {str(error)[:200]}")
    run.seconds = time.perf_counter() - began
    return run, kernel


async def _run_cell(kernel: Kernel, cell: Message, where: str, run: Run) -> None:
    outputs: list[Message] = []

    def told(message: Message) -> None:
        if message["msg_type"] in {"stream", "execute_result", "display_data", "error"}:
            outputs.append({"output_type": message["msg_type"], **message["content"]})

    content = {"code": "".join(cell["source"]), "silent": False, "store_history": True, "user_expressions": {}}
    content |= {"allow_stdin": False, "stop_on_error": True}
    run.cells += 1
    await kernel.ask("execute_request", content, limit_s=CELL_LIMIT_S, told=told)
    tags = set(cell["metadata"].get("tags", []))
    for output in outputs:
        if output["output_type"] == "error" and "raises-exception" not in tags:
            run.troubles.append(f"{kernel.browser.name} {where}: {output['ename']}: {output['evalue'][:200]}")
            return
    if not tags & _MAY_DIFFER and (got := _words(outputs)) != (wanted := _words(cell["outputs"])):
        run.troubles.append(f"{kernel.browser.name} {where}: its output is not the committed one: {_odd(got, wanted)}")


def _words(outputs: list[Message]) -> str:
    """What a reader sees, but for pictures: printed text and the plain form of each result."""
    said = [
        "".join(output["text"]) if output["output_type"] == "stream" else "".join(output["data"].get("text/plain", ""))
        for output in outputs
        if output["output_type"] != "error"
    ]
    text = "\n".join(said)
    for wanted, put in _sanitized():
        text = re.sub(wanted, put, text)
    # Printed text may come in any number of pieces.
    return re.sub(r"\n+", "\n", text).strip()


def _sanitized() -> list[tuple[str, str]]:
    """The replacements that the notebooks are tested with."""
    text = (ROOT / "notebooks" / "sanitize.cfg").read_text(encoding="ascii")
    return re.findall(r"(?m)^regex: (.*)\nreplace: (.*)$", text)


def _odd(got: str, wanted: str) -> str:
    """Where two outputs part."""
    at = next((at for at, (one, other) in enumerate(zip(got, wanted, strict=False)) if one != other), 0)
    return f"{got[max(0, at - 20) : at + 60]!r} for {wanted[max(0, at - 20) : at + 60]!r}"


async def evaluate(kernel: Kernel, code: str) -> Any:
    """What that code prints as JSON on its last line."""
    printed: list[str] = []

    def told(message: Message) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        elif message["msg_type"] == "error":
            printed.append(json.dumps({"error": f"{message['content']['ename']}: {message['content']['evalue']}"}))

    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    await kernel.ask("execute_request", content, limit_s=CELL_LIMIT_S, told=told)
    found = json.loads("".join(printed).strip().splitlines()[-1])
    if "error" in found:
        raise RuntimeError(found["error"])
    return found
