"""Client programs as a person would type them, each run against a proxy and told as a `Call`."""

from mtls_lab.clients.call import Call
from mtls_lab.clients.curl_client import curl
from mtls_lab.clients.openssl_client import s_client
from mtls_lab.clients.programs import Program, discover
from mtls_lab.clients.request import Request, Target, write_files
from mtls_lab.clients.requests_client import get
from mtls_lab.handshake import Scenario

__all__ = ["PROGRAMS", "Call", "Program", "Request", "Target", "curl", "get", "lines", "s_client", "write_files"]

PROGRAMS: dict[str, Program] = discover(__path__)
"""Every client program by its name: a module here whose name ends in `_client` and that holds a `PROGRAM`."""


def lines(
    scenario: Scenario, *, host: str = "127.0.0.1", port: int = 8443, path: str = "/whoami", data: bytes | None = None
) -> dict[str, str]:
    """What a person would type for exactly this scenario, by program; nothing is run."""
    request = Request(scenario=scenario, host=host, port=port, path=path, data=data)
    return {name: program.line(request) for name, program in PROGRAMS.items()}
