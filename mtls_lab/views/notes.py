"""What a message says that is worth knowing, and what of it somebody in between can read."""

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Message
from mtls_lab.views.words import chain_words, printable


def note_of(message: Message, *, first: bool) -> str:
    """What this message says that is worth knowing; `first` of a ClientHello that is no answer to a retry."""
    if message.certificates is not None:
        return chain_words(tuple(Certificate(der=der) for der in message.certificates))
    if message.name == "ClientHello":
        asked = dict(message.details).get("server_name")
        return (f"server_name: {printable(asked)}" if asked else "no server_name") if first else "once more"
    return {
        "HelloRetryRequest": "asks for another key share",
        "CertificateRequest": "asks for a client certificate",
        "CertificateVerify": "proves that it holds the key",
        "ServerKeyExchange": "signed: it holds the key",
        "EncryptedRecord": "no secret here opens it",
    }.get(message.name, "")


def eavesdropper(messages: tuple[Message, ...]) -> str:
    """What somebody in between learns."""
    read = [words for one in messages if not one.encrypted and (words := _learned(one))]
    hidden = [words for one in messages if one.encrypted and (words := _learned(one))]
    if not messages:
        return "Nothing was sent, so there is nothing to overhear."
    told = f"An eavesdropper reads {_list(read) or 'no name'}"
    return f"{told}, but not {_list(hidden, last='or')}." if hidden else f"{told}."


def _learned(message: Message) -> str:
    if message.certificates is not None:
        shows = f"the {message.sender}'s certificate"
        return shows if message.certificates else f"whether the {message.sender} has one"
    if message.alert is not None:
        return "the alert"
    asked = dict(message.details).get("server_name") if message.name == "ClientHello" else None
    return f"the server name {printable(asked)}" if asked else ""


def _list(parts: list[str], *, last: str = "and") -> str:
    once = list(dict.fromkeys(parts))
    return f" {last} ".join((", ".join(once[:-1]), once[-1])) if len(once) > 1 else "".join(once)
