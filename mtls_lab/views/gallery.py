"""The gallery's panel: pick an exhibit, say who will refuse, then see what each end knows, and what mends it.

It follows the rules of the panel in `switches.py`: results are the `value` of HTML widgets, the short result stands in
an element with `role="status"`, several changes at once make one handshake, and radio buttons are switches. What
happened stays covered until there is a guess; another exhibit covers it again.
"""

from html import escape
from typing import Any, ClassVar, cast

import ipywidgets as widgets
import traitlets

from mtls_lab.handshake import VERSIONS, Version
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import KINDS, Visit, visit
from mtls_lab.views.card import verdict_html
from mtls_lab.views.gallery_story import CLIENT_ALONE, VIEWS, story_html, told_by
from mtls_lab.views.panel import PANEL_CLASS, PANEL_STYLE
from mtls_lab.views.verdict import verdict
from mtls_lab.views.words import version_words

SIDES = ("client", "server")
GALLERY_CLASS = "mtls-lab-gallery"
NOT_YET = "not yet"
_START = "intermediate-as-anchor"
_LABEL = {"description_width": "110px"}


class Gallery(widgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A panel with all exhibits. Set its traits or use its controls: either follows the other.

    `visit` is the exhibit as it was played. None where that side cannot have the fault, or not in that version.
    """

    kind = traitlets.Enum(tuple(KINDS), default_value=next(iter(KINDS)), help="the question")
    exhibit = traitlets.Enum(tuple(EXHIBITS), default_value=_START, help="exhibit")
    side = traitlets.Enum(SIDES, default_value="client", help="the fault is at the")
    tls = traitlets.Enum(VERSIONS, default_value="TLSv1.3", help="TLS version")
    guess = traitlets.Enum((NOT_YET, *SIDES, "neither"), default_value=NOT_YET, help="your guess: who refuses?")
    seen = traitlets.Enum(VIEWS, default_value=CLIENT_ALONE, help="as seen by")

    _STATE: ClassVar = ("exhibit", "side", "tls", "guess", "seen")

    def __init__(self) -> None:
        self.visit: Visit | None = None
        """The exhibit as it was played."""
        self.error: str | None = None
        """What kept the panel from playing this state; None when nothing did."""
        self._cast = Cast.gather()
        self._visits: dict[tuple[str, str, Version], Visit] = {}
        self._shown_state: tuple[object, ...] | None = None
        self._intro, self._status, self._story = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(layout=widgets.Layout(width="100%", max_width="900px"))
        # The look of the other panel, and a name of its own.
        self.add_class(PANEL_CLASS)
        self.add_class(GALLERY_CLASS)
        style = widgets.HTML(PANEL_STYLE, layout=widgets.Layout(display="none"))
        self._exhibits = self._dropdown("exhibit", _options(self.kind))
        self._exhibits.observe(self._picked, names=["value"])
        self.children = (style, *self._controls(), self._status, self._story)
        self.observe(self._another_kind, names=["kind"])
        self.observe(self._another_exhibit, names=["exhibit", "side", "tls"])
        self.observe(self._changed, names=list(self._STATE))
        self._changed()

    def __repr__(self) -> str:
        where = f"Gallery: {self.exhibit}, at the {self.side}, in {version_words(self.tls)}"
        return f"{where}\nyour guess: {self.guess}; seen by: {self.seen}\n{self._said()}"

    def _repr_mimebundle_(self, **arguments: object) -> dict[str, Any]:
        bundle = cast("dict[str, Any]", super()._repr_mimebundle_(**arguments))
        return bundle | {"text/plain": repr(self)}

    # What follows a change

    def _another_kind(self, _: object) -> None:
        """The exhibits of that question; the first of them where the one on show is another's."""
        slugs = KINDS[self.kind]
        if self.exhibit not in slugs:
            self.exhibit = slugs[0]
        self._list()

    def _another_exhibit(self, change: Any) -> None:
        exhibit = EXHIBITS[self.exhibit]
        if change.name == "exhibit":
            # Who picks an exhibit wants to see it; who then picks an end that cannot have the fault is told so.
            self.side = self.side if self.side in exhibit.sides else exhibit.sides[0]
            self.tls = self.tls if self.tls in exhibit.versions else exhibit.versions[0]
        self.kind = next(kind for kind, slugs in KINDS.items() if self.exhibit in slugs)
        self._list()
        self.guess = NOT_YET

    def _list(self) -> None:
        """Put the exhibits of the question into their control, with the one on show chosen."""
        control = self._exhibits
        # A list of new options makes a choice of its own, which nobody made.
        control.unobserve(self._picked, names=["value"])
        if [slug for _, slug in control.options] != list(KINDS[self.kind]):
            control.options = _options(self.kind)
        control.value = self.exhibit
        control.observe(self._picked, names=["value"])

    def _picked(self, change: Any) -> None:
        self.exhibit = change.new

    def _changed(self, _: object = None) -> None:
        state = tuple(getattr(self, name) for name in self._STATE)
        if state == self._shown_state:
            return
        self._shown_state, self.visit, self.error = state, None, None
        exhibit = EXHIBITS[self.exhibit]
        if self.side in exhibit.sides and self.tls in exhibit.versions:
            try:
                self.visit = self._played(self.exhibit, self.side, self.tls)
            except Exception as error:  # noqa: BLE001  # it is shown in the panel; a callback's traceback would be lost
                self.error = f"This exhibit could not be played. {type(error).__name__}: {error}"
        self._show()

    def _played(self, slug: str, side: Any, version: Version) -> Visit:
        key = slug, side, version
        if key not in self._visits:
            self._visits[key] = visit(slug, side, version, cast=self._cast)
        return self._visits[key]

    # What is shown

    def _show(self) -> None:
        exhibit = EXHIBITS[self.exhibit]
        self._intro.value = (
            f'<p style="margin:4px 0"><strong>{escape(exhibit.title)}.</strong> {escape(exhibit.sentence)} '
            f"<small>{escape(exhibit.reference)}</small></p>"
        )
        self._status.value = (
            f'<div role="status" aria-live="polite" style="line-height:1.5">{self._status_html()}</div>'
        )
        open_ = self.visit is not None and self.guess != NOT_YET
        self._story.value = story_html(self.visit, self.seen) if open_ and self.visit is not None else ""

    def _status_html(self) -> str:
        if self.visit is None or self.guess == NOT_YET:
            return f"<p><strong>{escape(self._said())}</strong></p>"
        told = verdict_html(verdict(told_by(self.visit, self.seen)))
        return f"<p><strong>{escape(self._judged(self.visit))}</strong></p>{told}"

    def _said(self) -> str:
        """The short result in plain words, or what to do for one."""
        if self.visit is None:
            return self.error or self._nothing_here()
        if self.guess == NOT_YET:
            return "Who will refuse? Guess first: what happened is covered until you do."
        return f"{self._judged(self.visit)}\n{self._line(self.visit)}"

    def _nothing_here(self) -> str:
        exhibit = EXHIBITS[self.exhibit]
        return (
            f"{exhibit.title}: only at the {' or the '.join(exhibit.sides)}, "
            f"in {' and '.join(map(version_words, exhibit.versions))}. Choose one of these."
        )

    def _judged(self, one: Visit) -> str:
        who = one.explanation.refused_by
        true = "neither refused" if who == "neither" else f"the {who} gave up"
        mark = "✓ As you said" if self.guess == who else f"✗ You said {self.guess}"
        return f"{mark}: {true}."

    def _line(self, one: Visit) -> str:
        told = told_by(one, self.seen)
        sure = "" if told.confidence == "certain" else f" ({told.confidence})"
        return f"{verdict(told).line}{sure}"

    # Controls

    def _controls(self) -> tuple[Any, ...]:
        kind = self._dropdown("kind", list(KINDS))
        row = widgets.HBox(
            [self._radio("side"), self._radio("tls")], layout=widgets.Layout(flex_flow="row wrap", grid_gap="0 24px")
        )
        return kind, self._exhibits, row, self._intro, self._radio("guess"), self._radio("seen")

    def _radio(self, name: str) -> Any:
        trait = self.traits()[name]
        words = {one: version_words(one) if one in VERSIONS else one for one in trait.values}
        control = widgets.RadioButtons(
            options=[(words[one], one) for one in trait.values],
            value=getattr(self, name),
            description=trait.help,
            orientation="horizontal",
            style={"description_width": "100%"},
            layout=widgets.Layout(width="auto"),
        )
        traitlets.link((self, name), (control, "value"))
        return control

    def _dropdown(self, name: str, options: Any) -> Any:
        control = widgets.Dropdown(
            options=options,
            value=getattr(self, name),
            description=self.traits()[name].help,
            style=_LABEL,
            layout=widgets.Layout(width="100%", max_width="640px"),
        )
        if name != "exhibit":
            traitlets.link((self, name), (control, "value"))
        return control


def _options(kind: str) -> list[tuple[str, str]]:
    return [(f"{slug}: {EXHIBITS[slug].title}", slug) for slug in KINDS[kind]]
