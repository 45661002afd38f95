"""The messages of a TLS connection, read from the bytes that passed and the secrets that an end logged.

How it works. Each direction of a connection is a stream of records (`records`). The first ones are readable by all:
the hellos, in which the two ends agree on a version, a cipher suite and two random numbers. From these and the
secrets come the keys (`keys`) that open the records after them. What records hold is glued to handshake messages
(they may span records or share one), and each message is put in words (`fields`, `details`, `code_points`). At last
the two directions are merged into one sequence that does not depend on chance (`flights`).

1. The two directions are read apart, the server's first (its ServerHello settles the keys of both), each from its
   own bytes alone. Where pieces were cut and how the directions interleaved cannot change the outcome.
2. Secrets are picked by the ClientHello's random; lines of other connections do no harm. Without secrets the result
   is what an eavesdropper reads. Keys of one direction or one epoch open what they open.
3. Nothing raises, whatever the bytes are. A record that no key opens is an EncryptedRecord; bytes that make no
   sense are an UnknownRecord, whose detail `problem` says why. After bytes that are no record, the rest of that
   direction is one UnknownRecord: nothing says where a next record would begin.
4. TLS 1.3 (RFC 8446 section 5.2): protected records say application_data outside, so every other type is in the
   clear: the second ClientHello, the ChangeCipherSpec that means nothing (section 5), the alert that a client sends
   before it has keys. The keys of a direction change after its Finished and after its KeyUpdate (section 7).
5. When the present key fails, the later ones are tried: so 0-RTT data nobody logged a secret for, or a lost
   Finished, do not hide what follows.
6. TLS 1.2 (RFC 5246 section 7.1): everything after a direction's ChangeCipherSpec is protected. AES-GCM and
   ChaCha20-Poly1305 are opened; CBC, CCM, older versions and a renegotiation stay closed.
7. A HelloRetryRequest is a ServerHello with a well-known random (RFC 8446 section 4.1.3); it settles nothing.
8. A handshake message must not be interrupted by another content type or a key change (RFC 8446 section 5.1).
   If it is, its beginning is an UnknownRecord.
9. Work and memory grow linearly with the bytes: at most three decryptions a record, no byte is glued twice.
"""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.messages import VERSIONS, Message, Role, Version, Wire
from mtls_lab.handshake.wire.code_points import CONTENT_TYPES, HANDSHAKE_TYPES
from mtls_lab.handshake.wire.details import Details, describe
from mtls_lab.handshake.wire.fields import offers_early_data, read_certificates, read_server_hello
from mtls_lab.handshake.wire.flights import Item, in_order
from mtls_lab.handshake.wire.keys import Epoch, Keys, Protection
from mtls_lab.handshake.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Record,
    may_be_record,
    split,
    whole_records,
)

_ALERTS: dict[int, Alert] = {int(one): one for one in Alert}
_ALERT_LEVELS = {1: "warning", 2: "fatal"}


def decode(wire: Wire, secrets: str) -> tuple[Message, ...]:
    """Every message of both directions in canonical order (`flights` has the rule); never raises.

    `secrets` is key log text and may hold other connections' lines; "" shows what an eavesdropper reads.
    """
    keys = Keys(client_random(wire), secrets)
    server = _Direction("server", keys).read(_stream(wire, "server"))
    client = _Direction("client", keys).read(_stream(wire, "client"))
    return in_order(client, server, is_tls13=keys.is_tls13)


def client_random(wire: Wire) -> bytes | None:
    """The ClientHello's random, by which a key log names the connection; None when there is no ClientHello."""
    hello = b""
    for record in whole_records(_stream(wire, "client")):
        if record.content_type != HANDSHAKE or len(hello) >= 38:
            break
        hello += record.fragment
    # Four bytes of header, two of version, then the random (RFC 8446 section 4.1.2).
    return hello[6:38] if hello[:1] == b"\x01" and len(hello) >= 38 else None


def negotiated_version(messages: tuple[Message, ...]) -> Version | None:
    """The version that the ServerHello chose; None without one, or for a version older than TLS 1.2."""
    for message in messages:
        if message.name == "ServerHello":
            chosen = dict(message.details).get("version")
            return next((version for version in VERSIONS if version == chosen), None)
    return None


def _stream(wire: Wire, sender: Role) -> bytes:
    return b"".join(piece for role, piece in wire if role == sender)


class _Direction:
    """Reads what one end sent."""

    def __init__(self, sender: Role, keys: Keys) -> None:
        self._sender, self._keys = sender, keys
        self._items: list[Item] = []
        self._changed = False
        """A ChangeCipherSpec has passed."""
        self._protection: Protection | None = None
        self._offers_early_data = self._opened_one = False
        self._beginning = bytearray()
        """Of a handshake message that goes on in the next record."""
        self._epoch: Epoch | None = None
        """Of the record at hand; None in the clear."""

    def read(self, stream: bytes) -> list[Item]:
        """All of it."""
        records, rest = split(stream)
        for record in records:
            if self._is_protected(record.content_type):
                self._open(record)
            else:
                self._content(record.content_type, record.fragment, None)
        self._interrupt("cut off inside a handshake message")
        if rest:
            self._rest(rest)
        return self._items

    def _rest(self, rest: bytes) -> None:
        is_record = may_be_record(rest)
        details = (("problem", "cut off inside a record" if is_record else "not a TLS record"),)
        encrypted = is_record and self._is_protected(rest[0])
        self._add(rest[0], self._message("UnknownRecord", rest, details=details, encrypted=encrypted))

    def _is_protected(self, content_type: int) -> bool:
        return content_type == APPLICATION_DATA or (self._changed and not self._keys.is_tls13)

    def _open(self, record: Record) -> None:
        if self._protection is None:
            self._protection = self._keys.protection(self._sender, early=self._offers_early_data)
        opened = self._protection.open(record) if self._protection is not None else None
        if opened is not None:
            self._opened_one = self._opened_one or opened.epoch != "early"
            self._content(opened.content_type, opened.content, opened.epoch)
            return
        self._interrupt("interrupted by another record")
        details = (("content_type", CONTENT_TYPES[record.content_type]),)
        early = self._offers_early_data and self._protection is not None and not self._opened_one
        message = self._message("EncryptedRecord", record.fragment, details=details, encrypted=True)
        self._items.append(Item(message, record.content_type, early))

    def _content(self, content_type: int, content: bytes, epoch: Epoch | None) -> None:
        if content_type != HANDSHAKE or epoch != self._epoch:
            self._interrupt("interrupted by another record")
        self._epoch = epoch
        if content_type == HANDSHAKE and content:
            self._handshake(content)
        elif content_type == ALERT and len(content) == 2:
            self._add(content_type, self._alert(content))
        elif content_type == CHANGE_CIPHER_SPEC and content == b"\x01":
            self._changed = True
            self._add(content_type, self._message("ChangeCipherSpec", content))
        elif content_type == APPLICATION_DATA:
            self._add(content_type, self._message("ApplicationData", content))
        else:
            self._unknown(content, f"malformed {CONTENT_TYPES.get(content_type, f'content type {content_type}')}")

    def _handshake(self, content: bytes) -> None:
        self._beginning += content
        while len(self._beginning) >= 4:
            size = 4 + int.from_bytes(self._beginning[1:4], "big")
            if len(self._beginning) < size:
                break
            body = bytes(self._beginning[:size])
            del self._beginning[:size]
            self._handshake_message(body)

    def _handshake_message(self, body: bytes) -> None:
        name = HANDSHAKE_TYPES.get(body[0])
        if name is None:
            self._unknown(body, f"handshake type {body[0]}")
            return
        if name == "ServerHello":
            hello = read_server_hello(body)
            if hello is not None and hello.is_retry:
                name = "HelloRetryRequest"
            if hello is not None and self._sender == "server" and self._epoch is None:
                self._keys.learn(hello)
        elif name == "ClientHello" and not self._items:
            self._offers_early_data = offers_early_data(body)
        elif name in ("Finished", "KeyUpdate") and self._epoch is not None:
            self._change_keys(name)
        found = read_certificates(body, self._keys.hello) if name == "Certificate" else None
        details = describe(name, body, self._keys.hello)
        self._add(HANDSHAKE, self._message(name, body, certificates=found, details=details))

    def _change_keys(self, name: str) -> None:
        if self._protection is None:
            return
        if name == "Finished":
            self._protection.finished()
        else:
            self._protection.update()

    def _alert(self, content: bytes) -> Message:
        level, number = content
        alert = _ALERTS.get(number, number)
        level_name = _ALERT_LEVELS.get(level, f"0x{level:02x}")
        description = f"{alert.name} ({number})" if isinstance(alert, Alert) else f"unknown ({number})"
        return self._message(
            "Alert", content, alert=alert, details=(("level", level_name), ("description", description))
        )

    def _interrupt(self, problem: str) -> None:
        if self._beginning:
            self._unknown(bytes(self._beginning), problem)
            self._beginning.clear()

    def _unknown(self, body: bytes, problem: str) -> None:
        self._add(HANDSHAKE, self._message("UnknownRecord", body, details=(("problem", problem),)))

    def _add(self, content_type: int, message: Message) -> None:
        # EndOfEarlyData has the keys of 0-RTT data, but answers the server's flight (RFC 8446 section 4.5).
        early = self._epoch == "early" and message.name != "EndOfEarlyData"
        self._items.append(Item(message, content_type, early))

    def _message(
        self,
        name: str,
        body: bytes,
        *,
        encrypted: bool | None = None,
        alert: int | None = None,
        certificates: tuple[bytes, ...] | None = None,
        details: Details = (),
    ) -> Message:
        return Message(
            sender=self._sender,
            name=name,
            encrypted=self._epoch is not None if encrypted is None else encrypted,
            body=body,
            alert=alert,
            certificates=certificates,
            details=details,
        )
