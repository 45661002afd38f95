"""The naive proxy of notebook 12: its TLS is sound, and it passes on what clients say of themselves."""

import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cast import Lab, make_lab
from mtls_lab.handshake import CannotLoad, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.naive import Application, NaiveProxy
from proxy.callers import client_context, read_to_end

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def scenario(lab: Lab) -> Scenario:
    return lab.scenario()


@pytest.fixture
def origin() -> Iterator[Application]:
    with Application(tell) as running:
        yield running


def tell(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    fields = [f"{name}={value}\n" for name, value in sorted(environ.items()) if name.startswith("HTTP_")]
    start("200 OK", [("Content-Type", "text/plain")])
    return ["".join(fields).encode("latin-1"), body]


def ask(proxy: NaiveProxy | Proxy, scenario: Scenario, folder: Path, *fields: str, body: bytes = b"") -> str:
    """The answer to a POST with these lines in its head."""
    head = "\r\n".join(
        ["POST / HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *fields]
    )
    with (
        socket.create_connection((proxy.host, proxy.port), timeout=10) as plain,
        client_context(scenario, folder).wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(f"{head}\r\n\r\n".encode() + body)
        return read_to_end(tls).decode("latin-1")


def test_it_says_whom_it_verified(scenario: Scenario, origin: Application, tmp_path: Path) -> None:
    with NaiveProxy(scenario, to=origin.url) as proxy:
        answer = ask(proxy, scenario, tmp_path, body=b"pay bob 100")

    assert answer.startswith("HTTP/1.0 200")
    assert "HTTP_X_CLIENT_DN=CN=alice\nHTTP_X_CLIENT_VERIFY=SUCCESS\n" in answer
    assert answer.endswith("pay bob 100")


def test_of_a_client_without_certificate_it_says_that(lab: Lab, origin: Application, tmp_path: Path) -> None:
    nobody = lab.scenario(server_verifies="optional", client_presents="absent")

    with NaiveProxy(nobody, to=origin.url) as proxy:
        answer = ask(proxy, nobody, tmp_path)

    assert "HTTP_X_CLIENT_VERIFY=NONE" in answer
    assert "HTTP_X_CLIENT_DN" not in answer


@pytest.mark.parametrize("name", ["X-Client-DN", "x-client-dn", "X_Client_DN"])
def test_what_a_client_says_of_itself_comes_first(
    scenario: Scenario, origin: Application, tmp_path: Path, name: str
) -> None:
    with NaiveProxy(scenario, to=origin.url) as proxy:
        answer = ask(proxy, scenario, tmp_path, f"{name}: CN=admin")

    assert "HTTP_X_CLIENT_DN=CN=admin,CN=alice\n" in answer


@pytest.mark.parametrize("name", ["X-Client-DN", "x-client-dn", "X_Client_DN", "Client-Cert", "client_cert"])
def test_none_of_it_passes_our_proxy(scenario: Scenario, origin: Application, tmp_path: Path, name: str) -> None:
    with Proxy(scenario, to=origin.url) as proxy:
        answer = ask(proxy, scenario, tmp_path, f"{name}: CN=admin")

    assert "CN=admin" not in answer
    assert "HTTP_CLIENT_CERT=:" in answer


def test_what_drops_names_is_left_out_and_the_rest_is_not(
    scenario: Scenario, origin: Application, tmp_path: Path
) -> None:
    with NaiveProxy(scenario, to=origin.url, drops=lambda name: name == "X-Client-DN") as proxy:
        answer = ask(proxy, scenario, tmp_path, "X-Client-DN: CN=admin", "Client-Cert: :AA==:", "Cookie: basket=7")

    assert "HTTP_X_CLIENT_DN=CN=alice\n" in answer
    assert "HTTP_CLIENT_CERT=:AA==:\nHTTP_COOKIE=basket=7\n" in answer


def test_a_stranger_is_refused_in_the_handshake_and_the_next_client_is_served(
    lab: Lab, scenario: Scenario, origin: Application, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stranger = lab.stranger.issue("alice", purpose="clientAuth")

    with NaiveProxy(scenario, to=origin.url) as proxy:
        with pytest.raises((ssl.SSLError, OSError)):  # the alert, or a reset: it closes carelessly
            ask(proxy, replace(scenario, client=replace(scenario.client, presents=stranger)), tmp_path)
        answer = ask(proxy, scenario, tmp_path)

    assert "CN=alice" in answer
    assert capfd.readouterr() == ("", "")


def test_a_client_that_says_nothing_does_not_keep_others_waiting(
    scenario: Scenario, origin: Application, tmp_path: Path
) -> None:
    with NaiveProxy(scenario, to=origin.url) as proxy, socket.create_connection((proxy.host, proxy.port)):
        assert "CN=alice" in ask(proxy, scenario, tmp_path)


def test_a_subject_cannot_write_fields_of_its_own(
    lab: Lab, scenario: Scenario, origin: Application, tmp_path: Path
) -> None:
    mueller = lab.issuing.issue("M\u00fcller \u2713", purpose="clientAuth")

    with NaiveProxy(scenario, to=origin.url) as proxy:
        answer = ask(proxy, replace(scenario, client=replace(scenario.client, presents=mueller)), tmp_path)

    assert "HTTP_X_CLIENT_DN=CN=M\\xfcller \\u2713\n" in answer


def test_what_drops_raises_is_kept_and_answered(scenario: Scenario, origin: Application, tmp_path: Path) -> None:
    def clumsy(_: str) -> bool:
        raise ZeroDivisionError("clumsy")

    with NaiveProxy(scenario, to=origin.url, drops=clumsy) as proxy:
        answer = ask(proxy, scenario, tmp_path)

    assert answer.startswith("HTTP/1.0 500")
    assert str(proxy.troubles[0]) == "clumsy"


def test_a_dead_origin_is_502(scenario: Scenario, tmp_path: Path) -> None:
    with Application(tell) as gone:
        url = gone.url

    with NaiveProxy(scenario, to=url) as proxy:
        assert ask(proxy, scenario, tmp_path).startswith("HTTP/1.0 502")


def test_an_application_that_raises_answers_500_and_prints_nothing(
    scenario: Scenario, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: "WSGIEnvironment", __: "StartResponse") -> Iterable[bytes]:
        raise ZeroDivisionError("broken")

    with Application(broken) as origin, NaiveProxy(scenario, to=origin.url) as proxy:
        assert ask(proxy, scenario, tmp_path).startswith("HTTP/1.0 500")

    assert capfd.readouterr() == ("", "")


def test_both_listen_on_loopback_and_leave_nothing_behind(scenario: Scenario) -> None:
    origin = Application(tell)
    proxy = NaiveProxy(scenario, to=origin.url)
    assert {proxy._server.server_address[0], origin._server.server_address[0]} == {"127.0.0.1"}
    for one in (proxy, origin):
        one.close()
        one.close()

    assert not any(one.name.startswith(("mtls-lab-NaiveProxy", "mtls-lab-App")) for one in threading.enumerate())
    assert (repr(proxy), repr(origin)) == ("<NaiveProxy closed>", "<Application closed>")


def test_misuse_is_named(lab: Lab, scenario: Scenario) -> None:
    with pytest.raises(ValueError, match="to='http://example.com:80' must be an origin on this machine"):
        NaiveProxy(scenario, to="http://example.com:80")
    with pytest.raises(TypeError, match="drops='Cookie' must be a function"):
        NaiveProxy(scenario, to="http://127.0.0.1:1", drops="Cookie")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="application=7 must be a WSGI function"):
        Application(7)  # type: ignore[arg-type]
    swapped = replace(scenario.server, presents=replace(lab.server, key_pem=lab.alice.key_pem))
    with pytest.raises(CannotLoad):
        NaiveProxy(replace(scenario, server=swapped), to="http://127.0.0.1:1")
