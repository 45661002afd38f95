"""One exhibit as the gallery's panel tells it: as each end alone knows it, by its evidence, and from both sides."""

from html import escape

from mtls_lab.handshake import Explanation, Role
from mtls_lab.handshake.gallery import Visit, words_at
from mtls_lab.views.card import reasons
from mtls_lab.views.case_file import case_file
from mtls_lab.views.ladder import ladder

CLIENT_ALONE, SERVER_ALONE, EVIDENCE, BOTH = "the client alone", "the server alone", "the evidence", "both sides"
VIEWS = (CLIENT_ALONE, SERVER_ALONE, EVIDENCE, BOTH)
_ALONE: dict[str, Role] = {CLIENT_ALONE: "client", SERVER_ALONE: "server"}
_PRE = (
    "white-space:pre-wrap;margin:2px 0 8px 0;padding:6px 10px;border-radius:4px;line-height:1.45;"
    "background:var(--jp-layout-color2, #eef1f5);color:var(--jp-content-font-color1, #1c2733)"
)


def told_by(visit: Visit, seen: str) -> Explanation:
    """What can be known from there; the evidence names no cause, so its explanation is that of both sides."""
    return visit.seen_by(_ALONE[seen]) if seen in _ALONE else visit.explanation


def story_html(visit: Visit, seen: str) -> str:
    """All there is to see from there, and the code that shows the same."""
    told = told_by(visit, seen)
    if seen in _ALONE:
        parts = [_reads(visit, _ALONE[seen], told), reasons(told).html]
    elif seen == EVIDENCE:
        parts = [case_file(visit.handshake).html]
    else:
        parts = [ladder(visit.handshake, told).html, reasons(told).html]
    return f'<div style="line-height:1.5">{"".join(parts)}{_code(visit, seen)}</div>'


def _reads(visit: Visit, role: Role, told: Explanation) -> str:
    words = words_at(visit.handshake, role)
    reads = f"The {role} reads <q>{escape(words)}</q>." if words else f"The {role} reads no complaint."
    return f"<p>{reads} How sure it can be: <strong>{told.confidence}</strong>.</p>"


def _code(visit: Visit, seen: str) -> str:
    """The code for this state."""
    view = f'.seen_by("{_ALONE[seen]}")' if seen in _ALONE else ""
    shown = "case_file(handshake)" if seen == EVIDENCE else f"show(handshake{view})"
    code = (
        f'scenario = EXHIBITS["{visit.exhibit.slug}"].stage(cast, "{visit.side}", "{visit.version}")\n'
        f"handshake = rehearse(scenario)\n{shown}"
    )
    return f'<div>The code for exactly this state</div><pre style="{_PRE}">{escape(code)}</pre>'
