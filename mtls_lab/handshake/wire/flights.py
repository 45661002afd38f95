"""One order for the messages of both directions, the same on every run.

How the two directions interleave is an accident of scheduling (in TLS 1.3 it differs from run to run); what each
sender had to read before it could write is not. So every message gets a step, from its own direction alone:

0. the client's first ClientHello, with 0-RTT data if it sends any;
1. the server's HelloRetryRequest;
2. the client's second ClientHello;
3. the server's flight: up to ServerHelloDone (TLS 1.2), or its Finished (TLS 1.3 and a resumed TLS 1.2 session);
4. the client's flight: up to its Finished, or the alert by which it refuses the server;
5. the server's answer: NewSessionTicket and Finished, or the alert by which it refuses the client;
6. what follows, in rounds: the client's, then the server's. A round ends when the server asks something of the
   client (KeyUpdate with update_requested, CertificateRequest after the handshake); the answer opens the next;
7. goodbyes: an alert once the sender has finished, the client's, then the server's.

Within a direction nothing is ever moved: a message whose step is lower than that of an earlier one joins that one's.
So a message stands after everything its sender must have read to send it. Records that stay closed are placed by
what their header tells: in TLS 1.2 the content type, in TLS 1.3 nothing, so that they stay in the flight at hand.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mtls_lab.handshake.messages import Message
from mtls_lab.handshake.wire.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE

HELLO, RETRY, SECOND_HELLO, SERVER_FLIGHT, CLIENT_FLIGHT, ANSWER, ROUNDS, GOODBYE = range(8)

Place = tuple[int, int, int]
"""Step, round, and 0 for the client or 1 for the server."""


class Item(NamedTuple):
    """A message and what placing it takes."""

    message: Message
    content_type: int
    """Of the record: the inner type where it was opened, else the outer one."""
    is_early: bool = False
    """It is 0-RTT data."""


def in_order(client: Sequence[Item], server: Sequence[Item], *, is_tls13: bool) -> tuple[Message, ...]:
    """Both directions, each in its own order, as one sequence."""
    servers = _Server(is_tls13=is_tls13)
    placed = _rising(servers.place, server)
    clients = _Client(servers, is_tls13=is_tls13)
    placed = [*_rising(clients.place, client), *placed]
    placed.sort(key=lambda pair: pair[0])
    return tuple(message for _, message in placed)


def _rising(place: Callable[[Item], Place], items: Sequence[Item]) -> list[tuple[Place, Message]]:
    highest, placed = (0, 0, 0), []
    for item in items:
        highest = max(highest, place(item))
        placed.append((highest, item.message))
    return placed


class _Server:
    """Where the server's messages belong."""

    def __init__(self, *, is_tls13: bool) -> None:
        self.retried = False
        self.questions: dict[str, list[int]] = {"Certificate": [], "KeyUpdate": []}
        """By the message that answers: the round that each answer opens."""
        self._is_tls13, self._step, self._round, self._finished = is_tls13, SERVER_FLIGHT, 0, False

    def place(self, item: Item) -> Place:
        name = item.message.name
        if self._finished or name == "ApplicationData":
            return self._later(item)
        if name == "HelloRetryRequest":
            self.retried, self._step = True, RETRY
        elif self._step == RETRY and item.content_type != CHANGE_CIPHER_SPEC:
            self._step = SERVER_FLIGHT
        place = (self._step, 0, 1)
        if name == "ServerHelloDone":
            self._step = ANSWER
        self._finished = _is_finished(item, is_tls13=self._is_tls13)
        return place

    def _later(self, item: Item) -> Place:
        message = item.message
        if message.fatal or message.name == "NewSessionTicket":
            return (ANSWER, 0, 1)
        if item.content_type == ALERT:
            return (GOODBYE, 0, 1)
        place = (ROUNDS, self._round, 1)
        answer = "Certificate" if message.name == "CertificateRequest" else message.name
        if answer == "Certificate" or ("request_update", "update_requested") in message.details:
            self._round += 1
            self.questions[answer].append(self._round)
        return place


class _Client:
    """Where the client's messages belong. The server's are placed first: they hold the questions."""

    def __init__(self, server: _Server, *, is_tls13: bool) -> None:
        self._retried, self._is_tls13 = server.retried, is_tls13
        self._questions = {answer: iter(rounds) for answer, rounds in server.questions.items()}
        self._step, self._round, self._finished = HELLO, 0, False
        self._said_hello = self._offers_early_data = False

    def place(self, item: Item) -> Place:
        name = item.message.name
        if item.is_early:
            return (HELLO, 0, 0)
        if self._finished or name == "ApplicationData":
            return self._later(item)
        if name == "ClientHello":
            return self._hello(item.message)
        self._finished = _is_finished(item, is_tls13=self._is_tls13)
        if self._offers_early_data and item.content_type == CHANGE_CIPHER_SPEC:
            return (HELLO, 0, 0)  # it goes before the 0-RTT data (RFC 8446 appendix D.4)
        return (self._step, 0, 0)

    def _hello(self, message: Message) -> Place:
        again, self._said_hello = self._said_hello, True
        self._offers_early_data = ("early_data", "offered") in message.details
        self._step = SECOND_HELLO if self._retried and not again else CLIENT_FLIGHT
        return (SECOND_HELLO if again else HELLO, 0, 0)

    def _later(self, item: Item) -> Place:
        if item.content_type == ALERT:
            return (GOODBYE, 0, 0)
        if item.message.name == "Certificate" or ("request_update", "update_not_requested") in item.message.details:
            self._round = max(self._round, next(self._questions[item.message.name], 0))
        return (ROUNDS, self._round, 0)


def _is_finished(item: Item, *, is_tls13: bool) -> bool:
    """The sender's Finished; in TLS 1.2 a closed handshake record can be no other."""
    closed = item.message.name == "EncryptedRecord" and item.content_type == HANDSHAKE
    return item.message.name == "Finished" or (closed and not is_tls13)
