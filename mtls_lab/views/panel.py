"""The panel's HTML: the verdict that is announced, what a person would type, and the picture."""

from html import escape

from mtls_lab.clients import Call
from mtls_lab.handshake import Explanation, Handshake
from mtls_lab.views.card import reasons, verdict_html
from mtls_lab.views.ladder import ladder
from mtls_lab.views.verdict import verdict

PANEL_CLASS = "mtls-lab-two-switches"
PANEL_STYLE = """<style>
.CLASS .widget-radio, .CLASS .widget-dropdown { flex-wrap: wrap; }
.CLASS .widget-label { text-align: left; }
.CLASS .widget-radio > .widget-label { font-weight: 600; }
.CLASS .widget-radio-box { margin: 0 0 6px 0 !important; flex-wrap: wrap; gap: 4px 8px; }
.CLASS .widget-radio-box label { border: 1px solid var(--jp-border-color1); border-radius: 16px; margin: 0;
  padding: 0 12px 0 6px; width: auto; cursor: pointer; }
.CLASS .widget-radio-box label:has(input:checked) { border-color: var(--jp-brand-color1); font-weight: 600;
  box-shadow: inset 0 0 0 1px var(--jp-brand-color1); }
.CLASS .widget-radio-box label:focus-within, .CLASS summary:focus-visible, .CLASS select:focus-visible,
.CLASS button:focus-visible { outline: 2px solid var(--jp-brand-color1); outline-offset: 2px; }
[data-jp-theme-light="false"] .CLASS select { appearance: auto; background-image: none !important;
  color-scheme: dark; }
</style>""".replace("CLASS", PANEL_CLASS)
"""Radio buttons that look like switches, and a focus that is seen; colours are the theme's."""
_PRE = (
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;margin:2px 0 8px 0;padding:6px 10px;"
    "border-radius:4px;line-height:1.45;background:var(--jp-layout-color2, #eef1f5);"
    "color:var(--jp-content-font-color1, #1c2733)"
)


def status_html(explanation: Explanation | None, *, otherwise: str) -> str:
    """The verdict, in an element that a screen reader announces when it changes."""
    sorry = f"<p><strong>{escape(otherwise)}</strong></p>"
    said = verdict_html(verdict(explanation)) if explanation is not None else sorry
    return f'<div role="status" aria-live="polite" style="line-height:1.5">{said}</div>'


def lines_html(lines: dict[str, str], call: Call | None) -> str:
    """What a person would type for this state, by program, and what the program said that did run."""
    parts = [_words(f"{call.program} says", call.output.strip())] if call is not None and call.output else []
    if lines:
        parts.append("<strong>What you would type for exactly this state</strong>")
        parts += [_words(name, line) for name, line in lines.items()]
    return f'<div style="max-width:860px;line-height:1.5">{"".join(parts)}</div>'


def _words(title: str, words: str) -> str:
    return f'<div>{escape(title)}</div><pre style="{_PRE}">{escape(words)}</pre>'


def story_html(handshake: Handshake | None, explanation: Explanation | None) -> str:
    """The ladder, and below it why and what mends it."""
    if handshake is None or explanation is None:
        return ""
    pictures = ladder(handshake, explanation), reasons(explanation)
    return f'<div style="line-height:1.5">{"".join(one.html for one in pictures)}</div>'
