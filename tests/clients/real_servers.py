"""Servers that are not ours, for the probe: openssl s_server, nginx, a Go server, PostgreSQL. Each on a free port."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cast import Lab
from tools import program

PATIENCE_S = 20.0
GO_SERVER = """
package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
)

func main() {
	pem, _ := os.ReadFile("root.pem")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	server := &http.Server{
		Addr:      os.Args[1],
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }),
		TLSConfig: &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
	}
	panic(server.ListenAndServeTLS("localhost.pem", "localhost-key.pem"))
}
"""


def write_cast(lab: Lab, folder: Path) -> None:
    """root.pem, issuing.pem, localhost.pem and -leaf.pem and -key.pem."""
    lab.root.write(folder)
    lab.server.write(folder, name="localhost")
    (folder / "issuing.pem").write_bytes(lab.issuing.certificate.pem)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, folder: Path, **how: Any) -> Iterator[str]:
    """The program for as long as the block runs, once it listens; its address."""
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how
    ) as child:
        try:
            until = time.monotonic() + PATIENCE_S
            while not _listens(port):
                assert child.poll() is None, f"{command[0]} ended at once"
                assert time.monotonic() < until, f"{command[0]} did not listen in time"
                time.sleep(0.05)  # there is nothing to wait on: a port tells nobody that it is open
            yield f"localhost:{port}"
        finally:
            child.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def s_server(folder: Path, *options: str) -> Iterator[str]:
    port = free_port()
    command = [program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "localhost-leaf.pem"]
    command += ["-key", "localhost-key.pem", "-cert_chain", "issuing.pem", "-CAfile", "root.pem", *options]
    with running(command, port, folder) as address:
        yield address


@contextmanager
def nginx(folder: Path, verifies: str) -> Iterator[tuple[str, str]]:
    """Its TLS address, and one where the same nginx speaks plain HTTP."""
    binary, port, plain = program("nginx"), free_port(), free_port()
    temporary = "".join(
        f"{one}_temp_path {folder}/{one}; " for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log info; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"server {{ listen 127.0.0.1:{plain}; location / {{ return 204; }} }}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_depth 3;\n"
        f"ssl_certificate {folder}/localhost.pem; ssl_certificate_key {folder}/localhost-key.pem;\n"
        f"ssl_client_certificate {folder}/root.pem; ssl_verify_client {verifies};\n"
        "location / { return 204; } } }\n"
    )
    command = [binary, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    with running(command, port, folder) as address:
        yield address, f"localhost:{plain}"


@contextmanager
def go_server(folder: Path) -> Iterator[str]:
    (folder / "server.go").write_text(GO_SERVER)
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    built = subprocess.run(
        [program("go"), "build", "-o", "server", "server.go"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr.decode()
    port = free_port()
    with running([str(folder / "server"), f"127.0.0.1:{port}"], port, folder) as address:
        yield address


@contextmanager
def postgres(folder: Path, hba: str, *, tls: bool = True) -> Iterator[str]:
    """A private cluster, run by somebody who is not root: the server refuses root."""
    programs, port = _postgres_programs(), free_port()
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    who: dict[str, Any] = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # Not below pytest's own folders, which are closed to all others.
    with tempfile.TemporaryDirectory(prefix="mtls-lab-postgres-") as name:
        data = Path(name)
        _hand_over(data, owner)
        command = [str(programs / "initdb"), "-D", name, "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **who)
        names = {"localhost.pem": "server.crt", "localhost-key.pem": "server.key", "root.pem": "root.crt"}
        for source, target in names.items():
            shutil.copy(folder / source, data / target)
            (data / target).chmod(0o600)
            _hand_over(data / target, owner)
        settings = [f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off"]
        settings += ["ssl = on\nssl_ca_file = 'root.crt'"] if tls else []
        (data / "postgresql.conf").write_text("\n".join(settings) + "\n")
        (data / "pg_hba.conf").write_text(hba)
        with running([str(programs / "postgres"), "-D", name], port, Path("/"), **who) as address:
            yield address


def _hand_over(path: Path, owner: pwd.struct_passwd | None) -> None:
    if owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _postgres_programs() -> Path:
    """Debian keeps the server's programs off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(program("initdb")).parent
