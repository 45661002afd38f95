"""One end of a TLS connection without any I/O: bytes in, bytes out.

`ssl.SSLObject` reads and writes two memory buffers (BIOs). `TLSConnection` puts ciphertext from the peer into
one, lets OpenSSL take a step, and hands out what OpenSSL left in the other. Nobody waits, nothing is read from
a socket, so the same class serves a rehearsal in memory, the proxy's event loop and the tests, and what is seen
in one is what happens in the others.

1. A step that wants more input (SSLWantReadError) is no event; every other SSLError ends the connection.
2. The outgoing buffer is emptied after an error too: the alert that says why lies in there.
3. After the handshake a read is always tried. In TLS 1.3 the client completes before the server has judged its
   certificate (RFC 8446 section 4.4.4), so a refusal arrives at the first read: `completed` and `failure` are
   two facts, not one.
4. b"" from the peer means end of file. Inside the handshake it is a failure. After it, it is one only for a
   client that never got an answer; servers see clients hang up all day. There OpenSSL is not even told: it would
   answer with a decode_error that nobody is left to read.
5. Ciphertext is kept as it passes (`wire`), also what a refused client still sends, up to a limit past the
   handshake: it tells the whole story later, at no cost to the handshake itself.
6. What was decided is readable (`failure`, `completed`) before the peer can know it: the caller records first
   and delivers `outgoing()` after.
"""

import ssl
import sys

from mtls_lab.handshake.contexts import failure_of
from mtls_lab.handshake.messages import VERSIONS, Role, Wire
from mtls_lab.handshake.values import Failure, Side

KEPT_AFTER_HANDSHAKE = 32_768
"""Bytes of ciphertext kept once the handshake is over."""
_CHUNK = 65_536
_DER = 2
"""`_ssl.ENCODING_DER`: how the certificates of a private chain are asked for their bytes."""


class TLSConnection:
    """One end of one TLS connection, sans I/O."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        role: Role,
        server_name: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.role: Role = role
        self.completed = False
        """This end's handshake call returned."""
        self.failure: Failure | None = None
        """Why this end gave up, None while it has not."""
        self.closed = False
        """The peer will send no more: its close_notify or its end of file came."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=role == "server",
            server_hostname=server_name,
            session=session,
        )
        self._wire: list[tuple[Role, bytes]] = []
        self._room = KEPT_AFTER_HANDSHAKE
        self._answered = False

    @property
    def wire(self) -> Wire:
        """The ciphertext kept so far, each piece with its sender."""
        return tuple(self._wire)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later connection of the same context may resume; None while there is nothing."""
        return self._tls.session

    @property
    def verified_chain(self) -> tuple[bytes, ...]:
        """The path from the peer's certificate up that OpenSSL verified, DER, leaf first, without the trust anchor.

        () when there is none: nothing was verified, or no connection is open. What the peer sent besides the path is
        not in it: anybody may send any certificate along.
        """
        try:
            leaf = self._tls.getpeercert(binary_form=True)
        except ValueError:
            return ()  # the handshake is not over, or the connection broke and OpenSSL tells no more of it
        if leaf is None:
            return ()
        if sys.version_info >= (3, 13):
            return _below_the_anchor(tuple(self._tls.get_verified_chain()))
        # Private before Python 3.13 made it public. Without it: the leaf alone, which is all that identity needs.
        inner = getattr(self._tls, "_sslobj", None)
        if inner is None or not hasattr(inner, "get_verified_chain"):
            return (leaf,)
        return _below_the_anchor(tuple(one.public_bytes(_DER) for one in inner.get_verified_chain() or ()))

    def start(self) -> None:
        """Take the first step: a client's ClientHello is then in `outgoing()`."""
        self._advance()

    def receive(self, ciphertext: bytes) -> bytes:
        """Feed what came from the peer (b"" is end of file); returns the plaintext that it completed."""
        self._keep("server" if self.role == "client" else "client", ciphertext)
        if self.failure is not None or self.closed:
            return b""
        if ciphertext:
            self._incoming.write(ciphertext)
        elif self.completed and (self.role == "server" or self._answered):
            self.closed = True
            return b""
        else:
            self._incoming.write_eof()
        return self._advance()

    def send(self, plaintext: bytes) -> None:
        """Encrypt for the peer; a no-op once this end has failed. Raises RuntimeError before the handshake is over."""
        if not self.completed:
            raise RuntimeError("send() before the handshake is over: wait until `completed` is True")
        if plaintext and self.failure is None:
            self._tls.write(plaintext)

    def close(self) -> None:
        """Queue a close_notify for the peer; may be called at any time, and twice."""
        if self.completed and self.failure is None:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                # unwrap() also wants the peer's close_notify, which nobody waits for; ours is queued by now.
                return

    def outgoing(self) -> bytes:
        """Take the ciphertext to deliver to the peer; b"" when there is none."""
        ciphertext = self._outgoing.read()
        self._keep(self.role, ciphertext)
        return ciphertext

    def side(self) -> Side:
        """What this end has seen up to now."""
        cipher = self._tls.cipher()
        version = next((one for one in VERSIONS if one == self._tls.version()), None)
        return Side(
            role=self.role,
            completed=self.completed,
            failure=self.failure,
            version=version,
            cipher=cipher[0] if cipher and version else None,
        )

    def _advance(self) -> bytes:
        try:
            if not self.completed:
                self._tls.do_handshake()
                self.completed = True
            return self._read()
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            self.failure = failure_of(error, during="after the handshake" if self.completed else "handshake")
            return b""

    def _read(self) -> bytes:
        pieces = []
        try:
            while piece := self._tls.read(_CHUNK):
                pieces.append(piece)
            self.closed = True
        except ssl.SSLWantReadError:
            pass  # all that has arrived is read; rule 1
        except ssl.SSLZeroReturnError:
            self.closed = True  # the peer's close_notify, once ours is out
        except ssl.SSLError as error:
            # What came before the failure is still the peer's data.
            self.failure = failure_of(error, during="after the handshake")
        self._answered = self._answered or bool(pieces)
        return b"".join(pieces)

    def _keep(self, sender: Role, ciphertext: bytes) -> None:
        if ciphertext and self._room > 0:
            self._wire.append((sender, ciphertext))
            if self.completed or self.failure is not None:
                self._room -= len(ciphertext)


def _below_the_anchor(path: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Without its last certificate, which the verifier has anyway; a leaf that is its own anchor stays."""
    return path[:-1] or path
