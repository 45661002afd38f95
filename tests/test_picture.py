"""The README's picture is drawn from a real handshake, and drawn again it is the same."""

from picture import PICTURE, draw


def test_drawing_the_picture_again_changes_nothing() -> None:
    assert draw() == PICTURE.read_text(encoding="utf-8")
