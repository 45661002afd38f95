"""A call over a real port, with the very settings of an `Endpoint`.

Not by requests: what that adds to its settings differs from one Python to the next (from 3.13 on it takes an
intermediate as the end of a path). Only the nightly report is meant to be requests.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from mtls_lab.handshake import KeyLog, Scenario, build_context
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.naive import NaiveProxy

_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int | None
    """The HTTP status; None where there was no answer."""
    body: str
    """The body; "" where there was none."""


def ask(proxy: Proxy | NaiveProxy, scenario: Scenario, *, fields: Iterable[tuple[str, str]] = ()) -> Answer:
    """GET / as the scenario's client, with these fields. A refusal is no answer."""
    own = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = f"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{own}\r\n"
    answer = b""
    try:
        with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=_TIMEOUT_S) as plain:
            context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
            with context.wrap_socket(plain, server_hostname=scenario.server_name) as tls:
                tls.sendall(head.encode("ascii"))
                while piece := tls.recv(65_536):
                    answer += piece
    except OSError:
        return Answer(status=None, body="")
    first, _, rest = answer.decode("latin-1").partition("\r\n")
    words = first.split()
    return Answer(status=int(words[1]) if len(words) > 1 else None, body=rest.partition("\r\n\r\n")[2])
