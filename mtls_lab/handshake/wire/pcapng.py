"""A handshake as a capture file that Wireshark and tshark open decrypted, with no preference set.

How it works. The bytes of the two directions are put into made-up IPv4 and TCP packets, in the order in which they
passed, between a made-up beginning (SYN) and end (FIN). In front stands a Decryption Secrets Block with the key log.
The file format is pcapng (draft-ietf-opsawg-pcapng); blocks have the byte order of the one who writes, here little.

1. Only the TLS bytes are real. Addresses are of TEST-NET-1 (RFC 5737): 192.0.2.1 is the client, 192.0.2.2 the
   server. Times start at `at` and go up by one microsecond a packet: the wire's own times were not kept.
2. Only the secrets of this connection go in, not what else the key log holds.
3. The secrets stand before the packets, where a reader that goes through the file once needs them.
4. Checksums are right, so that Wireshark has nothing to complain about if told to look at them.
5. Wireshark knows TLS by the port (443) or else by its first bytes. A port that belongs to another protocol with TLS
   inside (5432 is PostgreSQL's) is read as that: give 443 instead, the default.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from mtls_lab.handshake.messages import Role, Wire
from mtls_lab.handshake.wire.decoder import client_random
from mtls_lab.handshake.wire.keys import secret_lines

_SECTION_HEADER, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 6, 10
_TLS_KEY_LOG = 0x544C534B
_RAW_IP = 101
"""The link type of packets that begin with their IP header."""
_COMMENT, _APPLICATION = 1, 4
"""Options of a section header."""
_FIN, _SYN, _PSH, _ACK = 0x01, 0x02, 0x08, 0x10
_MAX_SEGMENT = 1460
_ADDRESSES: dict[Role, bytes] = {"client": bytes([192, 0, 2, 1]), "server": bytes([192, 0, 2, 2])}
_PEERS: dict[Role, Role] = {"client": "server", "server": "client"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_pcapng(wire: Wire, secrets: str, *, client_port: int = 50000, server_port: int = 443, at: datetime) -> bytes:
    """The file's bytes. `secrets` is key log text, "" leaves the records closed; `at` is the aware time it began."""
    if at.tzinfo is None:
        raise ValueError(f"at={at!r} is naive: give an aware time, such as datetime.now(UTC)")
    if client_port == server_port or not all(0 < port < 65536 for port in (client_port, server_port)):
        raise ValueError(f"client_port={client_port}, server_port={server_port} must be two ports between 1 and 65535")
    blocks = [_section_header(), _block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, 0))]
    lines = "".join(f"{line}\n" for line in secret_lines(secrets, client_random(wire)))
    if lines:
        key_log = lines.encode()
        blocks.append(_block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(key_log)) + _padded(key_log)))
    # From whole microseconds: a float would not hold them all.
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    packets = _packets(wire, _Conversation({"client": client_port, "server": server_port}))
    blocks += (_packet(microseconds + nth, packet) for nth, packet in enumerate(packets))
    return b"".join(blocks)


def _section_header() -> bytes:
    options = _option(_COMMENT, b"The TLS bytes are real; addresses, TCP/IP headers and times are made up.")
    options += _option(_APPLICATION, b"mtls_lab") + _option(0, b"")
    # Byte-order magic, version 1.0, section length not given.
    return _block(_SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def _packet(microseconds: int, packet: bytes) -> bytes:
    head = struct.pack("<IIIII", 0, microseconds >> 32, microseconds & 0xFFFFFFFF, len(packet), len(packet))
    return _block(_PACKET, head + _padded(packet))


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _packets(wire: Wire, conversation: "_Conversation") -> Iterator[bytes]:
    """A TCP connection from beginning to end (RFC 9293 section 3.5)."""
    segment = conversation.segment
    opening = (segment("client", _SYN), segment("server", _SYN | _ACK), segment("client", _ACK))
    pieces = (
        segment(sender, _PSH | _ACK, data[at : at + _MAX_SEGMENT])
        for sender, data in wire
        for at in range(0, len(data), _MAX_SEGMENT)
    )
    yield from chain(opening, pieces)
    yield from (segment("client", _FIN | _ACK), segment("server", _FIN | _ACK), segment("client", _ACK))


class _Conversation:
    """The two ends' ports and what each has sent so far."""

    def __init__(self, ports: dict[Role, int]) -> None:
        self._ports = ports
        self._next: dict[Role, int] = {"client": 0, "server": 0}
        self._count = 0

    def segment(self, sender: Role, flags: int, data: bytes = b"") -> bytes:
        """An IPv4 packet (RFC 791) with a TCP segment (RFC 9293) that acknowledges all that has come."""
        peer = _PEERS[sender]
        acknowledged = self._next[peer] if flags & _ACK else 0
        head = (self._ports[sender], self._ports[peer], self._next[sender] & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF)
        self._next[sender] += len(data) + bool(flags & (_SYN | _FIN))
        self._count += 1
        addresses = _ADDRESSES[sender] + _ADDRESSES[peer]
        pseudo = addresses + struct.pack(">BBH", 0, 6, 20 + len(data))
        tcp = struct.pack(">HHIIBBHHH", *head, 5 << 4, flags, 65535, 0, 0) + data
        tcp = tcp[:16] + _checksum(pseudo + tcp) + tcp[18:]
        # Version 4, five words; do not fragment; 64 hops; TCP.
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), self._count & 0xFFFF, 0x4000, 64, 6, 0) + addresses
        return ip[:10] + _checksum(ip) + ip[12:] + tcp


def _checksum(data: bytes) -> bytes:
    """RFC 1071: the complement of the sum of 16-bit words, carries added back in."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")
