"""The name a client dialled against the names in a certificate, with the settings of Python's `ssl`.

Those are: whole-label wildcards only, and never the subject's common name (RFC 9525 section 6.3).
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from mtls_lab.certificates.validation.distinguished_names import COMMON_NAME, EMAIL_ADDRESS
from mtls_lab.certificates.validation.reading import Reading

_FOUR = re.compile(r"\s*([+-]?\d{1,9})\.\s*([+-]?\d{1,9})\.\s*([+-]?\d{1,9})\.\s*([+-]?\d{1,9})")


@dataclass(frozen=True, kw_only=True)
class Dialled:
    """A name as `ssl` hands it to OpenSSL."""

    text: str
    """As it was dialled."""
    address: bytes | None
    """Its octets when it is an IP address."""
    host: bytes
    """Its letters when it is a host name: non-ASCII labels as A-labels."""


def dialled(server_name: str) -> Dialled:
    """What becomes of the name. Raises ValueError for one that `ssl` refuses to dial."""
    try:
        host = server_name.encode("idna")
    except UnicodeError as error:
        raise ValueError(f"ssl cannot dial {server_name!r}: it has no A-label ({error})") from None
    if not server_name or server_name.startswith(".") or b"\0" in host:
        raise ValueError(f"ssl cannot dial {server_name!r}: it is empty, begins with a dot or holds a NUL")
    return Dialled(text=server_name, address=_address(host.decode("ascii")), host=host)


def _address(text: str) -> bytes | None:
    """The octets of an address, in OpenSSL's spelling of it: it takes `127.0.0.01` too, and no IPv6 zones."""
    if ":" in text:
        try:
            address = IPv6Address(text)
        except AddressValueError:
            return None
        return None if address.scope_id is not None else address.packed
    found = _FOUR.fullmatch(text)
    numbers = [int(number) for number in found.groups()] if found else []
    return bytes(numbers) if numbers and all(0 <= number <= 255 for number in numbers) else None


def matches(reading: Reading, name: Dialled) -> bool:
    """One entry of subjectAltName is that name."""
    entries = _entries(reading)
    if name.address is not None:
        return name.address in entries["IP"]
    return any(_matches_pattern(entry, name.host) for entry in entries["DNS"])


def _entries(reading: Reading) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {"DNS": [], "IP": [], "email": []}
    for kind, value in reading.get("subjectAltName") or ():
        if kind in found and value:
            found[kind].append(value)
    return found


def _matches_pattern(pattern: bytes, host: bytes) -> bool:
    if b"\0" in pattern:
        return False
    rest = _wildcard(pattern)
    if rest is None:
        return pattern.lower() == host.lower()
    label = host[: -len(rest)]
    if not label or host[-len(rest) :].lower() != rest.lower():
        return False
    return label == b"*" or re.fullmatch(rb"[0-9A-Za-z-]+", label) is not None


def _wildcard(pattern: bytes) -> bytes | None:
    """What follows the `*` of a wildcard that is the whole first label, above at least two more labels."""
    if not pattern.startswith(b"*."):
        return None
    labels = pattern[2:].split(b".")
    # OpenSSL's idea of a label: letters, digits, and hyphens, none of those at its beginning or end.
    proper = all(re.fullmatch(rb"[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?", label) for label in labels)
    return pattern[1:] if proper and len(labels) >= 2 else None


def name_slug(reading: Reading, name: Dialled) -> str:
    """Which mistake it is, for a certificate that is not for that name."""
    entries = _entries(reading)
    wanted = name.host.decode("ascii").lower()
    common = {text.lower() for text in reading.subject.texts(COMMON_NAME)}
    if name.address is not None:
        if any(_address(entry.decode("latin-1")) == name.address for entry in entries["DNS"]):
            return "ip-as-dns"
        return "cn-only" if wanted in common and not entries["IP"] else "wrong-ip"
    if not entries["DNS"] and not entries["IP"] and entries["email"]:
        return "email-only"
    if not entries["DNS"] and wanted in common:
        return "cn-only"
    if not any(entries.values()) and reading.subject.texts(EMAIL_ADDRESS):
        return "email-only"
    suffixes = [entry[1:].decode("latin-1").lower() for entry in entries["DNS"] if entry.startswith(b"*.")]
    return "wildcard-too-deep" if any(f".{wanted}".endswith(suffix) for suffix in suffixes) else "wrong-host"


def presented_names(reading: Reading) -> str:
    """The names in the certificate, as a phrase."""
    entries = _entries(reading)
    shown = [entry.decode("ascii", "backslashreplace") for entry in entries["DNS"]]
    shown += [".".join(map(str, entry)) if len(entry) == 4 else _long(entry) for entry in entries["IP"]]
    if not shown:
        mailboxes = [entry.decode("ascii", "backslashreplace") for entry in entries["email"]]
        return ", ".join(mailboxes[:4]) or "no name in subjectAltName"
    return ", ".join(shown[:4]) + (" and more" if len(shown) > 4 else "")


def _long(octets: bytes) -> str:
    return str(IPv6Address(octets)) if len(octets) == 16 else f"0x{octets.hex()}"
