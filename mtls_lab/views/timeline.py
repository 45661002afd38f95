"""When does the client know whether it is in? Handshakes below each other on one scale of round trips.

A message takes half a round trip. TCP's own handshake and the time that anyone computes are left out. What the scale
shows is who waits for what (RFC 8446 section 2 and appendix A.1, RFC 5246 section 7.3): the server can judge the
client after one and a half round trips, so the client can know after two. In TLS 1.2 it waits for that.
"""

from html import escape

from mtls_lab.handshake import Handshake
from mtls_lab.views import svg
from mtls_lab.views.picture import Picture, image
from mtls_lab.views.timeline_story import WHEN, Event, Line, line_of
from mtls_lab.views.timeline_svg import draw

_TITLE = "When does the client know?"


def timeline(*handshakes: Handshake) -> Picture:
    """Draw them below each other. Raises ValueError for one in which the server never came to judge the client."""
    if not handshakes:
        raise ValueError("timeline() without a handshake: give one or more, timeline(rehearse(scenario))")
    lines = [line_of(one) for one in handshakes]
    drawing, words = draw(_TITLE, lines), "\n\n".join([_TITLE, *map(_text, lines)])
    alt = " ".join([_TITLE, *map(_sentences, lines)])
    html = (
        f"<div>{image(drawing, alt=alt, width=svg.WIDTH)}</div>\n"
        f"<details><summary>The same times as text</summary><pre>{escape(words)}</pre></details>"
    )
    return Picture(text=words, html=html, alt=alt, svg=drawing)


def _text(line: Line) -> str:
    rows = []
    for event in line.events:
        when, *more = _what(event)
        rows.append(f"  {WHEN[event.halves]:<3} {event.role}  {when}")
        rows += [f"{'':14}{what}" for what in more]
    return "\n".join([f"{line.version}, in round trips", *rows, *_waiting(line, "  ")])


def _sentences(line: Line) -> str:
    said = [
        f"After {WHEN[event.halves]} round trips, the {event.role}: {', and it '.join(_what(event))}."
        for event in line.events
    ]
    return " ".join([f"{line.version}.", *said, *_waiting(line, "")])


def _what(event: Event) -> list[str]:
    return [part for part in (event.notes, f"sends {event.sends}" if event.sends else "") if part]


def _waiting(line: Line, indent: str) -> list[str]:
    return [f"{indent}From 1 to 2, {line.waits}."] if line.waits else []
