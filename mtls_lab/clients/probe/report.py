"""What a probe found: a verdict in a sentence, who demands what, what is wrong and its cure, and the evidence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.inspection import MOST_CERTIFICATES, describe, summary
from mtls_lab.certificates.remark import Remark, printable, told, told_evidence, wrapped
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.clients.probe.demands import Demands, name_text
from mtls_lab.clients.probe.words import SHORT, outcome

_SHOWN_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class Report:
    """What there is to say about an endpoint."""

    endpoint: str
    """Host and port as dialled."""
    dialled: str
    """The IP address behind it; empty when there was no connection."""
    server_name: str
    """The name that was asked for, and that the certificate must hold."""
    at: datetime
    """When it was probed (aware, UTC)."""
    source: str
    """Where the trust anchors came from, in words."""
    anchors: int
    """How many there are."""
    remarks: tuple[Remark, ...]
    """Everything there is to say, the most important first within each level."""
    connections: tuple[Conversation, ...] = field(repr=False)
    """Every connection in order, each with its `handshake`."""
    demands: Demands = field(repr=False)
    """What the server demands."""
    presented: Certificate | None = None
    """The client's certificate, where one was given."""

    @property
    def reached(self) -> bool:
        """The endpoint answered in TLS."""
        return any(one.handshake.server_chain is not None or one.disagreed for one in self.connections)

    @property
    def server_chain(self) -> tuple[Certificate, ...]:
        """What the server sent, leaf first; () when nothing came."""
        return next((one.handshake.server_chain for one in self.connections if one.handshake.server_chain), ())

    @property
    def exit_code(self) -> int:
        """0 nothing is wrong, 1 something is, 3 the endpoint cannot be reached or speaks no TLS in time."""
        if not self.reached:
            return 3
        return 1 if any(one.level == "wrong" for one in self.remarks) else 0

    @property
    def verdict(self) -> str:
        """One sentence."""
        wrong = [one for one in self.remarks if one.level == "wrong"]
        if not self.reached:
            return wrong[0].title if wrong else f"{self.endpoint} speaks no TLS"
        if not wrong:
            return f"Nothing is wrong with {self.endpoint}: {self._good()}"
        first = wrong[0]
        lead = {
            "client": "A careful client refuses this server",
            "server": "The server refuses this client",
            None: "Something is wrong on this side",
        }[first.refused_by]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return f"{lead}: {first.title[:1].lower()}{first.title[1:]}{more}"

    def _good(self) -> str:
        name = f"the server's certificate is good for {self.server_name}"
        if not self.anchors:
            name = f"the server's certificate is for {self.server_name}, but without anchors nobody judged its issuer"
        if self.demands.accepts and self.demands.asks:
            return f"{name}, and it accepts yours (mutual TLS)"
        if self.demands.asks:
            known = "and goes on without one" if self.demands.insists is False else "and did not say whether it insists"
            name = f"{name}; it asks for a client certificate {known}"
            return f"{name}, but PostgreSQL turned the probe's user away" if self._turned_away else name
        return f"{name}; it does not ask who the client is (one-way TLS)"

    @property
    def _turned_away(self) -> bool:
        return any(one.turned_away for one in self.demands.bare)

    def with_remarks(self, first: Iterable[Remark]) -> "Report":
        """The same report with more remarks, which come first."""
        return replace(self, remarks=(*first, *self.remarks))

    def as_dict(self) -> dict[str, Any]:
        """For JSON; holds no key and no secret."""
        demands = self.demands
        return {
            "endpoint": self.endpoint,
            "address": self.dialled,
            "server_name": self.server_name,
            "at": self.at.isoformat(timespec="seconds"),
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "trust": {"source": self.source, "anchors": self.anchors},
            "server": {
                "versions": list(demands.versions),
                "asks_for_certificate": demands.asks,
                "insists": demands.insists,
                "accepts_yours": demands.accepts,
                "acceptable_authorities": [name_text(one) for one in demands.authorities],
                "chain": [summary(one) for one in self.server_chain],
            },
            "client": None if self.presented is None else summary(self.presented),
            "remarks": [one.as_dict() for one in self.remarks],
            "connections": [_connection(one) for one in self.connections],
        }

    def __str__(self) -> str:
        lines = [*wrapped("", f"{self.verdict}.", indent=0, column=0)]
        if self.reached:
            lines += ["", "Who demands what", *self._demands()]
        lines += told(self.remarks)
        lines += ["", "Evidence", *self._evidence()]
        return "\n".join(lines)

    def _demands(self) -> Iterator[str]:
        demands, column = self.demands, 10
        versions = " and ".join(SHORT[one] for one in demands.versions) or "no TLS version that was offered"
        yield from wrapped("server", f"speaks {versions}", indent=2, column=column)
        yield from wrapped("", _ASKING[demands.asks, demands.insists], indent=2, column=column)
        if demands.authorities:
            names = "; ".join(printable(name_text(one), 100) for one in demands.authorities[:_SHOWN_NAMES])
            more = f"; and {len(demands.authorities) - _SHOWN_NAMES} more"
            more = more if len(demands.authorities) > _SHOWN_NAMES else ""
            yield from wrapped("", f"from one of these authorities: {names}{more}", indent=2, column=column)
        elif demands.asks:
            yield from wrapped("", "it names no acceptable authorities", indent=2, column=column)
        wanted = f"a certificate for {self.server_name}, for servers, valid on {self.at.date()}"
        yield from wrapped("client", f"demands {wanted},", indent=2, column=column)
        count = "1 trust anchor" if self.anchors == 1 else f"{self.anchors} trust anchors"
        yield from wrapped("", f"and a path to one of {count}: {self.source}", indent=2, column=column)

    def _evidence(self) -> Iterator[str]:
        facts = [f"dialled {self.endpoint} at {self.dialled}"] if self.dialled else []
        facts += [f"the server sent {describe(one)}" for one in self.server_chain[:MOST_CERTIFICATES]]
        facts += [] if self.presented is None else [f"yours is {describe(self.presented)}"]
        facts += [outcome(talk) for talk in self.connections]
        yield from told_evidence(self.remarks, facts)


_ASKING: dict[tuple[bool | None, bool | None], str] = {
    (True, True): "demands a client certificate",
    (True, False): "asks for a client certificate, and TLS goes on without one",
    (True, None): "asks for a client certificate; whether it insists is not known",
    (False, False): "asks for no client certificate",
    (None, None): "did not come so far as to ask for a client certificate",
}


def _connection(talk: Conversation) -> dict[str, Any]:
    alert = next(talk.handshake.fatal_alerts(), None)
    client = talk.handshake.client
    return {
        "what": talk.words,
        "version": talk.handshake.version,
        "cipher": client.cipher if client is not None else None,
        "completed": talk.completed,
        "ended": talk.ended,
        "asked_for_certificate": talk.handshake.asked,
        "alert": None if alert is None or alert.alert is None else int(alert.alert),
        "alert_from": None if alert is None else alert.sender,
        "verify_code": client.failure.verify_code if client is not None and client.failure is not None else None,
        "http_status": talk.status,
        "answer": talk.told,
    }
