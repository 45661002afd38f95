"""Explanations as remarks, and connections in words."""

from mtls_lab.certificates.remark import Remark, printable
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.handshake import VERSIONS, Alert, Explanation, Version, verify_code_name

SHORT: dict[Version, str] = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def from_explanation(explanation: Explanation) -> Remark:
    """What `explain` says, as a remark: what else it can be stands among the evidence."""
    others = [f"{one.title}; what would decide: {one.decides}" for one in explanation.suspects[1:]]
    code = explanation.verify_code
    return Remark(
        level="wrong",
        title=explanation.title,
        why=explanation.why + _hedge(len(others)),
        fixes=tuple((fix.tool, fix.text) for fix in explanation.fixes if fix.tool != "mtls_lab"),
        evidence=(
            f"wanted: {printable(explanation.expected, 160)}; got: {printable(explanation.presented, 160)}",
            *(() if code is None else (f"OpenSSL's verdict: {verify_code_name(code)}",)),
            f"the rule: {explanation.reference.partition('; OpenSSL')[0]}",
            *(f"it may also be: {one}" for one in others),
        ),
        cause=explanation.cause,
        refused_by=None if explanation.refused_by == "neither" else explanation.refused_by,
    )


def _hedge(others: int) -> str:
    if not others:
        return ""
    return f" That is the likeliest: {others} other cause{'s' if others > 1 else ''} would look the same from here."


def allowed(versions: tuple[Version, ...]) -> str:
    """The versions as words: `TLS 1.2 or TLS 1.3`, `TLS 1.2 only`."""
    return f"{SHORT[versions[0]]} only" if len(versions) == 1 else " or ".join(SHORT[one] for one in VERSIONS)


def outcome(talk: Conversation) -> str:
    """The connection and how it ended, in a line."""
    handshake = talk.handshake
    facts = [SHORT[handshake.version] if handshake.version else "no version agreed on"]
    if handshake.client is not None and handshake.client.cipher:
        facts.append(handshake.client.cipher)
    if handshake.asked:
        facts.append("asked for a client certificate")
    facts.append(_end(talk))
    return f"{talk.words}: {', '.join(facts)}"


def _end(talk: Conversation) -> str:
    alert = next(talk.handshake.fatal_alerts(), None)
    failure = talk.handshake.client.failure if talk.handshake.client is not None else None
    # Met by the end of file, OpenSSL sends an alert that nobody is left to read: no fact worth telling.
    if alert is not None and not (alert.sender == "client" and talk.ended == "closed"):
        return f"the {alert.sender} sent the alert {_alert(alert.alert)}"
    if failure is not None and talk.ended == "failed":
        return failure.text
    return talk.told if talk.ended == "answered" else _ENDINGS[talk.ended]


_ENDINGS: dict[str, str] = {
    "closed": "the server closed the connection",
    "failed": "it failed",
    "late": "no answer in time",
    "too much": "the server sent too much",
    "no TLS offered": "the server offered no TLS",
    "cannot load": "nothing was sent",
}


def _alert(number: int | None) -> str:
    return f"{number.name} ({int(number)})" if isinstance(number, Alert) else f"number {number}"
