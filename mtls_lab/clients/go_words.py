"""What a Go server logs of a client: by the Go server that heard it, else by the record of one that did.

The record is `go/recorded.json`, made with a real Go server by `python tools/record_go.py`. Its key is what decides:
the TLS version, and the bytes that the client sent in the clear after its ClientHello. They do not depend on keys,
so what Go made of them then is what it makes of them now.
"""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from mtls_lab.clients import go_build
from mtls_lab.clients.call import Call
from mtls_lab.clients.go_server import GoServer
from mtls_lab.clients.request import Target
from mtls_lab.handshake import Handshake, Version

RECORD = go_build.SOURCES / "recorded.json"
_RECORD_HEADER_SIZE = 5
"""Type, version, length (RFC 8446 section 5.1)."""

AnyTarget = TypeVar("AnyTarget", bound=Target)


@dataclass(frozen=True, kw_only=True, repr=False)
class GoLine:
    """What a Go server logs of one connection."""

    words: str
    """Go's reason, as it stands at the end of the line; "" when it logs nothing."""
    source: str
    """Which Go said so, and when, if it is not this machine's."""

    def __repr__(self) -> str:
        return self.words or "(nothing)"


def go_server_or(proxy: AnyTarget) -> GoServer | AnyTarget:
    """A Go server that plays the proxy's scenario; the proxy itself where there is no Go, with a word why."""
    problem = go_build.missing()
    if problem is None:
        try:
            server = GoServer(proxy.scenario)
        except (TimeoutError, RuntimeError, OSError) as error:
            problem = str(error)
        else:
            print(f"Go's lines come from {_live(server)}.")
            return server
    print(f"Go's lines were {_source(_record())}, since there is no Go server here: {problem}.")
    return proxy


def go_line(call: Call, server: Target) -> GoLine:
    """What a Go server logs of that call: as `server` did, where it is one, else as recorded for those bytes."""
    seen = call.handshake
    if seen is None or seen.server is None:
        return GoLine(words="", source="nothing reached the server")
    if isinstance(server, GoServer):
        return GoLine(words=seen.server.failure.text if seen.server.failure else "", source=_live(server))
    return recorded_line(seen)


def recorded_line(handshake: Handshake) -> GoLine:
    """What a Go server logged, when the record was made, of a client that said what this one says in the clear."""
    completed = handshake.server is not None and handshake.server.completed
    return _recorded(handshake.version, None if completed else said_in_the_clear(handshake))


def go_reads(said: bytes, server: Target, *, version: Version = "TLSv1.3") -> GoLine:
    """What a Go server logs of a client that sends a ClientHello and, after the ServerHello, just these bytes."""
    if not isinstance(said, bytes):
        raise TypeError(f"said={said!r} must be bytes: bytes.fromhex('15 03 03 00 02 02 30')")
    if not isinstance(server, GoServer):
        return _recorded(version, said)
    heard = server.hear(said, version=version).server
    return GoLine(words=heard.failure.text if heard and heard.failure else "", source=_live(server))


def go_log(server: Target) -> str:
    """A Go server's log, verbatim but for the port; where there is none, the recorded one of curl and requests."""
    if isinstance(server, GoServer):
        lines = server.log.splitlines()
        for client_port in {one.client_port for one in server.handshakes}:
            lines = [line.replace(f":{client_port}: ", ":PORT: ") for line in lines]
        return "\n".join(lines)
    record = _record()
    return "\n".join([f"# {_source(record)}, called by {' and '.join(record['callers'])}", *record["log"]])


def go_asks(proxy: Target) -> str:
    """The words of a Go client that calls the proxy, with PORT for the port; else why it could not be asked."""
    from mtls_lab.clients.rosetta import CLIENTS

    try:
        call = CLIENTS["go"].call(proxy)
    except (TimeoutError, RuntimeError) as error:
        return str(error)
    return call.missing or call.output.strip().replace(f":{call.port}", ":PORT")


def said_in_the_clear(handshake: Handshake) -> bytes:
    """What a client that never came to encrypt sent after its ClientHello."""
    sent = b"".join(piece for sender, piece in handshake.wire if sender == "client")
    return sent[_RECORD_HEADER_SIZE + int.from_bytes(sent[3:_RECORD_HEADER_SIZE], "big") :]


def _live(server: GoServer) -> str:
    return f"a {server.version} server on this machine"


def _source(record: dict[str, Any]) -> str:
    return f"recorded with {record['go']} on {record['on']}"


def _recorded(version: Version | None, said: bytes | None) -> GoLine:
    """`said` None: the handshake was completed."""
    record = _record()
    client = None if said is None else said.hex()
    for row in record["rows"]:
        if (row["version"], row["client"]) == (version, client):
            return GoLine(words=row["words"], source=_source(record))
    return GoLine(words="not recorded: with Go installed, a Go server would tell", source="nobody")


def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record
