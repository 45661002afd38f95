"""HTTP through the proxy to its built-in origin."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from cast import Lab, make_lab
from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Endpoint
from mtls_lab.proxy import Proxy, echo
from proxy.callers import call, connected, read_to_end

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario()) as proxy:
        yield proxy
        assert list(proxy._service.troubles) == []


def post(proxy: Proxy, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return split(call(proxy, head.encode() + body).answer)


def get(proxy: Proxy, path: str, *lines: str) -> tuple[int, bytes]:
    head = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]
    return split(call(proxy, "\r\n".join(head).encode()).answer)


def split(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    ("path", "sent", "answered"),
    [
        ("/echo", b"foo", b"foo"),
        ("/echo", b"", b""),
        ("/echo?query", b"\x00\xff", b"\x00\xff"),
        ("/echo/uppercase", "straße x".encode(), "STRAßE X".encode()),
        ("/echo/reversed", b"abc", b"cba"),
        ("/echo/reversed", "añ€".encode(), "€ña".encode()),
        ("/echo/reversed", b"a\xff", b"\xffa"),
        ("/print", b"foo", b"foo"),
    ],
)
def test_the_routes_of_the_notes_server(proxy: Proxy, path: str, sent: bytes, answered: bytes) -> None:
    assert post(proxy, path, sent) == (200, answered)


@pytest.mark.parametrize("path", ["/print", "/echo", "/nowhere", "/whoami/"])
def test_everything_else_is_an_empty_404(proxy: Proxy, path: str) -> None:
    assert get(proxy, path) == (404, b"")


def test_the_root_gives_a_hint(proxy: Proxy) -> None:
    assert get(proxy, "/") == (200, b"Try POSTing data to /echo")


def test_what_would_have_been_printed_is_kept_and_never_printed(lab: Lab, capfd: pytest.CaptureFixture[str]) -> None:
    with Proxy(lab.scenario()) as proxy:
        for body in (b"foo", b'a"b\\\n', b"\xff\x1b", "é".encode()):
            post(proxy, "/print", body)

        assert proxy.printed == ('"foo"', '"a\\"b\\\\\\n"', '"\\xff\\u{1b}"', '"é"')
    assert capfd.readouterr() == ("", "")


def test_a_body_that_must_be_held_as_a_whole_is_bounded(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "LONGEST_BODY", 10)

    assert post(proxy, "/echo/reversed", b"x" * 10)[0] == 200
    status, reason = post(proxy, "/echo/reversed", b"x" * 11)
    assert status == 413
    assert b"10 bytes" in reason
    chunked = b"POST /print HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nxxxxxxxxxxx\r\n0\r\n\r\n"
    assert split(call(proxy, chunked).answer)[0] == 413


def test_whoami_names_the_verified_client(lab: Lab, proxy: Proxy) -> None:
    assert get(proxy, "/whoami") == (200, b"alice\n")
    status, body = get(proxy, "/whoami", "Accept: application/json")
    assert status == 200
    assert json.loads(body)["client"]["names"] == list(lab.alice.leaf.names)


def test_whoami_lists_the_names_besides_the_common_name(lab: Lab) -> None:
    eve = lab.issuing.issue("eve", names=("URI:spiffe://lab/eve",), purpose="clientAuth")
    scenario = lab.scenario()
    with Proxy(scenario) as proxy:
        told = call(proxy, scenario=replace(scenario, client=replace(scenario.client, presents=eve)))

        assert split(told.answer)[1] == b"eve (URI:spiffe://lab/eve)\n"


def test_whoami_shows_nothing_that_a_terminal_would_obey(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setattr(Certificate, "common_name", "eve\n\x1b[31malice")

    assert echo._spoken(lab.alice.leaf) == "eve\\n\\u{1b}[31malice"


@pytest.mark.parametrize("level", ["none", "optional"])
def test_nobody_is_whoever_presents_nothing(lab: Lab, level: str) -> None:
    client = Endpoint(trusts=(lab.root.certificate,), verifies="chain and name")
    scenario = lab.scenario(server_verifies=level)  # type: ignore[arg-type]
    with Proxy(scenario) as proxy:
        told = call(proxy, scenario=replace(scenario, client=client))

        assert split(told.answer)[1] == b"nobody (no client certificate was verified)\n"


def test_a_certificate_nobody_asked_for_makes_nobody_of_its_holder(lab: Lab) -> None:
    with Proxy(lab.scenario(server_verifies="none")) as proxy:
        assert get(proxy, "/whoami") == (200, b"nobody (no client certificate was verified)\n")


@pytest.mark.parametrize("spelling", ["Client-Cert", "client_cert", "CLIENT-CERT"])
def test_a_client_cannot_say_who_it_is(lab: Lab, spelling: str) -> None:
    import base64

    claim = f"{spelling}: :{base64.b64encode(lab.alice.leaf.der).decode()}:"
    with Proxy(lab.scenario(server_verifies="none")) as proxy:
        assert get(proxy, "/whoami", claim, claim)[1].startswith(b"nobody")


def test_many_requests_share_a_connection(proxy: Proxy, tmp_path: Path) -> None:
    before = len(proxy.handshakes)
    (tmp_path / "root.pem").write_bytes(proxy.scenario.client.trusts[0].pem)
    with connected(proxy, tmp_path):
        pass
    with requests.Session() as session:
        session.trust_env = False
        session.verify, session.cert = str(tmp_path / "root.pem"), str(tmp_path / "client.pem")
        for turn in range(20):
            assert session.post(f"{proxy.url}/echo", data=str(turn), timeout=5).text == str(turn)
            assert session.head(f"{proxy.url}/whoami", timeout=5).headers["Content-Length"] == "6"
            assert session.post(f"{proxy.url}/nowhere", data="unread", timeout=5).status_code == 404

    assert len(proxy.handshakes) == before + 2


def test_pipelined_requests_are_answered_in_order(proxy: Proxy, tmp_path: Path) -> None:
    first = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
    last = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3"
    with connected(proxy, tmp_path) as tls:
        tls.sendall(first + first.replace(b"\n1", b"\n2") + last)
        answers = read_to_end(tls)

    assert [part[:1] for part in answers.split(b"\r\n\r\n")[1:]] == [b"1", b"2", b"3"]


def test_a_client_that_asks_may_send_its_body(proxy: Proxy, tmp_path: Path) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert tls.recv(65_536).startswith(b"HTTP/1.1 100 ")
        tls.sendall(b"foo")
        assert tls.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_an_echo_begins_before_the_body_has_ended(proxy: Proxy, tmp_path: Path) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n")
        heard = b""
        while b"foo" not in heard:
            heard += tls.recv(65_536)
        assert b"transfer-encoding: chunked" in heard.lower()
        tls.sendall(b"0\r\n\r\n")
        while not heard.endswith(b"0\r\n\r\n"):
            heard += tls.recv(65_536)


def test_a_client_that_half_closes_gets_the_rest_of_its_answer(proxy: Proxy, tmp_path: Path) -> None:
    from mtls_lab.handshake import KeyLog, TLSConnection, build_context

    scenario = proxy.scenario
    with KeyLog() as keylog, socket.create_connection((proxy.host, proxy.port), timeout=5) as plain:
        context = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
        tls = TLSConnection(context, role="client", server_name="localhost")
        tls.start()
        while not tls.completed:
            plain.sendall(tls.outgoing())
            tls.receive(plain.recv(65_536))
        tls.send(b"GET /whoami HTTP/1.1\r\nHost: x\r\n\r\n")
        tls.close()
        plain.sendall(tls.outgoing())
        plain.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := plain.recv(65_536):
            answer += tls.receive(piece)

    assert answer.endswith(b"alice\n")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_a_request_it_cannot_pass_on_is_refused_in_plain_words(
    proxy: Proxy, request_head: bytes, status: int, tmp_path: Path
) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(request_head)
        answer = tls.recv(65_536)

    assert split(answer)[0] == status
    assert b"text/plain" in answer


def test_a_chunk_that_is_none_ends_the_connection(proxy: Proxy, tmp_path: Path) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST /print HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n")

        assert read_to_end(tls).startswith(b"HTTP/1.1 400 ")


def test_http_1_0_gets_no_chunks_and_an_end(proxy: Proxy) -> None:
    answer = call(proxy, b"GET /whoami HTTP/1.0\r\n\r\n").answer

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"alice\n")
    assert b"chunked" not in answer


@pytest.mark.parametrize("size", [5_000_000, 16_000_000])
def test_a_client_that_reads_only_after_it_has_written_gets_its_echo(proxy: Proxy, tmp_path: Path, size: int) -> None:
    with connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        tls.sendall(b"x" * size)
        answer = read_to_end(tls)

    assert len(answer.partition(b"\r\n\r\n")[2]) == size
