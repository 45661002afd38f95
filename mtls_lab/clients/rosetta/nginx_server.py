"""nginx as the server: it verifies a client's certificate, finishes the handshake all the same, and answers 400.

One process in the foreground, everything it writes in one private folder. It cannot take port 0, so a free one is
chosen; its own log says when that went wrong. `ssl_verify_depth` is 1 unless set, which would refuse longer chains
for a reason of its own.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from mtls_lab.clients.request import private_folder
from mtls_lab.clients.rosetta import servers, told
from mtls_lab.clients.rosetta.servers import Server, Serving, Start
from mtls_lab.handshake import Scenario

_ASKS = {"none": "off", "optional": "optional", "required": "on"}
_ANSWER = "location / { return 200 'nginx: $ssl_client_verify\\n'; }"
_HEAD = (
    "daemon off; master_process off; pid nginx.pid; error_log stderr info;\nevents {}\nhttp {\n  access_log off;\n"
    + "".join(f"  {kind}_temp_path temp-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
)
_TROUBLE = re.compile(r"^\d{4}/\d\d/\d\d (?!.*closed keepalive connection)")
"""Lines of its own: of a client that speaks TLS to its HTTP port it also quotes the bytes, newlines and all."""
_DEBIANS = "/usr/sbin/nginx"
"""Not on the PATH of every user."""


def configuration(scenario: Scenario, port: int) -> str:
    """What nginx.conf says for that scenario's server."""
    asks = scenario.server.verifies
    if scenario.server.speaks == "HTTP":
        return _HEAD + f"  server {{ listen {servers.HOST}:{port}; {_ANSWER} }}\n}}\n"
    lines = [
        f"listen {servers.HOST}:{port} ssl",
        "ssl_certificate server.pem",
        "ssl_certificate_key server-key.pem",
        f"ssl_protocols {' '.join(servers.versions(scenario))}",
        f"ssl_verify_client {_ASKS[asks]}",
        "ssl_verify_depth 9",
        "ssl_session_tickets off",
        "ssl_session_cache off",
    ]
    lines += ["ssl_client_certificate clients-root.pem"] if asks != "none" else []
    lines += [f"ssl_crl {told.CRL_FILE}"] if scenario.server.crls else []
    lines += [f"ssl_ciphers {scenario.server.ciphers}"] if scenario.server.ciphers else []
    lines += [f"ssl_ecdh_curve {scenario.server.group}"] if scenario.server.group else []
    inside = "".join(f"    {line};\n" for line in lines)
    return _HEAD + f"  server {{\n{inside}    {_ANSWER}\n  }}\n}}\n"


def _path() -> str | None:
    return shutil.which("nginx") or shutil.which(_DEBIANS)


def _missing() -> str | None:
    return None if _path() else "nginx is not installed: `apt install nginx` or `brew install nginx`"


def _version() -> str:
    """`nginx 1.22.1 (OpenSSL 3.0.19)`."""
    path = _path() or "nginx"
    number = servers.first_line(path, "-v").rpartition("/")[2]
    # The last one named is the one it runs with, not the one it was built with.
    libraries = re.findall(r"OpenSSL [\w.]+", servers.all_lines(path, "-V"))
    return f"nginx {number}" + (f" ({libraries[-1]})" if libraries else "")


@contextmanager
def _serve(scenario: Scenario) -> Iterator[Serving]:
    files = servers.server_files(scenario)
    with private_folder(files) as folder:

        def command(port: int) -> list[str]:
            (folder / "nginx.conf").write_text(configuration(scenario, port), encoding="ascii")
            chosen.append(port)
            return [_path() or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]

        chosen: list[int] = []

        def port_in(_: str) -> int | None:
            # Written once the sockets listen. A connection of ours to see whether they do would be in its log.
            return chosen[0] if (folder / "nginx.pid").exists() else None

        yield from servers.run_in(folder, Start(command=command, port_in=port_in, told_of=_TROUBLE), scenario)


SERVER = Server(name="nginx", serve=_serve, missing=_missing, version=_version)
