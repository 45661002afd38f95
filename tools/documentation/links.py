"""Links of the repository's pages, made to lead to the same pages on the site."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_FENCE = re.compile(r"(?ms)^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)\s*?$|`[^`\n]+`")
_LINK = re.compile(r"(?P<before>(?P<image>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\()(?P<target>[^()\s]+)\)")
_FOLDERS = {"notebooks/solved": "solved.md", "notebooks": "index.md", "docs": "index.md", "README.md": "index.md"}
"""What is no page of its own on the site, and the page that stands for it."""


@dataclass(frozen=True, kw_only=True)
class Links:
    """Where every page of the repository stands on the site."""

    root: Path
    """The repository."""
    places: dict[Path, Path]
    """Each file of it that is on the site, and its place there."""

    def rewritten(self, text: str, source: Path) -> str:
        """The Markdown of that file with its relative links made right.

        A link to a file that the site does not have keeps its words and goes; one to no file at all raises ValueError.
        """
        kept = [(found.start(), found.end()) for found in _FENCE.finditer(text)]

        def change(found: re.Match[str]) -> str:
            is_code = any(begin < found.start() < end for begin, end in kept)
            target = found["target"]
            if is_code or urlsplit(target).scheme or target.startswith("#"):
                return found[0]
            path, _, anchor = target.partition("#")
            place = self._place(path, source)
            if place is None:
                return found["words"]
            here = self.places[source].parent
            relative = Path(os.path.relpath(place, here)).as_posix()
            return f"{found['before']}{relative}{'#' if anchor else ''}{anchor})"

        return _LINK.sub(change, text)

    def _place(self, link: str, source: Path) -> Path | None:
        path = Path(os.path.normpath(source.parent / link))
        if path in self.places:
            return self.places[path]
        if not path.is_relative_to(self.root) or not path.exists():
            raise ValueError(f"{source.relative_to(self.root)}: the link to {link!r} leads to no file")
        name = path.relative_to(self.root).as_posix()
        return Path(_FOLDERS[name]) if name in _FOLDERS else None
