"""What `mtls-lab certs` prints: what was written, and what to type next."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.files import NewFile
from mtls_lab.certificates.service import ServiceSet
from mtls_lab.commands.certs.pieces import Piece

PORT = 8443


def report(options: argparse.Namespace, issued: ServiceSet, pieces: Sequence[Piece], files: Sequence[NewFile]) -> str:
    """The files with modes and fingerprints, the lifetime, and two commands that use them."""
    modes = {file.path.parent.resolve() / file.path.name: file.mode for file in files}
    names = [_inside(options.folder, piece.path) for piece in pieces]
    width = max(map(len, names))
    lines = [f"Written to {options.folder}:"]
    for piece, name in zip(pieces, names, strict=True):
        mode = modes[piece.path.parent.resolve() / piece.path.name]
        lines.append(f"  {name:{width}}  {mode:04o}  {piece.says}")
        if piece.fingerprint is not None:
            lines.append(f"    SHA-256 {_colons(piece.fingerprint)}")
    lines += ["", _lifetime(issued.root.certificate, options.days)]
    if options.authority_key_file is None:
        lines.append("The authority's key was thrown away: it signs nothing more.")
    return "\n".join([*lines, "", *_next(issued, pieces)])


def _inside(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _colons(fingerprint: str) -> str:
    """As `openssl x509 -fingerprint -sha256` prints it."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def _lifetime(root: Certificate, days: int) -> str:
    until = f"{root.not_after:%Y-%m-%d %H:%M}" if root.not_after else "?"
    return f"All are valid for {days} days, until {until} UTC. Keys: {root.key_type}."


def _next(issued: ServiceSet, pieces: Sequence[Piece]) -> list[str]:
    """A server and a client of these files; the server demands a client certificate where there is a client."""
    paths = {kind: [_quoted(piece.path) for piece in pieces if piece.kind == kind] for kind in ("leaf", "key")}
    root = next(_quoted(piece.path) for piece in pieces if piece.kind == "authority")
    server = f"openssl s_server -accept {PORT} -www -cert {paths['leaf'][0]} -key {paths['key'][0]}"
    client = f"curl {_address(issued.service.leaf)} --cacert {root}"
    if not issued.clients:
        return ["Try it: a server, and in another terminal a client that verifies it.", f"  {server}", f"  {client}"]
    return [
        "Try it: a server that demands a client certificate, and in another terminal a client that verifies it.",
        f"  {server} -CAfile {root} -Verify 1 -verify_return_error",
        f"  {client} --cert {paths['leaf'][1]} --key {paths['key'][1]}",
    ]


def _address(leaf: Certificate) -> str:
    """The address to call on this machine; where that is not its name, curl is told to go there all the same."""
    for name in ("localhost", "127.0.0.1", "::1"):
        if leaf.matches_name(name):
            return _url(name)
    name = next(name.partition(":")[2] for name in leaf.names if name.startswith(("DNS:", "IP:")))
    return f"{_url(f'www{name[1:]}' if name.startswith('*') else name)} --connect-to ::127.0.0.1:"


def _url(host: str) -> str:
    return shlex.quote(f"https://{f'[{host}]' if ':' in host else host}:{PORT}/")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
