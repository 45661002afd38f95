"""CPU per new mTLS connection and per keep-alive request: the proxy beside nginx, in interleaved rounds.

    python benchmarks/proxy.py

Each engine requires a client certificate (TLS 1.3, P-256, no resumption) and answers two bytes: by itself, or from
the same plain HTTP origin behind it. CPU is the server process's own, so the client's cost and the machine's mood
stay out; ratios are medians of paired rounds. Without nginx only our own figures are printed. Takes half a minute.
"""

import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mtls_lab.certificates import Authority
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy

ROUNDS, NEW, KEPT = 5, 60, 600
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; keepalive_requests 1000000; server_tokens off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem; ssl_protocols TLSv1.3;
  ssl_client_certificate {folder}/root.pem; ssl_verify_depth 3; ssl_session_tickets off; ssl_session_cache off;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 8; }}
  server {{ listen 127.0.0.1:{origin}; return 200 "ok"; }}
  server {{ listen 127.0.0.1:{alone} ssl; ssl_verify_client on; return 200 "ok"; }}
  server {{ listen 127.0.0.1:{before} ssl; ssl_verify_client on;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A server to be measured."""

    name: str
    """What it is called in the table."""
    port: int
    """Where it listens."""
    cpu_s: Callable[[], float]
    """The CPU seconds it has used up to now."""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        scenario = make_scenario(folder)
        engines = list(start(folder, scenario, stack))
        context = client_context(folder)
        measured: dict[str, list[tuple[float, float]]] = {engine.name: [] for engine in engines}
        for engine in engines:
            new(engine, context, 10)
        for _ in range(ROUNDS):
            for engine in engines:
                measured[engine.name].append((new(engine, context, NEW), kept(engine, context, KEPT)))
        report(measured)


def make_scenario(folder: Path) -> Scenario:
    """Mutual TLS with the lab's usual cast; also written to files."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    server = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    alice = issuing.issue("alice", purpose="clientAuth")
    (folder / "root.pem").write_bytes(root.certificate.pem)
    (folder / "server.pem").write_bytes(server.chain_pem + server.key_pem)
    (folder / "client.pem").write_bytes(alice.chain_pem + alice.key_pem)
    trusts = (root.certificate,)
    return Scenario(
        client=Endpoint(presents=alice, trusts=trusts, verifies="chain and name"),
        server=Endpoint(presents=server, trusts=trusts, verifies="required"),
        versions=("TLSv1.3",),
    )


def start(folder: Path, scenario: Scenario, stack: ExitStack) -> Iterator[Engine]:
    """Everything there is to measure, and the origin behind it."""
    if shutil.which("nginx") is None or not Path("/proc/self/schedstat").exists():
        yield proxy_engine("proxy, alone", scenario, None, stack)
        return
    origin, alone, before = free_ports(3)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, origin=origin, alone=alone, before=before))
    with_origin = stack.enter_context(nginx(folder, alone))
    yield Engine(name="nginx, alone", port=alone, cpu_s=lambda: used(with_origin))
    yield proxy_engine("proxy, alone", scenario, None, stack)
    yield Engine(name="nginx, before an origin", port=before, cpu_s=lambda: used(with_origin))
    yield proxy_engine("proxy, before an origin", scenario, f"http://127.0.0.1:{origin}", stack)


def proxy_engine(name: str, scenario: Scenario, to: str | None, stack: ExitStack) -> Engine:
    """A Proxy in this process; its thread's CPU time is its own."""
    proxy = stack.enter_context(Proxy(scenario, to=to))
    thread = next(one for one in threading.enumerate() if one.name == f"mtls-lab-proxy-{proxy.port}")
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    return Engine(name=name, port=proxy.port, cpu_s=lambda: time.clock_gettime(clock))


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[int]:
    """One nginx process; gives its id."""
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and not listens(port):
                time.sleep(0.05)  # nginx has no way to say that it is ready
            yield process.pid
        finally:
            process.terminate()


def listens(port: int) -> bool:
    """Somebody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    with ExitStack() as stack:
        return [int(stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]) for _ in range(count)]


def used(pid: int) -> float:
    """The CPU seconds of a process with one thread; in nanoseconds, where /proc/PID/stat has ticks of 10 ms."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def client_context(folder: Path) -> ssl.SSLContext:
    """The client's side, without resumption: a context is shared, a session never."""
    context = ssl.create_default_context(cafile=folder / "root.pem")
    context.load_cert_chain(folder / "client.pem")
    return context


def new(engine: Engine, context: ssl.SSLContext, count: int) -> float:
    """CPU ms per new connection with one request."""
    before = engine.cpu_s()
    for _ in range(count):
        with connect(engine, context) as tls:
            exchange(tls)
    return (engine.cpu_s() - before) / count * 1000


def kept(engine: Engine, context: ssl.SSLContext, count: int) -> float:
    """CPU ms per request on a kept connection."""
    with connect(engine, context) as tls:
        exchange(tls)
        before = engine.cpu_s()
        for _ in range(count):
            exchange(tls)
        return (engine.cpu_s() - before) / count * 1000


def connect(engine: Engine, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A new connection."""
    return context.wrap_socket(socket.create_connection(("127.0.0.1", engine.port)), server_hostname="localhost")


def exchange(tls: ssl.SSLSocket) -> None:
    """One request and its answer."""
    tls.sendall(REQUEST)
    if not tls.recv(65_536).startswith(b"HTTP/1.1 200"):
        raise SystemExit("an engine did not answer 200: the figures would mean nothing")


def report(measured: dict[str, list[tuple[float, float]]]) -> None:
    """A line for each engine, with its ratio to nginx in the same position."""
    print(f"{ROUNDS} rounds of {NEW} new connections and {KEPT} requests; CPU ms, medians (x nginx, paired)")
    for name, rounds in measured.items():
        peer = measured.get(name.replace("proxy", "nginx"), rounds)
        cells = []
        for which in (0, 1):
            value = statistics.median(one[which] for one in rounds)
            ratio = statistics.median(
                mine[which] / max(its[which], 1e-6) for mine, its in zip(rounds, peer, strict=True)
            )
            cells.append(f"{value:7.3f} ({ratio:4.1f})  {1000 / max(value, 1e-6):8.0f}/s")
        print(f"{name:26} new {cells[0]}    kept {cells[1]}")


if __name__ == "__main__":
    main()
