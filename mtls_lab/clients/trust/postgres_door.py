"""A door for programs that speak PostgreSQL: it says yes to TLS as a PostgreSQL server does, and leads to the proxy.

A client of PostgreSQL asks for TLS by eight bytes in the clear (SSLRequest) and waits for an `S`. What comes after that
is TLS and goes through untouched, so that the proxy sees the client's real handshake. One client, and the door is shut.
"""

import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_PATIENCE_S = 10.0
_PIECE = 65_536


class Door:
    """A listener on loopback that lets one client in."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        """Where the client is to knock."""
        self.led_from: int | None = None
        """The port from which the proxy was called; None where no client said a word of TLS."""


@contextmanager
def postgres_door(host: str, port: int) -> Iterator[Door]:
    """Lead one client that asks for TLS in PostgreSQL's way on to that host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(max_workers=1) as pool:
        door = Door(listener)
        led = pool.submit(_lead, door, listener, (host, port))
        try:
            yield door
        finally:
            # Who still waits for a client is woken by one that says nothing.
            with suppress(OSError), socket.create_connection(("127.0.0.1", door.port), timeout=1):
                pass
            led.result(_PATIENCE_S)


def _lead(door: Door, listener: socket.socket, way: tuple[str, int]) -> None:
    listener.settimeout(_PATIENCE_S)
    # A client that goes away in the middle is no event here: what it did, the proxy tells.
    with suppress(OSError), listener.accept()[0] as client:
        # Shut at once: a second try would wait here for an answer that nobody gives.
        listener.close()
        client.settimeout(_PATIENCE_S)
        if client.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) != _SSL_REQUEST:
            return
        with socket.create_connection(way, timeout=_PATIENCE_S) as proxy:
            client.sendall(b"S")
            _carry(door, client, proxy)


def _carry(door: Door, client: socket.socket, proxy: socket.socket) -> None:
    other = {client: proxy, proxy: client}
    while other:
        ready, _, _ = select.select(list(other), [], [], _PATIENCE_S)
        if not ready:
            return
        for one in ready:
            piece = one.recv(_PIECE)
            if piece:
                door.led_from = proxy.getsockname()[1]
                (proxy if one is client else client).sendall(piece)
                continue
            # The one direction is over, the other may still have something to say.
            target = other.pop(one)
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
