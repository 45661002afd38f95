"""Which file each client of this machine uses: the report on the person's own surroundings."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from textwrap import wrap

from mtls_lab.certificates import Authority
from mtls_lab.clients.trust.here import Here, here
from mtls_lab.clients.trust.looks import Look
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.views.picture import Picture
from mtls_lab.views.trust import CAPTION, CELL, TABLE
from mtls_lab.views.words import printable

_WIDTH = 80
_PATH_LIMIT = 160
_OWN_LIST = "no file: its list is compiled in"
_HEADS = ("program", "where it looks", "because these are set", "known from")


def trust_here(programs: Iterable[str] | None = None) -> Picture:
    """Start a server that nobody trusts, let every client of this machine call it, and show where each one looked.

    In the environment of this process. Takes some seconds; nothing is changed, and nothing leaves the machine.
    """
    # Only here: the tables need no sockets.
    from mtls_lab.proxy import Proxy

    stranger = Authority.create("Nobody's Root CA").issue("localhost", purpose="serverAuth")
    server = Endpoint(presents=stranger, verifies="none")
    with Proxy(Scenario(client=Endpoint(verifies="chain and name"), server=server)) as proxy:
        return here_table(here(proxy, programs))


def here_table(rows: Sequence[Here]) -> Picture:
    """Show where each program looked. Raises ValueError for no rows."""
    if not rows:
        raise ValueError("rows=() leaves nothing to show: here(proxy) asks the programs of this machine")
    return Picture(text="\n".join(_text(rows)), html=_html(rows), alt=" ".join(_sentences(rows)))


def _places(row: Here) -> tuple[str, ...]:
    """Where it looked, in words."""
    if row.opened is None:
        return (f"not here: {row.missing}",)
    if not row.opened.way:
        return ("nobody here can say",)
    return tuple(map(_place, row.opened.looks)) or (_OWN_LIST if row.opened.way == "strace" else "it named no place",)


def _place(look: Look) -> str:
    return printable(" ".join(str(look).split()), limit=_PATH_LIMIT)


def _ways(row: Here) -> str:
    if row.opened is None:
        return ""
    return row.opened.way or row.opened.why


def _variables(row: Here) -> tuple[str, ...]:
    return tuple(printable(one, limit=_PATH_LIMIT) for one in row.variables)


def _text(rows: Sequence[Here]) -> Iterator[str]:
    for row in rows:
        way = f"  ({_ways(row)})" if _ways(row) else ""
        yield f"{row.program}{way}"
        for line in (*_places(row), *(f"set: {one}" for one in _variables(row))):
            yield from wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="      ")


def _html(rows: Sequence[Here]) -> str:
    heads = "".join(f'<th scope="col" style="{CELL}">{head}</th>' for head in _HEADS)
    lines = "".join(
        f'<tr><th scope="row" style="{CELL};font-weight:normal">{escape(row.program)}</th>'
        f"{_lines(_places(row))}{_lines(_variables(row))}{_lines((_ways(row),))}</tr>"
        for row in rows
    )
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}">Where each client of this machine looks for trust anchors '
        f"when nobody tells it.</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    )


def _lines(words: tuple[str, ...]) -> str:
    return f'<td style="{CELL};overflow-wrap:anywhere">{"<br>".join(map(escape, words))}</td>'


def _sentences(rows: Sequence[Here]) -> Iterator[str]:
    for row in rows:
        set_here = f"; set: {', '.join(_variables(row))}" if row.variables else ""
        yield f"{row.program}: {'; '.join(_places(row))}{set_here}."
