"""Rosetta's panel: pick a fault and read it in every program's words, or type a message and read what it can mean.

It follows the rules of the panel in `switches.py`: results are the `value` of HTML widgets, the short result stands in
an element with `role="status"`, and nothing is played that is shown already. It runs no program: the words come from
the recording (`rosetta(fault, live=True)` asks those of this machine).
"""

from html import escape
from typing import Any, ClassVar, cast

import ipywidgets as widgets
import traitlets

from mtls_lab.clients.atlas import SHOWN, Atlas, Meaning, Possible
from mtls_lab.clients.rosetta import Row, recorded
from mtls_lab.handshake import VERSIONS
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.views.rosetta import CELL, Rosetta, rosetta_of
from mtls_lab.views.words import printable

PANEL_CLASS = "mtls-lab-rosetta"
SIDES = ("server", "client")
_START = "expired"
_STYLE = """<style>
.CLASS .widget-label { text-align: left; }
.CLASS select:focus-visible, .CLASS input:focus-visible, .CLASS summary:focus-visible {
  outline: 2px solid var(--jp-brand-color1); outline-offset: 2px; }
[data-jp-theme-light="false"] .CLASS select { appearance: auto; background-image: none !important;
  color-scheme: dark; }
</style>""".replace("CLASS", PANEL_CLASS)
_WIDE = {"description_width": "100px"}
_HINT = "an error message, in whole or in part"


class RosettaPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A panel on the recording. Set its traits or use its controls: either follows the other.

    `table` is what it shows of the fault, `meanings` what it found for the message.
    """

    fault = traitlets.Enum(tuple(EXHIBITS), default_value=_START, help="fault")
    side = traitlets.Enum(SIDES, default_value="server", help="at the")
    tls = traitlets.Enum(VERSIONS, default_value="TLSv1.3", help="TLS version")
    message = traitlets.Unicode("", help="message")

    _STATE: ClassVar = ("fault", "side", "tls")

    def __init__(self) -> None:
        self.table: Rosetta | None = None
        """What it shows; None where that side cannot have the fault, or not in that version."""
        self.meanings: tuple[Meaning, ...] = ()
        """What the message can mean."""
        self._rows: tuple[Row, ...] = recorded()
        self._atlas = Atlas(self._rows)
        self._cast = Cast.gather()
        self._found, self._status, self._shown = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(layout=widgets.Layout(width="100%", max_width="1000px"))
        self.add_class(PANEL_CLASS)
        style = widgets.HTML(_STYLE, layout=widgets.Layout(display="none"))
        self.children = (style, *self._controls(), self._status, self._found, self._shown)
        self.observe(self._changed, names=list(self._STATE))
        self.observe(self._asked, names=["message"])
        self._changed()

    def __repr__(self) -> str:
        if self.message:
            return f'Rosetta: "{printable(self.message)}"\n' + ("\n\n".join(map(str, self.meanings)) or _UNKNOWN)
        return f"Rosetta\n{self.table.text if self.table is not None else self._no_table()}"

    def _repr_mimebundle_(self, **arguments: object) -> dict[str, Any]:
        bundle = cast("dict[str, Any]", super()._repr_mimebundle_(**arguments))
        return bundle | {"text/plain": repr(self)}

    def _controls(self) -> tuple[Any, ...]:
        wide = widgets.Layout(width="100%", max_width="640px")
        fault = widgets.Dropdown(
            options=[(f"{slug}: {one.title}", slug) for slug, one in EXHIBITS.items()],
            description="fault",
            style=_WIDE,
            layout=wide,
        )
        narrow = widgets.Layout(width="280px")
        side = widgets.Dropdown(options=SIDES, description="at the", style=_WIDE, layout=narrow)
        tls = widgets.Dropdown(
            options=[(one.replace("TLSv", "TLS "), one) for one in VERSIONS],
            description="TLS version",
            style=_WIDE,
            layout=narrow,
        )
        message = widgets.Text(
            description="or a message", placeholder=_HINT, style=_WIDE, layout=wide, continuous_update=False
        )
        for name, control in (("fault", fault), ("side", side), ("tls", tls), ("message", message)):
            traitlets.link((self, name), (control, "value"))
        return message, fault, widgets.HBox((side, tls), layout=widgets.Layout(flex_flow="row wrap"))

    def _changed(self, _: object = None) -> None:
        state = (self.fault, self.side, self.tls)
        exhibit = EXHIBITS[self.fault]
        self.table = None
        if self.side in exhibit.sides and self.tls in exhibit.versions:
            rows = tuple(row for row in self._rows if (row.fault, row.side, row.tls) == state)
            try:
                self.table = rosetta_of(self.fault, side=self.side, tls=self.tls, rows=rows, cast=self._cast)
            except Exception as error:  # noqa: BLE001  # it is shown in the panel; a callback's traceback would be lost
                self._say(f"This could not be shown. {type(error).__name__}: {error}")
                return
        self._shown.value = self.table.html if self.table is not None else ""
        self._say(self.table.heading if self.table is not None else self._no_table())

    def _no_table(self) -> str:
        exhibit = EXHIBITS[self.fault]
        return (
            f"{exhibit.title} is there at the {' and at the '.join(exhibit.sides)}, "
            f"in {' and '.join(one.replace('TLSv', 'TLS ') for one in exhibit.versions)}: choose one of these."
        )

    def _asked(self, _: object = None) -> None:
        self.meanings = self._atlas.look_up(self.message) if self.message.strip() else ()
        self._found.value = _found_html(self.meanings)
        if not self.message.strip():
            self._changed()
        elif self.meanings:
            self._say(f"{_said_by(self.meanings)} can say this. Below: what it means then.")
        else:
            self._say(_UNKNOWN)

    def _say(self, words: str) -> None:
        self._status.value = f'<div role="status" aria-live="polite" style="line-height:1.5">{escape(words)}</div>'


_UNKNOWN = "No program in the atlas is known to say this. Give the part of the message that does not vary."


def _said_by(meanings: tuple[Meaning, ...]) -> str:
    number = len({program for one in meanings for program in one.programs})
    return f"{number} program" if number == 1 else f"{number} programs"


def _found_html(meanings: tuple[Meaning, ...]) -> str:
    if not meanings:
        return ""
    rows = "".join(
        f'<tr><th scope="row" style="{CELL};width:210px;font-weight:normal">{escape(", ".join(one.programs))}'
        f"<br><small>as a {one.said_by}; {escape(one.source)}</small></th>"
        f'<td style="{CELL}"><code style="background:none;color:inherit">{escape(one.words)}</code>'
        f'<ul style="margin:4px 0;padding-left:20px">{"".join(map(_cause_html, one.causes[:SHOWN]))}</ul>'
        f"{_rest_html(one.causes[SHOWN:])}</td></tr>"
        for one in meanings
    )
    return (
        f'<table style="border-collapse:collapse;margin:8px 0;width:100%;max-width:960px">'
        f'<caption style="text-align:left;font-weight:bold;padding:4px 0;color:inherit">What it can mean</caption>'
        f'<thead><tr><th scope="col" style="{CELL};width:210px">Said by</th>'
        f'<th scope="col" style="{CELL}">Measured causes</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _cause_html(one: Possible) -> str:
    decides = f"<br><small>Decides: {escape(one.decides)}</small>" if one.decides else ""
    return (
        f"<li>{one.share:.0%} <strong>{escape(one.slug)}</strong>, at the {one.side}: {escape(one.title)}; "
        f"the {one.refused_by} refuses{decides}</li>"
    )


def _rest_html(rest: tuple[Possible, ...]) -> str:
    return f"<small>and {escape(', '.join(f'{one.slug} ({one.side})' for one in rest))}</small>" if rest else ""
