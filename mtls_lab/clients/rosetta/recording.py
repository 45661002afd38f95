"""The recording: what programs said when they were last asked, for machines that do not have them.

A file in the package. It keeps each text and each program at its version once, and rows as numbers, one a line, so
that a new recording shows in a diff what has changed.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mtls_lab.clients.rosetta.row import Row, Spoken

FILE = Path(__file__).with_name("recorded.json")


def recorded(path: Path = FILE) -> tuple[Row, ...]:
    """Every recorded row; () where there is no recording."""
    if not path.exists():
        return ()
    content: dict[str, list[Any]] = json.loads(path.read_text(encoding="utf-8"))
    programs = [Spoken(name=name, version=version, on=on) for name, version, on in content["programs"]]
    texts: list[str] = content["texts"]
    return tuple(
        Row(
            fault=fault,
            side=side,
            tls=tls,
            client=programs[client],
            server=programs[server],
            accepted=bool(accepted),
            client_words=texts[client_words],
            server_words=texts[server_words],
            recorded=True,
        )
        for fault, side, tls, client, server, accepted, client_words, server_words in content["rows"]
    )


def merge(old: Iterable[Row], new: Iterable[Row]) -> tuple[Row, ...]:
    """The old rows with the new ones in their places; sorted."""
    cells = {row.cell: row for row in (*old, *new)}
    return tuple(cells[cell] for cell in sorted(cells))


def write(rows: Iterable[Row], path: Path = FILE) -> None:
    """Write the recording."""
    kept = sorted(rows, key=lambda row: row.cell)
    programs = sorted({(one.name, one.version, one.on) for row in kept for one in (row.client, row.server)})
    texts = sorted({words for row in kept for words in (row.client_words, row.server_words)})
    place_of_program = {program: place for place, program in enumerate(programs)}
    place_of_text = {text: place for place, text in enumerate(texts)}

    def number(one: Spoken) -> int:
        return place_of_program[one.name, one.version, one.on]

    lines = [
        [
            row.fault,
            row.side,
            row.tls,
            number(row.client),
            number(row.server),
            int(row.accepted),
            place_of_text[row.client_words],
            place_of_text[row.server_words],
        ]
        for row in kept
    ]
    parts = (
        f' "{name}": [\n{_one_a_line(list_)}\n ]'
        for name, list_ in (("programs", programs), ("texts", texts), ("rows", lines))
    )
    content = ("{\n" + ",\n".join(parts) + "\n}\n").encode()
    # Whole or not at all: an hour's recording may lie there already.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _one_a_line(items: Iterable[Any]) -> str:
    return ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in items)
