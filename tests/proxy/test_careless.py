"""The plain server of notebook 06: it judges truly, and what its client hears depends on how it says goodbye."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import curl
from mtls_lab.exercises.thought_it_was_in import drain
from mtls_lab.handshake import CannotLoad, Scenario, explain, rehearse
from mtls_lab.proxy.careless import PlainServer, hang_up
from proxy.callers import client_context
from tools import program

pytestmark = pytest.mark.live

TRIES = 20
LARGE = b"x" * 5_000_000
"""More than fits into the buffers between the two ends: the client is still sending when it is refused."""
ALERT = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
BROKEN = "a broken connection"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def refused(lab: Lab) -> Scenario:
    return only(lab.scenario(client_presents="absent"), "TLSv1.3")


@pytest.fixture
def post(tmp_path: Path) -> Callable[..., str]:
    """Shake hands, post, read; what the client hears."""

    def call(server: PlainServer, body: bytes = b"pay bob 100") -> str:
        context = client_context(server.scenario, tmp_path)
        plain = socket.create_connection((server.host, server.port), timeout=10)
        try:
            with plain, context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
                tls.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                return tls.recv(15).decode()
        except OSError as error:
            reason = getattr(error, "reason", None) or ""
            return reason if "ALERT" in reason else BROKEN

    return call


@pytest.fixture
def silent_clients() -> Iterator[list[socket.socket]]:
    clients: list[socket.socket] = []
    yield clients
    for one in clients:
        one.close()


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    connection.close()


def read_once(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.close()


@pytest.mark.parametrize("careless", [hang_up, half_close, read_once])
def test_in_the_middle_of_a_large_body_nobody_hears_why_if_the_server_does_not_read_on(
    refused: Scenario, post: Callable[..., str], careless: Callable[[socket.socket], None]
) -> None:
    with PlainServer(refused, goodbye=careless) as server:
        heard = Counter(post(server, LARGE) for _ in range(TRIES))

    assert heard == {BROKEN: TRIES}


@pytest.mark.parametrize("body", [b"pay bob 100", b"x" * 300_000, LARGE], ids=["small", "300 kB", "5 MB"])
def test_half_close_and_drain_tell_every_client_why(refused: Scenario, post: Callable[..., str], body: bytes) -> None:
    with PlainServer(refused, goodbye=drain) as server:
        heard = Counter(post(server, body) for _ in range(TRIES))

    assert heard == {ALERT: TRIES}


def test_an_accepted_client_loses_its_answer_in_the_same_way_and_its_order_was_taken(
    lab: Lab, post: Callable[..., str]
) -> None:
    scenario = only(lab.scenario(), "TLSv1.3")

    with PlainServer(scenario, goodbye=hang_up) as careless, PlainServer(scenario, goodbye=drain) as careful:
        heard = post(careless, LARGE), post(careful, LARGE)

    assert heard == (BROKEN, "HTTP/1.1 200 OK")
    assert len(careless.heard) == len(careful.heard) == 1
    assert careful.heard[0].startswith(b"POST / HTTP/1.1")


def test_of_a_refused_client_nothing_is_taken(refused: Scenario, post: Callable[..., str]) -> None:
    with PlainServer(refused, goodbye=drain) as server:
        post(server)

    assert server.heard == []


def test_without_alerts_a_refused_client_hears_an_end_and_no_reason(
    refused: Scenario, post: Callable[..., str]
) -> None:
    with PlainServer(refused, goodbye=drain, alerts=False) as server:
        heard = Counter(post(server) for _ in range(TRIES))

    assert heard == {BROKEN: TRIES}


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("fault", ["good", "absent", "expired", "untrusted-root"])
def test_it_sees_what_a_rehearsal_sees(lab: Lab, post: Callable[..., str], fault: str, version: str) -> None:
    scenario = only(lab.scenario(client_presents=fault), version)  # type: ignore[arg-type]

    with PlainServer(scenario, goodbye=drain) as server:
        post(server)
    seen = server.handshakes[-1]

    assert seen.server == rehearse(scenario).server
    assert explain(seen).cause == explain(rehearse(scenario)).cause


def test_the_lab_knows_the_reason_also_where_curl_does_not(refused: Scenario) -> None:
    program("curl")

    with PlainServer(refused, goodbye=hang_up) as server:
        calls = [curl(server, data=LARGE) for _ in range(5)]

    assert {call.reason for call in calls} == {"by the server, alert certificate_required (116)"}


def test_curl_hears_the_reason_every_time_from_a_server_that_drains(refused: Scenario) -> None:
    program("curl")

    with PlainServer(refused, goodbye=drain) as server:
        told = Counter(
            (call.exit_code, "certificate required" in call.output)
            for call in (curl(server, data=LARGE) for _ in range(TRIES))
        )

    assert told == {(56, True): TRIES}


def test_what_a_goodbye_raises_is_kept_and_the_next_client_is_served(
    refused: Scenario, post: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    def clumsy(_: socket.socket) -> None:
        raise ZeroDivisionError("clumsy")

    with PlainServer(refused, goodbye=clumsy) as server:
        post(server)
        post(server)

    assert [str(one) for one in server.troubles] == ["clumsy", "clumsy"]
    assert capfd.readouterr() == ("", "")


def test_a_client_that_says_nothing_is_hung_up_on_and_does_not_stop_the_server(
    refused: Scenario, post: Callable[..., str], silent_clients: list[socket.socket]
) -> None:
    with PlainServer(refused, goodbye=drain) as server:
        silent_clients.append(socket.create_connection((server.host, server.port)))
        heard = post(server)

    assert heard == ALERT
    assert len(server.handshakes) == 1


def test_bytes_that_are_no_tls_do_not_stop_it(refused: Scenario, post: Callable[..., str]) -> None:
    with PlainServer(refused, goodbye=drain) as server:
        with socket.create_connection((server.host, server.port)) as stranger, suppress(OSError):
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            stranger.shutdown(socket.SHUT_WR)
            stranger.recv(100)
        heard = post(server)

    assert heard == ALERT


def test_nothing_is_left_after_closing_and_closing_twice_is_allowed(refused: Scenario) -> None:
    server = PlainServer(refused, goodbye=hang_up)
    server.close()
    server.close()

    assert not any(one.name == f"mtls-lab-plain-{server.port}" for one in threading.enumerate())
    with pytest.raises(OSError):  # refused on one system, timed out on another
        socket.create_connection((server.host, server.port), timeout=1)
    assert repr(server) == "<PlainServer closed>"


def test_misuse_is_named(lab: Lab, refused: Scenario) -> None:
    with pytest.raises(TypeError, match="goodbye='close' must be a function of the connected socket"):
        PlainServer(refused, goodbye="close")  # type: ignore[arg-type]
    swapped = replace(refused.server, presents=replace(lab.server, key_pem=lab.alice.key_pem))
    with pytest.raises(CannotLoad):
        PlainServer(replace(refused, server=swapped), goodbye=hang_up)


def test_a_refused_client_of_tls_1_3_has_a_version_and_a_cipher_before_it_hears(
    refused: Scenario, tmp_path: Path
) -> None:
    context = client_context(refused, tmp_path)

    with (
        PlainServer(refused, goodbye=drain) as server,
        socket.create_connection((server.host, server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        assert (tls.version(), tls.cipher() is None) == ("TLSv1.3", False)
        with pytest.raises(ssl.SSLError) as refusal:
            tls.recv(1)

    assert refusal.value.reason == ALERT
