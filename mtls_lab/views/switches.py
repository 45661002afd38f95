"""The panel: both switches under your fingers, and a real handshake at every move.

1. Nothing goes through `widgets.Output`, `interact` or `clear_output`: what they print is not in the cell that nbval
   compares. Results are the `value` of HTML widgets, so a saved notebook shows them without a kernel.
2. The switches are radio buttons. ipywidgets' ToggleButtons tell their state by colour alone: no `aria-pressed`, no
   mark. A radio button has a dot and announces its state; Tab reaches it and Space chooses it.
3. The verdict stands in an element of its own with `role="status"`: a screen reader says it, and nothing else.
4. Several changes at once (`hold_trait_notifications`, reset) make one handshake: a state already played is not
   played again.
5. A live program needs a proxy: it starts with the first one chosen, and is switched, not restarted.
"""

from typing import TYPE_CHECKING, Any, ClassVar, cast

import ipywidgets as widgets
import traitlets

from mtls_lab.clients import PROGRAMS, Call, lines
from mtls_lab.handshake import CLIENT_LEVELS, SERVER_LEVELS, Explanation, Handshake, Scenario, explain, rehearse
from mtls_lab.views.cast import GOOD, NOTHING, VERSION_CHOICES, Cast, Choice, choices
from mtls_lab.views.panel import PANEL_CLASS, PANEL_STYLE, lines_html, status_html, story_html
from mtls_lab.views.verdict import verdict

if TYPE_CHECKING:
    from mtls_lab.proxy import Proxy

IN_MEMORY = "in memory"
NAMES = ("localhost", "127.0.0.1")
_BORDER = "1px solid var(--jp-border-color2, #c8ced6)"


class TwoSwitches(widgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A panel with both switches. Set its traits or use its controls: either follows the other.

    `scenario`, `handshake` and `explanation` hold what the panel shows, `call` the run of a client program.
    """

    client_verifies = traitlets.Enum(CLIENT_LEVELS, default_value="chain and name", help="client verifies server")
    server_verifies = traitlets.Enum(SERVER_LEVELS, default_value="none", help="server verifies client")
    client_presents = traitlets.Enum(choices("client"), default_value=NOTHING, help="client presents")
    server_presents = traitlets.Enum(choices("server"), default_value=GOOD, help="server presents")
    server_name = traitlets.Enum(NAMES, default_value="localhost", help="name dialled")
    versions = traitlets.Enum(tuple(VERSION_CHOICES), default_value="TLS 1.2 and 1.3", help="TLS version")
    program = traitlets.Enum((IN_MEMORY, *PROGRAMS), default_value=IN_MEMORY, help="program")

    _STATE: ClassVar = (
        "client_verifies",
        "server_verifies",
        "client_presents",
        "server_presents",
        "server_name",
        "versions",
        "program",
    )

    def __init__(self) -> None:
        self.scenario: Scenario | None = None
        """The settings in force."""
        self.handshake: Handshake | None = None
        """What happened; None when nothing was sent (see `call` and `error`)."""
        self.explanation: Explanation | None = None
        """Why; None when there is no handshake."""
        self.call: Call | None = None
        """The run of the client program; None in memory."""
        self.error: str | None = None
        """What kept the panel from playing this state; None when nothing did."""
        self._cast, self._proxy = Cast(), cast("Proxy | None", None)
        self._played: tuple[object, ...] | None = None
        self._status, self._typed, self._story = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(layout=widgets.Layout(width="100%", max_width="900px"))
        self.add_class(PANEL_CLASS)
        style = widgets.HTML(PANEL_STYLE, layout=widgets.Layout(display="none"))
        self.children = (style, *self._controls(), self._status, self._story, self._typed)
        self.observe(self._changed, names=list(self._STATE))
        self._changed()

    def reset(self) -> None:
        """Back to the state at the start, in one step."""
        with self.hold_trait_notifications():
            for name in self._STATE:
                setattr(self, name, self.traits()[name].default_value)

    def close(self) -> None:
        """Stop the proxy, if one runs, and remove the widgets; may be called twice."""
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            proxy.close()
        super().close()

    def __repr__(self) -> str:
        return (
            f"Two switches: client verifies server: {self.client_verifies}; "
            f"server verifies client: {self.server_verifies}\n"
            f"client presents: {self.client_presents}; server presents: {self.server_presents}; "
            f"name dialled: {self.server_name}; {self.versions}; {self.program}\n{self._said()}"
        )

    def _repr_mimebundle_(self, **arguments: object) -> dict[str, Any]:
        bundle = cast("dict[str, Any]", super()._repr_mimebundle_(**arguments))
        return bundle | {"text/plain": repr(self)}

    def _said(self) -> str:
        """The verdict in plain words, or why there is none."""
        if self.explanation is not None:
            return verdict(self.explanation).line
        return f"! {self.error or (self.call.reason if self.call is not None else 'nothing was played')}"

    # Playing a state

    def _changed(self, _: object = None) -> None:
        state = tuple(getattr(self, name) for name in self._STATE)
        if state == self._played:
            return
        self._played = state
        self.handshake = self.explanation = self.call = self.error = None
        try:
            self._play()
        except Exception as error:  # noqa: BLE001  # it is shown in the panel; a callback's traceback would be lost
            self.error = f"This state could not be played. {type(error).__name__}: {error}"
        self._show()

    def _play(self) -> None:
        self.scenario = self._cast.scenario(
            Choice(
                client_verifies=self.client_verifies,
                server_verifies=self.server_verifies,
                client_presents=self.client_presents,
                server_presents=self.server_presents,
                server_name=self.server_name,
                versions=VERSION_CHOICES[self.versions],
            )
        )
        if self.program == IN_MEMORY:
            self.handshake = rehearse(self.scenario)
        else:
            self.call = PROGRAMS[self.program].call(self._serve(self.scenario))
            self.handshake = self.call.handshake
        self.explanation = explain(self.handshake) if self.handshake is not None else None

    def _serve(self, scenario: Scenario) -> "Proxy":
        """The proxy, playing that scenario."""
        if self._proxy is None:
            # Only here, as a rehearsal needs no sockets, no thread and no event loop.
            from mtls_lab.proxy import Proxy

            self._proxy = Proxy(scenario)
        else:
            self._proxy.switch(scenario)
        return self._proxy

    def _show(self) -> None:
        self._status.value = status_html(self.explanation, otherwise=self._said())
        port = self._proxy.port if self._proxy is not None and self.call is not None else 8443
        typed = lines(self.scenario, port=port) if self.scenario is not None and self.error is None else {}
        self._story.value = story_html(self.handshake, self.explanation)
        self._typed.value = lines_html(typed, self.call)

    # Controls

    def _controls(self) -> tuple[Any, ...]:
        reset = widgets.Button(description="reset", tooltip="Back to the start", layout=widgets.Layout(width="80px"))
        reset.on_click(lambda _: self.reset())
        client = self._group("client_verifies", "client_presents", "server_name")
        server = self._group("server_verifies", "server_presents", "versions")
        ends = widgets.HBox([client, server], layout=widgets.Layout(width="100%", flex_flow="row wrap"))
        return ends, widgets.HBox([self._dropdown("program"), reset], layout=widgets.Layout(margin="4px 0 0 0"))

    def _group(self, switch: str, *others: str) -> Any:
        layout = widgets.Layout(
            border=_BORDER, padding="8px 12px", margin="0 6px 6px 0", flex="1 1 400px", width="auto"
        )
        return widgets.VBox([self._radio(switch), *map(self._dropdown, others)], layout=layout)

    def _radio(self, name: str) -> Any:
        trait = self.traits()[name]
        control = widgets.RadioButtons(
            options=trait.values,
            value=getattr(self, name),
            description=trait.help,
            orientation="horizontal",
            style={"description_width": "100%"},
            layout=widgets.Layout(width="auto"),
        )
        traitlets.link((self, name), (control, "value"))
        return control

    def _dropdown(self, name: str) -> Any:
        trait = self.traits()[name]
        control = widgets.Dropdown(
            options=trait.values,
            value=getattr(self, name),
            description=trait.help,
            style={"description_width": "110px"},
            layout=widgets.Layout(width="340px", max_width="100%"),
        )
        traitlets.link((self, name), (control, "value"))
        return control
