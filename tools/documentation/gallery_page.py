"""The page of the gallery as the site shows it: narrower, and each exhibit has an anchor, its slug."""

import re

_HEAD = "| exhibit | what is wrong | who refuses | verdict and alert | first fix |\n|---|---|---|---|---|"
_CELL = re.compile(r"(?<!\\)\|")
_COLUMNS = 8


def adapted(text: str) -> str:
    """The same Markdown with five columns in the place of eight."""
    lines = map(_line, text.split("\n"))
    return "\n".join(line for line in lines if line is not None)


def _line(line: str) -> str | None:
    if line.startswith("| exhibit |"):
        return _HEAD
    if line.startswith("| ---"):
        return None
    return _row(line) if line.startswith("| `") else line


def _row(line: str) -> str:
    cells = [cell.strip() for cell in _CELL.split(line)[1:-1]]
    if len(cells) != _COLUMNS:
        raise ValueError(f"docs/gallery.md: {len(cells)} cells in place of {_COLUMNS}: {line[:60]!r}")
    slug, wrong, rule, refuses, verdict, old, new, fix = cells
    alerts = old if old == new else f"{old} in TLS 1.2, {new} in TLS 1.3"
    numbers = alerts if verdict == "-" else f"{verdict}: {alerts}"
    return f"| [{slug}]{{#{slug.strip('`')}}} | {wrong} ({rule}) | {refuses} | {numbers} | {fix} |"
