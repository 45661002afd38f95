"""What a handshake proves, gathered before anyone names a cause.

Only numbers, chains, trust sets, names and times go into a decision; English error text is evidence to show.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from mtls_lab.certificates import Certificate, CertificationPath, certification_path
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.explanation import Stage
from mtls_lab.handshake.messages import Role
from mtls_lab.handshake.values import Endpoint, Handshake, Side
from mtls_lab.handshake.verify_codes import verify_code_name

OTHER: dict[Role, Role] = {"client": "server", "server": "client"}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The facts of one handshake, seen from the end that gave up (or from neither)."""

    handshake: Handshake
    """The handshake itself."""
    refused_by: Role | Literal["neither"]
    """Who gave up."""

    @property
    def judged(self) -> Role:
        """Whose credential was on trial; the client's where nobody refused."""
        return "server" if self.refused_by == "client" else "client"

    @property
    def verifier(self) -> Endpoint:
        """The settings of the end that judged."""
        return self.handshake.scenario.end(OTHER[self.judged])

    @property
    def presenter(self) -> Endpoint:
        """The settings of the end that was judged."""
        return self.handshake.scenario.end(self.judged)

    @property
    def at(self) -> datetime:
        """The time it was judged by."""
        return self.handshake.at

    @property
    def purpose(self) -> str:
        """The key purpose the verifier asks for (RFC 5280 section 4.2.1.12)."""
        return "serverAuth" if self.judged == "server" else "clientAuth"

    @cached_property
    def chain(self) -> tuple[Certificate, ...] | None:
        """What was presented, leaf first: () for an empty Certificate message, None for none at all."""
        return self.handshake.server_chain if self.judged == "server" else self.handshake.client_chain

    @cached_property
    def leaf(self) -> Certificate | None:
        """The certificate that names the judged end."""
        return self.chain[0] if self.chain else None

    @cached_property
    def path(self) -> CertificationPath:
        """The certification path from the leaf as far up as the chain and the trust anchors lead."""
        return certification_path(self.chain or (), self.verifier.trusts)

    @cached_property
    def known_issuers(self) -> tuple[Certificate, ...]:
        """Authorities that someone in this scenario knows of, sent or not."""
        ends = (self.handshake.scenario.client, self.handshake.scenario.server)
        return tuple(one for end in ends if end.presents for one in end.presents.chain[1:] + end.presents.issuers)

    @property
    def local_failure(self) -> bool:
        """The refusing end could not even load its own credential."""
        return any(
            side is not None and side.failure is not None and side.failure.during == "loading"
            for side in (self.handshake.client, self.handshake.server)
        )

    @cached_property
    def alert(self) -> int | None:
        """The first fatal alert on the wire."""
        return next((message.alert for message in self.handshake.fatal_alerts()), None)

    @cached_property
    def verify_code(self) -> int | None:
        """OpenSSL's verdict, as the refusing end reports it; None where it reports none."""
        side = self._refusing_side()
        return (side.failure.verify_code or None) if side is not None and side.failure is not None else None

    @cached_property
    def client_finished(self) -> bool:
        """The client's handshake call had returned."""
        client = self.handshake.client
        if client is not None:
            return client.completed
        return self.handshake.version == "TLSv1.3" and self._sent("client", "Finished")

    @property
    def stage(self) -> Stage | None:
        """Where it ended."""
        if self.refused_by == "neither":
            return None
        if self.local_failure:
            return "before the handshake"
        if not self.client_finished:
            return "TLS handshake"
        return "after the handshake" if self.refused_by == "client" else "after the client finished"

    def lines(self) -> tuple[str, ...]:
        """The facts, one line each, with nothing in them that varies by run."""
        return tuple(line for line in self._lines() if line)

    def _lines(self) -> list[str]:
        alert = next(self.handshake.fatal_alerts(), None)
        end = OTHER[self.judged]
        facts = [f"{self.handshake.version} was agreed on" if self.handshake.version else "no version was agreed on"]
        facts.append(
            "the server asked for a client certificate (CertificateRequest)"
            if self.handshake.asked
            else "encryption hides whether the server asked for a client certificate"
            if self.handshake.asked is None
            else "the server did not ask for a client certificate (no CertificateRequest)"
        )
        facts.append(f"the server presented {describe_chain(self.handshake.server_chain)}")
        if self.handshake.asked:
            facts.append(f"the client presented {describe_chain(self.handshake.client_chain)}")
        if alert is not None:
            where = "encrypted" if alert.encrypted else "in plaintext"
            facts.append(f"the {alert.sender} sent the alert {alert_name(alert.alert)}, {where}")
        if self.verify_code is not None:
            facts.append(f"the {end}'s OpenSSL says {verify_code_name(self.verify_code)}")
        if self.refused_by != "neither":
            anchors = ", ".join(one.common_name or one.subject or "a nameless one" for one in self.verifier.trusts)
            facts.append(f"the {end} trusts {anchors or 'nobody'}")
        if self.stage == "after the client finished":
            facts.append("the client's own handshake call had returned before the server judged")
        return facts

    def _refusing_side(self) -> Side | None:
        return self.handshake.client if self.refused_by == "client" else self.handshake.server

    def _sent(self, role: Role, name: str) -> bool:
        return any(message.sender == role and message.name == name for message in self.handshake.messages)


def gather(handshake: Handshake) -> Evidence:
    """Find who gave up, and lay the facts out from there."""
    return Evidence(handshake=handshake, refused_by=_refuser(handshake))


def _refuser(handshake: Handshake) -> Role | Literal["neither"]:
    sides = [side for side in (handshake.client, handshake.server) if side is not None]
    for side in sides:
        if side.failure is not None and side.failure.during == "loading":
            return side.role
    alert = next(handshake.fatal_alerts(), None)
    if alert is not None:
        return alert.sender
    for side in sides:
        if side.failure is not None and side.failure.verify_code:
            return side.role
    for side in sides:
        if side.failure is not None and "EOF" not in side.failure.reason:
            return side.role
    for side in sides:
        # Only a broken-off connection is left to tell: who met the end of file was left by the other.
        if side.failure is not None:
            return OTHER[side.role]
    return "client" if _left_without_a_word(handshake) else "neither"


def _left_without_a_word(handshake: Handshake) -> bool:
    """The client finished, then hung up although the name it dialled is not in the certificate: curl and psql
    check the name after the handshake and tell the server nothing."""
    if handshake.client is not None or handshake.scenario.client.verifies != "chain and name":
        return False
    chain = handshake.server_chain
    spoke = any(one.sender == "client" and one.name == "ApplicationData" for one in handshake.messages)
    return bool(chain) and not spoke and not chain[0].matches_name(handshake.scenario.server_name)  # type: ignore[index]


def describe_chain(chain: tuple[Certificate, ...] | None) -> str:
    """The chain in words: `localhost, issued by Lab Issuing CA (2 certificates)`."""
    if chain is None:
        return "no Certificate message"
    if not chain:
        return "an empty Certificate message"
    leaf = chain[0]
    count = "1 certificate" if len(chain) == 1 else f"{len(chain)} certificates"
    return f"{name_of(leaf)}, issued by {leaf.issuer_common_name or leaf.issuer or 'a nameless authority'} ({count})"


def name_of(certificate: Certificate) -> str:
    """The shortest name that tells the certificate."""
    return certificate.common_name or next(iter(certificate.names), None) or certificate.subject or "a nameless one"


def alert_name(alert: int | None) -> str:
    """`unknown_ca (48)`, or the bare number where the RFCs give no name."""
    if alert is None:
        return "none"
    try:
        return f"{Alert(alert).name} ({int(alert)})"
    except ValueError:
        return f"number {alert}"
