"""HTTP through the proxy to an origin, byte by byte on both sides: streams, 1xx, early and late answers, upgrades."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.proxy import Proxy, connection, origin, serving
from mtls_lab.proxy.origin import OriginServer
from proxy.callers import client_context, connected, read_to_end

pytestmark = pytest.mark.live

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


class Origin:
    """An origin whose every connection is served by a function of the accepted socket."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.settimeout(10)
            self.accepted.append(accepted)
            thread = threading.Thread(target=self._one, args=(accepted,), daemon=True)
            # Before it is in the list: whoever closes the origin joins what is there.
            thread.start()
            self._threads.append(thread)

    def _one(self, accepted: socket.socket) -> None:
        with accepted, suppress(OSError):  # the proxy may go first: that is for the test to judge
            self._serve(accepted)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def before(lab: Lab, serve: Callable[[socket.socket], None]) -> Iterator[tuple[Proxy, Origin]]:
    """A proxy before such an origin."""
    behind = Origin(serve)
    thread = threading.Thread(target=behind.run, daemon=True)
    thread.start()
    try:
        with Proxy(lab.scenario(), to=behind.url) as proxy:
            yield proxy, behind
            assert list(proxy._service.troubles) == []
    finally:
        behind.close()
        thread.join(5)


def until(end: bytes, heard: Callable[[int], bytes]) -> bytes:
    """Read until these bytes have come."""
    found = b""
    while end not in found:
        piece = heard(65_536)
        assert piece, found
        found += piece
    return found


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """Each request's head is answered with the next of these."""

    def serve(accepted: socket.socket) -> None:
        for answer in answers:
            until(b"\r\n\r\n", accepted.recv)
            accepted.sendall(answer)
        while accepted.recv(65_536):
            continue

    return serve


# one after the other


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    ],
)
def test_after_a_400_nothing_that_follows_reaches_the_origin(lab: Lab, tmp_path: Path, request_head: bytes) -> None:
    with before(lab, answering(OK)) as (proxy, behind), connected(proxy, tmp_path) as tls:
        tls.sendall(request_head + GET.replace(b"GET /", b"GET /smuggled"))
        answer = read_to_end(tls)

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"Connection: close" in answer
        assert len(behind.accepted) <= 1  # a chunked body's head may have gone on before its chunks were read


def test_one_connection_to_the_origin_serves_all_requests_of_a_client(lab: Lab, tmp_path: Path) -> None:
    with before(lab, answering(OK, OK, OK, OK)) as (proxy, behind):
        for _ in range(2):
            with connected(proxy, tmp_path) as tls:
                for _ in range(2):
                    tls.sendall(GET)
                    until(b"ok", tls.recv)

        assert len(behind.accepted) == 1


def test_clients_that_only_stay_connected_hold_no_connection_to_the_origin(lab: Lab, tmp_path: Path) -> None:
    with (
        before(lab, answering(OK, OK, OK, OK)) as (proxy, behind),
        connected(proxy, tmp_path) as one,
        connected(proxy, tmp_path) as another,
    ):
        for tls in (one, another, one, another):
            tls.sendall(GET)
            until(b"ok", tls.recv)

        assert len(behind.accepted) == 1


def test_a_stranger_never_gets_a_connection_that_another_client_used(lab: Lab, tmp_path: Path) -> None:
    with before(lab, answering(OK)) as (proxy, behind):
        proxy.switch(lab.scenario(server_verifies="optional", client_presents="absent"))
        for _ in range(2):
            with connected(proxy, tmp_path) as tls:
                tls.sendall(GET)
                until(b"ok", tls.recv)

        assert len(behind.accepted) == 2


def test_only_so_many_connections_to_the_origin_are_kept() -> None:
    class Kept:
        usable, closed = True, False

        def rest_for(self, _: float) -> None:
            """Nothing waits here."""

        def close(self) -> None:
            self.closed = True

    server = OriginServer("http://127.0.0.1")
    links = [Kept() for _ in range(origin.KEPT_LINKS + 1)]
    for number, link in enumerate(links):
        server.keep(b"%d" % number, link)  # type: ignore[arg-type]

    assert [link.closed for link in links] == [True] + [False] * origin.KEPT_LINKS
    assert server.take(b"0") is None
    assert server.take(b"1") is links[1]


def test_a_kept_connection_to_the_origin_is_let_go_after_a_while(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "KEEP_S", 0.1)
    ended = threading.Event()

    def serve(accepted: socket.socket) -> None:
        answering(OK)(accepted)
        ended.set()

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        until(b"ok", tls.recv)
        tls.close()

        assert ended.wait(5)


def test_head_is_answered_without_a_body_and_the_connection_goes_on(lab: Lab, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    with before(lab, answering(head, head, OK)) as (proxy, behind), connected(proxy, tmp_path) as tls:
        for _ in range(2):
            tls.sendall(GET.replace(b"GET", b"HEAD"))
            answer = until(b"\r\n\r\n", tls.recv)
            assert answer.endswith(b"\r\n\r\n") and b"Content-Length: 2\r\n" in answer
        tls.sendall(GET)
        assert until(b"ok", tls.recv).startswith(b"HTTP/1.1 200 ")

        assert len(behind.accepted) == 1


def test_204_has_no_length_and_304_may_have_one(lab: Lab, tmp_path: Path) -> None:
    none = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
    same = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
    with before(lab, answering(none, same, OK)) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET * 3)
        answers = until(b"ok", tls.recv)

    first, second, third, body = answers.split(b"\r\n\r\n")
    assert b"Content-Length" not in first and b"Content-Length: 9" in second and b" 200 " in third and body == b"ok"


# bodies


def test_chunks_and_trailers_go_both_ways(lab: Lab, tmp_path: Path) -> None:
    heard: list[bytes] = []

    def serve(accepted: socket.socket) -> None:
        heard.append(until(b"T: 1\r\n\r\n", accepted.recv))
        accepted.sendall(
            b"HTTP/1.1 200 OK\r\nTrailer: U\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nU: 2\r\n\r\n"
        )

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;q\r\nde\r\n")
        tls.sendall(b"1\r\nf\r\n0\r\nT: 1\r\n\r\n")
        answer = until(b"0\r\n", tls.recv)

    assert heard[0].partition(b"\r\n\r\n")[2] in (
        b"2\r\nde\r\n1\r\nf\r\n0\r\nT: 1\r\n\r\n",
        b"3\r\ndef\r\n0\r\nT: 1\r\n\r\n",
    )
    assert b"content-length" not in heard[0].lower()
    assert answer.endswith(b"3\r\nabc\r\n0\r\nU: 2\r\n\r\n")


def test_server_sent_events_are_not_held_back(lab: Lab, tmp_path: Path) -> None:
    told = threading.Event()

    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            accepted.sendall(b"data: %d\n\n" % number)
            assert told.wait(5)
            told.clear()

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        for number in range(3):
            until(b"data: %d\n\n" % number, tls.recv)
            told.set()
        assert until(b"0\r\n\r\n", tls.recv).endswith(b"0\r\n\r\n")


def test_a_stream_that_pauses_is_not_taken_for_an_idle_connection(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_TIMEOUT_S", 0.4)

    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.1)  # the pause is what is tested
            accepted.sendall(b".")

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        assert until(b"." * 1, tls.recv)
        rest = b""
        while rest.count(b".") < 9:
            piece = tls.recv(65_536)
            assert piece
            rest += piece


def test_a_client_that_does_not_read_stops_the_origin_and_costs_no_memory(lab: Lab, tmp_path: Path) -> None:
    sent = 0

    def serve(accepted: socket.socket) -> None:
        nonlocal sent
        until(b"\r\n\r\n", accepted.recv)
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent += accepted.send(b"x" * 65_536)

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        stalled_at = stalls(lambda: sent)

        assert stalled_at < 30_000_000  # what the kernel's buffers and ours take together
        assert held(proxy) < 2_000_000


def test_an_origin_that_does_not_read_stops_the_client_and_costs_no_memory(lab: Lab, tmp_path: Path) -> None:
    over = threading.Event()

    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        over.wait(20)

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        sent = 0

        def keep_sending() -> None:
            nonlocal sent
            with suppress(OSError):  # the proxy is closed in the middle of it
                while True:
                    sent += tls.send(b"x" * 65_536)

        sender = threading.Thread(target=keep_sending, daemon=True)
        sender.start()
        assert stalls(lambda: sent) < 30_000_000
        assert held(proxy) < 2_000_000
        proxy.close()
        over.set()
        sender.join(5)


def stalls(amount: Callable[[], int]) -> int:
    """The amount at which it stands still for half a second."""
    seen, since = amount(), time.monotonic()
    deadline = since + 20
    while time.monotonic() - since < 0.5 or not seen:
        assert time.monotonic() < deadline
        time.sleep(0.02)  # polled: nobody can tell that something will not happen
        if amount() != seen:
            seen, since = amount(), time.monotonic()
    return seen


def held(proxy: Proxy) -> int:
    """Bytes that lie in the connections' own buffers."""
    return sum(len(one._plaintext) + one._transport.get_write_buffer_size() for one in proxy._service.connections)  # type: ignore[attr-defined]


# 1xx, early and late


def test_every_information_is_passed_on_before_the_answer(lab: Lab, tmp_path: Path) -> None:
    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        accepted.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nContent-Length: 3\r\n\r\n")
        accepted.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        until(b"abc", accepted.recv)
        accepted.sendall(OK)

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        informed = until(b"100 Continue", tls.recv)
        tls.sendall(b"abc")
        answer = until(b"ok", tls.recv)

    assert b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n" in informed
    assert b"Content-Length" not in informed
    assert answer.endswith(b"ok")


def test_who_was_not_told_to_go_on_is_hung_up_on_after_the_answer(lab: Lab, tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    with before(lab, answering(refusal)) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")

        assert b"Connection: close" in read_to_end(tls)


def test_an_origin_that_only_ever_informs_is_a_502(lab: Lab, tmp_path: Path) -> None:
    endless = answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)
    with before(lab, endless) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)

        assert b"HTTP/1.1 502 " in until(b"1xx", tls.recv)


def test_an_answer_that_pauses_too_long_is_broken_off(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "PAUSE_TIMEOUT_S", 0.2)
    half = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    with before(lab, half) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        until(b"half", tls.recv)

        with pytest.raises(ssl.SSLError):
            tls.recv(1)


def test_a_request_that_changes_something_is_not_sent_twice(lab: Lab, tmp_path: Path) -> None:
    asked: list[bytes] = []

    def serve(accepted: socket.socket) -> None:
        asked.append(until(b"\r\n\r\n", accepted.recv))
        accepted.sendall(OK)
        asked.append(until(b"\r\n\r\n", accepted.recv))

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        until(b"ok", tls.recv)
        tls.sendall(GET.replace(b"GET", b"POST"))
        answer = until(b"\n", tls.recv)

    assert answer.startswith(b"HTTP/1.1 502 ")
    assert [one.split()[0] for one in asked] == [b"GET", b"POST"]


# slow and idle clients


def test_a_head_that_comes_too_slowly_is_a_408(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_TIMEOUT_S", 0.3)
    with before(lab, answering(OK)) as (proxy, behind), connected(proxy, tmp_path) as tls:
        began = time.monotonic()
        for byte in b"GET / HT":
            tls.sendall(bytes([byte]))
            time.sleep(0.05)  # slowness is what is tested
        answer = read_to_end(tls)

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 3
        assert behind.accepted == []


def test_a_body_that_stops_coming_is_not_waited_for(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_TIMEOUT_S", 0.3)
    ended = threading.Event()

    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        while accepted.recv(65_536):
            continue
        ended.set()

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")

        with pytest.raises(ssl.SSLError):
            read_to_end(tls)
        assert ended.wait(5)


# upgrades

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: k\r\n\r\n"
)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n"
)


def test_a_websocket_passes_in_both_directions_until_either_end_leaves(lab: Lab, tmp_path: Path) -> None:
    asked: list[bytes] = []
    ended = threading.Event()

    def serve(accepted: socket.socket) -> None:
        asked.append(until(b"\r\n\r\n", accepted.recv))
        accepted.sendall(SWITCHING + b"first")
        until(b"early", accepted.recv)
        while piece := accepted.recv(65_536):
            accepted.sendall(piece.upper())
        ended.set()

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(UPGRADE + b"early")
        opened = until(b"first", tls.recv)
        tls.sendall(b"\x81\x00more")
        until(b"MORE", tls.recv)
        tls.close()

        assert ended.wait(5)
    assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in asked[0]
    assert opened.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" in opened


def test_an_origin_that_ends_a_websocket_ends_it_for_the_client(lab: Lab, tmp_path: Path) -> None:
    def serve(accepted: socket.socket) -> None:
        until(b"\r\n\r\n", accepted.recv)
        accepted.sendall(SWITCHING + b"bye")

    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(UPGRADE)

        assert read_to_end(tls).endswith(b"bye")


def test_an_origin_that_stays_with_http_answers_and_the_connection_goes_on(lab: Lab, tmp_path: Path) -> None:
    with before(lab, answering(OK, OK)) as (proxy, behind), connected(proxy, tmp_path) as tls:
        tls.sendall(UPGRADE + GET)
        answers = until(b"ok", tls.recv)
        while answers.count(b"\r\n\r\nok") < 2:
            answers += tls.recv(65_536)

        assert len(behind.accepted) == 1


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket, h2c", b"TLS/1.0"])
def test_no_other_protocol_gets_past_the_proxy(lab: Lab, tmp_path: Path, protocol: bytes) -> None:
    asked: list[bytes] = []

    def serve(accepted: socket.socket) -> None:
        asked.append(until(b"\r\n\r\n", accepted.recv))
        accepted.sendall(OK)

    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: a\r\nUpgrade: "
    with before(lab, serve) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(request + protocol + b"\r\n\r\n")
        until(b"ok", tls.recv)

    assert b"upgrade" not in asked[0].lower() and b"http2-settings" not in asked[0].lower()


@pytest.mark.parametrize(
    ("request_head", "answer"),
    [
        (GET, SWITCHING),
        (UPGRADE, SWITCHING.replace(b"websocket", b"h2c")),
        (UPGRADE, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ],
)
def test_a_change_of_protocol_that_nobody_asked_for_is_a_502(
    lab: Lab, tmp_path: Path, request_head: bytes, answer: bytes
) -> None:
    with before(lab, answering(answer)) as (proxy, _), connected(proxy, tmp_path) as tls:
        tls.sendall(request_head)

        assert until(b"\n", tls.recv).startswith(b"HTTP/1.1 502 ")


# many at once


def test_hundreds_of_connections_are_served_at_once(lab: Lab, tmp_path: Path) -> None:
    with before(lab, answering(OK)) as (proxy, _), _many(proxy, tmp_path, 200) as held_open:
        for tls in held_open:
            tls.sendall(GET)
        for tls in held_open:
            until(b"ok", tls.recv)


@contextmanager
def _many(proxy: Proxy, folder: Path, count: int) -> Iterator[list[ssl.SSLSocket]]:
    context = client_context(proxy.scenario, folder)
    held_open: list[ssl.SSLSocket] = []
    try:
        for _ in range(count):
            plain = socket.create_connection((proxy.host, proxy.port), timeout=20)
            held_open.append(context.wrap_socket(plain, server_hostname="localhost"))
        yield held_open
    finally:
        for tls in held_open:
            tls.close()
