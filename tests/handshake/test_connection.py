"""One end, sans I/O."""

import pytest

from cast import Lab, make_lab, only
from mtls_lab.handshake import VERSIONS, KeyLog, Scenario, TLSConnection, Version, build_context, rehearse


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def pair(scenario: Scenario, keylog: KeyLog) -> tuple[TLSConnection, TLSConnection]:
    client = build_context(scenario.client, role="client", versions=scenario.versions, keylog=keylog)
    server = build_context(scenario.server, role="server", versions=scenario.versions, keylog=keylog)
    return (
        TLSConnection(client, role="client", server_name=scenario.server_name),
        TLSConnection(server, role="server"),
    )


def pump(client: TLSConnection, server: TLSConnection, *, step: int = 65_536) -> tuple[bytes, bytes]:
    """Carry bytes both ways, `step` at a time, until both are silent; what each then read."""
    read = {client: b"", server: b""}
    moved = True
    while moved:
        moved = False
        for sender, receiver in ((client, server), (server, client)):
            ciphertext = sender.outgoing()
            for start in range(0, len(ciphertext), step):
                read[receiver] += receiver.receive(ciphertext[start : start + step])
                moved = True
    return read[client], read[server]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_bytes_may_arrive_in_pieces_of_any_size(lab: Lab, version: Version, step: int) -> None:
    with KeyLog() as keylog:
        client, server = pair(only(lab.scenario(), version), keylog)
        client.start()
        pump(client, server, step=step)
        client.send(b"ping")
        server.send(b"pong")

        assert pump(client, server, step=step) == (b"pong", b"ping")
        assert client.completed and server.completed


def test_sending_before_the_handshake_is_over_is_misuse(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, _ = pair(lab.scenario(), keylog)

        with pytest.raises(RuntimeError, match="before the handshake is over"):
            client.send(b"too early")


def test_the_alert_is_there_to_deliver_after_the_failure(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(only(lab.scenario(client_presents="absent"), "TLSv1.3"), keylog)
        client.start()
        server.receive(client.outgoing())
        client.receive(server.outgoing())

        server.receive(client.outgoing())

        assert server.failure is not None
        assert client.failure is None
        client.receive(server.outgoing())
        assert client.failure is not None


def test_end_of_file_inside_the_handshake_is_a_failure(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(lab.scenario(), keylog)
        client.start()
        server.receive(client.outgoing())

        server.receive(b"")

        assert server.failure is not None
        assert server.failure.during == "handshake"


def test_a_client_that_hangs_up_after_the_handshake_is_no_failure_of_the_server(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(lab.scenario(), keylog)
        client.start()
        pump(client, server)

        server.receive(b"")

        assert server.failure is None
        assert server.closed
        assert server.outgoing() == b""
        assert server.side().version == "TLSv1.3"


def test_a_client_that_never_got_an_answer_knows_that_it_was_cut_off(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(lab.scenario(), keylog)
        client.start()
        pump(client, server)

        client.receive(b"")

        assert client.failure is not None
        assert client.failure.during == "after the handshake"


def test_close_says_goodbye_and_may_be_called_at_any_time(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(lab.scenario(), keylog)
        client.close()
        client.start()
        pump(client, server)
        client.close()
        client.close()
        pump(client, server)

        assert server.closed
        assert server.failure is None


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("0000000804d2162f"), b"\x16\x03\x01\xff\xff"]
)
def test_junk_is_a_failure_or_a_wait_and_never_an_exception(lab: Lab, junk: bytes) -> None:
    with KeyLog() as keylog:
        _, server = pair(lab.scenario(), keylog)

        server.receive(junk)
        server.receive(b"")

        assert server.failure is not None
        assert server.wire == (("client", junk),)


def test_the_secrets_of_one_connection_are_handed_out_once_and_alone(lab: Lab) -> None:
    with KeyLog() as keylog:
        first, first_server = pair(lab.scenario(), keylog)
        second, second_server = pair(lab.scenario(), keylog)
        for client, server in ((first, first_server), (second, second_server)):
            client.start()
            pump(client, server)

        secrets = keylog.take(first.wire)

        assert secrets
        assert not set(secrets.split()) & {part for part in keylog.take(second.wire).split() if len(part) == 64}
        assert keylog.take(first.wire) == ""


def test_what_is_kept_of_a_long_conversation_is_bounded(lab: Lab) -> None:
    with KeyLog() as keylog:
        client, server = pair(lab.scenario(), keylog)
        client.start()
        pump(client, server)
        for _ in range(40):
            client.send(b"x" * 16_000)
            pump(client, server)

        assert sum(len(data) for _, data in server.wire) < 80_000


def test_the_text_of_a_failure_does_not_name_a_source_line(lab: Lab) -> None:
    handshake = rehearse(lab.scenario(server_presents="expired"))

    assert handshake.client is not None and handshake.client.failure is not None
    assert "_ssl.c" not in handshake.client.failure.text
