"""Clients of every kind, good and bad, for `endurance.py`. Each does one connection and says how it ended."""

import random
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.faults import FAULTS, present
from mtls_lab.handshake import CannotLoad, Endpoint, KeyLog, Scenario, TLSConnection, build_context, rehearse

ASK = b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is who."""

    root: Authority
    """The trust anchor of both ends."""
    issuing: Authority
    """The intermediate that issues the leaves."""
    scenario: Scenario
    """Mutual TLS between a good client and the server."""


def make_cast() -> Cast:
    """A fresh cast."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    trusts = (root.certificate,)
    scenario = Scenario(
        client=Endpoint(
            presents=issuing.issue("alice", purpose="clientAuth"), trusts=trusts, verifies="chain and name"
        ),
        server=Endpoint(
            presents=issuing.issue("localhost", names=("localhost",), purpose="serverAuth"),
            trusts=trusts,
            verifies="required",
        ),
    )
    return Cast(root=root, issuing=issuing, scenario=scenario)


class Crowd:
    """The kinds of clients of one proxy. Contexts are shared where the client shows the same credential."""

    def __init__(self, cast: Cast, address: tuple[str, int], seed: int) -> None:
        self.cast, self.address = cast, address
        self.random = random.Random(seed)  # noqa: S311  # has to come out again, not to be secret
        self._keylog = KeyLog()
        self._contexts = {
            name: build_context(endpoint, role="client", versions=("TLSv1.3",), keylog=self._keylog)
            for name, endpoint in {
                "good": cast.scenario.client,
                "nobody": replace(cast.scenario.client, presents=None),
                "stranger": self._showing(present("untrusted-root", authority=cast.issuing, name="alice",
                                                  purpose="clientAuth")),
            }.items()
        }  # fmt: skip
        self._misses = [slug for slug, fault in FAULTS.items() if "client" in fault.sides and self._is_refused(slug)]
        self._longest = 1
        self._cut_at = 0
        self.kinds: dict[str, Callable[[], str]] = {
            "good": lambda: self._whole("good", "answered"),
            "refused, nobody": lambda: self._whole("nobody", "told"),
            "refused, stranger": lambda: self._whole("stranger", "told"),
            "aborted": self.aborted,
            "random bytes": self.noise,
            "mutated handshake": self.mutated,
            "slow": self.slow,
            "silent": self.silent,
            "forged": self.forged,
            "near miss": self.near_miss,
        }

    def close(self) -> None:
        """Let go of the key log, which nobody reads."""
        self._keylog.close()

    def aborted(self) -> str:
        """Leave after one byte more than the time before, of all that a client sends; half of them by a reset."""
        self._cut_at = self._cut_at % self._longest + 1
        limit, sent = self._cut_at, 0
        tls = self._client("good")
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain:
            tls.start()
            spoken = False
            while sent < limit and tls.failure is None and not tls.closed:
                if tls.completed and not spoken:
                    tls.send(POST)
                    spoken = True
                flight = tls.outgoing()
                plain.sendall(flight[: limit - sent])
                sent += len(flight)
                if spoken:
                    self._longest = max(self._longest, sent)
                    break
                if sent < limit:
                    tls.receive(plain.recv(65_536))
            if self.random.random() < 0.5:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "left"

    def noise(self) -> str:
        """Bytes that mean nothing, half of them behind the header of a TLS record."""
        noise = self.random.randbytes(self.random.randrange(1, 2000))
        if self.random.random() < 0.5:
            noise = b"\x16\x03\x01" + struct.pack(">H", len(noise)) + noise
        return self._say(noise)

    def mutated(self) -> str:
        """A true handshake with some bits changed on their way, in the first or in the second flight."""
        tls, turn, answer = self._client("good"), self.random.randrange(2), b""
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain, suppress(OSError):
            tls.start()
            for number in range(4):
                if tls.completed and number == 1:
                    tls.send(ASK)
                flight = bytearray(tls.outgoing())
                if number == turn:
                    # Of no account, so that changing them changes nothing: a record's version, and a
                    # change_cipher_spec in front (RFC 8446 section 5.1 and section 5).
                    begin = 6 + 3 if flight[:1] == b"\x14" else 3
                    for at in self.random.sample(range(begin, len(flight)), self.random.randrange(1, 4)):
                        flight[at] ^= 1 << self.random.randrange(8)
                plain.sendall(flight)
                answer += tls.receive(plain.recv(65_536))
                if tls.failure is not None or tls.closed:
                    break
        return "admitted" if b"alice" in answer else "left"

    def slow(self) -> str:
        """A ClientHello byte by byte, and not to its end."""
        tls = self._client("good")
        tls.start()
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain, suppress(OSError):
            for byte in tls.outgoing()[:20]:
                plain.sendall(bytes([byte]))
                time.sleep(0.002)  # slowness is what is tested
        return "left"

    def silent(self) -> str:
        """Say nothing, until the proxy has had enough."""
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain, suppress(ConnectionResetError):
            while plain.recv(65_536):
                continue
        return "hung up on"

    def forged(self) -> str:
        """Alice's certificate with a byte changed outside her public key, and her key."""
        alice = self.cast.scenario.client.presents
        assert alice is not None  # noqa: S101  # make_cast gave her one
        der = bytearray(alice.leaf.der)
        public_key = bytes.fromhex("03420004")  # a P-256 point of 65 bytes follows
        key_at = der.index(public_key) + len(public_key) - 1
        places = [at for at in range(len(der)) if not key_at - 30 <= at < key_at + 65]
        der[self.random.choice(places)] ^= 1 << self.random.randrange(8)
        changed = Credential(chain=(Certificate(der=bytes(der)), *alice.chain[1:]), key_pem=alice.key_pem)
        return self._must_fail(self._showing(changed))

    def near_miss(self) -> str:
        """A certificate of the catalogue of faults: wrong in one way."""
        slug = self.random.choice(self._misses)
        return self._must_fail(self._showing(self._shown(slug)), slug)

    def _is_refused(self, slug: str) -> bool:
        """The catalogue has certificates that are odd and good enough: the rehearsal tells."""
        server = rehearse(replace(self.cast.scenario, client=self._showing(self._shown(slug)))).server
        return server is not None and server.failure is not None

    def _shown(self, slug: str) -> Credential | None:
        """What a client with that fault presents; some faults lie in an authority of their own, below the root."""
        for authority in (self.cast.issuing, self.cast.root):
            with suppress(ValueError):
                return present(slug, authority=authority, name="alice", purpose="clientAuth")
        raise ValueError(f"slug={slug!r} can be had from neither authority")

    def _showing(self, credential: Credential | None) -> Endpoint:
        return replace(self.cast.scenario.client, presents=credential)

    def _must_fail(self, endpoint: Endpoint, slug: str = "") -> str:
        try:
            context = build_context(endpoint, role="client", versions=("TLSv1.3",), keylog=self._keylog)
        except CannotLoad:
            return "could not even be loaded"
        tls = TLSConnection(context, role="client", server_name="localhost")
        with suppress(ConnectionError):  # told by `mutated` and `_whole`; here only admission counts
            if b" 200 " in self._converse(tls):
                return f"admitted {slug}".strip()
        return "refused"

    def _whole(self, kind: str, wanted: str) -> str:
        tls = self._client(kind)
        answer = self._converse(tls)
        if answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"alice\n"):
            ended = "answered"
        elif tls.failure is not None and tls.failure.reason.endswith(("CERTIFICATE_REQUIRED", "UNKNOWN_CA")):
            ended = "told"
        else:
            ended = f"failed: {tls.failure.reason if tls.failure else answer[:60]!r}"
        return ended if ended == wanted else f"unexpected: {ended}"

    def _client(self, kind: str) -> TLSConnection:
        return TLSConnection(self._contexts[kind], role="client", server_name="localhost")

    def _converse(self, tls: TLSConnection) -> bytes:
        """Handshake, question, the whole answer."""
        answer, spoken = b"", False
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain:
            tls.start()
            while tls.failure is None and not tls.closed:
                if tls.completed and not spoken:
                    tls.send(ASK)
                    spoken = True
                plain.sendall(tls.outgoing())
                answer += tls.receive(plain.recv(65_536))
        return answer

    def _say(self, first: bytes) -> str:
        with socket.create_connection(self.address, timeout=PATIENCE_S) as plain, suppress(ConnectionError):
            plain.sendall(first)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65_536):
                continue
        return "left"
