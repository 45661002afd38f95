"""A panel that asks one question at a time, for the keyboard as much as for the mouse.

1. Choosing is not answering: whoever walks through the options must be able to look at each, so a button answers.
   Tab reaches every option and button, Space chooses.
2. The question and its number stand in the group's own text, and what came of an answer in an element of its own with
   `role="status"`: a screen reader says it when it changes.
3. It knows questions and answers by their shape only: what is asked, and who judges, is the business of others.
"""

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol, cast

import ipywidgets as widgets
import traitlets

PANEL_CLASS = "mtls-lab-questions"
_STYLE = """<style>
.CLASS .widget-radio { width: 100%; }
.CLASS .widget-radio-box { margin: 0 0 6px 0 !important; gap: 4px; }
.CLASS .widget-radio-box label { width: auto; height: auto; white-space: normal; line-height: 1.5; cursor: pointer;
  display: flex; flex-direction: row-reverse; justify-content: flex-end; gap: 8px; align-items: baseline;
  padding: 2px 4px; font-size: 14px; }
.CLASS .widget-radio-box label input { flex: none; position: static; margin: 0; }
.CLASS .widget-radio-box label:has(input:checked) { font-weight: 600; }
.CLASS .widget-radio-box label:focus-within, .CLASS button:focus-visible { outline: 2px solid
  var(--jp-brand-color1); outline-offset: 2px; }
.CLASS button { width: auto; color: var(--jp-ui-font-color1); }
</style>""".replace("CLASS", PANEL_CLASS)


class Asked(Protocol):
    """One question."""

    @property
    def text(self) -> str:
        """What is asked."""

    @property
    def letters(self) -> str:
        """The letters of its options."""

    def option(self, letter: str) -> Any:
        """The option of that letter; its `words` are shown."""


class Questions(Protocol):
    """Some questions, and who judges the answers."""

    @property
    def questions(self) -> Sequence[Asked]:
        """In order; the first has the number 1."""

    @property
    def result(self) -> Any:
        """What became of all answers; shows itself in HTML."""

    def answer(self, number: int, choice: object) -> Any:
        """Judge an answer; what comes back shows itself in text."""

    def chosen(self, number: int) -> str | None:
        """The letter given so far, None without one."""


class QuestionPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """The questions, one at a time. `number` is the one in view, `choice` the letter that is chosen in it, or ""."""

    number = traitlets.Int(1)
    choice = traitlets.Unicode("")

    def __init__(self, asked: Questions) -> None:
        self._asked = asked
        self._question, self._status, self._result = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._radio = widgets.RadioButtons(layout=widgets.Layout(width="100%"))
        super().__init__(layout=widgets.Layout(width="100%", max_width="860px"))
        self.add_class(PANEL_CLASS)
        style = widgets.HTML(_STYLE, layout=widgets.Layout(display="none"))
        self.children = (style, self._question, self._radio, self._buttons(), self._status, self._result)
        self._radio.observe(self._chose, names=["index"])
        self.observe(self._turned, names=["number"])
        self.number = next((one for one in range(1, len(asked.questions) + 1) if not asked.chosen(one)), 1)
        self._turned()
        # There from the start: an element that comes together with its words is not announced.
        self._say("")
        self._show_result()

    def __repr__(self) -> str:
        one = self._asked.questions[self.number - 1]
        options = "\n".join(f"   {letter}  {one.option(letter).words}" for letter in one.letters)
        return f"Question {self.number} of {len(self._asked.questions)}\n{one.text}\n{options}"

    def _repr_mimebundle_(self, **arguments: object) -> dict[str, Any]:
        bundle = cast("dict[str, Any]", super()._repr_mimebundle_(**arguments))
        return bundle | {"text/plain": repr(self)}

    def answer(self) -> None:
        """Answer the question in view with what is chosen, and go on to the next that has no answer."""
        number = self.number
        if not self.choice:
            self._say("Choose an answer first.")
            return
        try:
            outcome = self._asked.answer(number, self.choice)
        except Exception as error:  # noqa: BLE001  # it is shown in the panel; a callback's traceback would be lost
            self._say(f"This could not be judged. {type(error).__name__}: {error}")
            return
        order = [*range(number + 1, len(self._asked.questions) + 1), *range(1, number)]
        self.number = next((one for one in order if not self._asked.chosen(one)), number)
        self._say(f"Question {number}: {outcome!r}")
        self._show_result()

    def turn(self, step: int) -> None:
        """Go on or back by that many questions, round the end."""
        self.number = (self.number - 1 + step) % len(self._asked.questions) + 1
        self._say("")

    def _buttons(self) -> Any:
        row = []
        for words, act in (
            ("Answer", self.answer),
            ("Question before", lambda: self.turn(-1)),
            ("Next question", lambda: self.turn(1)),
        ):
            button = widgets.Button(description=words)
            button.on_click(lambda _, act=act: act())
            row.append(button)
        return widgets.HBox(row, layout=widgets.Layout(flex_flow="row wrap"))

    def _turned(self, _: object = None) -> None:
        one = self._asked.questions[self.number - 1]
        of = len(self._asked.questions)
        self._question.value = (
            f'<div style="line-height:1.5"><strong>Question {self.number} of {of}</strong><br>{escape(one.text)}</div>'
        )
        chosen = self._asked.chosen(self.number)
        self._radio.options = [f"{letter}  {one.option(letter).words}" for letter in one.letters]
        self._radio.index = None if chosen is None else one.letters.index(chosen)
        self.choice = chosen or ""

    def _chose(self, _: object = None) -> None:
        index = self._radio.index
        self.choice = "" if index is None else self._asked.questions[self.number - 1].letters[index]

    def _show_result(self) -> None:
        """Once every question has its answer: what became of them."""
        if all(self._asked.chosen(one) for one in range(1, len(self._asked.questions) + 1)):
            self._result.value = getattr(self._asked.result, "html", "")

    def _say(self, words: str) -> None:
        self._status.value = f'<div role="status" aria-live="polite" style="line-height:1.5">{escape(words)}</div>'
