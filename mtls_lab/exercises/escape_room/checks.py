"""The register entries of the ten doors: `check("14-door-1", room)` tries the door."""

from mtls_lab.exercises.escape_room.doors import DOORS
from mtls_lab.exercises.escape_room.room import EARNING, EscapeRoom
from mtls_lab.exercises.exercise import Check, exercise
from mtls_lab.exercises.outcome import Outcome, wrong


def check_door(room: object, number: int) -> Outcome:
    """Try one door of a room."""
    if not isinstance(room, EscapeRoom):
        return wrong(f"That is a {type(room).__name__}: hand in the room, room = EscapeRoom().")
    return room.try_door(number)


def _hints(number: int) -> tuple[str, str, str]:
    """What helps at that door whatever is wrong there; `room.hint` knows the room."""
    door = DOORS[number]
    if number == max(DOORS):
        return EARNING
    return (
        f"room.evidence({number}) has the words of both sides. Who refused whom, or who came in that must not?",
        f"Where there was a handshake, explain(room.evidence({number}).handshake) says what was expected and shown.",
        f"Yours to change: {door.yours}. room.hint({number}) knows what is wrong in your room, in three steps.",
    )


def _register(number: int) -> None:
    def check(room: object) -> Outcome:
        return check_door(room, number)

    check.__doc__ = f"Door {number}: {DOORS[number].task}"
    enter: Check = check
    exercise(f"14-door-{number}", hints=_hints(number))(enter)


for _number in DOORS:
    _register(_number)
