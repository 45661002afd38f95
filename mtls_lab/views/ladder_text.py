"""The ladder in characters and in sentences: the same story for a terminal, a diff and a screen reader."""

from textwrap import wrap

from mtls_lab.views.story import Lane, Row, Story

_LANE = 38
"""Columns between the lifelines; the longest common line, `Alert unsupported_certificate (43)`, fits."""
_NOTES = 80 - _LANE - 7
"""Columns for the notes at the right."""
_BLANK = " " * _LANE


def text_of(story: Story) -> str:
    """The ladder in at most 80 columns. `─` is readable on the wire, `═` is encrypted."""
    lines = [*wrap(story.verdict.line, 80), "", *_head(story), f"  │{_BLANK}│"]
    for row in story.rows:
        lines += {"message": _message, "mark": _mark, "line": _divider}[row.kind](row)
    lines += ["", "  ── readable on the wire   ══ encrypted"]
    return "\n".join(lines + [f"  {line}" for line in wrap(story.eavesdropper, 78)])


def sentences_of(story: Story) -> str:
    """The ladder read aloud."""
    said = [
        f"A TLS handshake told in two lanes, {story.version}. {story.verdict.line[2:]}.",
        f"The client dials {story.server_name}, presents {_settings(story.client, 'server')}",
        f"The server presents {_settings(story.server, 'client')}",
    ]
    return " ".join([*said, *map(_sentence, story.rows), story.eavesdropper])


def _settings(lane: Lane, other: str) -> str:
    return f"{lane.presents}, trusts {lane.trusts}, and verifies the {other}: {lane.verifies}."


def _sentence(row: Row) -> str:
    note = f": {row.note}" if row.note else ""
    if row.kind == "line":
        return f"{row.text.capitalize()}."
    if row.kind == "mark":
        return f"The {row.side}: {row.text}{note}."
    return f"The {row.side} sends {'encrypted ' if row.encrypted else ''}{row.text}{note}."


def _head(story: Story) -> list[str]:
    """Two columns: each end's settings above its lifeline."""
    columns = [
        [
            lane.role + extra,
            f"presents {lane.presents}",
            f"trusts {lane.trusts}",
            f"verifies the {other}: {lane.verifies}",
        ]
        for lane, other, extra in (
            (story.client, "server", f", dials {story.server_name}"),
            (story.server, "client", f"  ({story.version})"),
        )
    ]
    pairs = zip(*columns, strict=True)
    return [f"  {_fitted(left, _LANE)}   {_fitted(right, _NOTES)}".rstrip() for left, right in pairs]


def _fitted(text: str, columns: int) -> str:
    return (text if len(text) <= columns else text[: columns - 1] + "…").ljust(columns)


def _beside(line: str, note: str) -> list[str]:
    """The line with its note at the right, wrapped onto empty rungs where it is long."""
    notes = wrap(_breakable(note), _NOTES) or [""]
    rungs = [line] + [f"  │{_BLANK}│"] * (len(notes) - 1)
    return [f"{rung}  {one}".rstrip() for rung, one in zip(rungs, notes, strict=True)]


def _breakable(note: str) -> str:
    """An X509_V_ERR name wider than the column is cut at an underscore, not in the middle of a word."""
    if max(map(len, note.split()), default=0) <= _NOTES:
        return note
    place = note.rfind("_", 0, _NOTES) + 1
    return f"{note[:place]} {note[place:]}" if place else note


def _message(row: Row) -> list[str]:
    name = row.text if len(row.text) <= _LANE - 4 else row.text.removeprefix("Alert ")
    stroke = "═" if row.encrypted else "─"
    if row.side == "client":
        lane = f"{stroke} {name} ".ljust(_LANE - 1, stroke) + "►"
    else:
        lane = "◄" + f" {name} {stroke}".rjust(_LANE - 1, stroke)
    return _beside(f"  │{lane}│", row.note)


def _mark(row: Row) -> list[str]:
    sign = {"good": "✓", "bad": "✗"}.get(row.tone, "•")
    words = f"{row.side}: {row.text}"
    if row.side == "client":
        return _beside(f"  {sign} {words}".ljust(_LANE + 3) + "│", row.note)
    return _beside(f"  │{words.rjust(_LANE - 1)} {sign}", row.note)


def _divider(row: Row) -> list[str]:
    fill = "═" if row.tone == "good" else "·"
    middle = f" {row.text} ".center(_LANE - 2, fill)
    return [f"  │◄{middle}►│" if row.tone == "good" else f"  │{fill}{middle}{fill}│"]
