"""The servers that benchmarks compare: our proxy and its peers, each a process of its own before one plain HTTP origin.

Each requires a client certificate (TLS 1.3, P-256, no resumption), with one worker, and passes requests on over kept
connections where it can. A peer that is not installed is left out by name. hitch and stunnel pass bytes, not requests.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mtls_lab.certificates import Authority

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"

ORIGIN = """
daemon off; master_process off; pid {folder}/origin.pid; error_log {folder}/origin.log;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 100000000; server_tokens off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=4096; return 200 "ok"; }} }}
"""
NGINX = """
daemon off; master_process off; pid {folder}/nginx{port}.pid; error_log {folder}/nginx{port}.log;
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_requests 100000000; server_tokens off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server-key.pem; ssl_protocols TLSv1.3;
  ssl_client_certificate {folder}/root.pem; ssl_verify_depth 3; ssl_session_tickets off; ssl_session_cache off;
  {more}
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 1000; }}
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; ssl_verify_client on;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https; proxy_set_header Client-Cert $ssl_client_escaped_cert; }} }}
}}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 5000
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem ca-file {folder}/root.pem verify required alpn http/1.1
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header Client-Cert :%[ssl_c_der,base64]:
  default_backend back
backend back
  server origin 127.0.0.1:{origin}
"""
HITCH = """
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{origin}"
pem-file = "{folder}/both.pem"
client-verify = required
client-verify-ca = "{folder}/root.pem"
tls-protos = TLSv1.3
workers = 1
daemon = off
user = "{user}"
"""
STUNNEL = """
foreground = yes
pid =
debug = err
[proxy]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{origin}
cert = {folder}/both.pem
CAfile = {folder}/root.pem
verifyChain = yes
sslVersionMin = TLSv1.3
"""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A server to be measured."""

    name: str
    """What it is called in the table."""
    port: int
    """Where it listens."""
    pids: Callable[[], list[int]]
    """Its processes."""

    def cpu_s(self) -> float:
        """The CPU seconds of all its threads up to now, in nanoseconds: the kernel's per-process clock."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids())

    def memory_kb(self) -> int:
        """Memory of its own: resident, without what is shared with other processes."""
        texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids()]
        lines = [line.split() for text in texts for line in text.splitlines()]
        return sum(int(line[1]) for line in lines if line[0] in ("Private_Dirty:", "Private_Clean:"))


def write_cast(folder: Path) -> None:
    """The lab's usual cast, in files."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    server = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    alice = issuing.issue("alice", purpose="clientAuth")
    for name, content in {
        "root.pem": root.certificate.pem,
        "server.pem": server.chain_pem,
        "server-key.pem": server.key_pem,
        "both.pem": server.chain_pem + server.key_pem,
        "client.pem": alice.chain_pem,
        "client-key.pem": alice.key_pem,
    }.items():
        (folder / name).write_bytes(content)


def build(name: str, folder: Path) -> str | None:
    """The path of one of our Go programs, built; None without Go."""
    go = shutil.which("go")
    if go is None:
        return None
    subprocess.run([go, "build", "-o", folder / name, PEERS / f"{name}.go"], check=True, cwd=folder,
                   env=os.environ | {"GO111MODULE": "off"})  # fmt: skip
    return str(folder / name)


@contextmanager
def engines(folder: Path, wanted: list[str]) -> Iterator[list[Engine]]:
    """All that are installed and wanted, running before the same origin."""
    with ExitStack() as stack:
        origin = free_port()
        (folder / "origin.conf").write_text(ORIGIN.format(folder=folder, port=origin))
        stack.enter_context(running(["nginx", "-p", str(folder), "-c", str(folder / "origin.conf")], origin, "origin"))
        yield [
            stack.enter_context(running(command, port, name))
            for name in wanted
            if (port := free_port()) and (command := _command(name, folder, port, origin)) is not None
        ]


def _command(name: str, folder: Path, port: int, origin: int) -> list[str] | None:
    python = {"mtls_lab": [], "mtls_lab, rules and log": ["guarded"]}
    program = {"nginx, no tickets": "nginx", "Go httputil": "go"}.get(name, sys.executable if name in python else name)
    if shutil.which(program) is None:
        print(f"{name} is not installed: left out")
        return None
    if name in python:
        script = [str(PEERS / "proxy_process.py"), str(port), f"http://127.0.0.1:{origin}", str(folder)]
        return [sys.executable, *script, *python[name]]
    if name == "Go httputil":
        files = [str(folder / one) for one in ("server.pem", "server-key.pem", "root.pem")]
        return [str(build("reverse", folder)), f"127.0.0.1:{port}", f"http://127.0.0.1:{origin}", *files]
    template = {"haproxy": HAPROXY, "hitch": HITCH, "stunnel": STUNNEL}.get(name, NGINX)
    more = "ssl_conf_command NumTickets 0;" if name == "nginx, no tickets" else ""
    path = folder / f"{program}-{port}.conf"
    user = "nobody" if os.geteuid() == 0 else ""
    path.write_text(template.format(folder=folder, port=port, origin=origin, more=more, user=user))
    return {
        "nginx": ["nginx", "-p", str(folder), "-c", str(path)],
        "haproxy": ["haproxy", "-f", str(path)],
        "hitch": ["hitch", f"--config={path}"],
        "stunnel": ["stunnel", str(path)],
    }[program]


@contextmanager
def running(command: list[str], port: int, name: str) -> Iterator[Engine]:
    """That server as a process, until the block ends."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as process:
        try:
            deadline = time.monotonic() + 10
            while not listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not listen: {' '.join(command)}")
                time.sleep(0.05)  # these servers have no common way to say that they are ready
            yield Engine(name=name, port=port, pids=lambda: family(process.pid))
        finally:
            process.terminate()


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def listens(port: int) -> bool:
    """Somebody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
