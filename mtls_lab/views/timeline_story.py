"""A handshake on a scale of round trips: what happens when, at which end. The drawing and the text tell this."""

from dataclasses import dataclass

from mtls_lab.handshake import Handshake, Message, Role, explain
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.views.folding import told
from mtls_lab.views.words import version_words

WHEN = ("0", "½", "1", "1½", "2")
"""Round trips since the ClientHello left, by how many halves have passed."""
_NEEDS = "timeline() shows handshakes in which the server judged the client"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happens at one end."""

    halves: int
    """When, in half round trips."""
    role: Role
    """Where."""
    sends: str = ""
    """What leaves then; "" when nothing does."""
    notes: str = ""
    """What else happens then; "" for nothing."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One handshake on the scale."""

    version: str
    """`TLS 1.3`."""
    accepted: bool
    """The server accepted the client."""
    inside: int
    """How long the client is inside its handshake call, in half round trips."""
    events: tuple[Event, ...]
    """In order."""

    @property
    def waits(self) -> str:
        """What the client believes between its own end of the handshake and the server's word; "" for no such time."""
        if self.inside == 4:
            return ""
        return "it does not know yet" if self.accepted else "it thinks it is in"


def line_of(handshake: Handshake) -> Line:
    """Tell this handshake. Raises ValueError for one in which the server never came to judge the client."""
    refuser, messages = explain(handshake).refused_by, told(handshake)
    if handshake.client_chain is None or refuser == "client":
        raise ValueError(f"{_NEEDS}; in this one it did not ask, or the client refused: server.verifies='required'")
    if any(one.name == "HelloRetryRequest" for one in messages):
        raise ValueError(f"{_NEEDS}; a HelloRetryRequest costs a round trip more, and this scale has no room for it")
    late, accepted = handshake.version == "TLSv1.3", refuser == "neither"
    begins = Event(halves=0, role="client", sends="ClientHello")
    shows = Event(halves=1, role="server", sends=f"ServerHello … {'Finished' if late else 'ServerHelloDone'}")
    finishes = (
        Event(
            halves=2, role="client", sends="Certificate … Finished, and its request", notes="its handshake call returns"
        )
        if late
        else Event(halves=2, role="client", sends="Certificate … Finished")
    )
    return Line(
        version=version_words(handshake.version),
        accepted=accepted,
        inside=2 if late else 4,
        events=(begins, shows, finishes, _judges(messages, accepted, late), _learns(accepted, late)),
    )


def _judges(messages: tuple[Message, ...], accepted: bool, late: bool) -> Event:
    if accepted:
        return Event(halves=3, role="server", sends="its answer" if late else "Finished", notes="accepts the client")
    alert = next((f"Alert {alert_name(one.alert)}" for one in messages if one.fatal and one.alert is not None), "")
    return Event(halves=3, role="server", sends=alert, notes="refuses the client")


def _learns(accepted: bool, late: bool) -> Event:
    words = {
        (False, False): "its handshake call fails, and says why",
        (True, False): "its handshake call returns: it is in",
        (False, True): "its first read fails, and says why",
        (True, True): "it reads the answer: it is in",
    }
    return Event(halves=4, role="client", notes=words[accepted, late])
