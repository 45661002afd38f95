"""Exercises of notebook 06."""

import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import KeyLog, Scenario, Version, build_context, explain, rehearse
from mtls_lab.proxy.careless import PATIENCE_S, PlainServer, hang_up

TRIES = 20
_TIMEOUT_S = 1.5
"""How long a client's socket waits: less than the server does, so that a client which waits in vain is told so."""
_BODY = b"x" * 5_000_000
"""More than fits into the buffers between the two ends, so that the client is still sending when it is refused."""
_POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY


@exercise(
    "06-returns",
    hints=(
        "Ask what a client waits for before its handshake call returns.",
        "In TLS 1.2 the server has the last word in the handshake, in TLS 1.3 the client has.",
        "False, True",
    ),
)
def returns(in_tls_1_2: object, in_tls_1_3: object, scenario: Scenario) -> Outcome:
    """Say for TLS 1.2 and for TLS 1.3 whether the client's handshake call returns: True, or False if it raises."""
    told = {"TLSv1.2": in_tls_1_2, "TLSv1.3": in_tls_1_3}
    if any(not isinstance(answer, bool) for answer in told.values()):
        return wrong("Answer with True or False, one for each version.")
    true = {version: _thought_so(_only(scenario, version)) for version in _VERSIONS}
    if told == true:
        return right("In TLS 1.2 the call raises. In TLS 1.3 it returns, and the server refuses the client afterwards.")
    if told["TLSv1.3"] is False:
        return wrong("In TLS 1.3 the call returns. The server has not seen the client's certificate when it does.")
    return wrong("In TLS 1.2 the call raises: the client waits in it for the server's Finished, and gets an alert.")


@exercise(
    "06-thought",
    hints=(
        "Two facts: the client's handshake call returned, and the server refused the client.",
        "Rehearse each one and look at handshake.client.completed and at explain(handshake).refused_by.",
        'completed is True and refused_by == "server": TLS 1.3, a server that asks, and an answer that it refuses.',
    ),
)
def thought(letters: Collection[str], calls: Mapping[str, Scenario]) -> Outcome:
    """Name the calls in which the client's handshake call returned although the server was going to refuse it."""
    told = set(letters)
    if told - set(calls):
        return wrong(f"There are only the calls {', '.join(sorted(calls))}.")
    true = {letter for letter, scenario in calls.items() if _was_wrong(scenario)}
    if told == true:
        return right("In these calls the client had a finished handshake, a version, a cipher, and no access.")
    if extra := sorted(told - true):
        if explain(rehearse(calls[extra[0]])).refused_by == "neither":
            return wrong(f"In call {extra[0]} nobody was refused: that client was right.")
        return wrong(f"In call {extra[0]} the client knew: its handshake call never returned.")
    return wrong("There is one more: look for every TLS 1.3 server that asks, `optional` ones too.")


@exercise(
    "06-client",
    hints=(
        "No attribute of the socket tells. Only what the server says after it has judged the client does.",
        "The server answers a request. So ask something, and read: an answer, an end of file, or an error.",
        'In a `try`: tls.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n"), return tls.recv(1) != b"". On OSError: False.',
    ),
)
def client(am_i_in: Callable[[Any], object], accepted: Scenario, refused: Scenario) -> Outcome:
    """Write a function that takes a connected TLS socket and says True if the server let this client in, else False."""
    cases = (
        (True, accepted, {"goodbye": drain}),
        (False, _only(refused, "TLSv1.3"), {"goodbye": drain}),
        (False, _only(refused, "TLSv1.3"), {"goodbye": hang_up}),
        (False, _only(refused, "TLSv1.3"), {"goodbye": drain, "alerts": False}),
    )
    for truth, scenario, manners in cases:
        with PlainServer(scenario, **manners) as server:
            for _ in range(TRIES // len(cases)):
                said = _ask(am_i_in, server)
                if said is ...:
                    return untouched(find("06-client").task)
                if said is not truth:
                    return wrong(_misled(said, in_=truth, silent="alerts" in manners))
    return right(f"{TRIES} of {TRIES} verdicts are true, also with servers that hang up or say nothing.")


@exercise(
    "06-goodbye",
    hints=(
        "The client is still sending when the alert goes out. What becomes of bytes that come to a closed socket?",
        "First say that you will send no more (shutdown of the writing half), then read what comes, and close last.",
        "connection.shutdown(socket.SHUT_WR); while connection.recv(65_536): pass; connection.close()",
    ),
)
def goodbye(say_goodbye: Callable[[socket.socket], object], accepted: Scenario, refused: Scenario) -> Outcome:
    """Write the server's goodbye, so that 20 of 20 clients hear their answer in the middle of a large POST."""
    told, asked, answers = 0, set[str](), list[object]()

    def watched(connection: socket.socket) -> None:
        with _Watched(fileno=connection.detach()) as one:
            one.asked = asked
            one.settimeout(PATIENCE_S)
            answers.append(say_goodbye(one))

    for scenario, expected in ((_only(refused, "TLSv1.3"), "_ALERT_"), (accepted, "HTTP/1.1 200")):
        with PlainServer(scenario, goodbye=watched) as server:
            told += sum(expected in _post(server) for _ in range(TRIES // 2))
        if ... in answers:
            return untouched(find("06-goodbye").task)
        if server.troubles:
            return wrong(f"It raised {type(server.troubles[0]).__name__}: {server.troubles[0]}")
    if told == TRIES:
        return right(f"{TRIES} of {TRIES}: ten heard the alert, ten the answer, each in the middle of its body.")
    return wrong(f"{told} of {TRIES} clients heard their answer. {_missed(asked)}")


def drain(connection: socket.socket) -> None:
    """The goodbye that loses nothing (RFC 9112 section 9.6): half-close, read until the client's end of file, close."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65_536):
        pass  # nobody wants these bytes; that they are taken is what keeps the reset away
    connection.close()


class _Watched(socket.socket):
    """Notes what is asked of it, to find the hint that fits."""

    asked: set[str]

    def shutdown(self, how: int, /) -> None:
        self.asked.add("shutdown")
        super().shutdown(how)

    def recv(self, *arguments: Any) -> bytes:
        self.asked.add("recv")
        return super().recv(*arguments)


_VERSIONS: tuple[Version, Version] = ("TLSv1.2", "TLSv1.3")


def _only(scenario: Scenario, version: Version) -> Scenario:
    return replace(scenario, versions=(version,))


def _thought_so(scenario: Scenario) -> bool:
    side = rehearse(scenario).client
    return side is not None and side.completed


def _was_wrong(scenario: Scenario) -> bool:
    return _thought_so(scenario) and explain(rehearse(scenario)).refused_by == "server"


@contextmanager
def _connected(server: PlainServer) -> Iterator[socket.socket]:
    """The scenario's client, its handshake call just returned; a plain `ssl.SSLSocket`."""
    scenario = server.scenario
    with KeyLog() as keylog, socket.create_connection((server.host, server.port), timeout=_TIMEOUT_S) as plain:
        context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
        with context.wrap_socket(plain, server_hostname=scenario.server_name) as tls:
            yield tls


def _ask(am_i_in: Callable[[Any], object], server: PlainServer) -> object:
    """The learner's verdict; an exception of the connection is one, too."""
    with _connected(server) as tls:
        try:
            return am_i_in(tls)
        except OSError as error:
            return error


def _post(server: PlainServer) -> str:
    """What a client hears that posts a large body and then reads."""
    try:
        with _connected(server) as tls:
            tls.sendall(_POST)
            return tls.recv(100).decode("ascii")
    except OSError as error:
        return str(getattr(error, "reason", None) or error)


def _misled(said: object, *, in_: bool, silent: bool) -> str:
    if isinstance(said, TimeoutError):
        return "It waited in vain: an accepted client that asks nothing gets no answer. Send a request, then read."
    if isinstance(said, OSError):
        return f"It let {type(said).__name__} through. A refusal arrives as an OSError: catch it, and say False."
    if not isinstance(said, bool):
        return f"It said {said!r}: say True or False."
    if in_:
        return "It said False of a client that was let in. A server speaks when it is spoken to: ask, then read."
    if silent:
        return "It took an end of file for an answer: recv() that returns b'' says that nothing will come."
    return "It said True, and the server had refused: a handshake call that returned is no answer. Read one."


def _missed(asked: Collection[str]) -> str:
    if "recv" in asked:
        return "You read some of what they sent: read on until recv returns b'', and close only then."
    if "shutdown" in asked:
        return "A half-close is the right beginning. Then you closed, and what they still sent met a closed socket."
    return "You closed while they were sending. What they still sent met a closed socket, and a reset came back."
