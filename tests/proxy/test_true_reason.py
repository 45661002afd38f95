"""A refused client is always told why: the alert arrives, whatever the client was doing."""

import http.client
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from cast import make_lab, only
from mtls_lab.handshake import Scenario
from mtls_lab.proxy import Proxy
from proxy.callers import client_context, connected, read_to_end
from tools import program

pytestmark = pytest.mark.live

TRIES = 100
REASONS = {"absent": "TLSV13_ALERT_CERTIFICATE_REQUIRED", "untrusted-root": "TLSV1_ALERT_UNKNOWN_CA"}


@pytest.fixture(params=REASONS)
def refused(request: pytest.FixtureRequest) -> Iterator[tuple[Proxy, str]]:
    """A proxy that refuses its client in TLS 1.3, and OpenSSL's symbol of the alert."""
    scenario = only(make_lab().scenario(client_presents=request.param), "TLSv1.3")
    with Proxy(scenario) as proxy:
        yield proxy, REASONS[request.param]


def files(scenario: Scenario, folder: Path) -> tuple[str, str | None]:
    """The trusted root, and the client's certificate with its key if it has one."""
    (folder / "root.pem").write_bytes(b"".join(one.pem for one in scenario.client.trusts))
    if scenario.client.presents is None:
        return str(folder / "root.pem"), None
    (folder / "client.pem").write_bytes(scenario.client.presents.chain_pem + scenario.client.presents.key_pem)
    return str(folder / "root.pem"), str(folder / "client.pem")


def told(call: Callable[[], object]) -> str | None:
    """OpenSSL's symbol in the error that the call ends with; None when it does not end in one."""
    try:
        call()
    except ssl.SSLError as error:
        return error.reason
    except requests.exceptions.SSLError as error:
        return next((reason for reason in REASONS.values() if reason in str(error)), str(error))
    return None


def test_raw_ssl_that_writes_first_and_then_reads(refused: tuple[Proxy, str], tmp_path: Path) -> None:
    proxy, reason = refused

    def call() -> None:
        with connected(proxy, tmp_path) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            read_to_end(tls)

    assert Counter(told(call) for _ in range(TRIES)) == {reason: TRIES}


@pytest.mark.parametrize(("size", "tries"), [(0, TRIES), (300_000, TRIES), (5_000_000, 20)])
def test_http_client_in_the_middle_of_its_body(
    refused: tuple[Proxy, str], tmp_path: Path, size: int, tries: int
) -> None:
    proxy, reason = refused
    context = client_context(proxy.scenario, tmp_path)

    def call() -> None:
        with closing(http.client.HTTPSConnection("localhost", proxy.port, context=context, timeout=10)) as connection:
            connection.request("POST", "/echo", body=b"x" * size)
            connection.getresponse()

    assert Counter(told(call) for _ in range(tries)) == {reason: tries}


@pytest.mark.parametrize(("size", "tries"), [(300_000, TRIES), (5_000_000, 20)])
def test_requests_in_the_middle_of_its_body(refused: tuple[Proxy, str], tmp_path: Path, size: int, tries: int) -> None:
    proxy, reason = refused
    root, client = files(proxy.scenario, tmp_path)

    def call() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{proxy.url}/echo", data=b"x" * size, verify=root, cert=client, timeout=10)

    assert Counter(told(call) for _ in range(tries)) == {reason: tries}


def test_curl(refused: tuple[Proxy, str], tmp_path: Path) -> None:
    proxy, reason = refused
    root, client = files(proxy.scenario, tmp_path)
    command = [
        program("curl"),
        "-sS",
        "--http1.1",
        "--cacert",
        root,
        *(["--cert", client] if client else []),
        proxy.url,
    ]
    words = reason.partition("_ALERT_")[2].replace("_", " ").lower()

    seen = Counter(
        (run.returncode, words in run.stderr)
        for run in (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(TRIES))
    )

    assert seen == {(56, True): TRIES}
