"""A picture: one thing to see, told three times, as an image, as HTML and as plain text."""

from base64 import b64encode
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a notebook shows. The same value always gives the same bytes, and nothing in it varies by run.

    JupyterLab drops `image/svg+xml` and inline `<svg>` from a notebook that is not trusted, so a drawing
    travels as an `<img>` inside `text/html`.
    """

    text: str
    """The whole story in plain text, 80 columns at most: what GitHub's diff, a terminal and nbval see."""
    html: str = field(repr=False)
    """The whole story in HTML: no script, no `<svg>` element, no style sheet."""
    alt: str
    """The story in sentences, for who listens."""
    svg: str | None = field(default=None, repr=False)
    """The drawing itself, to save as a file; None where the HTML is a table."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def image(svg: str, *, alt: str, width: int) -> str:
    """The drawing as an `<img>` that no sanitiser takes away."""
    data = b64encode(svg.encode()).decode()
    return (
        f'<img alt="{escape(alt)}" width="{width}" style="max-width:100%;height:auto" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def stacked(*pictures: Picture) -> Picture:
    """Several pictures below each other, as one."""
    return Picture(
        text="\n\n".join(one.text for one in pictures),
        html="\n".join(one.html for one in pictures),
        alt=" ".join(one.alt for one in pictures),
        svg=next((one.svg for one in pictures if one.svg), None),
    )
