"""A page of the repository that a program writes: write it, or say how it differs from what is written."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def write_or_check(
    page: Callable[[], str], path: Path, command: Path, description: str | None, arguments: Sequence[str] | None
) -> int:
    """The command line of a tool that writes that page; with `--check`, 1 where the page is out of date."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is out of date")
    options = parser.parse_args(arguments)
    text, written = page(), path.read_text(encoding="utf-8") if path.exists() else ""
    if not options.check:
        path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    for line in difflib.unified_diff(written.splitlines(), text.splitlines(), name, "what it should be", lineterm=""):
        print(line)
    if text != written:
        print(f"{name} is out of date: python tools/{command.name}", file=sys.stderr)
    return int(text != written)
