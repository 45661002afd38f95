"""A handshake as a table of messages: what each is for, what it says, and whether somebody in between can read it.

Without the secrets (`replace(handshake, secrets="")`) it is the eavesdropper's table. Unlike the ladder it says
nothing of the ends' settings and of who refused whom: those are not on the wire.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Handshake, Message, Role
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.views.folding import told
from mtls_lab.views.message_purposes import purpose_of
from mtls_lab.views.notes import eavesdropper
from mtls_lab.views.picture import Picture
from mtls_lab.views.words import capital, chain_words, printable, version_words

MARKS = {False: ("──", "readable"), True: ("══", "encrypted")}
"""By `encrypted`: the sign that the ladder uses, too, and the word."""
CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_ONE_LINE = f"{CELL};white-space:nowrap"
TABLE = "border-collapse:collapse;max-width:860px"
CAPTION = "text-align:left;padding:4px 0;color:inherit"
LEGEND = "── readable on the wire   ══ encrypted"
_NAMES = 22
"""Columns for a message's name; `EncryptedExtensions` and `CertificateRequest` fit."""
_INDENT = " " * 11
_ALERT_LIMIT = 60


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One message."""

    sender: Role
    name: str
    encrypted: bool
    says: str
    purpose: str
    section: str


def message_table(handshake: Handshake) -> Picture:
    """Every message worth a row, in order, with its purpose and the section of the RFC that defines it."""
    lines = tuple(_line(message, handshake) for message in told(handshake))
    version, heard = version_words(handshake.version), eavesdropper(told(handshake))
    title = f"{capital(version)}, message by message"
    return Picture(
        text="\n".join([title, "", *_text(lines), "", f"  {LEGEND}", *(f"  {one}" for one in wrap(heard, 78))]),
        html=_html(title, lines, heard),
        alt=f"{title}. {' '.join(map(_sentence, lines))} {heard}",
    )


def _line(message: Message, handshake: Handshake) -> _Line:
    purpose, section = purpose_of(message, version=handshake.version)
    return _Line(
        sender=message.sender,
        name=message.name,
        encrypted=message.encrypted,
        says=_says(message),
        purpose=purpose,
        section=section,
    )


def _says(message: Message) -> str:
    """What a reader learns from it."""
    details = dict(message.details)
    if message.certificates is not None:
        return chain_words(tuple(Certificate(der=der) for der in message.certificates))
    if message.alert is not None:
        return printable(alert_name(message.alert), limit=_ALERT_LIMIT)
    if message.name == "ClientHello":
        return f"server_name: {printable(details['server_name'])}" if "server_name" in details else "no server_name"
    if message.name == "ServerHello" and "version" in details:
        return f"version: {printable(details['version'])}"
    return ""


def _sentence(line: _Line) -> str:
    says = f": {line.says}" if line.says else ""
    return f"The {line.sender} sends {'encrypted' if line.encrypted else 'readable'} {line.name}{says}."


def _text(lines: tuple[_Line, ...]) -> Iterator[str]:
    for line in lines:
        first, *more = wrap(line.says, 80 - len(_INDENT) - _NAMES) or [""]
        yield f"{line.sender}  {MARKS[line.encrypted][0]} {line.name.ljust(_NAMES)}{first}".rstrip()
        yield from (f"{_INDENT}{' ' * _NAMES}{one}" for one in more)
        yield from (f"{_INDENT}{one}" for one in wrap(f"{line.purpose} ({line.section})", 80 - len(_INDENT)))


def _html(title: str, lines: tuple[_Line, ...], heard: str) -> str:
    columns = ("from", "message", "on the wire", "what it is for, and what it says", "defined in")
    heads = "".join(f'<th scope="col" style="{CELL}">{one}</th>' for one in columns)
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}"><strong>{escape(title)}</strong><br>{escape(heard)}'
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(map(_row, lines))}</tbody></table>"
    )


def _row(line: _Line) -> str:
    sign, word = MARKS[line.encrypted]
    says = f"<br><strong>{escape(line.says)}</strong>" if line.says else ""
    return (
        f'<tr><td style="{CELL}">{line.sender}</td><th scope="row" style="{CELL}">{escape(line.name)}</th>'
        f'<td style="{_ONE_LINE}">{sign} {word}</td><td style="{CELL}">{escape(line.purpose)}{says}</td>'
        f'<td style="{_ONE_LINE}">{escape(line.section)}</td></tr>'
    )
