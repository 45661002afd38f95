"""Name constraints (RFC 5280 section 4.2.1.10) as OpenSSL applies them, to every certificate below."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mtls_lab.certificates.validation.ber import IA5, UTF8
from mtls_lab.certificates.validation.distinguished_names import EMAIL_ADDRESS, DistinguishedName
from mtls_lab.certificates.validation.reading import Reading

PERMITTED, EXCLUDED, MIN_MAX, BAD_TYPE, BAD_NAME, TOO_MANY = 47, 48, 49, 51, 53, 1
_MOST = 1 << 20
_MAILBOX = "1.3.6.1.5.5.7.8.9"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """The first name that a constraint does not allow."""

    verify_code: int
    """OpenSSL's number for it."""
    kind: str
    """The kind of name: `DNS`, `IP`, `email`, `URI`, `dirName`, ..."""
    name: Any
    """The name."""


def find_violation(reading: Reading, constraints: dict[str, Any]) -> Violation | None:
    """Hold every name of a certificate against one authority's constraints; None when they all pass."""
    permitted, excluded = constraints.get("permitted", ()), constraints.get("excluded", ())
    names = len(reading.subject.attributes) + len(reading.get("subjectAltName") or ())
    if names and len(permitted) + len(excluded) > _MOST // names:
        return Violation(verify_code=TOO_MANY, kind="", name=None)
    for kind, value in _names(reading):
        code = BAD_NAME if value is None else _check(kind, value, permitted, excluded)
        if code:
            return Violation(verify_code=code, kind=kind, name=value)
    return None


def _names(reading: Reading) -> Iterator[tuple[str, Any]]:
    """The subject, the e-mail addresses in it, then subjectAltName. None stands for an address that is no IA5String."""
    if reading.subject.attributes:
        yield "dirName", reading.subject
        for one in reading.subject.attributes:
            if one.kind == EMAIL_ADDRESS:
                yield "email", one.content if one.tag == IA5 else None
    yield from reading.get("subjectAltName") or ()


def _check(kind: str, value: Any, permitted: tuple[Any, ...], excluded: tuple[Any, ...]) -> int:
    international = kind == "otherName" and value["kind"] == _MAILBOX
    effective = "email" if international else kind
    inside = None
    for subtree in _of_kind(effective, value, permitted):
        if not _is_whole(subtree):
            return MIN_MAX
        if not inside:
            code = _match(kind, value, subtree["base"][1])
            if code not in {0, PERMITTED}:
                return code
            inside = code == 0
    if inside is False:
        return PERMITTED
    for subtree in _of_kind(effective, value, excluded):
        code = _match(kind, value, subtree["base"][1]) if _is_whole(subtree) else MIN_MAX
        if code != PERMITTED:
            return code or EXCLUDED
    return 0


def _of_kind(kind: str, value: Any, subtrees: tuple[Any, ...]) -> Iterator[Any]:
    for subtree in subtrees:
        base_kind, base = subtree["base"]
        if base_kind == kind and (kind != "otherName" or base["kind"] == value["kind"]):
            yield subtree


def _is_whole(subtree: dict[str, Any]) -> bool:
    return not subtree.get("minimum") and "maximum" not in subtree


def _match(kind: str, value: Any, base: Any) -> int:
    """0: inside the subtree; PERMITTED: outside; else why it cannot be told."""
    if kind == "otherName" and value["kind"] == _MAILBOX:
        return _match_mailbox(value["value"], base)
    match = _MATCHES.get(kind)
    return BAD_TYPE if match is None else match(value, base)


def _inside(answer: bool) -> int:
    return 0 if answer else PERMITTED


def _match_directory(name: DistinguishedName, base: DistinguishedName) -> int:
    return _inside(name.canonical.startswith(base.canonical))


def _match_dns(name: bytes, base: bytes) -> int:
    if not base:
        return 0
    if len(name) > len(base) and not base.startswith(b".") and name[-len(base) - 1 : -len(base)] != b".":
        return PERMITTED
    return _inside(name[-len(base) :].lower() == base.lower())


def _is_suffix(host: bytes, base: bytes) -> bool:
    """A base with a leading dot takes what is really below it."""
    return len(host) > len(base) and host[-len(base) :].lower() == base.lower()


def _match_email(value: bytes, base: bytes) -> int:
    mailbox, at, host = value.rpartition(b"@")
    if not at:
        return BAD_NAME
    wanted, base_at, base_host = base.rpartition(b"@")
    if not base_at and base.startswith(b"."):
        return _inside(_is_suffix(value, base))
    if wanted:
        if len(wanted) != len(mailbox):
            return PERMITTED
        if b"\0" in wanted or b"\0" in mailbox:
            return BAD_NAME
        if wanted != mailbox:
            return PERMITTED
    return _inside(base_host.lower() == host.lower())


def _match_mailbox(value: tuple[tuple[int, int], bytes], base: bytes) -> int:
    """An internationalized mailbox (RFC 8398 section 6): its host in U-labels, the constraint in A-labels."""
    tag, content = value
    if b"\0" in base or tag != (0, UTF8) or b"@" not in content:
        return BAD_NAME
    try:
        unicode_base = base.decode("idna").encode()
    except UnicodeError:
        return TOO_MANY
    if base.startswith(b"."):
        return _inside(_is_suffix(content, unicode_base))
    return _inside(content.rpartition(b"@")[2].lower() == unicode_base.lower())


def _match_uri(value: bytes, base: bytes) -> int:
    _, colon, rest = value.partition(b":")
    if not colon or not rest.startswith(b"//"):
        return BAD_NAME
    rest = rest[2:]
    end = rest.find(b":") if b":" in rest else rest.find(b"/")
    host = rest if end < 0 else rest[:end]
    if not host:
        return BAD_NAME
    if base.startswith(b"."):
        return _inside(_is_suffix(host, base))
    return _inside(host.lower() == base.lower())


def _match_ip(value: bytes, base: bytes) -> int:
    size = len(value)
    if size not in {4, 16} or len(base) not in {8, 32}:
        return BAD_NAME
    if size * 2 != len(base):
        return PERMITTED
    mask = base[size:]
    return _inside(all((one ^ other) & bit == 0 for one, other, bit in zip(value, base, mask, strict=False)))


_MATCHES: dict[str, Callable[[Any, Any], int]] = {
    "dirName": _match_directory,
    "DNS": _match_dns,
    "email": _match_email,
    "URI": _match_uri,
    "IP": _match_ip,
}
