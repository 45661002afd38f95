"""Who takes part: names that make folders on any system, and a seed for each that stays the same."""

import hashlib
import hmac
import json
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Self

WORKSHOP_FILE = "workshop.json"
"""In the workshop's folder, for the instructor: the secret that the seeds come from."""
_FORMAT = "mtls_lab workshop 1"
_LONGEST, _MOST = 40, 999
# Windows keeps these for itself, whatever follows the dot.
_TAKEN = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What the instructor keeps."""

    secret: str
    """Random. Who knows it knows every learner's seed."""

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The workshop of that folder, a new one where there is none. Raises ValueError for a file that is no such."""
        path = folder / WORKSHOP_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(secret=secrets.token_hex(16))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read ({error}): name another folder") from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT or not content.get("secret"):
            raise ValueError(f"{path} is no workshop of mtls-lab: name another folder")
        return cls(secret=str(content["secret"]))

    def to_text(self) -> str:
        """The file's content."""
        return json.dumps({"format": _FORMAT, "secret": self.secret}, indent=1) + "\n"

    def seed_for(self, name: str) -> str:
        """That learner's seed: the same whenever it is asked for, and no way back to the secret."""
        return hmac.new(self.secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:12]


def parse_learners(text: str) -> tuple[str, ...]:
    """Names from `ada,ben`, `@FILE` or a number. Raises ValueError that names what cannot be a folder's name."""
    if text.isascii() and text.isdigit():
        if not 0 < int(text) <= _MOST:
            raise ValueError(f"--learners {text}: give a number from 1 to {_MOST}")
        return tuple(f"learner-{number:0{max(2, len(text))}}" for number in range(1, int(text) + 1))
    if text.startswith("@"):
        try:
            # A spreadsheet puts a mark at the beginning of what it saves.
            text = Path(text[1:]).read_text(encoding="utf-8-sig").replace("\n", ",")
        except (OSError, ValueError) as error:
            raise ValueError(f"--learners {text}: the file cannot be read ({error})") from error
    names = tuple(unicodedata.normalize("NFC", one.strip()) for one in text.split(",") if one.strip())
    if not names:
        raise ValueError("--learners names nobody: give names with commas between them, @FILE, or how many")
    seen: dict[str, str] = {}
    for name in names:
        _check(name)
        # Many disks take Ada and ada for one folder.
        if other := seen.get(name.casefold()):
            raise ValueError(f"--learners: {other!r} and {name!r} would share a folder; tell them apart")
        seen[name.casefold()] = name
    return names


def _check(name: str) -> None:
    if len(name) > _LONGEST:
        raise ValueError(f"--learners: {name[:_LONGEST]!r}... has more than {_LONGEST} characters")
    odd = [one for one in name if not (one.isalnum() or one in " ._-" or unicodedata.category(one) in ("Mn", "Mc"))]
    if odd or name[0] in " .-" or name[-1] in " ." or name.casefold().partition(".")[0] in _TAKEN:
        raise ValueError(
            f"--learners: {name!r} cannot name a folder on every system: letters, digits, spaces, dots, - and _, "
            "beginning with a letter or digit"
        )
