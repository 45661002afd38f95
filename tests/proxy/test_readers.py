"""What is read as HTTP/1.1, and what is refused, without a socket. h11 is the second opinion."""

from collections.abc import Iterable

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.proxy import reader as limits
from mtls_lab.proxy.messages import End, Event, Malformed, Request, Response
from mtls_lab.proxy.reader import Reader
from mtls_lab.proxy.request_reader import RequestReader
from mtls_lab.proxy.response_reader import ResponseReader

HOST = b"Host: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def read(reader: Reader, *pieces: bytes) -> list[Event | Malformed]:
    """Everything that comes of these bytes; last, why no more does."""
    found: list[Event | Malformed] = []
    for piece in pieces:
        reader.feed(piece)
    try:
        while (event := reader.next()) is not None:
            found.append(event)
    except Malformed as trouble:
        found.append(trouble)
    return found


def bytewise(message: bytes) -> Iterable[bytes]:
    return (message[at : at + 1] for at in range(len(message)))


REFUSED = {
    "bare LF after the request line": (400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    "bare LF after a field": (400, b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"),
    "bare LF at the end": (400, b"GET / HTTP/1.1\r\nHost: x\r\n\n"),
    "bare CR in a field": (400, b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"),
    "obs-fold": (400, b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
    "obs-fold of the first field": (400, b"GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    "space before the colon": (400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
    "no colon": (400, b"GET / HTTP/1.1\r\nHost: x\r\nfoo\r\n\r\n"),
    "no name": (400, b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
    "a name with a letter outside ASCII": (400, b"GET / HTTP/1.1\r\nHost: x\r\nH\xc3\xb6: y\r\n\r\n"),
    "NUL in a value": (400, b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
    "a control character in a value": (400, b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n"),
    "space after the version": (400, b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n"),
    "tabs in the request line": (400, b"GET\t/\tHTTP/1.1\r\n" + HOST + b"\r\n"),
    "http in lower case": (400, b"GET / http/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": (505, b"GET /\r\n\r\n"),
    "HTTP/1.2": (400, b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
    "HTTP/1.10": (400, b"GET / HTTP/1.10\r\n" + HOST + b"\r\n"),
    "HTTP/2.0": (505, b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "both lengths": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "both lengths, the other way round": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
    "two lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    "the same length twice": (400, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a length with a sign": (400, POST + b"Content-Length: +3\r\n\r\nabc"),
    "a negative length": (400, POST + b"Content-Length: -1\r\n\r\nabc"),
    "a length with a space": (400, POST + b"Content-Length: 3 4\r\n\r\nabc"),
    "a hexadecimal length": (400, POST + b"Content-Length: 0x3\r\n\r\nabc"),
    "an empty length": (400, POST + b"Content-Length: \r\n\r\nabc"),
    "a length beyond 64 bits": (400, POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc"),
    "xchunked": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked in quotes": (501, POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "a vertical tab before chunked": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunked, then gzip": (400, POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked and identity": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
    "gzip, then chunked": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked in HTTP/1.0": (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "no Host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"),
    "two Hosts in HTTP/1.0": (400, b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
    "a Host with a path": (400, b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"),
    "a Host with a user": (400, b"GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"),
    "a Host with a list": (400, b"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"),
    "a Host with a space": (400, b"GET / HTTP/1.1\r\nHost: x y\r\n\r\n"),
    "a Host with a quote": (400, b'GET / HTTP/1.1\r\nHost: x"y\r\n\r\n'),
    "a Host with a port that is none": (400, b"GET / HTTP/1.1\r\nHost: x:80a\r\n\r\n"),
    "a Host outside ASCII": (400, b"GET / HTTP/1.1\r\nHost: \xc3\xb6\r\n\r\n"),
    "a target with a fragment": (400, b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target with a user": (400, b"GET http://u@x/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target without a host": (400, b"GET http:///a HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target of another scheme": (400, b"GET ftp://x/a HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target outside ASCII": (400, b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n"),
    "* with GET": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT": (501, b"CONNECT x:443 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method that nobody registered": (501, b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "rubbish": (400, b"rubbish\r\n\r\n"),
    "an upgrade with a body": (
        501,
        POST + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
    ),
    "a chunk size with 0x": (400, CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a chunk size with a sign": (400, CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n"),
    "a space before a chunk size": (400, CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n"),
    "a space after a chunk size": (400, CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n"),
    "bare LF after a chunk size": (400, CHUNKED + b"3\nabc\r\n0\r\n\r\n"),
    "bare LF after a chunk": (400, CHUNKED + b"3\r\nabc\n0\r\n\r\n"),
    "bare LF after the last chunk size": (400, CHUNKED + b"3\r\nabc\r\n0\n\r\n"),
    "bare LF at the end of the chunks": (400, CHUNKED + b"3\r\nabc\r\n0\r\n\n"),
    "bare LF in a chunk extension": (400, CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "bare CR in a chunk extension": (400, CHUNKED + b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "no chunk size": (400, CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    "a chunk that is longer than its size": (400, CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": (400, CHUNKED + b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "a length in the trailers": (400, CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n"),
    "a coding in the trailers": (400, CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "obs-fold in the trailers": (400, CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n"),
    "more fields than allowed": (431, b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n"),
    "more trailers than allowed": (431, CHUNKED + b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
    "a field that is too long": (431, b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 70_000 + b"\r\n\r\n"),
    "a name that never ends": (431, b"GET / HTTP/1.1\r\n" + HOST + b"A" * 70_000),
    "a target that is too long": (414, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a chunk extension that never ends": (400, CHUNKED + b"3;" + b"a" * 70_000),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_is_read_after_it(name: str) -> None:
    status, message = REFUSED[name]

    *_, trouble = read(RequestReader(), message, b"\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")

    assert isinstance(trouble, Malformed), trouble
    assert trouble.status == status


@pytest.mark.parametrize("name", [name for name, (_, message) in REFUSED.items() if len(message) < 1000])
def test_it_is_refused_in_whatever_pieces_it_comes(name: str) -> None:
    _, message = REFUSED[name]

    *_, trouble = read(RequestReader(), *bytewise(message))

    assert isinstance(trouble, Malformed), trouble


def test_requests_come_out_alike_in_whatever_pieces_they_come() -> None:
    message = (
        b"\r\nGET /a?b HTTP/1.1\r\nHost: x:8443\r\nAccept: a \t\r\n\r\n"
        b"POST /c HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"
        b"POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nde"
    )

    whole, pieces = read(RequestReader(), message), read(RequestReader(), *bytewise(message))

    first, end, second, body, trailers, third, last, _ = whole
    assert isinstance(first, Request) and (first.target, first.host, first.length) == (b"/a?b", b"x:8443", 0)
    assert first.fields[1] == (b"Accept", b"a")
    assert end == End()
    assert isinstance(second, Request) and (second.host, second.length, second.keeps) == (b"[::1]", None, True)
    assert body == b"abc"
    assert trailers == End([(b"T", b"1")])
    assert isinstance(third, Request) and (third.length, third.keeps) == (2, False)
    assert last == b"de"
    assert joined(whole) == joined(pieces)


def joined(events: list[Event | Malformed]) -> list[object]:
    """Bodies in one piece, however they came."""
    made: list[object] = []
    for event in events:
        if isinstance(event, bytes) and made and isinstance(made[-1], bytes):
            made[-1] += event
        else:
            made.append(event)
    return made


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://shop/a?b", b"/a?b", b"shop"),
        (b"HTTPS://shop:1", b"/", b"shop:1"),
        (b"http://shop?b", b"/?b", b"shop"),
        (b"http://[::1]:80/", b"/", b"[::1]:80"),
        (b"//shop/a", b"//shop/a", b"x"),
    ],
)
def test_the_absolute_form_names_path_and_host(target: bytes, path: bytes, host: bytes) -> None:
    request, _ = read(RequestReader(), b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert isinstance(request, Request)
    assert (request.target, request.host) == (path, host)


def test_what_follows_an_upgrade_is_kept_and_can_be_read_as_http_after_all() -> None:
    reader = RequestReader()
    ask = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n"

    request, end = read(reader, ask + b"GET /next HTTP/1.1\r\n", b"Host: x\r\n\r\n")
    assert isinstance(request, Request) and request.upgrade == b"websocket"
    assert end == End()
    assert reader.rest == b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"

    reader.go_on()
    following, _ = read(reader)
    assert isinstance(following, Request) and following.target == b"/next"


METHODS = st.sampled_from([b"GET", b"POST", b"HEAD", b"get", b"FOO", b""])
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b""])
LINES = st.sampled_from(
    [b"Host: x", b"Host: y", b"Content-Length: 3", b"Content-Length: 03", b"Content-Length: 4", b"Content-Length:\t3 ",
     b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked ", b"Transfer-Encoding:chunked, chunked", b"A: b",
     b"transfer-encoding: CHUNKED", b"Content-Length: 3,3", b" folded", b"A : b", b"A:", b"Connection: close"]
)  # fmt: skip
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\n "])
BODIES = st.sampled_from(
    [b"", b"abc", b"abcd", b"3\r\nabc\r\n0\r\n\r\n", b"3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n", b"03\r\nabc\r\n0\r\n\r\n",
     b"3\nabc\n0\n\n", b"0\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", b"abcGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"]
)  # fmt: skip


@given(METHODS, VERSIONS, st.lists(st.tuples(LINES, ENDS), max_size=5), BODIES)
@settings(max_examples=800, deadline=None)
def test_what_is_accepted_h11_reads_alike(
    method: bytes, version: bytes, fields: list[tuple[bytes, bytes]], body: bytes
) -> None:
    message = method + b" /p " + version + b"\r\n" + b"".join(a + b for a, b in fields) + b"\r\n" + body

    ours = [event for event in joined(read(RequestReader(), message)) if event != b""]

    if isinstance(ours[0] if ours else None, Request):
        theirs = by_h11(message)
        for one, other in zip(ours, theirs, strict=False):
            assert isinstance(one, Malformed) or plain(one) == other


def plain(event: object) -> object:
    """A head or an end as h11 tells it: names in lower case, and the transfer coding's."""
    if isinstance(event, Request | End):
        lower = [(name.lower(), value) for name, value in event.fields]
        fields = sorted((name, value.lower() if name == b"transfer-encoding" else value) for name, value in lower)
        return (event.method, event.target, fields) if isinstance(event, Request) else fields
    return event


def by_h11(message: bytes) -> list[object]:
    """What h11 makes of it, in the same shape."""
    made: list[object] = []
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(message)
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return made
        if isinstance(event, h11.Request):
            made.append((event.method, event.target, sorted(event.headers)))
        elif isinstance(event, h11.Data):
            if made and isinstance(made[-1], bytes):
                made[-1] += bytes(event.data)
            else:
                made.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            made.append(sorted(event.headers))
            connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE:
                return made
            connection.start_next_cycle()
        else:
            return made


LIES = {
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
    "gzip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "gzip, then chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "status 99": b"HTTP/1.1 99 x\r\n\r\n",
    "status 1000": b"HTTP/1.1 1000 x\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "obs-fold": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "101 that names no protocol": b"HTTP/1.1 101 Switching\r\n\r\nRAW",
    "another protocol": b"SSH-2.0-x\r\n\r\n",
}


@pytest.mark.parametrize("name", LIES)
def test_an_answer_that_could_be_read_in_two_ways_is_refused(name: str) -> None:
    reader = ResponseReader()
    reader.expect(b"GET")

    *_, trouble = read(reader, LIES[name])

    assert isinstance(trouble, Malformed)


@pytest.mark.parametrize(
    ("method", "message", "status", "length"),
    [
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 2),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, 0),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, 0),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, 0),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0),
        (b"GET", b"HTTP/1.1 100 Continue\r\n\r\n", 100, 0),
    ],
)
def test_where_an_answer_ends_is_known_from_its_head_and_its_request(
    method: bytes, message: bytes, status: int, length: int
) -> None:
    reader = ResponseReader()
    for _ in range(2):
        reader.expect(method)
        response, *rest = read(reader, message)

        assert isinstance(response, Response)
        assert (response.status, response.length) == (status, length)
        assert rest[-1] == End()
        assert reader.clean


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_what_an_origin_says_unasked_makes_its_connection_unusable(method: bytes) -> None:
    reader = ResponseReader()
    reader.expect(method)

    read(reader, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + b"ok" * (method == b"GET") + b"HT")

    assert not reader.clean


def test_an_answer_may_end_with_the_connection_and_then_only_there() -> None:
    reader = ResponseReader()
    reader.expect(b"GET")

    response, body = read(reader, b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    assert isinstance(response, Response) and response.length is None and not response.keeps
    reader.end()
    assert read(reader) == [End()]
    assert body == b"until the end"


def test_the_limits_are_the_modules_own() -> None:
    assert (limits.LONGEST_HEAD, limits.MOST_FIELDS) == (65_536, 100)
