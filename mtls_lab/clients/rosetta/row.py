"""One cell of Rosetta: one fault, one client program, one server program, and what each said."""

from dataclasses import dataclass

from mtls_lab.handshake import Role, Version

Cell = tuple[str, Role, Version, str, str]
"""Fault, side, TLS version, client and server: what tells one row from another."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A program at one version, as it was when it spoke."""

    name: str
    """The name a person knows it by."""
    version: str
    """Its version and that of its TLS library."""
    on: str
    """The day, `2026-11-24`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What both programs said about one fault."""

    fault: str
    """The exhibit's slug."""
    side: Role
    """Who had it."""
    tls: Version
    """The TLS version that both allowed."""
    client: Spoken
    """The client program."""
    server: Spoken
    """The server program."""
    accepted: bool
    """The client got its answer: this pair does not mind."""
    client_words: str
    """What the client said, normalised; "" where it said nothing."""
    server_words: str
    """What the server said, normalised; "" where it said nothing."""
    recorded: bool = False
    """It was not run just now: it comes from the recording."""

    @property
    def cell(self) -> Cell:
        """What tells it from other rows."""
        return (self.fault, self.side, self.tls, self.client.name, self.server.name)

    @property
    def label(self) -> str:
        """`expired, server, TLSv1.3: curl to nginx`."""
        return f"{self.fault}, {self.side}, {self.tls}: {self.client.name} to {self.server.name}"
