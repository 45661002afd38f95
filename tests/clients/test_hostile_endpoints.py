"""Whatever answers on the port: the probe comes back in time, with bounded memory and a clear word."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cast import make_lab
from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.drafts import leaf_draft
from mtls_lab.certificates.keys import generate_key, key_to_pem
from mtls_lab.clients.probe import Report, probe
from mtls_lab.handshake import Endpoint, KeyLog, TLSConnection, build_context

pytestmark = pytest.mark.live

TIMEOUT_S = 1.0
GRACE_S = 2.5
"""Two cores, shared by many tests; and two questions in the clear to somebody who hung up."""
MOST_GROWTH = 24 * 2**20
"""Bytes; a connection may bring 4 MB, which are copied a few times on their way through the decoder."""
ROOT_FOLDER = Path(__file__).parents[2]

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A server that does `serve` to each connection, in a thread each; its port."""
    door = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def handle(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            serve(caller)

    def accept() -> None:
        while not stopped.is_set():
            try:
                caller, _ = door.accept()
            except OSError:
                return
            caller.settimeout(10)
            threading.Thread(target=handle, args=(caller,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield door.getsockname()[1]
    finally:
        stopped.set()
        door.close()


def probed(serve: Serve, **settings: object) -> tuple[Report, float]:
    """The report on such a server, and how long it took."""
    with listening(serve) as port:
        began = time.monotonic()
        report = probe(f"127.0.0.1:{port}", trusts=(), timeout_s=TIMEOUT_S, **settings)  # type: ignore[arg-type]
        return report, time.monotonic() - began


def flood(caller: socket.socket, piece: bytes) -> None:
    """Send the piece again and again until the caller hangs up."""
    many = piece * max(1, 65_536 // len(piece))
    while True:
        caller.sendall(many)


def hello_of(caller: socket.socket) -> bytes:
    return caller.recv(65_536)


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


SERVER_HELLO_12 = message(2, b"\x03\x03" + bytes(32) + b"\x00\xc0\x2c\x00" + b"\x00\x05\xff\x01\x00\x01\x00")
"""TLS 1.2, ECDHE-ECDSA-AES256-GCM-SHA384, renegotiation_info."""


def silence(caller: socket.socket) -> None:
    while caller.recv(65_536):
        pass


def garbage(caller: socket.socket) -> None:
    flood(caller, bytes(range(1, 255)))


def reset(caller: socket.socket) -> None:
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang_up(caller: socket.socket) -> None:
    hello_of(caller)


def megabyte_of_certificates(caller: socket.socket) -> None:
    hello_of(caller)
    entry = len(ROOT.certificate.der).to_bytes(3, "big") + ROOT.certificate.der
    entries = entry * (2**20 // len(entry))
    said = message(11, len(entries).to_bytes(3, "big") + entries)
    caller.sendall(record(22, SERVER_HELLO_12))
    for start in range(0, len(said), 16_384):
        caller.sendall(record(22, said[start : start + 16_384]))
    silence(caller)


def empty_records(caller: socket.socket) -> None:
    hello_of(caller)
    flood(caller, record(22, b""))


def warnings(caller: socket.socket) -> None:
    hello_of(caller)
    flood(caller, record(21, b"\x01\x5a"))


def hello_requests(caller: socket.socket) -> None:
    """A client that handshakes ignores them, for ever."""
    hello_of(caller)
    flood(caller, record(22, b"\0\0\0\0"))


def endless_fragments(caller: socket.socket) -> None:
    """A ServerHello said to be 16 MB long, one byte a record."""
    hello_of(caller)
    caller.sendall(record(22, b"\x02\xff\xff\xff"))
    flood(caller, record(22, b"\0"))


def endless_hellos(caller: socket.socket) -> None:
    hello_of(caller)
    flood(caller, record(22, SERVER_HELLO_12))


def a_byte_a_moment(caller: socket.socket) -> None:
    hello_of(caller)
    for byte in record(22, SERVER_HELLO_12):
        caller.sendall(bytes([byte]))
        time.sleep(0.2)  # the point of it: slow, but never silent


def ssh(caller: socket.socket) -> None:
    caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    silence(caller)


def steering(caller: socket.socket) -> None:
    caller.sendall(b"\x1b]0;owned\x07\x1b[2J\x9b31m220 hello\r\n")
    silence(caller)


ROOT = Authority.create("Lab Root CA")

HOSTS: dict[str, tuple[Serve, str]] = {
    "silence": (silence, "said nothing within 1 s"),
    "garbage": (garbage, "something that is not TLS"),
    "a reset at once": (reset, "closed it without a word"),
    "hanging up at once": (hang_up, "closed it without a word"),
    "a megabyte of certificates": (megabyte_of_certificates, "larger than OpenSSL takes"),
    "empty records without end": (empty_records, "cannot follow"),
    "warnings without end": (warnings, "cannot follow"),
    "HelloRequests without end": (hello_requests, "without finishing a handshake|did not finish it"),
    "a message in fragments without end": (endless_fragments, "larger than OpenSSL takes"),
    "the same message again and again": (endless_hellos, "cannot follow"),
    "a byte every moment": (a_byte_a_moment, "did not finish it within 1 s"),
    "SSH": (ssh, "speaks SSH, not TLS"),
    "escape sequences": (steering, "something that is not TLS"),
}


@pytest.mark.parametrize("name", HOSTS)
def test_a_hostile_endpoint_is_answered_in_time_and_in_a_sentence(name: str) -> None:
    serve, words = HOSTS[name]

    report, took_s = probed(serve)

    assert took_s < TIMEOUT_S + GRACE_S
    assert report.exit_code == 3
    assert re.search(words, report.verdict)


def test_what_a_stranger_says_cannot_steer_the_terminal() -> None:
    report, _ = probed(steering)

    assert not set(str(report)) & {"\x1b", "\x07", "\x9b"}
    assert "owned" in str(report)


# those that do speak TLS

LAB = make_lab()


def speaking(answer: Callable[[socket.socket, TLSConnection], None], presents: Credential = LAB.server) -> Serve:
    """A server that completes TLS, reads the question, and then does `answer`."""

    def serve(caller: socket.socket) -> None:
        with KeyLog() as keylog:
            context = build_context(
                Endpoint(presents=presents, verifies="none"),
                role="server",
                versions=("TLSv1.2", "TLSv1.3"),
                keylog=keylog,
            )
            tls = TLSConnection(context, role="server")
            heard = b""
            while not heard and tls.failure is None and (data := caller.recv(65_536)):
                heard = tls.receive(data)
                caller.sendall(tls.outgoing())
            answer(caller, tls)

    return serve


def say(caller: socket.socket, tls: TLSConnection, words: bytes) -> None:
    tls.send(words)
    caller.sendall(tls.outgoing())


def endless_header(caller: socket.socket, tls: TLSConnection) -> None:
    say(caller, tls, b"HTTP/1.1 200 OK\r\n")
    while True:
        say(caller, tls, b"X-More: and more\r\n" * 500)


def endless_silence(caller: socket.socket, _: TLSConnection) -> None:
    silence(caller)


def no_goodbye(caller: socket.socket, tls: TLSConnection) -> None:
    say(caller, tls, b"HTTP/1.1 204 No Content\r\n\r\n")
    time.sleep(3)  # the point of it: it hears the close_notify and does nothing


def elsewhere(caller: socket.socket, tls: TLSConnection) -> None:
    say(caller, tls, b"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.2:1/\r\n\r\n")


def coloured(caller: socket.socket, tls: TLSConnection) -> None:
    say(caller, tls, b"HTTP/1.1 200 \x1b[31mRed\x07\xe2\x80\xae\r\n\r\n")


def test_an_answer_without_end_is_cut_and_taken_as_one() -> None:
    report, took_s = probed(speaking(endless_header))

    assert took_s < 2 * (TIMEOUT_S + GRACE_S)
    assert report.exit_code == 0
    assert all(one.status == 200 and len(one.answer) <= 32_768 for one in report.connections)


def test_a_server_that_never_answers_inside_tls_costs_a_timeout_a_connection_and_no_more() -> None:
    report, took_s = probed(speaking(endless_silence), limit_s=1.5)

    assert took_s < 1.5 + GRACE_S
    assert report.exit_code == 0
    assert {"Not all was asked", "Inside TLS the server gave no answer"} <= {
        re.split(": ", one.title)[0] for one in report.remarks
    }


def test_nobody_waits_for_a_goodbye() -> None:
    report, took_s = probed(speaking(no_goodbye))

    assert took_s < TIMEOUT_S + GRACE_S
    assert [one.status for one in report.connections] == [204, 204]


def test_a_redirect_is_not_followed() -> None:
    report, _ = probed(speaking(elsewhere))

    assert [one.status for one in report.connections] == [301, 301]


def test_words_inside_tls_and_names_in_certificates_cannot_steer_the_terminal() -> None:
    sound = leaf_draft("localhost", purpose="serverAuth", lifetime=timedelta(days=1))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "evil\x1b[2J\x9b\u202e")])
    key = generate_key("EC P-256")
    leaf = ROOT.sign(replace(sound, subject=name), key)
    evil = Credential(key_pem=key_to_pem(key), chain=(leaf,))

    report, _ = probed(speaking(coloured, evil))

    assert "evil" in str(report) and "Red" in str(report)
    assert not set(str(report)) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert json.dumps(report.as_dict()).isascii()


def test_a_hundred_certificates_are_counted_and_only_the_first_looked_at() -> None:
    others = tuple(Authority.create("Namesake").certificate for _ in range(100))
    crowd = Credential(key_pem=LAB.server.key_pem, chain=(*LAB.server.chain, *others))

    report, took_s = probed(speaking(no_goodbye, crowd), server_name="localhost")

    assert took_s < TIMEOUT_S + GRACE_S
    assert any("comes with 101 others; only the first 20" in one.title for one in report.remarks)


def test_memory_stays_bounded_whatever_comes_in() -> None:
    """In a process of its own, so that nobody else's memory counts; the flood comes from here."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process's own memory is read from /proc, which only Linux has")
    # Not ru_maxrss: that one remembers the process which started this one.
    script = (
        "import re, sys; from pathlib import Path; from mtls_lab.clients.probe import probe\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) * 1024\n"
        "probe('127.0.0.1:1', trusts=()); before = peak()\n"
        "for port in sys.argv[1:]: print(str(probe(f'127.0.0.1:{port}', trusts=(), timeout_s=3)).splitlines()[0])\n"
        "print(peak() - before)\n"
    )

    with (
        listening(garbage) as one,
        listening(hello_requests) as two,
        listening(megabyte_of_certificates) as three,
        listening(speaking(endless_header)) as four,
    ):
        ports = [str(port) for port in (one, two, three, four)]
        done = subprocess.run(
            [sys.executable, "-c", script, *ports],
            cwd=ROOT_FOLDER,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    assert int(done.stdout.splitlines()[-1]) < MOST_GROWTH


def test_nobody_listening_and_a_name_that_nobody_has_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

    assert "Nobody listens on" in probe(f"127.0.0.1:{port}", trusts=()).verdict
    assert "cannot be resolved" in probe("no-such-host.invalid", trusts=()).verdict


def test_a_port_that_drops_the_connection_request_is_waited_for_no_longer_than_said() -> None:
    """A full backlog: the system answers no further SYN, as behind a firewall."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(door.getsockname())
        began = time.monotonic()
        report = probe(f"127.0.0.1:{door.getsockname()[1]}", trusts=(), timeout_s=TIMEOUT_S)
        took_s = time.monotonic() - began
        for one in fillers:
            one.close()

    assert took_s < TIMEOUT_S + GRACE_S
    assert report.exit_code == 3
    assert "within 1 s" in report.verdict


def test_progress_is_told_while_it_waits() -> None:
    told: list[str] = []

    probed(silence, progress=told.append)

    assert len(told) >= 2
    assert set(told) == {"TLS 1.2 or TLS 1.3, without a certificate"}
