"""show() has a picture for everything the lab makes, and says so for what it does not know."""

from dataclasses import dataclass

import pytest

from cast import Lab
from mtls_lab.handshake import Handshake, explain, rehearse
from mtls_lab.views import Picture, ladder, show, truth_table


@dataclass(frozen=True, kw_only=True)
class FakeCall:
    """Like a Call of clients/, which views/ must not need."""

    line: str
    handshake: Handshake | None

    def __str__(self) -> str:
        return f"{self.line}\naccepted: HTTP 200"


def test_a_handshake_is_a_ladder_with_its_explanation(lab: Lab) -> None:
    handshake = rehearse(lab.scenario())

    picture = show(handshake)

    explanation = explain(handshake)
    assert picture.text.startswith(ladder(handshake).text)
    assert show(explanation).text.endswith(picture.text.removeprefix(ladder(handshake).text).strip("\n"))
    assert picture.text.count(explanation.title) == 1


def test_everything_the_lab_makes_has_a_picture(lab: Lab) -> None:
    scenario = lab.scenario()
    table = truth_table(scenario.client, scenario.server, client_presents={"alice": lab.alice})
    things = (lab.root, lab.issuing, lab.server, lab.server.leaf, lab.server.chain, table)

    for thing in things:
        picture = show(thing)
        assert isinstance(picture, Picture)
        assert picture.text
        assert picture.html
        assert picture.alt


def test_a_picture_is_shown_as_it_is(lab: Lab) -> None:
    picture = show(lab.server)

    assert show(picture) is picture


def test_a_call_is_what_was_typed_and_both_lanes(lab: Lab) -> None:
    handshake = rehearse(lab.scenario())

    picture = show(FakeCall(line="curl <url>", handshake=handshake))

    assert picture.text.startswith("curl <url>\naccepted")
    assert "curl &lt;url&gt;" in picture.html
    assert show(handshake).text in picture.text


def test_a_call_that_reached_nobody_is_what_was_typed() -> None:
    assert show(FakeCall(line="curl", handshake=None)).text == "curl\naccepted: HTTP 200"


@pytest.mark.parametrize("thing", [3, "text", None, (), (1, 2)])
def test_anything_else_is_refused_by_name(thing: object) -> None:
    with pytest.raises(TypeError, match="show"):
        show(thing)
