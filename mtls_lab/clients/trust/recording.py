"""What was measured on a machine that has every program, for machines that lack some."""

import json
from collections.abc import Iterable
from pathlib import Path

from mtls_lab.clients.trust.heeded import Heeded
from mtls_lab.clients.trust.programs import PROGRAMS

FILE = Path(__file__).with_name("recorded.json")


def recorded(path: Path = FILE) -> tuple[Heeded, ...]:
    """The recording, each row with its day."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Heeded(
            program=row["program"],
            version=row["version"],
            heeds=tuple(row["heeds"]),
            asked=tuple(content["asked"]),
            recorded_on=content["on"],
        )
        for row in content["programs"]
    )


def completed(measured: Iterable[Heeded] = ()) -> tuple[Heeded, ...]:
    """Every program once: as measured here, else as recorded, else with the word that it is not here."""
    rows = {one.program: one for one in recorded()}
    for one in measured:
        if not one.missing or one.program not in rows:
            rows[one.program] = one
    order = {name: place for place, name in enumerate(PROGRAMS)}
    return tuple(rows[name] for name in sorted(rows, key=lambda name: order.get(name, len(order))))


def write(rows: Iterable[Heeded], on: str, path: Path = FILE) -> None:
    """Write a recording of these rows, made on that day. Raises ValueError for rows that are not comparable."""
    kept = [one for one in rows if not one.missing]
    asked = {one.asked for one in kept}
    if len(asked) != 1:
        raise ValueError(f"rows={[str(one) for one in kept]}: ask every program for the same variables")
    programs = [{"program": one.program, "version": one.version, "heeds": list(one.heeds)} for one in kept]
    content = {"on": on, "asked": list(next(iter(asked))), "programs": programs}
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)
