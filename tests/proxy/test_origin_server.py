"""An origin behind a port: what it is told, and what becomes of it when it is dead, slow or lying."""

import base64
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cast import Lab, make_lab
from mtls_lab.proxy import Proxy, origin
from proxy.callers import ScriptedOrigin, call, connected, read_to_end

pytestmark = pytest.mark.live

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /path?query HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def ask(lab: Lab, request: bytes, *answers: bytes) -> tuple[bytes, list[bytes]]:
    """Send a request to an origin that answers so: the answer as the client gets it, and what the origin was asked."""
    with ScriptedOrigin(*answers) as scripted, Proxy(lab.scenario(), to=scripted.url) as proxy:
        told = call(proxy, request)
        assert list(proxy._service.troubles) == []
        return told.answer, scripted.asked


def lines(head: bytes) -> list[bytes]:
    return head.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_the_origin_is_told_who_calls_in_the_proxys_words(lab: Lab) -> None:
    spoofed = GET.replace(
        b"\r\n\r\n",
        b"\r\nX-Forwarded-For: 6.6.6.6\r\nx_forwarded_host: evil\r\nCLIENT-CERT: :AA==:\r\nForwarded: for=6.6.6.6"
        b"\r\nVia: 1.0 earlier\r\nX-Own: 1\r\nKeep-Alive: 5\r\n\r\n",
    )

    answer, asked = ask(lab, spoofed, OK)

    leaf, intermediate = [b":" + base64.b64encode(one.der) + b":" for one in lab.alice.chain]
    assert answer.endswith(b"ok")
    told = lines(asked[0])
    assert told[0] == b"GET /path?query HTTP/1.1"
    port = told.pop([line.startswith(b"X-Forwarded-Port: ") for line in told].index(True))
    assert int(port.split()[1])
    assert sorted(told[1:]) == sorted(
        [
            b"Host: shop.example",
            b"Via: 1.0 earlier",
            b"X-Own: 1",
            b"Via: 1.1 mtls-lab",
            b'Forwarded: for=127.0.0.1;host="shop.example";proto=https',
            b"X-Forwarded-For: 127.0.0.1",
            b"X-Forwarded-Proto: https",
            b"X-Forwarded-Host: shop.example",
            b"Client-Cert: " + leaf,
            b"Client-Cert-Chain: " + intermediate,
        ]
    )


def test_what_a_client_sends_besides_its_path_is_not_told_as_verified(lab: Lab) -> None:
    """Anybody may send any certificate along: a stranger's authority must not appear to vouch for somebody."""
    stray = lab.scenario(client_presents="extra-certificates")
    with ScriptedOrigin(OK) as scripted, Proxy(stray, to=scripted.url) as proxy:
        assert call(proxy, GET).answer.endswith(b"ok")

    shown = stray.client.presents
    assert shown is not None
    told = next(line for line in lines(scripted.asked[0]) if line.startswith(b"Client-Cert-Chain: "))
    assert len(shown.chain) == 4
    assert told == b"Client-Cert-Chain: :" + base64.b64encode(lab.issuing.certificate.der) + b":"


@pytest.mark.parametrize("level", ["none", "optional"])
def test_without_a_verified_certificate_there_is_no_client_cert_field(lab: Lab, level: str) -> None:
    scenario = lab.scenario(server_verifies=level, client_presents="absent")  # type: ignore[arg-type]
    with ScriptedOrigin(OK) as scripted, Proxy(scenario, to=scripted.url) as proxy:
        call(proxy, GET.replace(b"\r\n\r\n", b"\r\nClient-Cert: :AA==:\r\n\r\n"))

        assert b"client" not in scripted.asked[0].lower()


def test_claims_in_trailers_are_stripped_too(lab: Lab) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nfoo\r\n0\r\nClient_Cert: :AA==:\r\nDigest: x\r\n\r\n"
    )

    _, asked = ask(lab, request, OK)

    assert b"Digest: x" in asked[0]
    assert b":AA==:" not in asked[0]


def test_the_absolute_form_counts_more_than_host(lab: Lab) -> None:
    _, asked = ask(lab, b"GET http://shop/a?b HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n", OK)

    assert lines(asked[0])[:2] == [b"GET /a?b HTTP/1.1", b"Host: shop"]


def test_a_path_in_to_goes_before_the_requests_path(lab: Lab) -> None:
    with ScriptedOrigin(OK) as scripted, Proxy(lab.scenario(), to=f"{scripted.url}/base/") as proxy:
        call(proxy, GET)

        assert scripted.asked[0].startswith(b"GET /base/path?query HTTP/1.1\r\n")


def test_an_origin_that_is_not_there_is_a_502_with_the_reason(lab: Lab) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with Proxy(lab.scenario(), to=url) as proxy:
            answer = call(proxy, GET).answer

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway")
    assert answer.endswith(f"the origin {url} cannot be reached (connection refused): is it running?\n".encode())


def test_a_name_that_does_not_resolve_is_a_502(lab: Lab) -> None:
    with Proxy(lab.scenario(), to="http://no.such.host.invalid") as proxy:
        assert call(proxy, GET).answer.startswith(b"HTTP/1.1 502 ")


def test_an_origin_that_hangs_up_is_a_502(lab: Lab) -> None:
    answer, _ = ask(lab, GET, b"")

    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"closed the connection without an answer" in answer


@pytest.mark.parametrize(
    "lie",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBroken",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_an_origin_that_does_not_speak_http_is_a_502(lab: Lab, lie: bytes) -> None:
    answer, _ = ask(lab, GET, lie)

    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"valid HTTP/1.1" in answer


def test_an_origin_that_is_late_is_a_504(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "ANSWER_TIMEOUT_S", 0.2)
    with ScriptedOrigin(b"", hold=True) as scripted, Proxy(lab.scenario(), to=scripted.url) as proxy:
        answer = call(proxy, GET).answer

    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout")
    assert b"did not answer in time" in answer


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_an_answer_that_breaks_off_ends_without_a_goodbye(lab: Lab, half: bytes) -> None:
    with ScriptedOrigin(half) as scripted, Proxy(lab.scenario(), to=scripted.url) as proxy:
        told = call(proxy, GET.replace(b"HTTP/1.1", b"HTTP/1.0"))
        handshake = proxy.handshake_from(told.port)

    assert told.answer.endswith(b"half")
    assert not [message for message in handshake.messages if message.sender == "server" and message.alert is not None]


def test_an_answer_that_ends_with_the_connection_reaches_the_client_in_chunks(lab: Lab) -> None:
    answer, _ = ask(lab, GET, b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\nuntil the end")

    assert answer.lower().count(b"transfer-encoding: chunked") == 1
    assert answer.endswith(b"d\r\nuntil the end\r\n0\r\n\r\n")


def test_fields_for_one_connection_do_not_reach_the_client(lab: Lab) -> None:
    answer, _ = ask(lab, GET, OK.replace(b"OK\r\n", b"OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n", 1))

    assert not {b"X-Hop: 1", b"Keep-Alive: 5", b"Connection: X-Hop"} & set(lines(answer))


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body_have_none(lab: Lab, status: bytes) -> None:
    answer, _ = ask(lab, GET, b"HTTP/1.1 " + status + b"\r\n\r\n")

    assert answer.endswith(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_what_an_origin_sends_unasked_never_becomes_the_next_answer(lab: Lab, tmp_path: Path) -> None:
    again = GET.replace(b"Connection: close\r\n", b"")
    with (
        ScriptedOrigin(OK + OK.replace(b"ok", b"no"), OK) as scripted,
        Proxy(lab.scenario(), to=scripted.url) as proxy,
        connected(proxy, tmp_path) as tls,
    ):
        tls.sendall(again)
        first = tls.recv(65_536)
        tls.sendall(GET)
        second = read_to_end(tls)

    assert (first[-2:], second[-2:]) == (b"ok", b"ok")


def test_a_kept_connection_that_the_origin_closed_is_replaced_unseen(lab: Lab, tmp_path: Path) -> None:
    again = GET.replace(b"Connection: close\r\n", b"")
    with ScriptedOrigin(OK, OK, OK) as scripted, Proxy(lab.scenario(), to=scripted.url) as proxy:
        with connected(proxy, tmp_path) as tls:
            for _ in range(3):
                tls.sendall(again)
                assert tls.recv(65_536).endswith(b"ok")

        assert len(scripted.asked) == 3


def test_an_early_answer_reaches_a_client_that_still_writes(lab: Lab, tmp_path: Path) -> None:
    early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    size = 3_000_000

    with early_origin(early) as url, Proxy(lab.scenario(), to=url) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        tls.sendall(b"x" * size)
        answer = tls.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 413 ")


@contextmanager
def early_origin(answer: bytes) -> Iterator[str]:
    """Answers at the end of the head, and reads no more until the other end has gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(5)
                heard = b""
                while b"\r\n\r\n" not in heard:
                    heard += accepted.recv(4096)
                accepted.sendall(answer)
                accepted.shutdown(socket.SHUT_WR)
                try:
                    while accepted.recv(65_536):
                        continue
                except OSError:
                    return  # reset: the proxy has its answer and went

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    began: ClassVar[threading.Event]
    closed: ClassVar[threading.Event]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        type(self).began.set()
        body = self.rfile.read(size)
        if len(body) < size:
            type(self).closed.set()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def standard_origin() -> Iterator[str]:
    _Handler.began, _Handler.closed = threading.Event(), threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_large_body_goes_to_the_origin_and_back(lab: Lab, standard_origin: str, tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    with Proxy(lab.scenario(), to=standard_origin) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body))
        tls.sendall(b"Expect: 100-continue\r\n\r\n")
        assert tls.recv(65_536).startswith(b"HTTP/1.1 100 Continue\r\n")
        tls.sendall(body)

        assert read_to_end(tls).partition(b"\r\n\r\n")[2] == body


def test_an_origin_hears_that_its_client_has_gone(lab: Lab, standard_origin: str, tmp_path: Path) -> None:
    with Proxy(lab.scenario(), to=standard_origin) as proxy:
        with connected(proxy, tmp_path) as tls:
            tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            assert _Handler.began.wait(5)

        assert _Handler.closed.wait(5)


def test_a_client_that_lies_about_its_chunks_gets_400_and_the_origin_no_whole_request(lab: Lab, tmp_path: Path) -> None:
    with (
        ScriptedOrigin(b"") as scripted,
        Proxy(lab.scenario(), to=scripted.url) as proxy,
        connected(proxy, tmp_path) as tls,
    ):
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\nrubbish\r\n")

        assert read_to_end(tls).startswith(b"HTTP/1.1 400 ")
    assert not scripted.asked or not scripted.asked[0].endswith(b"0\r\n\r\n")
