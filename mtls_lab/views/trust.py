"""Who decides whom a client trusts, as tables: what beats what in requests, and which program heeds which variable."""

from collections.abc import Iterator, Sequence
from html import escape
from textwrap import wrap

from mtls_lab.clients.trust.heeded import Heeded
from mtls_lab.clients.trust.precedence import CALL, DEFAULT, SESSION, UNVERIFIED, Decision, Given, Setting
from mtls_lab.views.picture import Picture
from mtls_lab.views.words import printable

CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
TABLE = "border-collapse:collapse;max-width:960px"
CAPTION = "text-align:left;padding:4px 0;color:inherit"
_EDGES = {"said": "#2e8b57", "environment": "#b7791f", "nobody": "#d64545", "own": "#7a8794"}
_MARKS = {"said": "✓", "environment": "$", "nobody": "✗", "own": "○"}
_LEGEND = "✓ what the code says · $ a variable of the environment · ○ the file that requests brings · ✗ no verification"
_SHORT = {"REQUESTS_CA_BUNDLE": "REQUESTS", "CURL_CA_BUNDLE": "CURL", SESSION: "Session", UNVERIFIED: "nobody"}
_GIVEN: dict[Given, str] = {"nothing": "(not said)", "a file": "a file", "True": "True", "False": "False"}
_INDENT, _COLUMN, _WIDTH = 12, 16, 80


def precedence_table(decisions: Sequence[Decision]) -> Picture:
    """Show which file decided in each setting of requests: a column for each value of `verify=`.

    Raises ValueError for no decisions.
    """
    if not decisions:
        raise ValueError("decisions=() leaves nothing to show: precedence(proxy) measures the grid")
    calls = tuple(dict.fromkeys(one.setting.call for one in decisions))
    groups = {
        session: tuple(dict.fromkeys(_row(one.setting) for one in decisions if one.setting.session == session))
        for session in dict.fromkeys(one.setting.session for one in decisions)
    }
    found = {one.setting: one.by for one in decisions}
    return Picture(
        text="\n".join(line.rstrip() for line in _text(groups, calls, found)),
        html=_html(groups, calls, found),
        alt=" ".join(_sentences(decisions)),
    )


_Row = tuple[tuple[str, ...], bool]
_Groups = dict[Given, tuple[_Row, ...]]


def _row(setting: Setting) -> _Row:
    return setting.variables, setting.trust_env


def _label(row: _Row) -> str:
    variables, trust_env = row
    return (", ".join(variables) or "no variable") + ("" if trust_env else "; trust_env=False")


def _by(found: dict[Setting, str], session: Given, row: _Row, call: Given) -> str:
    variables, trust_env = row
    return found.get(Setting(variables=variables, session=session, call=call, trust_env=trust_env), "")


def _tone(by: str) -> str:
    if by == UNVERIFIED:
        return "nobody"
    return "own" if by == DEFAULT else "said" if by in (SESSION, CALL) else "environment"


def _text(groups: _Groups, calls: tuple[Given, ...], found: dict[Setting, str]) -> Iterator[str]:
    for session, rows in groups.items():
        yield f"Session.verify: {_GIVEN[session]}"
        yield "  verify:".ljust(_INDENT) + "".join(_GIVEN[call].ljust(_COLUMN) for call in calls)
        for row in rows:
            yield f"  {_label(row)}"
            cells = (_by(found, session, row, call) for call in calls)
            yield " " * _INDENT + "".join(_cell_text(by).ljust(_COLUMN) for by in cells)
        yield ""
    yield from wrap(_LEGEND, _WIDTH)


def _cell_text(by: str) -> str:
    return f"{_MARKS[_tone(by)]} {_SHORT.get(by, by)}" if by else ""


def _html(groups: _Groups, calls: tuple[Given, ...], found: dict[Setting, str]) -> str:
    heads = "".join(
        f'<th scope="col" style="{CELL}">{_breakable(head)}</th>'
        for head in (SESSION, "environment", *(f"verify: {_GIVEN[call]}" for call in calls))
    )
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}">Whose file decides whom requests trusts. Each cell was '
        f"measured with handshakes.<br>{escape(_LEGEND)}</caption><thead><tr>{heads}</tr></thead>"
        f"{''.join(_group(session, rows, calls, found) for session, rows in groups.items())}</table>"
    )


def _group(session: Given, rows: tuple[_Row, ...], calls: tuple[Given, ...], found: dict[Setting, str]) -> str:
    head = f'<th scope="rowgroup" rowspan="{len(rows)}" style="{CELL}">{escape(_GIVEN[session])}</th>'
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(_cell(_by(found, session, row, call)) for call in calls)
        label = f'<th scope="row" style="{CELL};font-weight:normal">{_breakable(_label(row))}</th>'
        lines.append(f"<tr>{head if place == 0 else ''}{label}{cells}</tr>")
    return f"<tbody>{''.join(lines)}</tbody>"


def _cell(by: str) -> str:
    if not by:
        return f'<td style="{CELL}"></td>'
    tone = _tone(by)
    # The mark stays with its word.
    return f'<td style="{CELL};border-left:4px solid {_EDGES[tone]}">{_MARKS[tone]}&nbsp;{_breakable(by)}</td>'


def _breakable(text: str) -> str:
    """Escaped, and a line may end after an underscore: names of variables are long and columns are not."""
    return escape(text).replace("_", "_<wbr>")


def _sentences(decisions: Sequence[Decision]) -> Iterator[str]:
    for one in decisions:
        setting = one.setting
        said = f"Session.verify {_GIVEN[setting.session]}, verify {_GIVEN[setting.call]}"
        yield f"{_label(_row(setting))}, {said}: {one.by}."


def heeded_table(rows: Sequence[Heeded]) -> Picture:
    """Show which program heeds which variable, with the version that was asked and where.

    Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("rows=() leaves nothing to show: completed(heeded(proxy)) has every program")
    variables = tuple(dict.fromkeys(variable for row in rows for variable in row.asked))
    return Picture(
        text="\n".join(_heeded_text(rows)),
        html=_heeded_html(rows, variables),
        alt=" ".join(f"{_source(row)} heeds {_heeds(row)}." for row in rows),
    )


def _source(row: Heeded) -> str:
    return _name(row) + (f", recorded {row.recorded_on}" if row.recorded_on else "")


def _source_html(row: Heeded) -> str:
    day = f"recorded {row.recorded_on}"
    aside = f'<br><small style="white-space:nowrap">{escape(day)}</small>' if row.recorded_on else ""
    return f"{escape(_name(row))}{aside}"


def _name(row: Heeded) -> str:
    said = row.version if row.program.lower() in row.version.lower() else f"{row.program}: {row.version}"
    return printable(said.removesuffix(": "), limit=64)


def _heeds(row: Heeded) -> str:
    return f"not known: {row.missing}" if row.missing else ", ".join(row.heeds) or "none of them"


def _heeded_text(rows: Sequence[Heeded]) -> Iterator[str]:
    for row in rows:
        yield _source(row)
        yield from wrap(printable(_heeds(row), limit=200), _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _heeded_html(rows: Sequence[Heeded], variables: tuple[str, ...]) -> str:
    heads = "".join(f'<th scope="col" style="{CELL}">{_breakable(head)}</th>' for head in ("program", *variables))
    lines = "".join(
        f'<tr><th scope="row" style="{CELL};font-weight:normal">{_source_html(row)}</th>'
        f"{_heeded_cells(row, variables)}</tr>"
        for row in rows
    )
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}">Which program heeds which variable: each was set alone, '
        f"to the authority that signed the server.<br>✓ heeded · – ignored</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _heeded_cells(row: Heeded, variables: tuple[str, ...]) -> str:
    if row.missing:
        return f'<td colspan="{len(variables)}" style="{CELL}"><em>{escape(row.missing)}</em></td>'
    words = ("✓&nbsp;heeded" if one in row.heeds else "–&nbsp;ignored" if one in row.asked else "" for one in variables)
    return "".join(f'<td style="{CELL}">{word}</td>' for word in words)
