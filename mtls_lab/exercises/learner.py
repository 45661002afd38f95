"""Who is learning here: the name and the seed that a workshop gave, and the folder of the course."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

LEARNER_FILE = "mtls-lab-learner.json"
"""In a learner's folder: name and seed, laid there by `mtls-lab workshop make`."""
NO_SEED = "lab"
"""The seed of everybody who was given none."""
_REMEDY = "take it from the folder that you were handed again, or set MTLS_LAB_SEED"


@dataclass(frozen=True, kw_only=True)
class Learner:
    """Somebody who learns here."""

    name: str
    """The name given to the workshop; empty for who learns alone."""
    seed: str
    """What the tasks that differ from learner to learner are made from."""


def seed() -> str:
    """The learner's seed: from MTLS_LAB_SEED, else from the file of a workshop in this folder or above, else "lab"."""
    return os.environ.get("MTLS_LAB_SEED", "").strip() or learner().seed


def learner() -> Learner:
    """Who is learning, by the nearest file of a workshop. Raises ValueError for a file that cannot be read."""
    path = find_upwards(LEARNER_FILE)
    return Learner(name="", seed=NO_SEED) if path is None else read_learner(path)


def read_learner(path: Path) -> Learner:
    """The learner of that file. Raises ValueError for one that cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} says who learns here, and cannot be read ({error}): {_REMEDY}") from error
    values = (content.get("name"), content.get("seed")) if isinstance(content, dict) else (None, None)
    name, given = (value if isinstance(value, str) else "" for value in values)
    if not given.strip():
        raise ValueError(f'{path} says who learns here, but holds no "seed": {_REMEDY}')
    return Learner(name=name, seed=given.strip())


def find_upwards(name: str) -> Path | None:
    """The file of that name in the working folder, else in the nearest folder above that has one."""
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / name).is_file()), None)
