"""`openssl s_server` as the server: the plainest there is, and it prints what it thinks of the client's certificate.

`-Verify` asks and insists, `-verify` asks; neither refuses a bad certificate without `-verify_return_error`. The
trust anchors are given as `-verifyCAfile`: with `-CAfile` it would also complete its own chain from them, and send
their names in its CertificateRequest. `-accept 127.0.0.1:0` takes a free port and says which.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from mtls_lab.clients.rosetta import servers, told
from mtls_lab.clients.rosetta.servers import Server, Serving, Start
from mtls_lab.handshake import Scenario, Version

_LISTENS = re.compile(r"^ACCEPT \S*:(\d+)$", re.MULTILINE)
_TROUBLE = re.compile(r"^(?:[0-9A-F]+:)?error:|^verify error:")
_TLS_FLAGS: dict[tuple[Version, ...], list[str]] = {("TLSv1.2",): ["-tls1_2"], ("TLSv1.3",): ["-tls1_3"]}


def arguments(scenario: Scenario, files: dict[str, bytes]) -> list[str]:
    """What stands on the line after `openssl s_server -accept ...`."""
    words = ["-cert", "leaf.pem", "-key", "server-key.pem"]
    words += ["-cert_chain", "intermediates.pem"] if "intermediates.pem" in files else []
    words += ["-no-CAfile", "-no-CApath", "-no-CAstore"]
    if scenario.server.verifies != "none":
        words += ["-Verify" if scenario.server.verifies == "required" else "-verify", "9", "-verify_return_error"]
        words += ["-verifyCAfile", "clients-root.pem"]
    words += ["-crl_check", "-CRL", told.CRL_FILE] if told.CRL_FILE in files else []
    words += ["-crl_check"] if scenario.server.crls == () else []
    words += ["-x509_strict"] if scenario.server.strict else []
    words += ["-cipher", scenario.server.ciphers] if scenario.server.ciphers else []
    words += ["-groups", scenario.server.group] if scenario.server.group else []
    return [*words, *_TLS_FLAGS.get(servers.versions(scenario), []), "-no_ticket", "-num_tickets", "0", "-www"]


def _missing() -> str | None:
    return None if shutil.which("openssl") else "openssl is not installed: `apt install openssl`"


def _version() -> str:
    return " ".join(servers.first_line("openssl", "version").split()[:2])


def _listening(said: str) -> int | None:
    found = _LISTENS.search(said)
    return int(found[1]) if found else None


@contextmanager
def _serve(scenario: Scenario) -> Iterator[Serving]:
    files = servers.server_files(scenario)
    line = ["openssl", "s_server", "-accept", f"{servers.HOST}:0", *arguments(scenario, files)]
    start = Start(command=lambda _: line, port_in=_listening, told_of=_TROUBLE)
    with servers.running(start, scenario, files) as serving:
        yield serving


SERVER = Server(name="openssl s_server", serve=_serve, missing=_missing, version=_version)
