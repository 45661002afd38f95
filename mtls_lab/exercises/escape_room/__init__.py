"""Notebook 14: a small system with ten doors, nine of them broken by a seed, the tenth to be earned."""

from mtls_lab.exercises.escape_room.checks import check_door
from mtls_lab.exercises.escape_room.room import EscapeRoom
from mtls_lab.exercises.escape_room.values import Door, Doors, Evidence, Knock

__all__ = ["Door", "Doors", "EscapeRoom", "Evidence", "Knock", "check_door"]
