"""The few SVG elements and the colours that the drawings share.

The card is opaque, because a notebook's page may be white or black. Text never has to fit a measured width, as each
machine has other fonts: a line is anchored at one end and has room at the other.
"""

INK, SOFT, FAINT, LINE = "#1c2733", "#526070", "#8a97a6", "#d5dce4"
PAPER, TINT, ALARM = "#fcfdfe", "#eef3f9", "#fdeceb"
GOOD, WARN, BAD = "#1b6b3f", "#8a5a00", "#b3261e"
CLIENT, SERVER = "#1f5c99", "#6d3f94"
WIDTH = 860
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def card(height: int, *parts: str) -> str:
    """The whole drawing on its card."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="{_FONT}" font-size="14" fill="{INK}">'
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="12" fill="{PAPER}" stroke="{LINE}"/>'
        f"{''.join(parts)}</svg>"
    )


def text(x: float, y: float, *spans: str, end: bool = False) -> str:
    """One line of text, hung up at its left end, or at its right end; there the spans read from right to left."""
    if end:
        return f'<text x="{x}" y="{y}" text-anchor="end">{"".join(reversed(spans))}</text>'
    return f'<text x="{x}" y="{y}">{"".join(spans)}</text>'


def span(words: str, *, size: float = 14, weight: int = 400, fill: str = INK) -> str:
    """A piece of a line; `words` are escaped already."""
    return f'<tspan font-size="{size}" font-weight="{weight}" fill="{fill}">{words}</tspan>' if words else ""


def space(pixels: int) -> str:
    """A gap between two pieces of a line."""
    return f'<tspan dx="{pixels}">&#8203;</tspan>'


def stroke(path: str, colour: str, width: float = 1.7, *, dash: str = "", more: str = "") -> str:
    """A line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" stroke="{colour}" stroke-width="{width:g}" fill="none"{dashes}{more}/>'


def area(path: str, colour: str) -> str:
    """A filled shape."""
    return f'<path d="{path}" fill="{colour}"/>'


_SIGNS = {
    "✓": "M-5.5 0.5 L-1.8 4.5 L5.5 -4",
    "✗": "M-4.5 -4.5 L4.5 4.5 M4.5 -4.5 L-4.5 4.5",
    "!": "M0 -6 L0 1.5 M0 5.2 L0 5.6",
}


def sign(mark: str, x: float, y: float, colour: str, size: float = 1.0) -> str:
    """A sign in a disc; drawn, since a font may lack it."""
    line = stroke(_SIGNS[mark], "#fff", 2.4, more=' stroke-linecap="round" stroke-linejoin="round"')
    return f'<g transform="translate({x} {y}) scale({size:g})"><circle r="11" fill="{colour}"/>{line}</g>'


def padlock(x: float, y: float, colour: str) -> str:
    """A padlock, closed."""
    body = '<rect x="-5" y="-1" width="10" height="8" rx="1.6"/>'
    shackle = stroke("M-3 -1 v-2.4 a3 3 0 0 1 6 0 V-1", colour, 1.6)
    return f'<g transform="translate({x} {y})" fill="{colour}">{body}{shackle}</g>'
