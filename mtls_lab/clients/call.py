"""One run of a client program against a proxy, and what both sides saw of it."""

from dataclasses import dataclass, field

from mtls_lab.handshake import Alert, Failure, Handshake, Message, verify_code_name


@dataclass(frozen=True, kw_only=True, repr=False)
class Call:
    """One run of a client program.

    `print(call)` is the same on every run and every version: the line typed, the verdict, the reason by number.
    The program's own words, which differ between versions, are in `output`.
    """

    program: str
    """The program's name: curl, openssl s_client, requests, ..."""
    version: str
    """The program's version and that of its TLS library: `curl 7.88.1 (OpenSSL 3.0.19)`; "" when it is not there."""
    line: str
    """The command or code a person would type, in a folder that holds the files by these names."""
    port: int
    """The proxy's port, as it stands in `line`."""
    output: str
    """What the program printed, verbatim; for a library its answer or the last line of its traceback."""
    exit_code: int | None = None
    """The exit code; None for a library, and for a program that was stopped because it took too long."""
    exception: str | None = None
    """The types of the exception and of those it wraps, outermost first; None when nothing was raised."""
    status: int | None = None
    """The HTTP status of the answer, None when there was none."""
    body: str | None = None
    """The answer's body, None when there was no answer."""
    handshake: Handshake | None = field(default=None)
    """What both sides saw: the proxy's handshake with the client's side filled in. None when nothing reached the
    proxy, unless the client failed while loading its own credential: then the client's side stands alone."""
    missing: str | None = None
    """Which program is not installed, and how to install it; None when it is."""
    environment: tuple[str, ...] = ()
    """The variables a lesson set (`NAME=value`); nothing else that bears on TLS or proxies was in the environment."""

    @property
    def accepted(self) -> bool:
        """An answer came: neither side refused the other."""
        return self.status is not None

    @property
    def reason(self) -> str:
        """Why there was no answer, by number and name, never in the program's words; "" when there was one."""
        return "" if self.accepted else self.missing or _reason(self)

    def __str__(self) -> str:
        line = self.line.replace(f":{self.port}", ":PORT")
        return f"{line}\n{self._verdict()}"

    def __repr__(self) -> str:
        return f"Call({self.program!r}, {self._verdict()})"

    def _verdict(self) -> str:
        if self.accepted:
            return f"accepted: HTTP {self.status}"
        if self.missing:
            return f"not run: {self.missing}"
        end = "raises an exception" if self.exception and self.exit_code is None else "ends with an error"
        return f"refused: {self.reason}; {self.program} {end}"


def _reason(call: Call) -> str:
    seen = call.handshake
    if seen is None or seen.client is None:
        return "no connection"
    failure = seen.client.failure
    if failure is None:
        return "the handshake is complete, but no answer came"
    return _refusal(seen, failure) or "the connection broke off without an alert"


def _refusal(seen: Handshake, failure: Failure) -> str | None:
    """Who refused, by the strongest evidence: the server's alert, the client's verdict, the client's alert."""
    alert = next(seen.fatal_alerts(), None)
    name = seen.scenario.server_name
    if failure.during == "loading":
        return "the client could not load its own files"
    if alert is not None and (alert.sender == "server" or not failure.verify_code):
        return f"by the {alert.sender}, {_alert(alert)}"
    if failure.verify_code:
        return f"by the client, {verify_code_name(failure.verify_code)}"
    if failure.during == "after the handshake" and seen.server_chain and not seen.server_chain[0].matches_name(name):
        return f"by the client, {name} is not in the certificate"
    return None


def _alert(message: Message) -> str:
    number = message.alert
    name = number.name if isinstance(number, Alert) else "number"
    return f"alert {name} ({int(number or 0)})"
