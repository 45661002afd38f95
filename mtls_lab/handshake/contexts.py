"""The one place where `ssl.SSLContext`s are built and key logs are read.

1. Every scenario gets fresh contexts: a resumed session would skip the client's certificate.
   So no tickets either (`num_tickets=0` in TLS 1.3, OP_NO_TICKET in TLS 1.2). What is left, the session IDs of
   TLS 1.2, cannot be switched off here: see resumption.py.
2. `verify_flags` are set, not inherited: Python 3.13 made STRICT the default of `create_default_context`.
3. Names are matched against subjectAltName alone (RFC 9525 section 6.3), as requests and browsers do.
4. Only what the endpoint trusts is loaded: never the system's store.
5. `keylog_filename` is set once, before the first connection: CPython does not survive a later change.
"""

import os
import ssl
from types import TracebackType
from typing import Self

from mtls_lab.certificates import Credential
from mtls_lab.certificates.crl import crl_to_pem
from mtls_lab.handshake.memory_files import as_file, open_private_file, release
from mtls_lab.handshake.messages import Role, Version, Wire
from mtls_lab.handshake.values import Endpoint, Failure, Moment
from mtls_lab.handshake.wire import client_random

_TLS_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_VERIFY_MODES = {
    "none": ssl.CERT_NONE,
    "chain": ssl.CERT_REQUIRED,
    "chain and name": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


class CannotLoad(Exception):
    """An end could not use its own credential: nothing was sent. Carries the `failure` as data."""

    def __init__(self, role: Role, failure: Failure) -> None:
        super().__init__(f"the {role} cannot use its own credential: {failure.text}")
        self.role = role
        self.failure = failure


class KeyLog:
    """The secrets that contexts write (NSS key log format), sorted by connection. A context manager."""

    def __init__(self) -> None:
        self._descriptor, self.path = open_private_file()
        self._lines: dict[str, dict[str, None]] = {}
        self._open = True

    def take(self, wire: Wire) -> str:
        """The secrets of the connection whose bytes these are; forgotten here once taken."""
        random = client_random(wire)
        if random is None:
            return ""
        self._collect()
        return "".join(f"{line}\n" for line in self._lines.pop(random.hex(), ()))

    def add(self, line: bytes) -> None:
        """Take a line that no file brought."""
        fields = line.decode("ascii").split()
        if len(fields) == 3:
            self._lines.setdefault(fields[1], {})[" ".join(fields)] = None

    def _collect(self) -> None:
        """Move what was written since the last look into `_lines`; contexts append, so emptying the file is safe."""
        size = os.fstat(self._descriptor).st_size
        if not size:
            return
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        text = os.read(self._descriptor, size).decode("ascii")
        os.ftruncate(self._descriptor, 0)
        for line in text.splitlines():
            fields = line.split()
            if len(fields) == 3:
                self._lines.setdefault(fields[1], {})[line] = None

    def close(self) -> None:
        """Remove the file; may be called twice."""
        if self._open:
            self._open = False
            release(self._descriptor, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def build_context(
    endpoint: Endpoint, *, role: Role, versions: tuple[Version, ...], keylog: KeyLog | None, tickets: bool = False
) -> ssl.SSLContext:
    """A fresh context for that end. Raises CannotLoad when OpenSSL refuses the end's own credential.

    `keylog` None: secrets are written nowhere. `tickets` let sessions be resumed, against rule 1: for showing what that
    skips, and nothing else.
    """
    if not endpoint.known:
        raise ValueError(f"nobody knows the {role}'s settings (verifies='unknown'), so there is nothing to run it with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if role == "client" else ssl.PROTOCOL_TLS_SERVER)
    allowed = [_TLS_VERSIONS[one] for one in endpoint.versions or versions]
    context.minimum_version, context.maximum_version = min(allowed), max(allowed)
    if keylog is not None:
        context.keylog_filename = keylog.path
    context.check_hostname = endpoint.verifies == "chain and name"
    context.verify_mode = _VERIFY_MODES[endpoint.verifies]
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | (ssl.VERIFY_X509_STRICT if endpoint.strict else 0)
    context.hostname_checks_common_name = False
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    # Some Pythons (3.11.2 for one) take a connection that breaks off for one that was closed; OpenSSL 3 can tell.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    context.set_alpn_protocols(["http/1.1"])
    if role == "server" and not tickets:
        context.num_tickets = 0
    _choose_algorithms(context, endpoint)
    if endpoint.trusts:
        context.load_verify_locations(cadata=b"".join(one.der for one in endpoint.trusts))
    if endpoint.crls is not None:
        look_at_crls(context, endpoint.crls)
    if endpoint.presents is not None:
        _load(context, endpoint.presents, role)
    return context


def look_at_crls(context: ssl.SSLContext, crls: tuple[bytes, ...]) -> None:
    """From now on the peer's leaf must be on none of these lists, and its issuer's list must be among them."""
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if crls:
        # Python takes lists by path only, as PEM.
        with as_file(b"".join(map(crl_to_pem, crls))) as path:
            context.load_verify_locations(path)


def _choose_algorithms(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    try:
        if endpoint.ciphers is not None:
            context.set_ciphers(endpoint.ciphers)
        if endpoint.group is not None:
            context.set_ecdh_curve(endpoint.group)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            f"ciphers={endpoint.ciphers!r}, group={endpoint.group!r}: OpenSSL knows no such thing ({error}); "
            "`openssl ciphers` and `openssl ecparam -list_curves` list what it knows"
        ) from None


def _load(context: ssl.SSLContext, credential: Credential, role: Role) -> None:
    # Two files, as people have them: what is wrong with one must not hide behind the other.
    with as_file(credential.chain_pem) as chain_path, as_file(credential.key_pem) as key_path:
        try:
            # An empty password: OpenSSL would ask for one on the terminal, and a notebook has none.
            context.load_cert_chain(chain_path, key_path, password="")
        except ssl.SSLError as error:
            raise CannotLoad(role, failure_of(error, during="loading")) from None


def failure_of(error: ssl.SSLError, *, during: Moment) -> Failure:
    """The error as data: OpenSSL's symbol, its words without what varies by run, and the verify code if any."""
    return Failure(
        during=during,
        reason=error.reason or type(error).__name__,
        text=str(error.args[-1]).partition(" (_ssl.c:")[0],
        verify_code=getattr(error, "verify_code", None),
    )
