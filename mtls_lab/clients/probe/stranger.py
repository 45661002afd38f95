"""Who answers where TLS was expected: told from the first bytes, or by asking in the clear."""

import re

from mtls_lab.certificates.remark import Remark
from mtls_lab.clients.probe.address import Unresolved
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.clients.probe.line import MOST_BYTES, Dialler, TooMuch
from mtls_lab.clients.probe.service import SSL_REQUEST, Service

_ASKING_S = 1.0
_WITHOUT_A_WORD = "{} took the connection and closed it without a word: it speaks no TLS, or not with this client"
_GREETINGS: tuple[tuple[bytes, str, str], ...] = (
    (rb"HTTP/\d|<!doctype html|<html", "plain HTTP", "dial http://, or the port that the server has for https"),
    (rb"SSH-\d", "SSH", "SSH has its own encryption: dial the port that the server has for TLS"),
    (rb"220[ -].*FTP", "FTP in the clear", "openssl s_client -starttls ftp"),
    (rb"220[ -]", "SMTP in the clear", "openssl s_client -starttls smtp"),
    (rb"\+OK", "POP3 in the clear", "openssl s_client -starttls pop3"),
    (rb"\* OK", "IMAP in the clear", "openssl s_client -starttls imap"),
    (rb"-ERR", "Redis in the clear", "dial the tls-port that the server has"),
    (rb".\0\0\0\x0a", "MySQL in the clear", "openssl s_client -starttls mysql"),
)


def unreachable(where: str, error: Exception, timeout_s: float) -> Remark:
    """No connection could be made."""
    fixes: tuple[tuple[str, str], ...] = (
        ("shell", "is the server running, and is this its port? ss -ltn shows who listens"),
    )
    words = getattr(error, "strerror", None) or str(error)
    if isinstance(error, Unresolved):
        title = f"The name in {where} cannot be resolved"
        fixes = (("shell", "check the spelling; getent hosts NAME asks the same resolver"),)
    elif isinstance(error, TimeoutError):
        title = f"{where} did not answer within {timeout_s:g} s: no TCP connection"
        fixes = (("network", "a firewall that drops packets, a host that is down, or a wrong address look like this"),)
    elif isinstance(error, ConnectionRefusedError):
        title = f"Nobody listens on {where}: the connection was refused"
    elif isinstance(error, ConnectionResetError):
        # So soon after the connection was made that the system tells it as a failure to connect.
        title = _WITHOUT_A_WORD.format(where)
    else:
        title = f"{where} cannot be reached"
    return Remark(level="wrong", title=title, why=words if words not in title else "", fixes=fixes)


def not_tls(where: str, talk: Conversation, dialler: Dialler, service: Service, timeout_s: float) -> Remark:
    """A connection was made, and no TLS came of it."""
    heard = talk.heard
    if not heard and talk.ended == "closed":
        heard = _ask_in_the_clear(dialler, service)
    evidence = (f"its first bytes: {heard[:60]!r}",) if heard else ()
    if service.preamble and talk.ended == "no TLS offered":
        return _no_starttls(where, heard, evidence)
    if heard in (b"S", b"N"):
        return _postgres_undressed(where, heard)
    for pattern, name, remedy in _GREETINGS:
        if re.match(pattern, heard, re.IGNORECASE | re.DOTALL):
            slug = "tls-to-http-port" if name == "plain HTTP" else None
            title = f"{where} speaks {name}, not TLS"
            return Remark(level="wrong", title=title, fixes=(("client", remedy),), evidence=evidence, cause=slug)
    return Remark(level="wrong", title=_nothing_known(where, talk, timeout_s), evidence=evidence)


def _nothing_known(where: str, talk: Conversation, timeout_s: float) -> str:
    if talk.ended == "too much":
        return f"{where} sent more than {MOST_BYTES // 2**20} MB without finishing a handshake: the probe hung up"
    if talk.spoke_tls and talk.ended == "late":
        return f"{where} began a TLS handshake and did not finish it within {timeout_s:g} s"
    if talk.spoke_tls:
        return f"{where} began a TLS handshake that OpenSSL cannot follow{_complaint(talk)}"
    if talk.heard:
        return f"{where} answered with something that is not TLS"
    if talk.ended == "late":
        return f"{where} took the connection and said nothing within {timeout_s:g} s"
    return _WITHOUT_A_WORD.format(where)


def _complaint(talk: Conversation) -> str:
    client = talk.handshake.client
    if talk.ended == "closed":
        return ": it closed in the middle"
    if client is None or client.failure is None:
        return ""
    if client.failure.reason == "EXCESSIVE_MESSAGE_SIZE":
        return ": it sent a message larger than OpenSSL takes (100 kB of certificates)"
    return f": {client.failure.text.partition('] ')[2] or client.failure.text}"


def _no_starttls(where: str, heard: bytes, evidence: tuple[str, ...]) -> Remark:
    if heard == b"N":
        return Remark(
            level="wrong",
            title=f"The PostgreSQL server on {where} does not offer TLS",
            why="It answered N to the SSLRequest. A client with sslmode=prefer, libpq's default, goes on in the clear.",
            fixes=(("postgresql.conf", "ssl = on, ssl_cert_file, ssl_key_file"), ("libpq", "sslmode=verify-full")),
        )
    return Remark(
        level="wrong",
        title=f"{where} does not answer the SSLRequest as PostgreSQL does",
        why="A PostgreSQL server answers with one byte, S or N.",
        fixes=(("mtls-lab", "leave out --starttls postgres, or dial the database's port"),),
        evidence=evidence,
    )


def _postgres_undressed(where: str, heard: bytes) -> Remark:
    offers = "and offers TLS" if heard == b"S" else "and has TLS switched off"
    return Remark(
        level="wrong",
        title=f"{where} is a PostgreSQL server {offers}: there TLS begins only when the client asks for it",
        why="PostgreSQL before version 17 closes without a word when TLS comes first.",
        fixes=(("mtls-lab", "--starttls postgres"), ("openssl", "s_client -starttls postgres")),
    )


def _ask_in_the_clear(dialler: Dialler, service: Service) -> bytes:
    """The first bytes of an answer to PostgreSQL's SSLRequest, else to plain HTTP; b"" where nobody answers."""
    for question in (SSL_REQUEST, service.request):
        try:
            with dialler.dial(_ASKING_S) as line:
                line.send(question)
                heard = line.receive()[:60]
        except (OSError, TooMuch):
            continue
        if heard and (question is service.request or heard in (b"S", b"N")):
            return heard
    return b""
