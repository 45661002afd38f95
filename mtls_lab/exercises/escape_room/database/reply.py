"""What became of an attempt to connect to the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mtls_lab.handshake import Handshake

Libpq = Mapping[str, str]
"""libpq's settings by their names: sslmode, sslrootcert, sslcert, sslkey."""

USERS = ("orders", "stock")
"""Who has an account; each with the database of its name, as far as the rules go."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One attempt."""

    came_in: bool
    """There is a session now."""
    client_reads: str
    """libpq's words when there is none, without what differs by machine."""
    server_reads: str
    """The server's."""
    handshake: Handshake | None = field(default=None, repr=False)
    """What both sides saw of TLS; None without TLS."""


class Database(Protocol):
    """What the room needs of its database."""

    name: str
    """What it is, in words."""

    def connect(self, user: str, settings: Libpq, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
        """Connect as that user with these settings, while these lines are in force."""

    def close(self) -> None:
        """End it; may be called twice."""
