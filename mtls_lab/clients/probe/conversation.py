"""One connection as a value: the client's side of a handshake, how it ended, and what was said inside."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from mtls_lab.clients.probe.bounded import bounded
from mtls_lab.clients.probe.line import Dialler, Patience
from mtls_lab.clients.probe.service import Service, is_postgres_error, status_of
from mtls_lab.clients.probe.talk import Ended, Talk
from mtls_lab.handshake import (
    Alert,
    CannotLoad,
    Endpoint,
    Handshake,
    KeyLog,
    Scenario,
    Side,
    TLSConnection,
    Version,
    build_context,
)
from mtls_lab.handshake.wire.records import may_be_record


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One connection, as the client knows it."""

    words: str
    """Which one: `TLS 1.2 only, without a certificate`."""
    handshake: Handshake
    """The client's side; its server is unknown."""
    ended: Ended
    """How: the server `answered` the question, `closed` without an answer, one end `failed` (see the handshake),
    time was up (`late`), `too much` came, the server offered no TLS, or the client cannot load its credential."""
    answer: bytes = field(default=b"", repr=False)
    """What the server said inside TLS, cut at `MOST_ANSWER`."""
    heard: bytes = field(default=b"", repr=False)
    """The first bytes of the server's, as they came."""
    told: str = ""
    """The answer in words."""

    @property
    def completed(self) -> bool:
        """The client's handshake call returned."""
        return self.handshake.client is not None and self.handshake.client.completed

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer."""
        return status_of(self.answer)

    @property
    def turned_away(self) -> bool:
        """PostgreSQL answered with an error: TLS was in order, the user was not."""
        return is_postgres_error(self.answer)

    @property
    def spoke_tls(self) -> bool:
        """The server began to speak TLS; what it said may still be nonsense."""
        return bool(self.heard) and may_be_record(self.heard)

    @property
    def disagreed(self) -> bool:
        """No certificate came: the server refused the hello with an alert, or chose a version that is too old."""
        refusal = next(self.handshake.fatal_alerts(), None)
        if self.handshake.server_chain is not None or refusal is None:
            return False
        return refusal.sender == "server" or refusal.alert == Alert.protocol_version

    @property
    def let_in(self) -> bool | None:
        """The server went on with this client, or refused it; None where it did neither for all one can see.

        Completed in TLS 1.2, or a session ticket in 1.3: the server has judged the client, and waits. One that closes
        after that without an answer may have refused (Node does so) or may not speak this protocol.
        """
        if self.refused:
            return False
        if self.ended == "answered":
            return True
        return True if self.ended == "late" and self.completed and self._welcomed else None

    @property
    def refused(self) -> bool:
        """The server sent a fatal alert, or left in the middle of the handshake."""
        return self.alerted or (self.ended == "closed" and self.spoke_tls and not self.completed)

    @property
    def alerted(self) -> bool:
        """The server sent a fatal alert."""
        return any(one.sender == "server" for one in self.handshake.fatal_alerts())

    @property
    def left(self) -> bool:
        """TLS was completed, and the server closed without an answer."""
        return self.completed and self.ended == "closed" and not self.alerted

    @property
    def _welcomed(self) -> bool:
        if self.handshake.version == "TLSv1.2":
            return True
        return any(one.sender == "server" and one.name == "NewSessionTicket" for one in self.handshake.messages)


class Caller:
    """Makes the connections of one probe."""

    def __init__(
        self, dialler: Dialler, service: Service, server_name: str, keylog: KeyLog, patience: Patience
    ) -> None:
        self._dialler, self._service, self._server_name = dialler, service, server_name
        self._keylog, self._patience = keylog, patience

    def call(self, words: str, client: Endpoint, versions: tuple[Version, ...]) -> Conversation:
        """One connection as that client. Raises Unresolved, TimeoutError or OSError where none can be made."""
        self._patience.doing = words
        scenario = Scenario(
            client=client, server=Endpoint(verifies="unknown"), server_name=self._server_name, versions=versions
        )
        at = datetime.now(UTC)
        try:
            context = build_context(client, role="client", versions=versions, keylog=self._keylog)
        except CannotLoad as error:
            side = Side(role="client", completed=False, failure=error.failure, version=None, cipher=None)
            handshake = Handshake(scenario=scenario, client=side, server=None, at=at)
            return Conversation(words=words, handshake=handshake, ended="cannot load")
        context.set_alpn_protocols([self._service.alpn])
        connection = TLSConnection(context, role="client", server_name=self._server_name)
        with self._dialler.dial() as line:
            talk = Talk(line, connection, self._service)
            ended = talk.run()
        wire = bounded(connection.wire)
        handshake = Handshake(
            scenario=scenario,
            client=connection.side(),
            server=None,
            at=at,
            wire=wire,
            secrets=self._keylog.take(wire),
        )
        answer = bytes(talk.answer)
        told = self._service.in_words(answer) if connection.completed else ""
        return Conversation(words=words, handshake=handshake, ended=ended, answer=answer, heard=talk.heard, told=told)
