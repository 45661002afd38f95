"""Names as a person writes them ("localhost", "127.0.0.1", "alice@example.org") and as a certificate holds them.

A bare string is taken for what it looks like; a prefix (`DNS:`, `IP:`, `email:`, `URI:`) is taken at its word.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cryptography import x509

# Not compiled here: `re` does that on first use and keeps it, and the import stays lean.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+"
_URI = rf"[A-Za-z][A-Za-z0-9+.-]*:(?://(?P<host>{_HOST})(?::\d+)?(?:[/?#][!-~]*)?|(?!//)[!-~]+)"
_KINDS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.RFC822Name: "email",
    x509.UniformResourceIdentifier: "URI",
    x509.DirectoryName: "dirName",
    x509.RegisteredID: "RID",
    x509.OtherName: "otherName",
}
_EXAMPLES = "'localhost', '*.example.org', '127.0.0.1', '::1', 'alice@example.org' or 'spiffe://lab/alice'"


def parse_names(texts: Iterable[str], *, argument: str) -> tuple[x509.GeneralName, ...]:
    """The subjectAltName entries for these names, duplicates removed, in order (RFC 5280 section 4.2.1.6).

    Raises ValueError or TypeError naming the argument, what it was given, and what would work.
    """
    if isinstance(texts, str):
        raise TypeError(f"{argument}={texts!r} must be a tuple of names: {argument}=({texts!r},)")
    return tuple(dict.fromkeys(parse_name(text, argument=argument) for text in texts))


def parse_name(text: str, *, argument: str) -> x509.GeneralName:
    """One entry; see `parse_names`."""
    if not isinstance(text, str):
        raise TypeError(f"{argument} holds {text!r}, which must be a str such as {_EXAMPLES}")
    try:
        return _parse(text)
    except ValueError as error:
        raise ValueError(f"{argument} holds {text!r}: {error}; write a name such as {_EXAMPLES}") from None


def parse_constraints(texts: Iterable[str], *, argument: str) -> tuple[x509.GeneralName, ...]:
    """The subtrees that permit these names and as little else as can be said (RFC 5280 section 4.2.1.10).

    A DNS name permits the names below it too, a URI all URIs of its host.
    """
    return tuple(dict.fromkeys(_subtree(name, argument) for name in parse_names(texts, argument=argument)))


def everything_else(permitted: tuple[x509.GeneralName, ...]) -> tuple[x509.GeneralName, ...]:
    """What to exclude so that only these host names and addresses are left.

    A constraint rules its own kind of name only: permitting a DNS name says nothing about addresses.
    """
    kinds = {type(name) for name in permitted}
    excluded: list[x509.GeneralName] = []
    if kinds and x509.IPAddress not in kinds:
        excluded += [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]
    if kinds and x509.DNSName not in kinds:
        excluded.append(x509.DNSName(""))
    return tuple(excluded)


def _subtree(name: x509.GeneralName, argument: str) -> x509.GeneralName:
    if isinstance(name, x509.DNSName):
        return x509.DNSName(name.value.removeprefix("*."))
    if isinstance(name, x509.IPAddress):
        return x509.IPAddress(ip_network(name.value))
    if isinstance(name, x509.UniformResourceIdentifier):
        match = re.fullmatch(_URI, name.value)
        host = match["host"] if match else None
        if not host or as_address(host.strip("[]")):
            raise ValueError(f"{argument} holds {name.value!r}: only URIs with a host name can be permitted")
        return x509.UniformResourceIdentifier(host.lower())
    return name


def spell(name: x509.GeneralName) -> str:
    """The entry as text: `DNS:localhost`, `IP:127.0.0.1`, `email:a@b`, `URI:spiffe://lab/alice`."""
    value = getattr(name, "value", None)
    if isinstance(name, x509.DirectoryName):
        value = name.value.rfc4514_string()
    elif isinstance(name, x509.RegisteredID):
        value = name.value.dotted_string
    elif isinstance(name, x509.OtherName):
        value = name.type_id.dotted_string
    return f"{_KINDS.get(type(name), type(name).__name__)}:{value}"


def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that this text spells, None when it spells none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_host_name(text: str) -> bool:
    """It is a DNS name, and could stand in a dNSName entry."""
    try:
        return as_address(text) is None and bool(_dns(text))
    except ValueError:
        return False


def to_ascii(host: str) -> str:
    """The host name in lower case, its non-ASCII labels as A-labels (RFC 5890 section 2.3.2.1).

    Raises ValueError where Python's IDNA 2003 would make another name of it (`straße` is not `strasse`).
    """
    if host.isascii():
        return host.lower()
    try:
        encoded = host.encode("idna").decode("ascii")
        same = encoded.encode("ascii").decode("idna") == host.lower()
    except UnicodeError as error:
        raise ValueError(f"it has no A-label ({error})") from None
    if not same:
        raise ValueError(f"IDNA 2003 would turn it into {encoded!r}: give its A-label (xn--...) instead")
    return encoded


def _parse(text: str) -> x509.GeneralName:
    if not text:
        raise ValueError("it is empty")
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError("it holds a space or a control character")
    kind, _, value = text.partition(":")
    return _PARSERS[kind](value) if kind in _PARSERS else _PARSERS[_looks_like(text)](text)


def _looks_like(text: str) -> str:
    if as_address(text) is not None:
        return "IP"
    if "://" in text:
        return "URI"
    return "email" if "@" in text else "DNS"


def _dns(text: str) -> x509.DNSName:
    """A dNSName in preferred name syntax: letters, digits and hyphens, so no underscore (RFC 5280 section 4.2.1.6)."""
    if as_address(text) is not None:
        # Only behind an explicit `DNS:`: the classic mistake, which the lab wants to be able to show.
        return x509.DNSName(text)
    name = to_ascii(text)
    labels = name.removeprefix("*.").split(".")
    if name.endswith("."):
        raise ValueError("a certificate holds DNS names without the final dot")
    if len(name) > 253:
        raise ValueError(f"a DNS name has at most 253 letters, this one {len(name)}")
    for label in labels:
        if not re.fullmatch(_LABEL, label):
            raise ValueError(f"the label {label!r} is not 1 to 63 letters, digits or inner hyphens{_why(label)}")
    if labels[-1].isdigit():
        raise ValueError("it looks like an IP address but is none")
    return x509.DNSName(name)


def _why(label: str) -> str:
    if "_" in label:
        return " (no underscore: some verifiers refuse it, use a hyphen)"
    return " (a wildcard is a whole first label)" if "*" in label else ""


def _ip(text: str) -> x509.IPAddress:
    address = as_address(text)
    if address is None:
        raise ValueError("it is no IP address")
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError("an iPAddress has no zone: leave %... out")
    return x509.IPAddress(address)


def _email(text: str) -> x509.RFC822Name:
    mailbox, at, host = text.rpartition("@")
    if not at or not mailbox or "@" in mailbox or not mailbox.isascii():
        raise ValueError("it is no ASCII mailbox of the form name@host")
    return x509.RFC822Name(f"{mailbox}@{_dns(host).value}")


def _uri(text: str) -> x509.UniformResourceIdentifier:
    if not re.fullmatch(_URI, text):
        raise ValueError("it is no absolute URI of ASCII letters")
    return x509.UniformResourceIdentifier(text)


_PARSERS = {"DNS": _dns, "IP": _ip, "email": _email, "URI": _uri}
