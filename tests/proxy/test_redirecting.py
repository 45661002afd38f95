"""Plain HTTP is answered with the right https address, and with nothing that a stranger made up."""

import socket

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates import Authority
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.redirecting import location

ROOT = Authority.create("Root")


def leaf(*names: str):  # type: ignore[no-untyped-def]  # a certificate
    return ROOT.issue("shop", purpose="serverAuth", names=names).leaf


@pytest.mark.parametrize(
    ("host", "names", "port", "place"),
    [
        ("shop.example", ("shop.example",), 443, "https://shop.example"),
        ("SHOP.example:80", ("shop.example",), 8443, "https://shop.example:8443"),
        ("www.shop.example", ("shop.example", "*.shop.example"), 443, "https://www.shop.example"),
        ("127.0.0.1:8080", ("localhost", "127.0.0.1"), 8443, "https://127.0.0.1:8443"),
        ("[::1]:8080", ("localhost", "::1"), 8443, "https://[::1]:8443"),
        ("evil.example", ("shop.example",), 443, "https://shop.example"),
        ("", ("*.shop.example", "shop.example"), 443, "https://shop.example"),
        ("0.0.0.0:8080", ("shop.example",), 443, "https://shop.example"),
        ("evil.example", ("*.shop.example",), 443, None),
        ("evil.example", ("*.shop.example", "::1"), 443, "https://[::1]"),
    ],
)
def test_the_address_is_one_that_the_certificate_is_for(
    host: str, names: tuple[str, ...], port: int, place: str | None
) -> None:
    assert location(host, leaf(*names), port) == place


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def ask(proxy: Proxy, request: bytes) -> bytes:
    port = proxy._service.also[0][0].getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(request)
        answer = b""
        while piece := plain.recv(65_536):
            answer += piece
        return answer


@pytest.mark.live
def test_path_and_query_stay_and_the_port_is_that_of_tls(lab: Lab) -> None:
    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as proxy:
        answer = ask(proxy, b"GET /a/b?c=d HTTP/1.1\r\nHost: localhost:8080\r\n\r\n")
        place = f"Location: https://localhost:{proxy.port}/a/b?c=d\r\n".encode()

    assert answer.startswith(b"HTTP/1.1 301 Moved Permanently")
    assert place in answer
    assert b"Connection: close" in answer


@pytest.mark.live
def test_a_post_stays_a_post_and_its_body_destroys_no_answer(lab: Lab) -> None:
    size = 300_000
    head = b"POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size

    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as proxy:
        assert ask(proxy, head + b"x" * size).startswith(b"HTTP/1.1 308")


@pytest.mark.live
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"301"),
        (b"GET / HTTP/1.0\r\n\r\n", b"301"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"hello\r\n\r\n", b"400"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x00\x05hello", b"400"),
    ],
)
def test_what_is_odd_is_answered_in_plain_words(lab: Lab, request_: bytes, status: bytes) -> None:
    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as proxy:
        answer = ask(proxy, request_)

    assert answer.split()[1] == status


@pytest.mark.live
def test_nobody_adds_a_line_to_the_answer(lab: Lab) -> None:
    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as proxy:
        answer = ask(proxy, b"GET /a%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert b"\r\nSet-Cookie" not in answer


@pytest.mark.live
def test_both_ports_close_together_and_a_taken_one_leaves_nothing_open(lab: Lab) -> None:
    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as proxy:
        plain = proxy._service.also[0][0].getsockname()[1]
        with pytest.raises(OSError, match=f"port={plain} on 127.0.0.1 is taken"):
            Proxy(lab.scenario(), redirect_from=("127.0.0.1", plain))

    for port in (plain, proxy.port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
