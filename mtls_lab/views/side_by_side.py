"""Two handshakes beside each other, flight by flight, and how often the client had to wait."""

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby, zip_longest

from mtls_lab.handshake import Handshake, Message
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.views.folding import told
from mtls_lab.views.message_table import CAPTION, CELL, LEGEND, MARKS, TABLE
from mtls_lab.views.picture import Picture
from mtls_lab.views.words import capital, printable

_COLUMN = 40
_Flights = tuple[tuple[tuple[Message, ...], ...], ...]
"""By flight, then by column; () where that handshake has no such flight."""
_WAITS = "round trips before the request"


def side_by_side(handshakes: Mapping[str, Handshake]) -> Picture:
    """Show two handshakes in two columns, each under the name given to it: `{"TLS 1.2": one, "TLS 1.3": other}`.

    A row is a flight: what one end says before it must wait for the other.
    """
    if len(handshakes) != 2:
        raise ValueError(f'side_by_side() takes two handshakes, not {len(handshakes)}: {{"left": one, "right": other}}')
    heads, both = tuple(map(printable, handshakes)), tuple(handshakes.values())
    flights = tuple(zip_longest(*map(flights_of, both), fillvalue=()))
    waits = tuple(_waits(one) for one in both)
    return Picture(
        text="\n".join(line.rstrip() for line in _text(heads, flights, waits)),
        html=_html(heads, flights, waits),
        alt=" ".join(_sentences(heads, both, waits)),
    )


def flights_of(handshake: Handshake) -> tuple[tuple[Message, ...], ...]:
    """The messages worth a row, those in one that one end sends without waiting for the other."""
    return tuple(tuple(flight) for _, flight in groupby(told(handshake), key=lambda message: message.sender))


def round_trips(handshake: Handshake) -> int | None:
    """How often the client waits for an answer before it may send data: until it has read the server's Finished.

    TCP's own round trip and data sent early (RFC 8446 section 2.3, RFC 7918) are not counted. None where there is no
    server's Finished, or where no secret opens it.
    """
    answers = [flight for flight in flights_of(handshake) if flight[0].sender == "server"]
    last = [place for place, flight in enumerate(answers, 1) if any(one.name == "Finished" for one in flight)]
    return last[0] if last else None


def _waits(handshake: Handshake) -> str:
    trips = round_trips(handshake)
    if trips is not None:
        return str(trips)
    hidden = any(message.sender == "server" and message.name == "EncryptedRecord" for message in told(handshake))
    return "encryption hides it" if hidden else "no request: the server never finished"


def _words(message: Message) -> str:
    return f"{MARKS[message.encrypted][0]} {_name(message)}"


def _name(message: Message) -> str:
    return printable(f"Alert {alert_name(message.alert)}") if message.alert is not None else message.name


def _text(heads: tuple[str, ...], flights: _Flights, waits: tuple[str, ...]) -> Iterator[str]:
    yield "  " + "".join(printable(head, limit=_COLUMN - 2).ljust(_COLUMN) for head in heads)
    for flight in flights:
        yield f"the {_sender(flight)} sends"
        for pair in zip_longest(*flight):
            yield "  " + "".join((_words(one) if one else "").ljust(_COLUMN) for one in pair)
    yield _WAITS
    yield "  " + "".join(one.ljust(_COLUMN) for one in waits)
    yield ""
    yield f"  {LEGEND}"


def _sender(flight: tuple[tuple[Message, ...], ...]) -> str:
    return next(messages[0].sender for messages in flight if messages)


def _html(heads: tuple[str, ...], flights: _Flights, waits: tuple[str, ...]) -> str:
    columns = "".join(f'<th scope="col" style="{CELL}">{escape(one)}</th>' for one in ("", *heads))
    rows = "".join(_row(f"the {_sender(flight)} sends", map(_lines, flight)) for flight in flights)
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}">A row is what one end says before it must wait for the '
        f"other.<br>{escape(LEGEND)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{rows}{_row(_WAITS, map(escape, waits))}</tbody></table>"
    )


def _lines(messages: tuple[Message, ...]) -> str:
    return "<br>".join(escape(_words(one)) for one in messages)


def _row(head: str, cells: Iterator[str]) -> str:
    shown = "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{CELL};font-weight:normal">{escape(head)}</th>{shown}</tr>'


def _sentences(heads: tuple[str, ...], both: tuple[Handshake, ...], waits: tuple[str, ...]) -> Iterator[str]:
    for head, handshake, trips in zip(heads, both, waits, strict=True):
        yield f"{head}:"
        for flight in flights_of(handshake):
            said = [f"{'encrypted ' if one.encrypted else ''}{_name(one)}" for one in flight]
            yield f"The {flight[0].sender} sends {', '.join(said)}."
        yield f"{capital(_WAITS)}: {trips}."
