"""`--domain`: a certificate from a real ACME server on loopback (Let's Encrypt's test server, `pebble`)."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.running import PATIENCE_S, Running, curl, listens, refused
from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.files import PUBLIC
from mtls_lab.commands.proxy.arguments import DONE, FAILED
from mtls_lab.commands.proxy.by_acme import ByAcme
from tools import program

pytestmark = pytest.mark.live


@dataclass(frozen=True, kw_only=True)
class Pebble:
    """An ACME server."""

    folder: Path
    """What it was made of; `acme-root.pem` is what its own clients trust."""
    directory: str
    """Its directory's URL."""
    plain_port: int
    """Where it asks for tokens."""
    management: str
    """Where its authority can be had."""

    def options(self, domain: str = "localhost") -> tuple[str, ...]:
        """The proxy's."""
        acme = ("--acme-server", self.directory, "--acme-cacert", str(self.folder / "acme-root.pem"), "--acme-agree")
        redirect = ("--redirect-http", f"127.0.0.1:{self.plain_port}")
        return ("--from", "127.0.0.1:0", "--echo", "--domain", domain, *redirect, *acme)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    pytest.importorskip("acme", reason="certbot's acme library is not installed")
    executable = program("pebble")
    folder = tmp_path_factory.mktemp("pebble")
    root = Authority.create("ACME server's CA")
    own = root.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    own.write(folder)
    (folder / "acme-root.pem").write_bytes(root.certificate.pem)
    listen, management, plain, tls = free_ports(4)
    settings = {
        "listenAddress": f"127.0.0.1:{listen}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "localhost.pem"),
        "privateKey": str(folder / "localhost-key.pem"),
        "httpPort": plain,
        "tlsPort": tls,
    }
    (folder / "config.json").write_text(json.dumps({"pebble": settings}), encoding="utf-8")
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [executable, "-config", str(folder / "config.json")],
            # By default it dawdles, refuses every twentieth request, and forgets every second authorization.
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "100"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + PATIENCE_S
        while not listens(listen) and time.monotonic() < end:
            time.sleep(0.1)  # it makes its keys first
        yield Pebble(
            folder=folder,
            directory=f"https://localhost:{listen}/dir",
            plain_port=plain,
            management=f"https://localhost:{management}",
        )
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def trust(pebble: Pebble, folder: Path) -> None:
    """Write `issued-root.pem`, the authority whose certificates it gives."""
    code, pem = curl(folder, "--cacert", str(pebble.folder / "acme-root.pem"), f"{pebble.management}/roots/0")
    assert code == 0, pem
    (folder / "issued-root.pem").write_text(pem, encoding="utf-8")


def test_a_certificate_is_ordered_served_kept_and_not_ordered_again(pebble: Pebble, tmp_path: Path) -> None:
    trust(pebble, tmp_path)
    kept = tmp_path / "mtls-lab-proxy"

    with Running(tmp_path, *pebble.options()) as running:
        first = curl(tmp_path, "--cacert", "issued-root.pem", f"{running.url}/whoami")
        plain = curl(tmp_path, "--include", f"http://localhost:{pebble.plain_port}/a")
        assert running.stop() == DONE
    chain = (kept / "acme.pem").read_bytes()
    with Running(tmp_path, *pebble.options()) as again:
        second = curl(tmp_path, "--cacert", "issued-root.pem", f"{again.url}/whoami")

    assert first[0] == second[0] == 0
    assert f"Location: https://localhost:{running.port}/a" in plain[1]
    assert (kept / "acme.pem").read_bytes() == chain
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {
        "acme.pem": PUBLIC,
        "acme-key.pem": 0o600,
        "acme-account-key.pem": 0o600,
    }


def test_a_certificate_that_is_due_is_ordered_from_the_same_account(pebble: Pebble, tmp_path: Path) -> None:
    with Running(tmp_path, *pebble.options()) as running:
        assert running.stop() == DONE
    by_acme = ByAcme(
        folder=tmp_path / "mtls-lab-proxy",
        domains=("localhost",),
        directory=pebble.directory,
        trusts=pebble.folder / "acme-root.pem",
        email=None,
    )
    account = by_acme.account.read_bytes()
    (leaf, *_) = Certificate.from_pem(by_acme.chain.read_bytes())
    assert leaf.not_after is not None and leaf.not_before is not None

    assert not by_acme.is_due()
    assert by_acme.is_due(at=leaf.not_after - (leaf.not_after - leaf.not_before) / 4)
    by_acme.order({})  # its tokens count for a while: no challenge, so nobody needs to answer
    assert Certificate.from_pem(by_acme.chain.read_bytes())[0] != leaf
    assert by_acme.account.read_bytes() == account


def test_a_domain_that_leads_elsewhere_starts_nothing_and_says_why(pebble: Pebble, tmp_path: Path) -> None:
    (elsewhere,) = free_ports(1)
    options = [
        f"127.0.0.1:{elsewhere}" if one == f"127.0.0.1:{pebble.plain_port}" else one
        for one in pebble.options("ip6-localhost")
    ]

    code, said = refused(tmp_path, *options)

    assert code == FAILED
    assert f"the ACME server {pebble.directory} gave no certificate: " in said
    assert "Traceback" not in said and "Proxying" not in said


def test_an_acme_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("acme", reason="certbot's acme library is not installed")
    listen, plain = free_ports(2)
    acme = ("--acme-server", f"https://localhost:{listen}/dir", "--acme-agree")

    code, said = refused(
        tmp_path, "--from", "127.0.0.1:0", "--echo", "--domain", "localhost", "--redirect-http", str(plain), *acme
    )

    assert code == FAILED
    assert "gave no certificate" in said and "Traceback" not in said


def test_a_stand_in_is_due_at_once(tmp_path: Path) -> None:
    by_acme = ByAcme(
        folder=tmp_path, domains=("a.example",), directory="https://localhost/dir", trusts=None, email=None
    )
    by_acme.prepare()

    assert by_acme.is_stand_in
    assert by_acme.is_due(at=datetime.now(UTC) + timedelta(minutes=1))
