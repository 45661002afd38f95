"""pg_hba.conf and pg_ident.conf as PostgreSQL reads them, as far as the room needs them.

The first line that fits decides, whatever stands below it. The lines mean what PostgreSQL 15 makes of them; the tests
hold this against the real one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtls_lab.certificates import Certificate

METHODS = ("cert", "trust", "reject")
_LEVELS = ("verify-ca", "verify-full")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of pg_hba.conf."""

    kind: str
    """host (with TLS or without), hostssl, hostnossl."""
    user: str
    """Whom it is for; `all` for everybody."""
    method: str
    """How such a one is authenticated."""
    clientcert: str
    """`verify-ca`, `verify-full`, or "" for none in particular."""
    map: str
    """The name of a map in pg_ident.conf; "" for none."""

    @classmethod
    def parse(cls, text: str) -> "Line":
        """A line from its text. Raises ValueError for one that the room does not know."""
        words = text.split()
        if len(words) < 5 or words[0] not in {"host", "hostssl", "hostnossl"} or words[4] not in METHODS:
            raise ValueError(
                f"hba line {text!r}: write one such as 'hostssl all stock 127.0.0.1/32 cert' "
                f"(host, hostssl or hostnossl; database; user; address; {', '.join(METHODS)}; options)"
            )
        options = dict(one.partition("=")[::2] for one in words[5:])
        level = options.pop("clientcert", "")
        named = options.pop("map", "")
        if options or level not in {"", *_LEVELS}:
            raise ValueError(f"hba line {text!r}: the options are map=NAME and clientcert={' or '.join(_LEVELS)}")
        if words[4] == "cert" and words[0] != "hostssl":
            raise ValueError(f"hba line {text!r}: PostgreSQL takes the method cert on hostssl lines only")
        return cls(kind=words[0], user=words[2], method=words[4], clientcert=level, map=named)

    def fits(self, user: str, *, tls: bool) -> bool:
        """It is about this connection."""
        return self.user in {"all", user} and self.kind in {"host", "hostssl" if tls else "hostnossl"}


def judge(user: str, client: Certificate | None, *, tls: bool, hba: Iterable[str], ident: Iterable[str]) -> str:
    """Why this user may not come in, in PostgreSQL's words; "" where it may."""
    line = next((one for one in map(Line.parse, hba) if one.fits(user, tls=tls)), None)
    how = "SSL encryption" if tls else "no encryption"
    at = f'host "127.0.0.1", user "{user}", database "postgres", {how}'
    if line is None:
        return f"no pg_hba.conf entry for {at}"
    if line.method == "reject":
        return f"pg_hba.conf rejects connection for {at}"
    needs = line.method == "cert" or line.clientcert
    if needs and client is None:
        return "connection requires a valid client certificate"
    if client is None or line.clientcert == "verify-ca" or not needs:
        return ""
    known = set(_known_as(client.common_name or "", line.map, ident))
    if user in known:
        return ""
    method = "certificate" if line.method == "cert" else '"trust"'
    return f'{method} authentication failed for user "{user}"'


def _known_as(name: str, called: str, ident: Iterable[str]) -> Iterator[str]:
    """Which users somebody with this common name may be."""
    if not called:
        yield name
    for words in map(str.split, ident):
        if called and words[:2] == [called, name] and len(words) == 3:
            yield words[2]
