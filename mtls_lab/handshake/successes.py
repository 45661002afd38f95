"""What an accepted handshake keeps to itself: nobody is told that a check was off. One decorated function, one row."""

from mtls_lab.handshake.evidence import Evidence, describe_chain
from mtls_lab.handshake.findings import Cause, Finding, row
from mtls_lab.handshake.fixes import ask_for_it, check_the_name, switch_verification_on

SUCCESSES: dict[str, Cause] = {}
"""Most important first; the last row always holds."""


@row(SUCCESSES, "nobody-verified", title="Accepted, and nobody was verified", reference="RFC 8446 appendix C.5")
def nobody_verified(evidence: Evidence) -> Finding | None:
    """Both switches are off: encrypted, and with whom is anybody's guess."""
    scenario = evidence.handshake.scenario
    if scenario.client.verifies != "none" or _client_verified(evidence):
        return None
    return Finding(
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
    if evidence.handshake.scenario.client.verifies != "none" or not _client_verified(evidence):
        return None
    return Finding(
        expected="nothing of the server",
        presented=describe_chain(evidence.handshake.server_chain),
        why="The client did not look at the server's certificate: it talks, encrypted, to whoever answered. "
        "The two checks are independent: the server verified the client all the same.",
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
    if evidence.handshake.scenario.client.presents is None or evidence.handshake.asked is not False:
        return None
    return Finding(
        expected="nothing of the client: no CertificateRequest was sent",
        presented="the client's certificate stayed at home",
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
    if evidence.handshake.scenario.server.verifies != "optional" or evidence.handshake.client_chain:
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
    if evidence.handshake.scenario.client.verifies != "chain":
        return None
    return Finding(
        expected="a path to a trust anchor, for any name",
        presented=describe_chain(evidence.handshake.server_chain),
        why="The client checked who issued the server's certificate, not for whom. "
        "Anyone whom the same authority has given a server's certificate could have answered.",
        fixes=check_the_name(evidence.handshake.scenario.server_name),
    )


@row(SUCCESSES, "accepted", title="Accepted", reference="RFC 8446 section 4.4")
def accepted(evidence: Evidence) -> Finding | None:
    """Every check that was switched on passed."""
    mutual = _client_verified(evidence)
    server_chain = describe_chain(evidence.handshake.server_chain)
    if mutual:
        return Finding(
            title="Accepted: mutual TLS",
            expected="a good certificate of each end",
            presented=f"{server_chain}; {describe_chain(evidence.handshake.client_chain)}",
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


def _client_verified(evidence: Evidence) -> bool:
    handshake = evidence.handshake
    return handshake.scenario.server.verifies != "none" and bool(handshake.client_chain)


def _shown(evidence: Evidence) -> str:
    return f"the server: {describe_chain(evidence.handshake.server_chain)}"
