"""No client certificate came, though the server insists on one."""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.protocol import no_common_signature_algorithm
from mtls_lab.handshake.causes.table import REFUSALS
from mtls_lab.handshake.evidence import Evidence
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import present_one
from mtls_lab.handshake.values import Endpoint

_ALERTS = [Alert.certificate_required, Alert.handshake_failure, Alert.bad_certificate]


def _empty_message(evidence: Evidence) -> bool:
    """The server asked, and an empty Certificate message came."""
    return evidence.refused_by == "server" and evidence.chain == () and bool(evidence.handshake.asked)


@row(
    REFUSALS,
    "absent",
    title="The client presented no certificate",
    reference="RFC 8446 section 4.4.2.4",
    alerts=_ALERTS,
    decides="whether the client has a certificate configured at all",
)
def absent(evidence: Evidence) -> Finding | None:
    """The server required one; the client's Certificate message was empty."""
    if not _empty_message(evidence):
        return None
    client = evidence.settings("client")
    if client.known and (withheld(evidence) or no_common_signature_algorithm(evidence)):
        return None
    return Finding(
        expected="a client certificate",
        presented="an empty Certificate message",
        why="The server requires a client certificate and sent a CertificateRequest. " + _why_empty(client),
        fixes=present_one(),
    )


@row(
    REFUSALS,
    "withheld",
    title="The client kept its certificate back",
    reference="RFC 8446 section 4.2.4",
    alerts=_ALERTS,
    decides="whether the client has a certificate configured, and whether its issuer is among the "
    "certificate_authorities of the CertificateRequest",
    hidden=True,
)
def withheld(evidence: Evidence) -> Finding | None:
    """The server names the authorities it wants, and none of them is above the client's leaf."""
    named = evidence.handshake.acceptable_authorities
    client = evidence.settings("client")
    if not _empty_message(evidence) or not named or (client.known and client.presents is None):
        return None
    issuers = {one.issuer_der for one in client.presents.chain} if client.presents is not None else set()
    if issuers & set(named):
        return None
    asked = dict(getattr(evidence.message("CertificateRequest"), "details", ())).get("certificate_authorities", "")
    holds = client.presents.leaf.issuer_common_name if client.presents is not None else None
    return Finding(
        expected=f"a certificate issued by {asked}",
        presented=f"an empty Certificate message; the client's own is issued by {holds}"
        if holds
        else "an empty Certificate message",
        why="The server's CertificateRequest names the authorities whose certificates it wants, and the client's is "
        "by another one. Clients of Go, Java and GnuTLS then send none; OpenSSL's send it and are refused.",
        fixes=(
            Fix(
                tool="nginx", text="ssl_client_certificate with the client's authority in it: the list is made from it"
            ),
            Fix(tool="openssl", text="s_client -connect host:port prints `Acceptable client certificate CA names`"),
            Fix(tool="client", text="present a certificate from one of the authorities that the server names"),
            Fix(tool="mtls_lab", text="replace(server, acceptable_authorities=(root.certificate,))"),
        ),
        seen=client.known,
    )


def _why_empty(client: Endpoint) -> str:
    if not client.known:
        return "The client answered with an empty list: it has none to present, or it keeps it back."
    if client.presents is not None:
        return "The client has one, but its TLS library held it back: the server's algorithms may exclude its key."
    return "The client answered with an empty list: it had none to present."
