"""The tap passes on what was said, in whatever way an end leaves."""

import socket
import struct

from mtls_lab.clients.postgres.tap import Tap

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for a close that is a reset."""


def test_the_last_words_of_a_server_that_breaks_off_reach_a_client_that_goes_on_talking() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, Tap(door.getsockname()[1]) as tap:
        client = socket.create_connection(("127.0.0.1", tap.port), timeout=5)
        tap.step(5)
        server, _ = door.accept()
        server.sendall(b"an alert")
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        server.close()
        client.sendall(b"a query")

        while tap.step(0.2):
            continue

        assert client.recv(100) == b"an alert"
        assert client.recv(100) == b""
        client.close()


def test_a_client_that_breaks_off_ends_the_connection_to_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, Tap(door.getsockname()[1]) as tap:
        client = socket.create_connection(("127.0.0.1", tap.port), timeout=5)
        tap.step(5)
        server, _ = door.accept()
        server.settimeout(5)
        client.sendall(b"half a que")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()

        while tap.step(0.2):
            continue

        assert server.recv(100) == b"half a que"
        assert server.recv(100) == b""
        server.close()
