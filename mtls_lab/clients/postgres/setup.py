"""What a server is set up with, and the files that it becomes."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.certificates.revocation_list import RevocationList

HOST = "127.0.0.1"
OWNER = "lab"
"""The database user who owns the database."""
SUPERUSER = "cluster"
"""Who may do everything, and may not log in: many lessons let everybody in, every user of the machine can dial the
port, and a superuser runs programs as the server's account (COPY ... TO PROGRAM)."""
EVERYBODY = ("host all all 127.0.0.1/32 trust",)
"""Everybody may come in, with TLS or without: what a careless tutorial writes."""
CHAIN, KEY, ANCHORS, CRLS = "server.pem", "server-key.pem", "clients-root.pem", "crl.pem"
_LOCAL = "local all all trust"
_SETTINGS = {
    "listen_addresses": HOST,
    "fsync": "off",
    "shared_buffers": "16MB",
    "logging_collector": "off",
    "dynamic_shared_memory_type": "posix",
    "log_connections": "on",
    "log_line_prefix": "%p ",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A server's settings."""

    presents: Credential | None = None
    """What it shows; None: it has no TLS."""
    trusts: tuple[Certificate, ...] = ()
    """The trust anchors for clients (`ssl_ca_file`); with none it asks nobody for a certificate."""
    hba: tuple[str, ...] = EVERYBODY
    """The lines of pg_hba.conf."""
    ident: tuple[str, ...] = ()
    """The lines of pg_ident.conf."""
    crls: tuple[bytes, ...] = ()
    """Revocation lists (`ssl_crl_file`), DER."""
    roles: tuple[str, ...] = ()
    """Database users to be made."""
    passwords: Mapping[str, str] = field(default_factory=dict)
    """Passwords of database users, who are made too."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What goes before the lab's own lines of postgresql.conf."""

    def __post_init__(self) -> None:
        for name in (*self.roles, *self.passwords):
            if not (name.isidentifier() and name.isascii()) or name in {OWNER, SUPERUSER}:
                taken = f"neither {OWNER!r} nor {SUPERUSER!r}"
                raise ValueError(f"roles={name!r} must be a plain name such as 'alice', and {taken}")
        for line in (*self.hba, *self.ident):
            if "\n" in line or not line.isascii():
                raise ValueError(f"line={line!r} must be one line of ASCII: hba=('hostssl all all 127.0.0.1/32 cert',)")

    @property
    def files(self) -> dict[str, str]:
        """The server's files by name; the line for the Unix socket stands last, so that yours keep their numbers."""
        own = _SETTINGS | self._tls | dict(self.settings)
        files = {
            "postgresql.conf": "".join(f"{name} = {_quoted(value)}\n" for name, value in own.items()),
            "pg_hba.conf": "".join(f"{line}\n" for line in (*self.hba, _LOCAL)),
            "pg_ident.conf": "".join(f"{line}\n" for line in self.ident),
        }
        if self.presents is not None:
            files[CHAIN] = self.presents.chain_pem.decode("ascii")
            files[KEY] = self.presents.key_pem.decode("ascii")
        if self.trusts:
            files[ANCHORS] = "".join(one.pem.decode("ascii") for one in self.trusts)
        if self.crls:
            files[CRLS] = "".join(map(_crl_pem, self.crls))
        return files

    @property
    def sql(self) -> str:
        """What makes the database users; each statement is ended by an empty line."""
        names = dict.fromkeys((*self.roles, *self.passwords))
        secret = {name: f" PASSWORD {_quoted(word)}" for name, word in self.passwords.items()}
        own = f'CREATE ROLE "{OWNER}" LOGIN;\n\nALTER DATABASE postgres OWNER TO "{OWNER}";\n\n'
        others = "".join(f'CREATE ROLE "{name}" LOGIN{secret.get(name, "")};\n\n' for name in names)
        return f'{own}{others}ALTER ROLE "{SUPERUSER}" NOLOGIN;\n\n'

    @property
    def label(self) -> str:
        """All that decides how it answers, without keys and dates: the same on every run."""
        return "; ".join(self._words())

    @property
    def _tls(self) -> dict[str, str]:
        if self.presents is None:
            return {"ssl": "off"}
        chosen = {"ssl": "on", "ssl_cert_file": CHAIN, "ssl_key_file": KEY}
        chosen |= {"ssl_ca_file": ANCHORS} if self.trusts else {}
        return chosen | ({"ssl_crl_file": CRLS} if self.crls else {})

    def _words(self) -> Iterator[str]:
        if self.presents is not None:
            yield "presents " + " < ".join(map(describe, self.presents.chain))
        if self.trusts:
            yield "trusts " + ", ".join(map(describe, self.trusts))
        yield from self.hba
        yield from self.ident
        for one in self.crls:
            held = RevocationList(der=one)
            yield f"{held.issuer} takes back {held.size}"
        yield from (f"{name}={value}" for name, value in self.settings.items())
        yield "roles " + " ".join(sorted({*self.roles, *self.passwords}))


def describe(certificate: Certificate) -> str:
    """A certificate by what it says: `CN=localhost (DNS:localhost; serverAuth) by CN=Lab Issuing CA`."""
    says = "; ".join((*certificate.names, *(certificate.purposes or ())))
    return f"{certificate.subject} ({says}) by {certificate.issuer}"


def lines(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Lines as they were given. Raises TypeError for one text, which would be taken apart into letters."""
    if isinstance(given, str):
        raise TypeError(f"{name}={given!r} must be lines: {name}=({given!r},)")
    return tuple(given)


def _quoted(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _crl_pem(der: bytes) -> str:
    """A CRL as PEM (RFC 7468 section 6)."""
    return f"-----BEGIN X509 CRL-----\n{base64.encodebytes(der).decode('ascii')}-----END X509 CRL-----\n"
