"""The ladder: both lanes of a handshake, message by message, and who gave up on whom."""

from html import escape

from mtls_lab.handshake import Explanation, Handshake, explain
from mtls_lab.views.ladder_svg import draw
from mtls_lab.views.ladder_text import sentences_of, text_of
from mtls_lab.views.picture import Picture, image
from mtls_lab.views.story import story
from mtls_lab.views.svg import WIDTH


def ladder(handshake: Handshake, explanation: Explanation | None = None) -> Picture:
    """Draw a handshake. Without an explanation it is explained first, as the headline says who refused whom."""
    told = story(handshake, explanation or explain(handshake))
    svg, text, alt = draw(told), text_of(told), sentences_of(told)
    html = (
        f"<div>{image(svg, alt=alt, width=WIDTH)}</div>\n"
        f"<details><summary>The same handshake as text</summary><pre>{escape(text)}</pre></details>"
    )
    return Picture(text=text, html=html, alt=alt, svg=svg)
