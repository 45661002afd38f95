"""What an authenticated client may do: rules that let identities in, and the decision with its reason.

A rule is `kind:value`. Without any rule everybody whom the handshake let in may go on; with at least one, only whom a
rule names, and nobody without a verified certificate. Each rule is held against every name of its kind.

| rule | lets in | letters |
|---|---|---|
| `uri:spiffe://lab/alice` | that URI | scheme and host in any case, the rest as written |
| `dns:alice.example` | that dNSName | any case |
| `email:alice@lab.example` | that rfc822Name | host in any case, mailbox as written |
| `subject:CN=alice,O=Lab` | that whole subject (RFC 4514) | types in any case, values as written |
| `key:sha256:9f86...` | that key, in whatever certificate | any case |

`*` stands for a whole thing: in a URI's path for one segment (`/*/`), `**` as its last for one or more; for the first
label of a DNS name (`dns:*.clients.example`); for the mailbox (`email:*@lab.example`); for a value in the subject
(`subject:CN=*,O=Lab`). A key has no pattern.

1. A rule fits a whole name or not at all: no part of a name, no prefix, no regular expression.
2. Names of different kinds never meet: `dns:alice` fits no common name (RFC 9525 section 2).
3. A pattern fits plain names only. A certificate for `*.clients.example` names no one host, and a path with `..`,
   with an empty segment or in percent-encoding may mean another one to whoever reads it next: such names are let in
   by a rule that spells them out.
4. Letters: RFC 5280 section 7 and the SPIFFE ID specification, section 2.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Self, get_args

from mtls_lab.certificates.names import to_ascii
from mtls_lab.certificates.remark import printable
from mtls_lab.proxy.distinguished_name import DistinguishedName, parse_distinguished_name
from mtls_lab.proxy.identity import Identity

Kind = Literal["uri", "dns", "email", "subject", "key"]

KINDS: tuple[Kind, ...] = get_args(Kind)
EXAMPLES = (
    "uri:spiffe://lab/alice, dns:*.clients.example, email:alice@lab.example, subject:CN=alice,O=Lab or "
    "key:sha256:... (64 hex digits)"
)
NOBODY = "no client certificate was verified"

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(.*)", re.DOTALL)
_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@-]+")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """May this client have what it asks for, and why."""

    allowed: bool
    """It may."""
    rule: str | None
    """The rule that let it in, as it was given; None where none did, or none was needed."""
    reason: str
    """Why, in plain words, without a full stop. Safe to print: what is odd in a name is spelled out."""
    identity: Identity | None
    """Who it is; None without a verified certificate."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    text: str
    """As it was given."""
    kind: Kind
    """The kind of name that it is about."""
    value: str
    """What follows the kind."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """A rule from its text. Raises ValueError that names the rule, what is wrong with it, and what would work."""
        kind, colon, value = text.partition(":")
        if not colon or kind not in KINDS:
            raise ValueError(f"rule {text!r} begins with none of {', '.join(f'{one}:' for one in KINDS)}: {_WRITE}")
        if not value or value.strip() != value or not value.isprintable():
            raise ValueError(
                f"rule {text!r}: after {kind}: stands nothing, or spaces around it or control characters; {_WRITE}"
            )
        try:
            _MATCHERS[kind](value)
        except ValueError as error:
            raise ValueError(f"rule {text!r}: {error}; {_WRITE}") from None
        return cls(text=text, kind=kind, value=value)

    def fits(self, identity: Identity) -> bool:
        """It is about this identity."""
        fits = _MATCHERS[self.kind](self.value)
        return any(map(fits, _NAMES[self.kind](identity)))


@dataclass(frozen=True, kw_only=True)
class Access:
    """Whom to let in."""

    rules: tuple[Rule, ...] = ()
    """Whoever fits one of them is let in; () lets in whomever the handshake let in."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Rules from their texts. Raises ValueError that names the rule, what is wrong with it, and what would work."""
        if isinstance(texts, str):
            raise TypeError(f"allow={texts!r} must be a tuple of rules: allow=({texts!r},)")
        return cls(rules=tuple(Rule.parse(text) for text in texts))

    def decide(self, identity: Identity | None) -> Decision:
        """The decision about this client, None for one without a verified certificate."""
        if not self.rules:
            return Decision(allowed=True, rule=None, reason="there are no access rules", identity=identity)
        if identity is None:
            return Decision(allowed=False, rule=None, reason=NOBODY, identity=None)
        for rule in self.rules:
            if rule.fits(identity):
                reason = f"the rule {rule.text} names it"
                return Decision(allowed=True, rule=rule.text, reason=reason, identity=identity)
        reason = f"no access rule names {printable(identity.name, 200)}"
        return Decision(allowed=False, rule=None, reason=reason, identity=identity)


_WRITE = f"write one such as {EXAMPLES}"
_Fits = Callable[[str], bool]


def _uri(value: str) -> _Fits:
    scheme, host, segments, rest = _split_uri(value)
    if "*" in scheme + host + rest:
        raise ValueError("* may stand for segments of the path only")
    odd = [one for one in segments[:-1] if "*" in one and one != "*"]
    if odd or (segments and "*" in segments[-1] and segments[-1] not in {"*", "**"}):
        raise ValueError("* is a whole segment of the path (/*/), and ** the last one (/**)")
    if not any("*" in one for one in segments):
        return lambda name: _parts(name) == (scheme, host, segments, rest)
    if rest:
        raise ValueError("a pattern has no ? and no #")
    many = segments[-1] == "**"
    fixed = segments[:-1] if many else segments

    def fits(name: str) -> bool:
        parts = _parts(name)
        if parts is None or parts[:2] != (scheme, host) or parts[3]:
            return False
        given = parts[2]
        if not all(_PLAIN_SEGMENT.fullmatch(one) and one not in {".", ".."} for one in given):
            return False  # rule 3
        if len(given) <= len(fixed) if many else len(given) != len(fixed):
            return False
        return all(wanted in {"*", one} for wanted, one in zip(fixed, given, strict=False))

    return fits


def _split_uri(text: str) -> tuple[str, str, tuple[str, ...], str]:
    """Scheme, host with port, the path's segments, and the rest; what any case may spell is in lower case."""
    found = _URI.fullmatch(text)
    if found is None:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:[^/]", text):  # urn:uuid:...: scheme and the rest
            scheme, _, rest = text.partition(":")
            return scheme.lower(), "", (), rest
        raise ValueError("it is no absolute URI")
    scheme, host, path, rest = found.groups()
    user, at, server = host.rpartition("@")
    return scheme.lower(), f"{user}{at}{server.lower()}", tuple(path.split("/")[1:]), rest


def _parts(text: str) -> tuple[str, str, tuple[str, ...], str] | None:
    try:
        return _split_uri(text)
    except ValueError:
        return None


def _dns(value: str) -> _Fits:
    wild, host = value.startswith("*."), to_ascii(value.removeprefix("*."))
    if not _HOST.fullmatch(host):
        raise ValueError("it is no host name, without final dot; *. may stand for the first label and nothing else")
    if not wild:
        return lambda name: name.lower() == host

    def fits(name: str) -> bool:
        first, dot, rest = name.lower().partition(".")
        return bool(dot) and rest == host and re.fullmatch(_LABEL, first) is not None

    return fits


def _email(value: str) -> _Fits:
    mailbox, at, host = value.rpartition("@")
    host = to_ascii(host)
    if not at or not mailbox or "@" in mailbox or not _HOST.fullmatch(host):
        raise ValueError("it is no e-mail address name@host")
    if "*" in mailbox and mailbox != "*":
        raise ValueError("* stands for a whole mailbox (*@host)")

    def fits(name: str) -> bool:
        given, _, its_host = name.rpartition("@")
        return its_host.lower() == host and (given == mailbox or (mailbox == "*" and bool(given) and "@" not in given))

    return fits


def _subject(value: str) -> _Fits:
    wanted = parse_distinguished_name(value, patterns=True)

    def fits(name: str) -> bool:
        try:
            return bool(name) and _is_like(parse_distinguished_name(name), wanted)
        except ValueError:
            return False

    return fits


def _is_like(given: DistinguishedName, wanted: DistinguishedName) -> bool:
    """The same attributes in the same places; a wanted value of None is any."""
    return len(given) == len(wanted) and all(
        len(one) == len(other)
        and all(
            kind == its_kind and its_value in {None, value}
            for (kind, value), (its_kind, its_value) in zip(one, other, strict=True)
        )
        for one, other in zip(given, wanted, strict=True)
    )


def _key(value: str) -> _Fits:
    algorithm, _, digits = value.partition(":")
    digest = digits.replace(":", "").lower()
    if algorithm != "sha256" or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(
            "it is not key:sha256: and 64 hex digits; `openssl x509 -in FILE -pubkey -noout | "
            "openssl pkey -pubin -outform DER | openssl sha256` prints a key's"
        )
    return lambda name: name == digest


_MATCHERS: dict[str, Callable[[str], _Fits]] = {
    "uri": _uri,
    "dns": _dns,
    "email": _email,
    "subject": _subject,
    "key": _key,
}
_NAMES: dict[Kind, Callable[[Identity], tuple[str, ...]]] = {
    "uri": lambda one: one.uris,
    "dns": lambda one: one.dns_names,
    "email": lambda one: one.emails,
    "subject": lambda one: (one.subject,),
    "key": lambda one: (one.key_sha256,),
}
