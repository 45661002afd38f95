"""A server end that names, in its CertificateRequest, the authorities whose certificates it wants.

nginx, Apache, HAProxy and Go's servers do that; Python's `ssl` cannot (RFC 8446 section 4.2.4), so this end is
pyOpenSSL's, with the same methods as `TLSConnection`. It exists for one lesson: clients that keep a certificate to
themselves when its issuer is not named. Everything else runs on `ssl`.
"""

from typing import TYPE_CHECKING

from mtls_lab.certificates.keys import key_from_pem
from mtls_lab.handshake.contexts import CannotLoad, KeyLog
from mtls_lab.handshake.memory_files import as_file
from mtls_lab.handshake.messages import VERSIONS, Role, Version, Wire
from mtls_lab.handshake.values import Endpoint, Failure, Side

if TYPE_CHECKING:
    from OpenSSL import SSL

_CHUNK = 65_536


class ListingConnection:
    """One server's end of one TLS connection, sans I/O."""

    role: Role = "server"

    def __init__(self, endpoint: Endpoint, *, versions: tuple[Version, ...], keylog: KeyLog) -> None:
        # Not at the top: few scenarios need it, and `import mtls_lab` stays lean.
        from OpenSSL import SSL

        self._ssl = SSL
        self.completed = False
        """This end's handshake call returned."""
        self.failure: Failure | None = None
        """Why this end gave up, None while it has not."""
        self.closed = False
        """The peer will send no more."""
        self._verify_code: int | None = None
        self._wire: list[tuple[Role, bytes]] = []
        self._tls = SSL.Connection(self._context(endpoint, versions, keylog), None)
        self._tls.set_accept_state()

    @property
    def wire(self) -> Wire:
        """What passed, each piece with its sender."""
        return tuple(self._wire)

    def start(self) -> None:
        """A server waits."""

    def receive(self, ciphertext: bytes) -> bytes:
        """Feed what came from the client (b"" is end of file); returns the plaintext that it completed."""
        if ciphertext:
            self._wire.append(("client", ciphertext))
        if self.failure is not None or self.closed:
            return b""
        if not ciphertext:
            self.closed = self.completed
            self.failure = None if self.completed else Failure(during="handshake", reason="EOF", text="end of file")
            return b""
        self._tls.bio_write(ciphertext)
        return self._advance()

    def send(self, plaintext: bytes) -> None:
        """Encrypt for the client; a no-op once this end has failed."""
        if self.completed and self.failure is None:
            self._tls.send(plaintext)

    def close(self) -> None:
        """Queue a close_notify."""
        if self.completed and self.failure is None:
            self._tls.shutdown()

    def outgoing(self) -> bytes:
        """Take the ciphertext to deliver to the client; b"" when there is none."""
        pieces = []
        try:
            while True:
                pieces.append(self._tls.bio_read(_CHUNK))
        except self._ssl.WantReadError:
            pass  # the buffer is empty
        ciphertext = b"".join(pieces)
        if ciphertext:
            self._wire.append(("server", ciphertext))
        return ciphertext

    def side(self) -> Side:
        """What this end has seen up to now."""
        version = next((one for one in VERSIONS if one == self._tls.get_protocol_version_name()), None)
        cipher = self._tls.get_cipher_name() if self.completed else None
        return Side(role="server", completed=self.completed, failure=self.failure, version=version, cipher=cipher)

    def _advance(self) -> bytes:
        try:
            if not self.completed:
                self._tls.do_handshake()
                self.completed = True
            return bytes(self._tls.recv(_CHUNK))
        except self._ssl.WantReadError:
            return b""
        except self._ssl.ZeroReturnError:
            self.closed = True
            return b""
        except self._ssl.Error as error:
            reasons = [entry[-1] for entry in (error.args[0] if error.args else ()) if entry]
            text = reasons[0] if reasons else "end of file"
            self.failure = Failure(
                during="after the handshake" if self.completed else "handshake",
                reason=text.upper().replace(" ", "_") if reasons else "EOF",
                text=text,
                verify_code=self._verify_code,
            )
            return b""

    def _context(self, endpoint: Endpoint, versions: tuple[Version, ...], keylog: KeyLog) -> "SSL.Context":
        from OpenSSL import SSL

        numbers = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}
        allowed = [numbers[one] for one in endpoint.versions or versions]
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(min(allowed))
        context.set_max_proto_version(max(allowed))
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_keylog_callback(lambda _, line: keylog.add(line))
        context.set_alpn_select_callback(
            lambda _, offered: b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS
        )
        modes = {"none": SSL.VERIFY_NONE, "optional": SSL.VERIFY_PEER}
        required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(modes.get(endpoint.verifies, required), self._verified)
        if endpoint.trusts:
            with as_file(b"".join(one.pem for one in endpoint.trusts)) as path:
                context.load_verify_locations(path)
        for one in endpoint.acceptable_authorities:
            context.add_client_ca(one.parsed)
        self._present(context, endpoint)
        return context

    def _present(self, context: "SSL.Context", endpoint: Endpoint) -> None:
        from OpenSSL import SSL

        if endpoint.presents is None:
            return
        try:
            context.use_certificate(endpoint.presents.leaf.parsed)
            for one in endpoint.presents.chain[1:]:
                context.add_extra_chain_cert(one.parsed)
            context.use_privatekey(key_from_pem(endpoint.presents.key_pem))
            context.check_privatekey()
        except (SSL.Error, ValueError):
            failure = Failure(during="loading", reason="CANNOT_LOAD", text="the credential cannot be loaded")
            raise CannotLoad("server", failure) from None

    def _verified(self, _: object, __: object, code: int, ___: int, good: int) -> bool:
        if not good and self._verify_code is None:
            self._verify_code = code
        return bool(good)
