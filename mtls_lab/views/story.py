"""A handshake as a story: two lanes, and rows in order. Every form of the ladder (drawing, text, words) tells this one.

1. Nothing that varies by run, by TLS library or by client program gets in: no sizes, ciphers, times or ports, and
   of the ClientHello only the server name.
2. A refusal stands before the alert that carries it, and the moment at which the client was through stands where it
   was: in TLS 1.3 before its certificate was judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mtls_lab.handshake import Explanation, Handshake, Message, Role, verify_code_name
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.handshake.values import UNKNOWN
from mtls_lab.views.folding import told
from mtls_lab.views.notes import eavesdropper, note_of
from mtls_lab.views.verdict import Verdict, verdict
from mtls_lab.views.words import OTHER, name_of, printable, version_words

_UNKNOWN = "not known here"

Kind = Literal["message", "mark", "line"]
Tone = Literal["plain", "dim", "good", "bad"]


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The head of a lane: one end and its settings."""

    role: Role
    """Which end."""
    presents: str
    """What it would show."""
    trusts: str
    """Its trust anchors, by name."""
    verifies: str
    """Its level: the switch."""
    position: Literal[0, 1, 2] | None
    """Where that level stands: 0 off, 1 half, 2 full; None where nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One step on the way down."""

    kind: Kind
    """A message across, a mark at one end, or a line through both lanes."""
    side: Role | None = None
    """Whose it is: the sender's, or the end that the mark is about; None for a line."""
    text: str
    """The RFC's name of the message, or the words of the mark."""
    note: str = ""
    """What it says that is worth knowing."""
    encrypted: bool = False
    """An eavesdropper cannot read it."""
    tone: Tone = "plain"
    """How it is meant; the words say so too."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Everything that a ladder shows."""

    verdict: Verdict
    """The headline."""
    version: str
    """`TLS 1.3`."""
    server_name: str
    """The name that the client dials."""
    client: Lane
    """The left lane."""
    server: Lane
    """The right lane."""
    rows: tuple[Row, ...]
    """Top to bottom."""
    eavesdropper: str
    """What somebody in between learns."""


def story(handshake: Handshake, explanation: Explanation) -> Story:
    """Tell this handshake."""
    return Story(
        verdict=verdict(explanation),
        version=version_words(handshake.version),
        server_name=printable(handshake.scenario.server_name),
        client=_lane(handshake, "client"),
        server=_lane(handshake, "server"),
        rows=tuple(_rows(handshake, explanation)),
        eavesdropper=eavesdropper(told(handshake)),
    )


def _lane(handshake: Handshake, role: Role) -> Lane:
    end = handshake.settings(role)
    if not end.known:
        return _stranger(handshake, role)
    positions: dict[str, Literal[0, 1, 2]] = {"none": 0, "chain": 1, "optional": 1}
    unasked = role == "client" and handshake.asked is False and handshake.server_chain is not None
    aside = " (not asked for)" if unasked else ""
    return Lane(
        role=role,
        presents=name_of(end.presents.leaf) + aside if end.presents is not None else "nothing",
        trusts=printable(", ".join(map(name_of, end.trusts)) or "nobody"),
        verifies=end.verifies,
        position=positions.get(end.verifies, 2),
    )


def _stranger(handshake: Handshake, role: Role) -> Lane:
    """An end that nobody could ask: what it sent is known, and nothing else."""
    chain = handshake.client_chain if role == "client" else handshake.server_chain
    return Lane(
        role=role,
        presents=name_of(chain[0]) if chain else "nothing" if chain == () else _UNKNOWN,
        trusts=_UNKNOWN,
        verifies=_UNKNOWN,
        position=None,
    )


def _rows(handshake: Handshake, explanation: Explanation) -> Iterator[Row]:
    messages = told(handshake)
    refuser = explanation.refused_by
    turn = _turning_point(messages, handshake)
    secret = judged = False
    for place, message in enumerate(messages):
        if message.encrypted and not secret:
            secret = True
            yield _curtain(messages[place:])
        if message.fatal and message.sender == refuser and not judged:
            judged = True
            yield _refusal(message.sender, explanation)
        yield _message_row(message, first=not any(one.name == "ClientHello" for one in messages[:place]))
        if place == _last_of_server_flight(messages) and refuser != "client" and explanation.cause != "unknown":
            yield _accepts(handshake.settings("client").verifies, resumed=handshake.resumed)
        if place == turn:
            yield from _completions(handshake, refuser)
    if refuser != "neither" and not judged:
        yield _refusal(refuser, explanation, silent=bool(messages))
    if refuser == "server" and explanation.stage == "after the client finished":
        yield Row(kind="mark", side="client", text="learns of it only now", note="at its first read")
    if refuser == "neither" and messages and explanation.cause != "unknown":
        yield Row(kind="line", text="application data may flow, encrypted", tone="good")


def _turning_point(messages: tuple[Message, ...], handshake: Handshake) -> int | None:
    """Where the handshake is complete: at the client's Finished in TLS 1.3, at the second Finished in TLS 1.2."""
    finished = [place for place, one in enumerate(messages) if one.name == "Finished"]
    if handshake.version == "TLSv1.3":
        finished = [place for place in finished if messages[place].sender == "client"]
        return finished[0] if finished else None
    return finished[1] if len(finished) > 1 else None


def _last_of_server_flight(messages: tuple[Message, ...]) -> int | None:
    """Where the server has shown all it has to show, and the client judges."""
    ends = ("ServerHelloDone", "Finished")
    return next((i for i, one in enumerate(messages) if one.sender == "server" and one.name in ends), None)


def _curtain(rest: tuple[Message, ...]) -> Row:
    """The line where encryption begins; in TLS 1.2 each direction has its own, and a refusal comes in plaintext."""
    both = all(one.encrypted or one.name == "ChangeCipherSpec" for one in rest)
    words = "encrypted from here on" if both else f"the {rest[0].sender} encrypts from here on"
    return Row(kind="line", text=words, tone="dim")


def _accepts(level: str, *, resumed: bool) -> Row:
    if resumed:
        return Row(kind="mark", side="client", text="accepts the server", note="from the earlier session", tone="good")
    if level == UNKNOWN:
        return Row(kind="mark", side="client", text="accepts the server", note="what it verified is not known here")
    if level == "none":
        return Row(kind="mark", side="client", text="accepts any server", note="it verifies nothing")
    return Row(kind="mark", side="client", text="accepts the server", note=f"{level} verified", tone="good")


def _completions(handshake: Handshake, refuser: Role | Literal["neither"]) -> Iterator[Row]:
    """Who is through with its handshake at this point."""
    if _completed(handshake, "client"):
        waiting = "the server has not judged it yet" if refuser == "server" else ""
        yield Row(kind="mark", side="client", text="handshake complete", note=waiting, tone="good")
    if _completed(handshake, "server"):
        chain = handshake.client_chain
        known = handshake.settings("server").known
        word = "is verified" if known else "was let in"
        nobody = "as in the earlier session" if handshake.resumed else "the client stays anonymous"
        knows = f"{name_of(chain[0])} {word}" if chain else nobody
        yield Row(kind="mark", side="server", text="handshake complete", note=knows, tone="good")


def _completed(handshake: Handshake, role: Role) -> bool:
    side = handshake.client if role == "client" else handshake.server
    if side is not None:
        return side.completed
    # An end that nobody could ask: a client that sent its Finished in TLS 1.3 is through.
    return handshake.accepted or (role == "client" and handshake.version == "TLSv1.3")


def _refusal(refuser: Role, explanation: Explanation, *, silent: bool = False) -> Row:
    """The moment of refusal; a `silent` one is told to nobody (curl and psql, of a name)."""
    text, note = f"refuses the {OTHER[refuser]}", explanation.title
    if explanation.stage == "before the handshake":
        text = "cannot begin"
    elif explanation.verify_code is not None:
        note = verify_code_name(explanation.verify_code)
    elif silent:
        note = f"no alert: the {OTHER[refuser]} is not told"
    return Row(kind="mark", side=refuser, text=text, note=printable(note, limit=80), tone="bad")


def _message_row(message: Message, *, first: bool) -> Row:
    name = message.name
    if message.alert is not None:
        return Row(
            kind="message",
            side=message.sender,
            text=f"Alert {alert_name(message.alert)}",
            encrypted=message.encrypted,
            tone="bad" if message.fatal else "dim",
        )
    return Row(
        kind="message",
        side=message.sender,
        text=name,
        note=note_of(message, first=first),
        encrypted=message.encrypted,
        tone="dim" if name == "ChangeCipherSpec" else "plain",
    )
