"""Which messages are worth a row, the same for every client program.

1. ChangeCipherSpec means nothing in TLS 1.3 (RFC 8446 appendix D.4) and is left out there.
2. Application data and close_notify are folded: how many records there are is the program's affair.
3. In TLS 1.2 the record right after a sender's ChangeCipherSpec is its Finished (RFC 5246 section 7.4.9), also
   where the secrets at hand do not open it: a server that refuses never derives them.
4. Other closed records make one row for as many as come in a row, and none after the sender's Finished.
"""

from dataclasses import replace

from mtls_lab.handshake import Handshake, Message, Role


def told(handshake: Handshake) -> tuple[Message, ...]:
    """The messages worth a row."""
    secure = handshake.version == "TLSv1.3"
    kept: list[Message] = []
    changed: set[Role] = set()
    for message in handshake.messages:
        if message.name in ("EncryptedRecord", "UnknownRecord"):
            closed = _closed(message, kept, finished=not secure and message.sender in changed)
            changed.discard(message.sender)
            kept += [closed] if closed is not None else []
        elif message.name == "ChangeCipherSpec":
            changed.add(message.sender)
            kept += [] if secure else [message]
        elif message.name != "ApplicationData" and (message.alert is None or message.fatal):
            kept.append(message)
    return tuple(kept)


def _closed(message: Message, kept: list[Message], *, finished: bool) -> Message | None:
    """What to make of a record that no secret opens: a Finished where it can be nothing else, the first of a row."""
    if finished and message.name == "EncryptedRecord":
        return replace(message, name="Finished")
    repeated = bool(kept) and kept[-1].name == message.name and kept[-1].sender == message.sender
    after_all = any(one.name == "Finished" and one.sender == message.sender for one in kept)
    return None if repeated or after_all else message
