"""Where to dial: the host and port that were typed, and the addresses they stand for. Nobody else is ever dialled."""

import errno
import json
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from mtls_lab.certificates.names import as_address, to_ascii

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
_MOST_ADDRESSES = 4
# Encoded by hand: the codec that `getaddrinfo` would use imports half of the standard library.
_RESOLVE = """
import json, socket, sys
try:
    found = socket.getaddrinfo(sys.argv[1].encode("ascii"), int(sys.argv[2]), type=socket.SOCK_STREAM)
except OSError as error:
    print(json.dumps({"problem": error.strerror or str(error)}))
else:
    print(json.dumps({"found": [[int(family), list(where)] for family, _, _, _, where in found]}))
"""


class Unresolved(Exception):
    """The name stands for no address."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A host and a port, as typed."""

    host: str
    """A DNS name in ASCII, or an IP address without brackets."""
    port: int
    """The TCP port."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, default_port: int) -> Address:
    """`https://host:port`, `host:port` or `host`. Raises ValueError naming what would work."""
    example = "write https://host:port, host:port or https://[::1]:port"
    if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError(f"endpoint={text!r} holds a space or nothing at all: {example}")
    scheme, divider, _ = text.partition("://")
    if divider and scheme.lower() != "https":
        raise ValueError(f"endpoint={text!r}: {scheme}:// is not TLS from the first byte: {example}")
    try:
        parts = urlsplit(text if divider else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"endpoint={text!r}: {error}; {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("endpoint holds a user name or a password, which the probe has no use for: leave them out")
    return Address(host=_host(host, text, example), port=_port(port, default_port, text))


def _host(host: str, text: str, example: str) -> str:
    if as_address(host) is not None:
        return host
    try:
        name = to_ascii(host)
    except ValueError as error:
        raise ValueError(f"endpoint={text!r}: {error}; {example}") from None
    # What Python's `ssl` takes for a server name; underscores do occur in the names of containers.
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?", name) or len(name) > 253:
        raise ValueError(f"endpoint={text!r}: {host!r} is neither a DNS name nor an IP address; {example}")
    return name


def _port(port: int | None, default_port: int, text: str) -> int:
    if port == 0:
        raise ValueError(f"endpoint={text!r}: port 0 is none: write 1 to 65535")
    return default_port if port is None else port


def resolve(address: Address, *, timeout_s: float) -> tuple[tuple[int, SocketAddress], ...]:
    """The addresses to try, with their families, in the system's order. Raises Unresolved, TimeoutError or OSError.

    The system's resolver cannot be interrupted and may take half a minute, so a name is looked up in a child process.
    """
    if as_address(address.host) is not None or address.host == "localhost":
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return tuple((int(family), cast("SocketAddress", where)) for family, _, _, _, where in found)[:_MOST_ADDRESSES]
    command = [sys.executable, "-I", "-S", "-c", _RESOLVE, address.host, str(address.port)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(errno.ETIMEDOUT, "the resolver did not answer in time") from None
    told = json.loads(done.stdout or b'{"problem": "the resolver process failed"}')
    if "problem" in told:
        raise Unresolved(told["problem"])
    return tuple((family, tuple(where)) for family, where in told["found"])[:_MOST_ADDRESSES]
