"""Rosetta: one fault, every client and server program there is, each with its own words.

A module here whose name ends in `_client` and holds a `PROGRAM`, or ends in `_server` and holds a `SERVER`, is one of
them. These programs are apart from `clients.PROGRAMS`: they only ask (GET), and some of them cannot do all that the
panels' programs can.
"""

from importlib import import_module
from pkgutil import iter_modules

from mtls_lab.clients import PROGRAMS
from mtls_lab.clients.programs import Program
from mtls_lab.clients.rosetta.gallery import stagings
from mtls_lab.clients.rosetta.lab_server import MakeProxy, lab_server
from mtls_lab.clients.rosetta.playing import STARTING, Staging, Troupe, play
from mtls_lab.clients.rosetta.recording import FILE, merge, recorded, write
from mtls_lab.clients.rosetta.row import Cell, Row, Spoken
from mtls_lab.clients.rosetta.servers import Server

__all__ = [
    "CLIENTS",
    "FILE",
    "SERVERS",
    "STARTING",
    "Cell",
    "MakeProxy",
    "Row",
    "Server",
    "Spoken",
    "Staging",
    "Troupe",
    "lab_server",
    "merge",
    "play",
    "recorded",
    "stagings",
    "write",
]


def _found(ending: str, name: str) -> list[object]:
    modules = [one.name for one in iter_modules(__path__) if one.name.endswith(ending)]
    held = [getattr(import_module(f"{__package__}.{module}"), name, None) for module in modules]
    return [one for one in held if one is not None]


CLIENTS: dict[str, Program] = {
    one.name: one for one in (*PROGRAMS.values(), *_found("_client", "PROGRAM")) if isinstance(one, Program)
}
"""Every client program, by name: those of the panels first."""
SERVERS: dict[str, Server] = {one.name: one for one in _found("_server", "SERVER") if isinstance(one, Server)}
"""Every server program but the lab's own, which `lab_server(Proxy)` makes."""
