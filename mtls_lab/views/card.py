"""The explanation card: who refused whom, what was expected and shown, why, and what mends it.

Semantic HTML first: with every style taken away (GitHub, an untrusted notebook) it is still a verdict, tables and
lists in a sensible order. Colours are those of JupyterLab's theme where there is one; the only fixed ones are filled
chips with white words, readable on any page.
"""

from collections.abc import Iterator
from html import escape
from textwrap import wrap

from mtls_lab.handshake import Explanation, Fix, verify_code_name
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.handshake.explanation import Suspect
from mtls_lab.views.picture import Picture
from mtls_lab.views.verdict import Verdict, verdict
from mtls_lab.views.words import printable

_CHIPS = {"good": "#1b6b3f", "warn": "#8a5a00", "bad": "#b3261e", "unknown": "#4a5560"}
_WORDS = {"good": "accepted", "warn": "accepted, but", "bad": "refused", "unknown": "not known"}
_LIMIT = 400
"""Characters of one sentence or fact; a hostile certificate may carry any number of names."""
_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_CODE = (
    "font-size:13px;padding:1px 5px;border-radius:3px;white-space:pre-wrap;user-select:all;"
    "font-family:var(--jp-code-font-family, monospace);"
    "background:var(--jp-layout-color2, #eef1f5);color:var(--jp-content-font-color1, #1c2733)"
)


def explanation_card(explanation: Explanation) -> Picture:
    """Show an explanation as a card."""
    result, body = verdict(explanation), reasons(explanation)
    return Picture(
        text="\n".join([*wrap(result.line, 80), "", body.text]),
        html=f"{verdict_html(result)}{body.html}",
        alt=f"{result.line[2:]}. {body.alt}",
    )


def reasons(explanation: Explanation) -> Picture:
    """The card without its first line, to stand below a picture that has said who refused whom."""
    return Picture(
        text="\n".join(_text_lines(explanation)),
        html=f'<div style="max-width:860px">{_body(explanation)}</div>',
        alt=f"Expected: {explanation.expected}. Presented: {explanation.presented}. {explanation.why}",
    )


def verdict_html(result: Verdict) -> str:
    """The verdict as one line of HTML: sign and word in a chip, then the sentence."""
    chip = (
        f'<span style="display:inline-block;background-color:{_CHIPS[result.tone]};color:#ffffff;font-weight:bold;'
        f'padding:1px 10px;border-radius:10px">{result.mark} {_WORDS[result.tone]}</span>'
    )
    detail = f": {_shown(result.detail)}" if result.detail else ""
    return f'<p style="font-size:16px;margin:8px 0">{chip} <strong>{_shown(result.headline)}</strong>{detail}</p>'


def _shown(text: str) -> str:
    return escape(printable(text, limit=_LIMIT))


def _facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """The short facts, each with its label; what is not known is left out."""
    if explanation.which is not None:
        yield "which", f"{explanation.which}{_depth(explanation.depth)}"
    if explanation.stage is not None:
        yield "when", explanation.stage
    if explanation.alert is not None:
        yield "alert", alert_name(explanation.alert)
    verdict_name = verify_code_name(explanation.verify_code) if explanation.verify_code is not None else ""
    if verdict_name not in explanation.reference:
        yield "verdict", verdict_name
    yield "rule", explanation.reference
    if explanation.confidence != "certain":
        yield "sure", explanation.confidence
    if explanation.ambiguous_with and len(explanation.suspects) < 2:
        yield "looks alike", ", ".join(explanation.ambiguous_with)
    if explanation.also:
        yield "also", ", ".join(explanation.also)


def _depth(depth: int | None) -> str:
    return f", at depth {depth} (the leaf is 0)" if depth else ""


_LABELS = {
    "which": "Which certificate",
    "when": "Where it ended",
    "alert": "Alert on the wire",
    "verdict": "OpenSSL's verdict",
    "rule": "The rule",
    "sure": "How sure",
    "looks alike": "Would look the same",
    "also": "Also worth knowing",
}


def _text_lines(explanation: Explanation) -> Iterator[str]:
    yield from _labelled("expected", explanation.expected)
    yield from _labelled("presented", explanation.presented)
    yield from _labelled("why", explanation.why)
    if explanation.fixes:
        yield ""
        yield "  what mends it"
        width = max(len(fix.tool) for fix in explanation.fixes)
        yield from (f"    {fix.tool.ljust(width)}  {printable(fix.text, limit=_LIMIT)}" for fix in explanation.fixes)
    yield ""
    for label, words in _facts(explanation):
        yield from _labelled(label, words)
    if len(explanation.suspects) > 1:
        yield ""
        yield "  what it may be, likeliest first"
        for suspect in explanation.suspects:
            yield from _item(_suspected(suspect))
    if explanation.evidence:
        yield ""
        yield "  evidence"
        for fact in explanation.evidence:
            yield from _item(fact)


def _item(words: str) -> list[str]:
    return wrap(printable(words, limit=_LIMIT), 78, initial_indent="    - ", subsequent_indent="      ")


def _suspected(suspect: Suspect) -> str:
    return f"{suspect.title} ({suspect.slug}){f': look at {suspect.decides}' if suspect.decides else ''}"


def _labelled(label: str, words: str) -> list[str]:
    return wrap(
        printable(words, limit=_LIMIT),
        80,
        initial_indent=f"  {label.ljust(11)}  ",
        subsequent_indent=" " * 15,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _body(explanation: Explanation) -> str:
    evidence = "".join(f"<li>{_shown(fact)}</li>" for fact in explanation.evidence)
    return "".join(
        (
            _expected_html(explanation),
            f'<p style="margin:8px 0">{_shown(explanation.why)}</p>',
            _fixes_html(explanation.fixes) if explanation.fixes else "",
            _facts_html(explanation),
            _suspects_html(explanation.suspects) if len(explanation.suspects) > 1 else "",
            f"<details><summary>Evidence</summary><ul>{evidence}</ul></details>" if evidence else "",
        )
    )


def _suspects_html(suspects: tuple[Suspect, ...]) -> str:
    items = "".join(f"<li>{_shown(_suspected(suspect))}</li>" for suspect in suspects)
    return f"<details><summary>What it may be, likeliest first ({len(suspects)})</summary><ol>{items}</ol></details>"


def _expected_html(explanation: Explanation) -> str:
    head = f'style="{_CELL};font-weight:bold" scope="col"'
    return (
        '<table style="border-collapse:collapse;margin:8px 0;width:100%;table-layout:fixed"><thead><tr>'
        f"<th {head}>Expected</th><th {head}>Presented</th></tr></thead><tbody><tr>"
        f'<td style="{_CELL}">{_shown(explanation.expected)}</td>'
        f'<td style="{_CELL}">{_shown(explanation.presented)}</td></tr></tbody></table>'
    )


def _fixes_html(fixes: tuple[Fix, ...]) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};width:90px">{_shown(fix.tool)}</th>'
        f'<td style="{_CELL}"><code style="{_CODE}">{_shown(fix.text)}</code></td></tr>'
        for fix in fixes
    )
    return (
        '<table style="border-collapse:collapse;margin:8px 0;width:100%">'
        '<caption style="text-align:left;font-weight:bold;padding:4px 0;color:inherit">What mends it</caption>'
        f"<tbody>{rows}</tbody></table>"
    )


def _facts_html(explanation: Explanation) -> str:
    items = "".join(f"<li>{_LABELS[label]}: {_shown(words)}</li>" for label, words in _facts(explanation))
    return f'<ul style="margin:8px 0;padding-left:20px">{items}</ul>'
