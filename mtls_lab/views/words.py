"""Words that several pictures share, and the cleaning of text that a stranger's certificate brings along."""

from html import escape

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Role, Version

OTHER: dict[Role, Role] = {"client": "server", "server": "client"}
ENTRY_LIMIT = 48
"""Characters of a name that a picture shows."""


def printable(text: str, *, limit: int = ENTRY_LIMIT) -> str:
    """The text on one line, safe to look at: what is invisible or turns the reading direction is spelled out.

    Names come from the peer. A right-to-left override (U+202E) in one could make a picture say something else
    than the certificate, and a control character would make the SVG invalid XML.
    """
    if not text.isprintable():
        text = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(text: str, *, limit: int = ENTRY_LIMIT) -> str:
    """`printable`, escaped for HTML and XML."""
    return escape(printable(text, limit=limit))


def name_of(certificate: Certificate) -> str:
    """The shortest name that tells the certificate, safe to print."""
    return printable(
        certificate.common_name or next(iter(certificate.names), "") or certificate.subject or "a nameless one"
    )


def issuer_of(certificate: Certificate) -> str:
    """The shortest name of who issued it, safe to print."""
    return printable(certificate.issuer_common_name or certificate.issuer or "a nameless authority")


def chain_words(chain: tuple[Certificate, ...]) -> str:
    """What a Certificate message carries: `localhost, with Lab Issuing CA`, `alice alone, issued by Lab Root CA`."""
    if not chain:
        return "empty: no certificate to show"
    leaf, rest = chain[0], chain[1:]
    if rest:
        return f"{name_of(leaf)}, with {', '.join(map(name_of, rest))}"
    return f"{name_of(leaf)} alone, {'self-signed' if leaf.self_issued else f'issued by {issuer_of(leaf)}'}"


def version_words(version: Version | None) -> str:
    """`TLS 1.3`."""
    return version.replace("TLSv", "TLS ") if version else "no version agreed on"


def capital(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]
