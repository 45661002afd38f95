"""A policy: one server's words for `who calls must show a certificate of one authority`, complete enough to be run.

As a recipe is, it is written once with the lab's names (`localhost.pem`, `root.pem`, 127.0.0.1:8443), and what is shown
is what is run; what stands around it in a run is told by `around`.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.files import file_stem
from mtls_lab.clients.rosetta.servers import Stand
from mtls_lab.handshake import Scenario

_TEXTS = Path(__file__).with_name("policy_texts")
_NAMES = re.compile(
    r"(?<=127\.0\.0\.1:)8443|(?<=port_value: )8443|(?<=--from )8443|root\.pem|localhost(?=(?:-key|-both)?\.pem)"
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One server program, told to let in whoever shows a certificate of one authority, and nobody else."""

    name: str
    """The name a person knows the program by."""
    texts: Mapping[str, str]
    """What is to be saved: the name of each file, and where its text lies in this package."""
    typed: tuple[str, ...]
    """The lines that start it."""
    asks: tuple[str, ...]
    """Where in all this the policy stands: that it asks, and whom it believes."""
    missing: Callable[[], str | None]
    """None when it is installed, else which program is not there and how to install it."""
    version: Callable[[], str]
    """Its version."""
    serve: Callable[["Policy", Scenario], AbstractContextManager[Stand]]
    """Starts it until the block ends, with that scenario's server credential and trust anchors."""
    around: str = ""
    """What a run adds to what is shown."""
    speaks: Literal["HTTP", "PostgreSQL"] = "HTTP"
    """What it speaks inside TLS."""

    changes: tuple[tuple[str, str], ...] = ()
    """What is put in place of what in the texts, to see what then happens."""

    def saved(self, scenario: Scenario | None = None, port: int = 8443) -> dict[str, str]:
        """The files to save, with that scenario's names and that port in them."""
        return {name: self._named(text, scenario, port) for name, text in self._texts().items()}

    def lines(self, scenario: Scenario | None = None, port: int = 8443) -> tuple[str, ...]:
        """The lines to type."""
        return tuple(self._named(line, scenario, port) for line in self.typed)

    def __str__(self) -> str:
        """Files and lines, without a port, which is another one on each run."""
        saved = (f"# {name}\n{text.rstrip()}\n\n" for name, text in self._texts().items())
        return ("".join(saved) + "\n".join(f"$ {line}" for line in self.typed)).replace("8443", "PORT").rstrip()

    def __repr__(self) -> str:
        return str(self)

    def _texts(self) -> dict[str, str]:
        texts = {name: (_TEXTS / file).read_text(encoding="utf-8") for name, file in self.texts.items()}
        for before, after in self.changes:
            texts = {name: text.replace(before, after) for name, text in texts.items()}
        return texts

    def _named(self, text: str, scenario: Scenario | None, port: int) -> str:
        stands = {"8443": str(port)}
        if scenario is not None:
            stands |= {"localhost": server_stem(scenario), "root.pem": anchors_file(scenario)}
        return _NAMES.sub(lambda found: stands.get(found[0], found[0]), text)


def server_stem(scenario: Scenario) -> str:
    """What the server's files are called after: as `Credential.write` calls them."""
    credential = scenario.server.presents
    return file_stem((credential.leaf.common_name if credential else None) or "localhost")


def anchors_file(scenario: Scenario) -> str:
    """The file of those whom the server trusts."""
    return "root.pem" if len(scenario.server.trusts) == 1 else "roots.pem"


def server_files(scenario: Scenario) -> dict[str, bytes]:
    """What the policies name: chain, key, both in one, trust anchors. Raises ValueError where a policy would lie."""
    credential, server = scenario.server.presents, scenario.server
    if credential is None or server.verifies != "required" or not server.trusts:
        raise ValueError(
            f"server={server!r}: a policy shows a server that presents a credential, trusts an authority and verifies "
            "'required'"
        )
    stem = server_stem(scenario)
    return {
        f"{stem}.pem": credential.chain_pem,
        f"{stem}-key.pem": credential.key_pem,
        f"{stem}-both.pem": credential.chain_pem + credential.key_pem,
        anchors_file(scenario): _pem(server.trusts),
    }


def _pem(certificates: tuple[Certificate, ...]) -> bytes:
    return b"".join(one.pem for one in certificates)
