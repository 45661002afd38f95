"""Tables in text and in HTML: headers for a screen reader, colours of the theme, nothing by colour alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from textwrap import wrap

_CELL = (
    "font-size:14px;line-height:1.4;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_TABLE = "border-collapse:collapse;max-width:860px"
_CAPTION = "text-align:left;padding:4px 0;color:inherit"
_WIDEST, _PAGE = 44, 100
"""Characters of a column and of a line of prose, in text."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some rows that belong together."""

    title: str
    """What they are about; empty for rows without a heading."""
    rows: tuple[tuple[str, ...], ...]
    """Their cells; the first of each is the row's header."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Something to look up, with what it comes to above and below it."""

    title: str
    """What it is."""
    head: tuple[str, ...]
    """Over each column."""
    groups: tuple[Group, ...]
    """The rows."""
    before: tuple[str, ...] = ()
    """Lines above it."""
    after: tuple[str, ...] = ()
    """Lines below it."""

    @property
    def text(self) -> str:
        """In aligned columns."""
        return "\n".join(line.rstrip() for line in self._lines())

    @property
    def html(self) -> str:
        """As an HTML table, between its paragraphs."""
        heads = "".join(f'<th scope="col" style="{_CELL}">{escape(one)}</th>' for one in self.head)
        return (
            f"{_paragraphs(self.before)}"
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(self.title)}</caption>'
            f"<thead><tr>{heads}</tr></thead>{''.join(map(self._body, self.groups))}</table>"
            f"{_paragraphs(self.after)}"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text

    def _lines(self) -> Iterator[str]:
        rows = [row for group in self.groups for row in group.rows]
        widths = [min(_WIDEST, max(map(len, column))) for column in zip(self.head, *rows, strict=True)]
        yield from (*_wrapped(self.before), "") if self.before else ()
        yield from _aligned(self.head, widths)
        yield "  ".join("─" * width for width in widths)
        for group in self.groups:
            yield from (group.title,) if group.title else ()
            for row in group.rows:
                yield from _aligned(row, widths)
        yield from ("", *_wrapped(self.after)) if self.after else ()

    def _body(self, group: Group) -> str:
        title = (
            f'<tr><th scope="rowgroup" colspan="{len(self.head)}" style="{_CELL}">{escape(group.title)}</th></tr>'
            if group.title
            else ""
        )
        return f"<tbody>{title}{''.join(map(_row, group.rows))}</tbody>"


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    return (part for line in lines for part in wrap(line, _PAGE))


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row's lines: a long cell goes on below itself."""
    columns = [wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for line in zip_longest(*columns, fillvalue=""):
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))


def _row(cells: Sequence[str]) -> str:
    first, *rest = cells
    head = f'<th scope="row" style="{_CELL};font-weight:normal">{escape(first)}</th>'
    others = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in rest)
    return f"<tr>{head}{others}</tr>"


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f'<p style="margin:6px 0;max-width:860px">{escape(line)}</p>' for line in lines)
