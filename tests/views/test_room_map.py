"""The map of the escape room: pure, the same twice, and told in words as well."""

import re
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

import pytest

from mtls_lab.exercises.escape_room.doors import DOORS
from mtls_lab.views.room import room_map


@dataclass(frozen=True, kw_only=True)
class OneDoor:
    """A door as the map needs it."""

    number: int
    title: str
    calls: tuple[str, str]
    yours: str
    state: str
    reason: str


def doors(state: str = "shut", reason: str = "Alice: stays out") -> tuple[OneDoor, ...]:
    return tuple(
        OneDoor(number=one.number, title=one.title, calls=one.calls, yours=one.yours, state=state, reason=reason)
        for one in DOORS.values()
    )


def test_the_same_doors_are_the_same_picture() -> None:
    assert room_map(doors()) == room_map(doors())


def test_every_door_of_the_room_has_a_place_and_a_number_on_the_map() -> None:
    picture = room_map(doors())
    assert picture.svg is not None

    words = "".join(ET.fromstring(picture.svg).itertext())

    assert all(re.search(rf"{number}\W*shut", words) for number in DOORS)
    assert all(f"Door {number}," in picture.alt for number in DOORS)


@pytest.mark.parametrize(("state", "mark"), [("open", "✓"), ("shut", "✗"), ("ajar", "!")])
def test_a_state_is_told_by_a_word_and_a_mark_and_not_by_colour_alone(state: str, mark: str) -> None:
    picture = room_map(doors(state))

    assert picture.text.count(f"{mark} {state}") == len(DOORS)
    assert picture.html.count(f"{mark} {state}</td>") == len(DOORS)
    assert picture.alt.count(f": {state}.") == len(DOORS)


def test_the_picture_is_an_image_with_words_and_no_inline_drawing() -> None:
    html = room_map(doors()).html

    assert re.search(r'<img alt="A map of the system: 0 of 10 doors are open\.', html)
    assert "<svg" not in html


def test_no_line_of_the_text_is_wider_than_a_page() -> None:
    long = "The service stock: stays out (" + "no pg_hba.conf entry for this host and that user, " * 4 + ")"

    assert max(map(len, room_map(doors(reason=long)).text.splitlines())) <= 80


def test_what_a_peer_said_cannot_become_markup() -> None:
    picture = room_map(doors(reason='<script>alert("x")</script>\u202e'))

    assert "<script>" not in picture.html
    assert "\u202e" not in picture.html + picture.text


def test_an_end_without_a_place_is_named() -> None:
    strange = replace(doors()[0], calls=("alice", "moon"))

    with pytest.raises(ValueError, match="'moon' has no place"):
        room_map((strange,))


def test_a_state_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="state='locked'"):
        room_map(doors("locked"))
