"""What crossed the wire: bytes and secrets in, messages out, or a capture file for Wireshark."""

from mtls_lab.handshake.wire.decoder import client_random, decode, negotiated_version
from mtls_lab.handshake.wire.fields import read_authority_names
from mtls_lab.handshake.wire.pcapng import to_pcapng

__all__ = ["client_random", "decode", "negotiated_version", "read_authority_names", "to_pcapng"]
