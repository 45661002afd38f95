"""What the recording cannot hold: words of programs and versions that are not on the machine that records.

Measured on 2026-11-23 on Debian 12 with curl 8.23, Python 3.13, Go 1.27, gnutls-cli 3.7.9, HAProxy 2.6.12, stunnel
5.68 and others, over loopback. Each row names every fault that was seen behind the words, likeliest first.
"""

from dataclasses import dataclass
from typing import Literal

from mtls_lab.handshake import Role

MEASURED = "measured elsewhere, 2026-11-23"
Side = Literal["client", "server"]
_ANY_CLIENT_FAULT = (
    "untrusted-root", "expired", "incomplete-chain", "wrong-purpose", "not-yet-valid", "self-signed",
    "same-name-other-key", "issuer-not-a-ca", "unknown-critical-extension",
)  # fmt: skip
_ANY_SERVER_FAULT = (
    "untrusted-root", "expired", "incomplete-chain", "wrong-purpose", "not-yet-valid", "self-signed", "wrong-host",
    "same-name-other-key", "weak-key",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Words, who says them, and the faults that were seen behind them."""

    program: str
    """The program, with its version where it matters."""
    said_by: Role
    """Which end it was."""
    words: str
    """The words, without what varies."""
    side: Side
    """Who has the fault."""
    faults: tuple[str, ...]
    """Their slugs, likeliest first."""


def _rows(program: str, said_by: Role, side: Side, *rows: tuple[str, tuple[str, ...]]) -> tuple[Elsewhere, ...]:
    return tuple(
        Elsewhere(program=program, said_by=said_by, words=words, side=side, faults=faults) for words, faults in rows
    )


ELSEWHERE: tuple[Elsewhere, ...] = (
    *_rows(
        "curl 8.17 and later", "client", "server",
        ("SSL certificate OpenSSL verify result: unable to get local issuer certificate (20)",
         ("untrusted-root", "incomplete-chain", "same-name-other-key")),
        ("SSL certificate OpenSSL verify result: certificate has expired (10)", ("expired", "expired-intermediate")),
    ),
    *_rows(
        "curl", "client", "client",
        ("getpeername() failed with errno 107: Transport endpoint is not connected", _ANY_CLIENT_FAULT),
        ("Recv failure: Connection reset by peer",
         ("untrusted-root", "self-signed", "same-name-other-key", "http-to-tls-port")),
        ("OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to localhost:PORT", _ANY_CLIENT_FAULT),
        ("Empty reply from server", ("incomplete-chain", "expired", "wrong-purpose", "not-yet-valid",
                                     "unknown-critical-extension", "http-to-tls-port")),
        ("unable to set private key file: 'alice-key.pem' type PEM", ("key-mismatch", "wrong-order", "files-swapped")),
        ("could not load PEM client certificate, OpenSSL error error:0A00018E:SSL routines::ca md too weak",
         ("weak-hash",)),
        ("ee key too small", ("weak-key",)),
        # curl 7.88, a day later: the file of --cert holds no certificate in PEM.
        ("could not load PEM client certificate from a.pem, OpenSSL error error:0480006C:PEM routines::no start line",
         ("files-swapped", "empty-file")),
    ),
    *_rows(
        "curl", "client", "server",
        ("error setting certificate file: root.pem", ("empty-file", "files-swapped", "key-is-der")),
    ),
    *_rows(
        "requests", "client", "client",
        ("('Connection aborted.', OSError(107, 'Transport endpoint is not connected'))", _ANY_CLIENT_FAULT),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
         _ANY_CLIENT_FAULT),
        ("Client private key is encrypted, password is required", ("encrypted-key",)),
        ("[SSL] PEM lib", ("files-swapped", "key-is-der", "empty-file")),
    ),
    *_rows(
        "requests", "client", "server",
        ("Could not find a suitable TLS CA certificate bundle, invalid path", ("untrusted-root",)),
        ("no certificate or crl found", ("empty-file", "files-swapped")),
    ),
    *_rows(
        "Python 3.13 and later (strict)", "client", "server",
        ("Basic Constraints of CA cert not marked critical", ("untrusted-root",)),
        ("CA cert does not include key usage extension", ("issuer-without-key-cert-sign",)),
        ("Missing Subject Key Identifier", ("missing-ski",)),
        ("Missing Authority Key Identifier", ("missing-aki",)),
    ),
    *_rows(
        "go 1.20 and later", "client", "client",
        ("remote error: tls: certificate required", ("absent", "withheld")),
        ("remote error: tls: unknown certificate authority",
         ("untrusted-root", "incomplete-chain", "self-signed", "same-name-other-key", "issuer-not-a-ca")),
        ("remote error: tls: expired certificate", ("expired", "not-yet-valid")),
    ),
    *_rows(
        "go 1.20 and later", "client", "server",
        ("x509: certificate relies on legacy Common Name field, use SANs instead", ("cn-only",)),
    ),
    *_rows(
        "go", "server", "server",
        ("local error: tls: bad record MAC", _ANY_SERVER_FAULT),
    ),
    *_rows(
        "go", "server", "client",
        ("client sent an HTTP request to an HTTPS server", ("http-to-tls-port",)),
    ),
    *_rows(
        "java", "client", "client",
        ("java.net.SocketException: Broken pipe", (*_ANY_CLIENT_FAULT, "absent")),
        ("java.io.IOException: Error writing to server", _ANY_CLIENT_FAULT),
        ("java.net.SocketException: Unexpected end of file from server", _ANY_CLIENT_FAULT),
        ("Remote host terminated the handshake", _ANY_CLIENT_FAULT),
    ),
    *_rows(
        "java", "server", "client",
        ("Empty client certificate chain", ("absent",)),
        ("Extended key usage does not permit use for TLS client authentication", ("wrong-purpose",)),
        ("Unsupported or unrecognized SSL message", ("http-to-tls-port",)),
    ),
    *_rows(
        "node", "client", "client",
        ("ECONNRESET: socket hang up", _ANY_CLIENT_FAULT),
        ("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", ("absent",)),
        ("ERR_OSSL_BAD_DECRYPT", ("encrypted-key",)),
    ),
    *_rows(
        "node", "server", "client",
        ("tlsClientError ECONNRESET", _ANY_CLIENT_FAULT),
        ("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", ("absent",)),
        ("ERR_SSL_HTTP_REQUEST", ("http-to-tls-port",)),
    ),
    *_rows(
        # It had no certificate to show, or one of another authority.
        "chromium", "client", "client",
        ("net::ERR_BAD_SSL_CLIENT_AUTH_CERT", ("absent", "untrusted-root")),
    ),
    *_rows(
        "gnutls-cli", "client", "server",
        ("The certificate issuer is unknown", ("untrusted-root", "incomplete-chain", "same-name-other-key")),
        ("The certificate chain uses expired certificate", ("expired", "expired-intermediate")),
        ("The certificate chain uses not yet valid certificate", ("not-yet-valid",)),
        ("The name in the certificate does not match the expected", ("wrong-host", "wrong-ip", "ip-as-dns")),
        ("The certificate chain does not match the intended purpose", ("wrong-purpose",)),
        ("The certificate issuer is not a CA", ("issuer-not-a-ca",)),
        ("The certificate chain violates the signer's constraints", ("name-constraint-dns", "path-length")),
        ("The signature in the certificate is invalid", ("same-name-other-key-no-aki",)),
    ),
    *_rows(
        "psql", "client", "client",
        ("FATAL: connection requires a valid client certificate", ("absent",)),
        ("FATAL: certificate authentication failed for user", ("accepted",)),
        ("certificate present, but not private key file", ("files-swapped",)),
        ('private key file "alice-key.pem" has group or world access', ("accepted",)),
    ),
    *_rows(
        "HAProxy", "server", "client",
        ("SSL client certificate not trusted", _ANY_CLIENT_FAULT),
        ("peer did not return a certificate", ("absent", "withheld")),
    ),
    *_rows(
        "stunnel", "server", "client",
        ("Peer certificate required", ("absent", "withheld")),
        ("Pre-verification error: unable to get local issuer certificate",
         ("untrusted-root", "incomplete-chain", "same-name-other-key")),
        ("Pre-verification error: certificate has expired", ("expired", "expired-intermediate")),
    ),
    *_rows(
        "gnutls-serv", "server", "server",
        ("Decryption has failed", _ANY_SERVER_FAULT),
    ),
)  # fmt: skip
