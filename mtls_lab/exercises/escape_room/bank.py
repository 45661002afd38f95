"""The bank of faults: what can be wrong at which door, how hard it is to find, and what a seed draws from it."""

import random
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from mtls_lab.exercises.escape_room.values import Fault

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

Breaks = Callable[["EscapeRoom", random.Random], None]
Mends = Callable[["EscapeRoom"], None]

DRAWN = tuple(range(1, 10))
"""The doors that get a fault; the tenth opens with what you earn."""
LEVELS = (1, 2, 3)

_MODULES = ("clients", "servers", "orders_files", "gateway_files", "environment", "rules", "fields", "libpq", "hba")
_BANK: dict[tuple[int, str], Fault] = {}


def fault(door: int, *, level: int, mends: Mends, hints: tuple[str, str, str]) -> Callable[[Breaks], Breaks]:
    """Enter a fault into the bank: the decorated function breaks what is sound; its name is the slug."""

    def add(breaks: Breaks) -> Breaks:
        slug = breaks.__name__.replace("_", "-")
        _BANK[door, slug] = Fault(slug=slug, door=door, level=level, breaks=breaks, mends=mends, hints=hints)
        return breaks

    return add


def bank() -> tuple[Fault, ...]:
    """Every fault, by door."""
    for name in _MODULES:
        import_module(f"mtls_lab.exercises.escape_room.faults.{name}")
    return tuple(_BANK[key] for key in sorted(_BANK))


def draw(seed: str, *, level: int = max(LEVELS)) -> tuple[Fault, ...]:
    """One fault for each of the doors 1 to 9, none harder than the level: the same for the same seed."""
    if level not in LEVELS:
        raise ValueError(f"level={level!r} must be one of {', '.join(map(str, LEVELS))}: 1 is the easiest")
    everything = bank()
    drawn = []
    for door in DRAWN:
        fitting = [one for one in everything if one.door == door and one.level <= level]
        drawn.append(chance(seed, door).choice(fitting))
    return tuple(drawn)


def chance(seed: str, door: int) -> random.Random:
    """What is random at that door: the same for the same seed, on every Python."""
    return random.Random(f"{seed}/{door}")  # noqa: S311 - the same room for the same seed is the point
