"""Which user of this machine is at the other end of a loopback connection, and may they come in?

127.0.0.1 is every user's: where thirty people sit on one server, each can dial the port of each. TLS keeps strangers
out where certificates are demanded, and many lessons demand none. So what the lab serves on loopback asks whose the
client's socket is, and serves its own user and root, who may do everything anyhow.

1. Linux tells (netlink's `sock_diag`, or where a container has none, `/proc/net/tcp`): a table of the system's, which
   no client can write. Elsewhere nobody tells, and everybody is let in.
2. The client's socket is looked up by both ends of its connection, so another connection cannot be taken for it.
3. A socket that its program has closed is nobody's. Over TLS that is harmless: no handshake can be finished with it.
   Over plain TCP its request may lie there already, so nobody is not let in.
"""

import asyncio
import errno
import ipaddress
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

NOBODY = -1
"""Whose a socket is that its program has closed: rule 3."""

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST = 1  # NLM_F_REQUEST
_NETLINK_HEADER = struct.Struct("=IHHII")
_WANTED = struct.Struct("=BBBxI")
_PORTS = struct.Struct("!HH")
_NO_COOKIE = b"\0" * 4 + b"\xff" * 8  # any interface, INET_DIAG_NOCOOKIE
_ANSWER = struct.Struct("=BB2x48x12xII")  # inet_diag_msg: family, state, addresses, queues, uid, inode
_LISTENS = 10  # TCP_LISTEN: the lookup falls back to a listener at the client's port, which is another socket


def may_enter(client: tuple[str, int], here: tuple[str, int], *, over_tls: bool) -> bool:
    """The client of a connection is a process of this user or of root, or there is no telling. `here`: our own end."""
    owner = owner_of(client, here)
    return owner is None or owner in {0, os.geteuid()} or (owner == NOBODY and over_tls)


def may_enter_by(transport: asyncio.BaseTransport) -> bool:
    """The same of asyncio's side of a connection over TLS."""
    client, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    # None when the client has gone already.
    return not (client and here) or may_enter(client[:2], here[:2], over_tls=True)


def is_loopback(address: str) -> bool:
    """Only this machine can dial that address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def owner_of(client: tuple[str, int], here: tuple[str, int]) -> int | None:
    """The user id of the process at the client's end, or NOBODY; None where the system does not tell."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        return _ask_kernel(client, here)
    except OSError:
        # No such table in this kernel, or a container that may not ask.
        return _look_up(client, here)


def _ask_kernel(client: tuple[str, int], here: tuple[str, int]) -> int:
    """One question and its answer (about 30 microseconds), whatever the number of sockets. See sock_diag(7)."""
    family = socket.AF_INET6 if ":" in here[0] else socket.AF_INET
    source, target = (socket.inet_pton(family, address).ljust(16, b"\0") for address in (client[0], here[0]))
    question = _WANTED.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    question += _PORTS.pack(client[1], here[1]) + source + target + _NO_COOKIE
    header = _NETLINK_HEADER.pack(_NETLINK_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as netlink:
        netlink.settimeout(1.0)
        netlink.sendto(header + question, (0, 0))
        answer = netlink.recv(4096)
    if _NETLINK_HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        number = -struct.unpack_from("=i", answer, _NETLINK_HEADER.size)[0]
        if number == errno.ENOENT:
            return NOBODY
        raise OSError(number, os.strerror(number))
    _, state, uid, inode = _ANSWER.unpack_from(answer, _NETLINK_HEADER.size)
    return int(uid) if inode and state != _LISTENS else NOBODY


def _look_up(client: tuple[str, int], here: tuple[str, int]) -> int | None:
    """The same from the table that everybody may read; its cost grows with the number of sockets."""
    wanted = [_as_listed(client), _as_listed(here)]
    with suppress(OSError):
        for line in Path("/proc/net/tcp6" if ":" in here[0] else "/proc/net/tcp").read_text("ascii").splitlines()[1:]:
            columns = line.split()
            if columns[1:3] == wanted:
                return int(columns[7]) if columns[9] != "0" else NOBODY
        return NOBODY
    return None


def _as_listed(end: tuple[str, int]) -> str:
    """`0100007F:1F90`: words of four bytes in the machine's own order, then the port."""
    packed = socket.inet_pton(socket.AF_INET6 if ":" in end[0] else socket.AF_INET, end[0])
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{end[1]:04X}"
