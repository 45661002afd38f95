"""What an accepted handshake keeps to itself: nobody is told that a check was off. One decorated function, one row.

An end that could not be asked verifies as it pleases: then nothing is said about it.
"""

from mtls_lab.certificates import Certificate, certification_path
from mtls_lab.handshake.evidence import Evidence, describe_chain, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Cause, Finding, row
from mtls_lab.handshake.fixes import ask_for_it, check_the_name, switch_verification_on
from mtls_lab.handshake.messages import Role
from mtls_lab.handshake.values import UNKNOWN

_ROLES: tuple[Role, ...] = ("client", "server")

SUCCESSES: dict[str, Cause] = {}
"""Most important first; the last row always holds."""


@row(SUCCESSES, "resumed", title="Accepted: an earlier session went on", reference="RFC 8446 section 2.2")
def resumed(evidence: Evidence) -> Finding | None:
    """Nobody sent a certificate, so nobody judged one: not its dates, not whether it was revoked since."""
    if not evidence.handshake.resumed:
        return None
    return Finding(
        expected="the secret of an earlier session, and no certificate",
        presented="a session ticket or identifier",
        why="The two ends went on with an earlier session, and neither sent a certificate this time. What has happened "
        "since then does not count: a certificate that has expired or was revoked meanwhile still gets in.",
        fixes=(
            Fix(tool="nginx", text="ssl_session_cache off; ssl_session_tickets off;  (or short timeouts)"),
            Fix(tool="openssl", text="s_server -no_ticket -num_tickets 0"),
            Fix(tool="mtls_lab", text="proxy.switch(...): a fresh context, which knows no earlier session"),
        ),
    )


@row(SUCCESSES, "nobody-verified", title="Accepted, and nobody was verified", reference="RFC 8446 appendix C.5")
def nobody_verified(evidence: Evidence) -> Finding | None:
    """Both switches are off: encrypted, and with whom is anybody's guess."""
    client = evidence.settings("client")
    if client.verifies not in ("none", UNKNOWN) or _client_verified(evidence) is not False:
        return None
    return Finding(
        seen=client.known,
        expected="nothing: neither end verified the other",
        presented=_shown(evidence),
        why="The connection is encrypted, and neither end knows with whom. "
        "Any server, an impostor's too, and any client would have been accepted just the same.",
        fixes=switch_verification_on("client") + switch_verification_on("server"),
    )


@row(
    SUCCESSES,
    "server-not-verified",
    title="Accepted, but the client did not verify the server",
    reference="RFC 8446 appendix C.5",
)
def server_not_verified(evidence: Evidence) -> Finding | None:
    """The client's switch is off (curl -k, verify=False)."""
    client, verified = evidence.settings("client"), _client_verified(evidence)
    if client.verifies not in ("none", UNKNOWN) or verified is False:
        return None
    return Finding(
        seen=client.known,
        expected="nothing of the server",
        presented=describe_chain(evidence.handshake.server_chain),
        why="The client did not look at the server's certificate: it talks, encrypted, to whoever answered. "
        + (
            "The two checks are independent: the server verified the client all the same."
            if verified
            else "The two checks are independent: what the server did with the client's certificate, it alone knows."
        ),
        fixes=switch_verification_on("client"),
    )


@row(
    SUCCESSES,
    "client-not-asked",
    title="Accepted, but nobody asked for the client's certificate",
    reference="RFC 8446 section 4.3.2",
)
def client_not_asked(evidence: Evidence) -> Finding | None:
    """The client holds a certificate; without a CertificateRequest it never left the client."""
    client, handshake = evidence.settings("client"), evidence.handshake
    # Who goes on with an earlier session is not asked again, whatever was asked then.
    if handshake.asked is not False or handshake.resumed or (client.known and client.presents is None):
        return None
    return Finding(
        expected="nothing of the client: no CertificateRequest was sent",
        presented="the client's certificate stayed at home",
        seen=client.known,
        why="The client was given a certificate, and the server never asked for one, so it was not sent. "
        "This is one-way TLS: the answer came, but the server has no idea who called.",
        fixes=ask_for_it(),
    )


@row(
    SUCCESSES,
    "optional-anonymous",
    title="Accepted without a client certificate: it is optional",
    reference="RFC 8446 section 4.4.2.4",
)
def optional_anonymous(evidence: Evidence) -> Finding | None:
    """The server asked, got an empty list, and let the client in."""
    asked_in_vain = bool(evidence.handshake.asked) and evidence.handshake.client_chain == ()
    if not asked_in_vain or evidence.settings("server").verifies not in ("optional", UNKNOWN):
        return None
    return Finding(
        expected="a client certificate, or none",
        presented="an empty Certificate message",
        why="The server asked, the client had nothing to show, and `optional` lets it in as nobody. "
        "A certificate that is shown must still be good: optional does not mean that a bad one is ignored.",
        fixes=ask_for_it(),
    )


@row(
    SUCCESSES,
    "name-not-checked",
    title="Accepted, but the client did not check the server's name",
    reference="RFC 9525 section 6.1",
)
def name_not_checked(evidence: Evidence) -> Finding | None:
    """The chain was verified, the name was not (libpq's verify-ca)."""
    client = evidence.settings("client")
    if client.verifies not in ("chain", UNKNOWN):
        return None
    return Finding(
        seen=client.known,
        expected="a path to a trust anchor, for any name",
        presented=describe_chain(evidence.handshake.server_chain),
        why="The client checked who issued the server's certificate, not for whom. "
        "Anyone whom the same authority has given a server's certificate could have answered.",
        fixes=check_the_name(evidence.handshake.scenario.server_name),
    )


@row(
    SUCCESSES,
    "extra-certificates",
    title="Accepted, but with more certificates than needed",
    reference="RFC 8446 section 4.4.2",
)
def extra_certificates(evidence: Evidence) -> Finding | None:
    """Certificates were sent that are on no path, or that the other end must have anyway."""
    found = [(role, extra) for role in _ROLES for extra in [_extra(evidence, role)] if extra]
    if not found:
        return None
    role, extra = found[0]
    return Finding(
        expected="the leaf and the intermediates above it, without the root",
        presented=f"{describe_chain(_chain(evidence, role))}, among them {' and '.join(extra)}",
        why=f"The {role} sends certificates that no verifier needs: a root counts only where the verifier has it "
        "already, and what stands on no path helps nobody. It costs bytes in every handshake, and strict peers refuse.",
        fixes=(
            Fix(tool="shell", text="cat leaf.pem intermediate.pem > chain.pem  (leaf first, no root)"),
            Fix(tool="openssl", text="s_client -showcerts shows what is sent"),
            Fix(tool="mtls_lab", text="a credential as issued holds just the chain"),
        ),
    )


@row(SUCCESSES, "accepted", title="Accepted", reference="RFC 8446 section 4.4")
def accepted(evidence: Evidence) -> Finding | None:
    """Every check that was switched on passed."""
    server_chain = describe_chain(evidence.handshake.server_chain)
    shown = f"{server_chain}; {describe_chain(evidence.handshake.client_chain)}"
    unasked = next((role for role in _ROLES if not evidence.settings(role).known), None)
    if unasked is not None:
        return Finding(
            expected=f"what the {'server' if unasked == 'client' else 'client'} asked for",
            presented=shown if evidence.handshake.client_chain else server_chain,
            why=f"Neither end refused the other. What the {unasked} verified is not known here: "
            "an end that checks nothing looks just the same from the other side.",
        )
    if _client_verified(evidence):
        return Finding(
            title="Accepted: mutual TLS",
            expected="a good certificate of each end",
            presented=shown,
            why="Each end verified the other's chain and saw it sign the handshake with its private key. "
            "Each end now knows whom it talks to.",
        )
    return Finding(
        title="Accepted: one-way TLS",
        expected="a good certificate of the server",
        presented=server_chain,
        why="The client verified the server's chain and name. "
        "The server did not ask who the client is, so it does not know.",
    )


def _client_verified(evidence: Evidence) -> bool | None:
    """The server verified the client; None where it could not be asked."""
    server = evidence.settings("server")
    if not evidence.handshake.client_chain:
        return False
    return server.verifies != "none" if server.known else None


def _chain(evidence: Evidence, role: Role) -> tuple[Certificate, ...] | None:
    return evidence.handshake.server_chain if role == "server" else evidence.handshake.client_chain


def _extra(evidence: Evidence, role: Role) -> list[str]:
    """What that end sent beyond its path, by the lights of an end that could be asked.

    A root that OpenSSL appended by itself, from what the end trusts, is nobody's mistake.
    """
    chain = _chain(evidence, role) or ()
    verifier, presenter = evidence.settings("client" if role == "server" else "server"), evidence.settings(role)
    if len(chain) < 2:
        return []
    path = certification_path(chain, verifier.trusts if verifier.known else presenter.trusts)
    if path.anchor is None:
        return []
    needed = path.certificates[:-1] if presenter.known else path.certificates
    configured = presenter.presents.chain if presenter.presents is not None else chain
    return [name_of(one) for one in chain if one not in needed and one in configured]


def _shown(evidence: Evidence) -> str:
    return f"the server: {describe_chain(evidence.handshake.server_chain)}"
