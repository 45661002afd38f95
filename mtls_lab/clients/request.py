"""What is to be asked, by whom and of whom; the files and names a person would need to type it."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile
from mtls_lab.certificates.files import write_files as write_new
from mtls_lab.handshake import Endpoint, Handshake, Scenario

Environment = Mapping[str, "str | tuple[Certificate, ...]"]
"""Variables to set; certificates become a file, whose name is then the value."""

LOCALHOST = ("127.0.0.1", "::1", "localhost")
_LONGEST_TYPED = 200
_SAFE = re.compile(rb"[ -~]+")


class Target(Protocol):
    """What a client program needs of a proxy."""

    @property
    def host(self) -> str:
        """The address it listens on."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    @property
    def scenario(self) -> Scenario:
        """The settings in force."""

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """Those it remembers, newest last."""

    def handshake_from(self, client_port: int, timeout_s: float = ...) -> Handshake | None:
        """The newest handshake from that TCP port; waits for it, and raises TimeoutError or returns None."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, before any program has a hand in it."""

    scenario: Scenario
    """The settings, with the client that makes this call."""
    host: str
    """The address to connect to, whatever the name."""
    port: int
    """The port to connect to."""
    path: str
    """The path to ask for."""
    data: bytes | None = None
    """The body of a POST; None makes it a GET."""
    environment: tuple[tuple[str, str | tuple[Certificate, ...]], ...] | None = None
    """Variables to set. None: none, and every trust anchor is named on the line."""
    timeout_s: float = 5.0
    """How long the whole call may take."""

    def __post_init__(self) -> None:
        path, data = self.path, self.data
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError(f"path={path!r} must begin with a slash: path='/whoami'")
        if not _SAFE.fullmatch(path.encode()) or " " in path or "#" in path:
            raise ValueError(f"path={path!r} must be printable ASCII without spaces or #: percent-encode the rest")
        if data is not None and not isinstance(data, bytes):
            raise TypeError(f"data={data!r} must be bytes or None: data=b'foo'")
        if not self.timeout_s > 0:
            raise ValueError(f"timeout_s={self.timeout_s!r} must be more than 0 seconds")

    @property
    def client(self) -> Endpoint:
        """The client's settings."""
        return self.scenario.client

    @property
    def name(self) -> str:
        """The server's name as it goes over the wire: a DNS name in ASCII, or an IP literal."""
        return self.scenario.server_name.encode("idna").decode("ascii")

    @property
    def leads_there(self) -> bool:
        """Dialling the name reaches the host without further help."""
        return self.name == self.host or (self.name == "localhost" and self.host in LOCALHOST)

    @property
    def anchors_file(self) -> str | None:
        """The trust anchors' file; None where the line names none.

        Who trusts nobody gets `nobody.pem`, one root whose key is thrown away: an empty file is an error to
        most programs. Only where variables are set is the option left out, so that they can decide.
        """
        if self.client.verifies == "none" or (self.environment is not None and not self.client.trusts):
            return None
        return {0: "nobody.pem", 1: "root.pem"}.get(len(self.client.trusts), "roots.pem")

    @property
    def owner(self) -> str:
        """Whose credential the client presents, as a file name."""
        if self.client.presents is None:
            return "client"
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.client.presents.leaf.common_name or "").strip("-.")
        return f"{name}-client" if name in ("", "root", "roots", "nobody", "body") else name

    @property
    def credential_files(self) -> tuple[str, str] | None:
        """The files of the client's chain, leaf first, and of its key; None when it presents nothing."""
        return None if self.client.presents is None else (f"{self.owner}.pem", f"{self.owner}-key.pem")

    @property
    def intermediates_file(self) -> str | None:
        """The chain without its leaf, for s_client, which wants it in a file of its own; None when there is none."""
        return f"{self.owner}-intermediates.pem" if self.client.presents and self.client.presents.chain[1:] else None

    @property
    def typed_data(self) -> str | None:
        """The body where it can be typed on a line, else None (and it lies in `body.bin`)."""
        data = self.data
        short = data is not None and len(data) <= _LONGEST_TYPED and bool(_SAFE.fullmatch(data))
        return data.decode("ascii") if data is not None and short and not data.startswith(b"@") else None

    def variables(self) -> dict[str, str]:
        """The variables to set, files by name."""
        return {
            name: value if isinstance(value, str) else self._bundle_file(name, value)
            for name, value in self.environment or ()
        }

    def files(self) -> dict[str, bytes]:
        """Every file that some program's line names, by its name."""
        files = {}
        if self.data is not None and self.typed_data is None:
            files["body.bin"] = self.data
        if self.anchors_file is not None:
            files[self.anchors_file] = _pem(self.client.trusts or (Authority.create("Nobody").certificate,))
        if self.client.presents is not None and self.credential_files is not None:
            chain, key = self.credential_files
            files[chain] = self.client.presents.chain_pem
            files[key] = self.client.presents.key_pem
        if self.client.presents is not None and self.intermediates_file is not None:
            files[self.intermediates_file] = _pem(self.client.presents.chain[1:])
        for name, value in self.environment or ():
            if not isinstance(value, str):
                files[self._bundle_file(name, value)] = _pem(value)
        return files

    def _bundle_file(self, variable: str, anchors: tuple[Certificate, ...]) -> str:
        # Two variables with different anchors need two files.
        alike = all(isinstance(value, str) or value == anchors for _, value in self.environment or ())
        if anchors == self.client.trusts or (self.anchors_file is None and alike):
            return "root.pem" if len(anchors) == 1 else "roots.pem"
        return f"{variable.lower().replace('_', '-')}.pem"


def request_for(
    target: Target,
    path: str,
    *,
    client: Endpoint | None,
    data: bytes | None,
    environment: Environment | None,
    timeout_s: float,
) -> Request:
    """The request to that target, by the scenario's client or another one."""
    scenario = getattr(target, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"target={target!r} must be a running Proxy: with Proxy(scenario) as proxy: ...")
    if client is not None:
        scenario = replace(scenario, client=client)
    return Request(
        scenario=scenario,
        host=target.host,
        port=target.port,
        path=path,
        data=data,
        environment=None if environment is None else tuple(environment.items()),
        timeout_s=timeout_s,
    )


def is_address(name: str) -> bool:
    """An IP literal, not a DNS name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def authority(name: str, port: int) -> str:
    """`localhost:8443`, `[::1]:8443` (RFC 3986 section 3.2)."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


@contextmanager
def private_folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with these files that only this user can read, gone after the block."""
    with TemporaryDirectory(prefix="mtls-lab-") as name:
        folder = Path(name)
        write_new(_private(files, folder), overwrite=False)
        yield folder


def write_files(target: Target, folder: str | Path, *, overwrite: bool = False) -> tuple[str, ...]:
    """Write the files that the typed lines name into a folder, to type the lines there yourself; returns the names.

    All of them can be read by this user only: one is a private key. Raises ValueError naming the first file that
    exists already, unless `overwrite`.
    """
    request = request_for(target, "/", client=None, data=None, environment=None, timeout_s=1)
    files = request.files()
    write_new(_private(files, Path(folder)), overwrite=overwrite)
    return tuple(files)


def _private(files: Mapping[str, bytes], folder: Path) -> list[NewFile]:
    return [NewFile(path=folder / name, content=content, mode=PRIVATE) for name, content in files.items()]


def _pem(certificates: tuple[Certificate, ...]) -> bytes:
    return b"".join(one.pem for one in certificates)
