"""What a program reported of itself, and how that becomes the client's side of a handshake."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mtls_lab.clients.request import Request, Target
from mtls_lab.handshake import Failure, Handshake, Side

StoppedAt = Literal["loading", "judging", "waiting"]

_HEARD_SOMETHING_S = 2.0
_HEARD_NOTHING_S = 0.1
"""How long to wait for the proxy to have recorded a handshake; of a client that
failed by itself it has none, and one that waited until its time was up has waited long enough."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run, as the program told it."""

    version: str
    """Its version."""
    output: str
    """What it printed."""
    exit_code: int | None = None
    """Its exit code."""
    exception: str | None = None
    """The types of its exceptions, outermost first."""
    status: int | None = None
    """The HTTP status of the answer."""
    body: str | None = None
    """The answer's body."""
    client_port: int | None = None
    """The TCP port it called from; None when it does not say or did not connect."""
    reason: str = ""
    """The symbol it gives for a failure: OpenSSL's reason, `exit 60`."""
    text: str = ""
    """The one line of its output that tells of a failure."""
    verify_code: int | None = None
    """OpenSSL's verdict on the server's chain, where it says so and acts on it."""
    stopped_at: StoppedAt | None = None
    """Where it says it stopped: `loading` its own files, `judging` the server, `waiting` too long."""


def join(target: Target, request: Request, outcome: Outcome, *, began: datetime) -> Handshake | None:
    """The proxy's handshake with the client's side filled in."""
    seen = _seen_by(target, outcome, began)
    if seen is None:
        return _alone(request, outcome, began)
    scenario = replace(seen.scenario, client=request.client)
    return seen.told_by(_side(seen, outcome), scenario=scenario)


def _seen_by(target: Target, outcome: Outcome, began: datetime) -> Handshake | None:
    if outcome.client_port is None:
        # Not every program tells its port (LibreSSL's s_client): then the newest since it began is the best guess.
        return next((one for one in reversed(target.handshakes) if one.at >= began), None)
    try:
        timeout_s = _HEARD_SOMETHING_S if outcome.stopped_at in (None, "judging") else _HEARD_NOTHING_S
        seen = target.handshake_from(outcome.client_port, timeout_s=timeout_s)
    except TimeoutError:
        return None
    # The system gives ports again: a handshake from before this call is another caller's.
    return seen if seen is not None and seen.at >= began else None


def _alone(request: Request, outcome: Outcome, began: datetime) -> Handshake | None:
    """The client's side where the proxy has none: it connected, or did not even do that, and sent nothing."""
    if outcome.stopped_at != "loading" and (outcome.client_port is None or outcome.stopped_at == "waiting"):
        return None
    failure = Failure(during="loading", reason=outcome.reason, text=outcome.text)
    client = Side(role="client", completed=False, failure=failure, version=None, cipher=None)
    return Handshake(scenario=request.scenario, client=client, server=None, at=began)


def _side(seen: Handshake, outcome: Outcome) -> Side:
    completed = _completed(seen)
    return Side(
        role="client",
        completed=completed,
        failure=_failure(seen, outcome, completed),
        version=seen.version,
        cipher=seen.server.cipher if seen.server is not None else None,
    )


def _completed(seen: Handshake) -> bool:
    """The client's handshake call returned: in TLS 1.3 it has then sent its Finished, in 1.2 received the server's."""
    last = "client" if seen.version == "TLSv1.3" else "server"
    return any(one.sender == last and one.name == "Finished" for one in seen.messages)


def _failure(seen: Handshake, outcome: Outcome, completed: bool) -> Failure | None:
    if outcome.status is not None or (outcome.stopped_at == "waiting" and completed):
        return None
    alert = next(seen.fatal_alerts(), None)
    refused_by_server = alert is not None and alert.sender == "server"
    if outcome.stopped_at == "loading" or not any(one.sender == "client" for one in seen.messages):
        return Failure(during="loading", reason=outcome.reason, text=outcome.text)
    unexplained = alert is None and outcome.verify_code is None and outcome.stopped_at is None
    return Failure(
        during="after the handshake" if completed else "handshake",
        # The word EOF tells `explain` that this side gave up on nobody: the connection ended under it.
        reason=f"EOF ({outcome.reason})" if unexplained and "EOF" not in outcome.reason else outcome.reason,
        text=outcome.text,
        verify_code=None if refused_by_server else outcome.verify_code,
    )
