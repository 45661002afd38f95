"""For a beamer: type that is read from the last row, black on white or white on black.

A style sheet in an output holds for the whole page, as long as the output is there: for prose, code, pictures and
panels of every notebook in this JupyterLab window. Nothing is hidden, and nothing is written to a notebook but this
output. A saved output that is not trusted loses its style sheet, and says so.

How large? Letters are read without effort when capitals are 16 minutes of arc high. From four times the height of the
picture away that is 1.9 % of its height, capitals of 13 px of 720, type of 19 px.
"""

from dataclasses import dataclass

_IN_FORCE = "body:not(:has(.mtls-lab-projector-off))"
"""Off wins, wherever it stands in the notebook: CSS cannot tell which of the two cells was run last."""
_SIZES = {"12px": "18px", "13px": "19px", "14px": "20px", "15px": "21px", "16px": "23px"}
"""What stands in the HTML of our views, and what it becomes."""
_TYPE = {
    "--jp-content-font-size1": "20px",
    "--jp-content-line-height": "1.5",
    "--jp-code-font-size": "19px",
    "--jp-code-line-height": "1.35",
    "--jp-ui-font-size1": "16px",
    "--jp-widgets-font-size": "19px",
    "--jp-widgets-inline-height": "36px",
    "--jp-widgets-inline-label-width": "150px",
    # Narrower margins: what they give up, pictures take.
    "--jp-cell-prompt-width": "44px",
    "--jp-notebook-padding": "4px",
}
_INK = ("--jp-content-font-color0", "--jp-content-font-color1", "--jp-ui-font-color1", "--jp-widgets-color")
_LIGHT = {
    **dict.fromkeys(_INK, "#000000"),
    **dict.fromkeys(("--jp-content-font-color2", "--jp-content-font-color3", "--jp-ui-font-color2"), "#222222"),
    **dict.fromkeys(("--jp-border-color1", "--jp-border-color2", "--jp-cell-editor-border-color"), "#555555"),
    "--jp-content-link-color": "#003a9e",
    "--jp-cell-prompt-not-active-font-color": "#333333",
    "--jp-mirror-editor-comment-color": "#005050",
    "--jp-mirror-editor-string-color": "#8c1010",
    "--jp-mirror-editor-keyword-color": "#005c00",
    "--jp-mirror-editor-operator-color": "#6a0dad",
    "--jp-mirror-editor-property-color": "#003a9e",
}
_DARK = {
    **dict.fromkeys(_INK, "#ffffff"),
    **dict.fromkeys(("--jp-content-font-color2", "--jp-content-font-color3", "--jp-ui-font-color2"), "#e6e6e6"),
    **dict.fromkeys(("--jp-border-color1", "--jp-border-color2", "--jp-cell-editor-border-color"), "#a0a0a0"),
    "--jp-layout-color0": "#000000",
    "--jp-cell-editor-background": "#0a0a0a",
    "--jp-content-link-color": "#8cc8ff",
    "--jp-cell-prompt-not-active-font-color": "#dddddd",
    "--jp-mirror-editor-comment-color": "#a8e0d8",
    "--jp-mirror-editor-string-color": "#ffb4a8",
    "--jp-mirror-editor-keyword-color": "#8ee68e",
    "--jp-mirror-editor-operator-color": "#e0b0ff",
    "--jp-mirror-editor-property-color": "#8cc8ff",
}
_PROMPT = {"font-size": "12px", "opacity": "1", "padding-left": "0", "padding-right": "3px", "overflow": "visible"}
_RADIO = {"height": "34px", "line-height": "34px"}
_BREAK = {"overflow-wrap": "anywhere", "flex-shrink": "1"}


@dataclass(frozen=True, kw_only=True)
class ProjectorMode:
    """What a cell shows so that the page is in projector mode, or is not."""

    on: bool
    """Whether it is."""

    def __repr__(self) -> str:
        if self.on:
            return "Projector mode: on, as long as this output is there. projector(on=False) ends it."
        return "Projector mode: off, as long as this output is there."

    def _repr_html_(self) -> str:
        if not self.on:
            return f'<p class="mtls-lab-projector-off">{self!r}</p>'
        idle = '<span class="mtls-lab-projector-idle">It is not on yet: run this cell.</span>'
        return f"<style>{_STYLE}</style><p>{self!r} {idle}</p>"


def projector(*, on: bool = True) -> ProjectorMode:
    """Larger type and more contrast for the whole window, until this output goes or `projector(on=False)` is run.

    Off wins while its output is there: to switch on again, put `projector()` in that cell.
    """
    if not isinstance(on, bool):
        raise TypeError(f"on={on!r}: projector() switches it on, projector(on=False) off")
    return ProjectorMode(on=on)


def _rule(selector: str, values: dict[str, str], *, important: bool = False) -> str:
    end = " !important" if important else ""
    return f"{selector}{{{';'.join(f'{name}:{value}{end}' for name, value in values.items())}}}"


def _style() -> str:
    output = f"{_IN_FORCE} .jp-OutputArea-output"
    rules = [
        _rule(_IN_FORCE, _TYPE),
        _rule(f'{_IN_FORCE}[data-jp-theme-light="true"]', _LIGHT),
        _rule(f'{_IN_FORCE}[data-jp-theme-light="false"]', _DARK),
        # [21]: in full, in the narrower margin.
        _rule(f"{_IN_FORCE} :is(.jp-InputPrompt,.jp-OutputPrompt)", _PROMPT, important=True),
        # A line that is too long goes on below, where the beamer shows it.
        _rule(f"{_IN_FORCE} .jp-Notebook .cm-content", {"white-space": "break-spaces", **_BREAK}, important=True),
        _rule(f"{output}.jp-RenderedHTMLCommon", {"padding-right": "4px"}),
        # Pictures and cards as wide as the cell. The filter darkens grey words and leaves white paper white.
        _rule(f'{output} img[src^="data:image/svg"]', {"width": "100%", "filter": "brightness(.85) contrast(1.4)"}),
        *(
            _rule(f'{output} [style*="max-width:{gap}{width}"]', {"max-width": "none"}, important=True)
            for gap in ("", " ")
            for width in ("640px", "860px", "900px", "960px", "1000px")
        ),
        *(
            _rule(f'{output} [style*="font-size:{gap}{size}"]', {"font-size": larger}, important=True)
            for size, larger in _SIZES.items()
            for gap in ("", " ")
        ),
        _rule(f"{output} .widget-radio-box label", _RADIO, important=True),
        _rule(f"{output} .widget-radio-box input", {"margin-top": "10px"}, important=True),
        _rule(f"{output} .widget-label", {"min-width": "max-content"}),
        _rule(f"{output} small", {"font-size": "0.92em"}),
        _rule(f"{output} summary", {"cursor": "pointer"}),
        _rule(".mtls-lab-projector-idle", {"display": "none"}),
    ]
    return "\n".join(rules)


_STYLE = _style()
