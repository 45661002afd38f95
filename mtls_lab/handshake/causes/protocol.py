"""The two ends have no protocol, version or algorithm in common: no certificate is at fault."""

from dataclasses import replace

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS
from mtls_lab.handshake.evidence import Evidence
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.messages import VERSIONS, Version

_GROUPS = {
    "X25519": "x25519",
    "prime256v1": "secp256r1",
    "X448": "x448",
    "secp521r1": "secp521r1",
    "secp384r1": "secp384r1",
}
"""OpenSSL's names and the RFC's, of the groups that OpenSSL offers when it is not told."""
SCHEMES = {
    "EC P-256": "ecdsa_secp256r1_sha256",
    "EC P-384": "ecdsa_secp384r1_sha384",
    "EC P-521": "ecdsa_secp521r1_sha512",
    "Ed25519": "ed25519",
    "Ed448": "ed448",
}
"""The one signature scheme of TLS 1.3 for each kind of key; RSA has several, and always one that fits."""


@row(
    REFUSALS,
    "http-to-tls-port",
    title="The client speaks plain HTTP to a TLS port",
    reference="RFC 9110 section 4.2.2",
    decides="the first bytes that the client sends: a TLS record begins with 16 03",
)
def http_to_tls_port(evidence: Evidence) -> Finding | None:
    """The first bytes of the client are a request."""
    if evidence.plain_http_from != "client":
        return None
    return Finding(
        expected="a ClientHello",
        presented="a plain HTTP request",
        why="The client was told http:// where the server speaks TLS, and sent its request in the clear. "
        "OpenSSL's servers close without an alert; some servers answer 400 in plain HTTP.",
        fixes=(
            Fix(tool="curl", text="https:// in place of http://"),
            Fix(tool="requests", text='requests.get("https://...")'),
            Fix(tool="nginx", text="error_page 497 https://$host$request_uri;  (or a redirect from another port)"),
        ),
    )


@row(
    REFUSALS,
    "tls-to-http-port",
    title="The server speaks plain HTTP",
    reference="RFC 9110 section 4.2.2",
    decides="the first bytes that the server sends: HTTP/ is no TLS record",
)
def tls_to_http_port(evidence: Evidence) -> Finding | None:
    """The first bytes of the server are an HTTP answer."""
    if evidence.plain_http_from != "server":
        return None
    return Finding(
        expected="a ServerHello",
        presented="a plain HTTP answer",
        why="The client began TLS and the port answered in plain HTTP: TLS is not switched on there. "
        'OpenSSL calls this "wrong version number", because it takes the letters for a record.',
        fixes=(
            Fix(tool="nginx", text="listen 443 ssl;  (the word ssl switches it on)"),
            Fix(tool="curl", text="http:// shows what lives there"),
            Fix(tool="mtls_lab", text="dial the proxy's port, not its origin's"),
        ),
    )


@row(
    REFUSALS,
    "protocol-version",
    title="No TLS version in common",
    reference="RFC 8446 section 4.2.1",
    alerts=[Alert.protocol_version],
    decides="the versions that each end allows: supported_versions in the ClientHello, and the server's settings",
    hidden=True,
)
def protocol_version(evidence: Evidence) -> Finding | None:
    """The client offers versions that the server does not allow."""
    if evidence.refused_by != "server" or evidence.message("ServerHello") is not None or _not_tls(evidence):
        return None
    offered = _versions_offered(evidence)
    server = evidence.settings("server")
    fixes = (
        Fix(tool="curl", text="--tlsv1.2 --tls-max 1.3  (lowest and highest)"),
        Fix(tool="nginx", text="ssl_protocols TLSv1.2 TLSv1.3;"),
        Fix(tool="openssl", text="s_client -tls1_2 and -tls1_3 show which the server takes"),
        Fix(tool="mtls_lab", text='replace(server, versions=("TLSv1.2", "TLSv1.3"))'),
    )
    if not server.known:
        maybe = _maybe("a version that the server allows", fixes, presented=" and ".join(offered))
        return replace(maybe, seen=len(offered) == 1)
    allowed = server.versions or evidence.handshake.scenario.versions
    if set(allowed) & set(offered):
        return None
    return Finding(
        expected=f"{' or '.join(allowed)}, which the server allows",
        presented=f"{' and '.join(offered) or 'no version that is known here'}, which the client offers",
        why="The client says in its ClientHello which versions it can speak, and the server allows none of these. "
        "The server answers with the alert protocol_version; nobody got as far as a certificate.",
        fixes=fixes,
    )


@row(
    REFUSALS,
    "no-common-cipher",
    title="No cipher suite in common",
    reference="RFC 8446 section 4.1.2",
    alerts=[Alert.handshake_failure, Alert.insufficient_security],
    decides="cipher_suites in the ClientHello, and the server's settings and kind of key",
    hidden=True,
)
def no_common_cipher(evidence: Evidence) -> Finding | None:
    """The client offers suites that the server does not allow, or that its key cannot serve."""
    refused = evidence.refused_by == "server" and evidence.message("ServerHello") is None
    if not refused or _not_tls(evidence) or evidence.alert == Alert.protocol_version:
        return None
    if evidence.settings("server").known and (no_common_group(evidence) or no_common_signature_algorithm(evidence)):
        return None
    suites = tuple(one for one in evidence.offered("cipher_suites") if one != "TLS_EMPTY_RENEGOTIATION_INFO_SCSV")
    server = evidence.settings("server")
    return Finding(
        expected="a cipher suite that both ends allow and the server's key can serve",
        presented=f"{_first_of(suites)}, which the client offers",
        why="The client says in its ClientHello which cipher suites it can use, and the server takes none of these. "
        "An RSA suite of TLS 1.2 needs a server with an RSA key, an ECDSA suite one with an EC key.",
        fixes=(
            Fix(tool="openssl", text="ciphers -v 'DEFAULT' lists what a cipher string stands for"),
            Fix(tool="nginx", text="ssl_ciphers HIGH:!aNULL;"),
            Fix(tool="curl", text="leave --ciphers out"),
            Fix(tool="mtls_lab", text="replace(server, ciphers=None): OpenSSL's own choice"),
        ),
        seen=server.known,
    )


@row(
    REFUSALS,
    "no-common-group",
    title="No group for the key exchange in common",
    reference="RFC 8446 section 4.2.7",
    alerts=[Alert.handshake_failure],
    decides="supported_groups in the ClientHello, and the server's settings",
    hidden=True,
)
def no_common_group(evidence: Evidence) -> Finding | None:
    """The client offers groups that the server does not allow."""
    if evidence.refused_by != "server" or evidence.message("ServerHello") is not None or _not_tls(evidence):
        return None
    offered, server = evidence.offered("supported_groups"), evidence.settings("server")
    fixes = (
        Fix(tool="openssl", text="s_client -groups X25519:P-256"),
        Fix(tool="curl", text="--curves X25519:P-256"),
        Fix(tool="nginx", text="ssl_ecdh_curve X25519:prime256v1;"),
        Fix(tool="mtls_lab", text="replace(server, group=None): OpenSSL's own choice"),
    )
    if not server.known:
        maybe = _maybe("a group that the server allows", fixes, presented=_first_of(offered))
        # Whoever offers one group only has a reason to suspect that.
        return replace(maybe, seen=len(offered) == 1)
    allowed = [_GROUPS.get(server.group, server.group)] if server.group else list(_GROUPS.values())
    if set(allowed) & set(offered):
        return None
    return Finding(
        expected=f"{' or '.join(allowed)}, which the server allows",
        presented=f"{_first_of(offered)}, which the client offers",
        why="Before anything else the two ends exchange keys in a group (a curve) that both know, and there is none. "
        "In TLS 1.2 OpenSSL words it as a missing cipher, in TLS 1.3 as a missing key share.",
        fixes=fixes,
    )


@row(
    REFUSALS,
    "no-common-signature-algorithm",
    title="No signature algorithm in common",
    reference="RFC 8446 section 4.2.3",
    alerts=[Alert.handshake_failure, Alert.protocol_version, Alert.certificate_required],
    decides="the type of the key, beside the signature_algorithms in the peer's ClientHello or CertificateRequest",
    hidden=True,
)
def no_common_signature_algorithm(evidence: Evidence) -> Finding | None:
    """An end holds a key that the protocol version has no signature for."""
    if evidence.judged == "client" and evidence.chain == () and evidence.handshake.asked:
        return _client_cannot_sign(evidence)
    if evidence.refused_by != "server" or evidence.message("ServerHello") is not None or _not_tls(evidence):
        return None
    server = evidence.settings("server")
    if not server.known:
        return _maybe("a key of the server that the offered signature_algorithms cover", _SIGNATURE_FIXES)
    key_type = server.presents.leaf.key_type if server.presents is not None else None
    if key_type is None or _can_sign(key_type, evidence.offered("signature_algorithms")):
        return None
    return Finding(
        expected=f"a key that can sign with one of {_first_of(evidence.offered('signature_algorithms'))}",
        presented=f"the server's key: {key_type}",
        why=f"TLS 1.3 ties each kind of key to its own signature scheme, and has none for {key_type}. So the server "
        "has no certificate it could use, and OpenSSL gives up the version rather than say so.",
        fixes=_SIGNATURE_FIXES,
    )


def _client_cannot_sign(evidence: Evidence) -> Finding | None:
    client = evidence.settings("client")
    request = evidence.message("CertificateRequest")
    offered = tuple(dict(request.details).get("signature_algorithms", "").split(", ")) if request else ()
    if not client.known:
        return _maybe("a client certificate whose key fits signature_algorithms", _SIGNATURE_FIXES)
    key_type = client.presents.leaf.key_type if client.presents is not None else None
    if key_type is None or evidence.handshake.version != "TLSv1.3" or _can_sign(key_type, offered):
        return None
    return Finding(
        expected=f"a key that can sign with one of {_first_of(offered)}",
        presented=f"the client's key: {key_type}; it sent an empty Certificate message",
        why=f"TLS 1.3 ties each kind of key to its own signature scheme, and has none for {key_type}. The client has a "
        "certificate that it cannot sign for, so it sent none; the server took that for a client without one.",
        fixes=_SIGNATURE_FIXES,
    )


def _can_sign(key_type: str, offered: tuple[str, ...]) -> bool:
    """TLS 1.3 has a scheme for that key, and the peer takes it."""
    return key_type.startswith("RSA") or SCHEMES.get(key_type, "") in offered


def _versions_offered(evidence: Evidence) -> tuple[Version, ...]:
    said = evidence.offered("supported_versions") or evidence.offered("version")
    return tuple(one for one in VERSIONS if one in said)


def _not_tls(evidence: Evidence) -> bool:
    return evidence.message("ClientHello") is None


def _maybe(expected: str, fixes: tuple[Fix, ...], presented: str = "") -> Finding:
    return Finding(
        expected=expected,
        presented=presented or "not known here",
        why="The server gave up before it showed a certificate, so it is about what the two ends can speak at all. "
        "What the server allows is not known here.",
        fixes=fixes,
        seen=False,
    )


def _first_of(names: tuple[str, ...]) -> str:
    """The first few, and that there are more."""
    shown = ", ".join(names[:3])
    return f"{shown} and others" if len(names) > 3 else shown or "nothing"


_SIGNATURE_FIXES = (
    Fix(tool="openssl", text="ecparam -name prime256v1 -genkey: a key that every TLS version can sign with"),
    Fix(tool="mtls_lab", text='issuing.issue(..., key_type="EC P-256")'),
)
