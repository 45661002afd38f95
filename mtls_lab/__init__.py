"""Understand TLS and mutual TLS by doing it: real handshakes, and what both sides saw.

The public names load when they are first used, so that `import mtls_lab` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.certificates import Authority, Credential
    from mtls_lab.clients import curl, get, s_client
    from mtls_lab.handshake import Endpoint, Explanation, Handshake, Scenario, explain, rehearse
    from mtls_lab.proxy import Proxy
    from mtls_lab.views import TwoSwitches, show, truth_table

__all__ = [
    "Authority",
    "Credential",
    "Endpoint",
    "Explanation",
    "Handshake",
    "Proxy",
    "Scenario",
    "TwoSwitches",
    "curl",
    "explain",
    "get",
    "rehearse",
    "s_client",
    "show",
    "truth_table",
]

_FLOORS = {
    "certificates": ("Authority", "Credential"),
    "handshake": ("Endpoint", "Explanation", "Handshake", "Scenario", "explain", "rehearse"),
    "proxy": ("Proxy",),
    "clients": ("curl", "get", "s_client"),
    "views": ("TwoSwitches", "show", "truth_table"),
}
_HOMES = {name: floor for floor, names in _FLOORS.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"mtls_lab has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"mtls_lab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
