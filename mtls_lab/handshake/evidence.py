"""What a handshake proves, gathered before anyone names a cause.

Only numbers, chains, trust sets, names and times go into a decision; English error text is evidence to show.
What an end that nobody could ask was set up with is never looked at, even where the scenario says it.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from mtls_lab.certificates import Certificate, CertificationPath, certification_path
from mtls_lab.certificates.validation import Problem, Validation, validate
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.explanation import Stage
from mtls_lab.handshake.messages import Message, Role
from mtls_lab.handshake.values import Endpoint, Handshake, Side
from mtls_lab.handshake.verify_codes import verify_code_name

OTHER: dict[Role, Role] = {"client": "server", "server": "client"}

_REQUESTS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"CONNECT ", b"PRI * ")


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

    def settings(self, role: Role) -> Endpoint:
        """That end's settings; a stranger's where the end could not be asked."""
        return self.handshake.settings(role)

    @property
    def verifier(self) -> Endpoint:
        """The settings of the end that judged."""
        return self.settings(OTHER[self.judged])

    @property
    def presenter(self) -> Endpoint:
        """The settings of the end that was judged."""
        return self.settings(self.judged)

    @property
    def dialled(self) -> str | None:
        """The name that the client asked for; None where it alone knows, as it dialled an address."""
        return self.handshake.scenario.server_name if self.settings("client").known else self.handshake.server_name

    @property
    def at(self) -> datetime:
        """The time it was judged by."""
        return self.handshake.at

    @property
    def purpose(self) -> Literal["serverAuth", "clientAuth"]:
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
        return self.validation.path if self.validation is not None else certification_path((), ())

    @cached_property
    def validation(self) -> Validation | None:
        """The presented chain, judged as the verifier does; None where there is none to judge.

        Where the verifier's settings are not known, it is given the trust anchors of the presenter's own end: what is
        wrong with a chain by its own holder's lights is the first thing to suspect.
        """
        if not self.chain:
            return None
        verifier = self.verifier
        named = self.judged == "server" and (verifier.verifies == "chain and name" or not verifier.known)
        return validate(
            self.chain,
            trusts=verifier.trusts if verifier.known else self.presenter.trusts,
            at=self.at,
            purpose=self.purpose,
            server_name=self.dialled if named else None,
            crls=verifier.crls,
            strict=verifier.strict or not verifier.known,
        )

    def problem(self, *slugs: str) -> Problem | None:
        """The first of these that path validation found."""
        found = self.validation.problems if self.validation is not None else ()
        return next((one for one in found if one.slug in slugs), None)

    @cached_property
    def known_issuers(self) -> tuple[Certificate, ...]:
        """Authorities that an end which could be asked knows of, sent or not."""
        ends = (self.settings("client"), self.settings("server"))
        return tuple(one for end in ends if end.presents for one in end.presents.chain[1:] + end.presents.issuers)

    @property
    def local_failure(self) -> bool:
        """The refusing end could not even load its own credential."""
        return any(
            side is not None and side.failure is not None and side.failure.during == "loading"
            for side in (self.handshake.client, self.handshake.server)
        )

    @property
    def hidden(self) -> bool:
        """Nobody could be asked, and encryption hides how it ended."""
        handshake = self.handshake
        unasked = handshake.client is None and handshake.server is None
        return unasked and any(one.name == "EncryptedRecord" for one in handshake.messages)

    @property
    def nothing_came(self) -> bool:
        """Nobody said a word: one end never began, and the other does not know why."""
        return not self.handshake.wire and not self.local_failure

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
        if self.local_failure or self.nothing_came:
            return "before the handshake"
        if not self.client_finished:
            return "TLS handshake"
        return "after the handshake" if self.refused_by == "client" else "after the client finished"

    def message(self, name: str) -> Message | None:
        """The first message of that name."""
        return next((one for one in self.handshake.messages if one.name == name), None)

    def offered(self, field: str) -> tuple[str, ...]:
        """A list in the ClientHello, such as `supported_groups`, in the RFC's words; () where it is not there."""
        hello = self.message("ClientHello")
        text = dict(hello.details).get(field, "") if hello is not None else ""
        return tuple(text.split(", ")) if text else ()

    @cached_property
    def plain_http_from(self) -> Role | None:
        """The end that speaks plain HTTP on this port, by its first bytes."""
        if _first_bytes(self.handshake, "client").startswith(_REQUESTS):
            return "client"
        return "server" if _first_bytes(self.handshake, "server").startswith(b"HTTP/") else None

    def lines(self) -> tuple[str, ...]:
        """The facts, one line each, with nothing in them that varies by run."""
        return tuple(line for line in self._lines() if line)

    def _lines(self) -> list[str]:
        alert = next(self.handshake.fatal_alerts(), None)
        end = OTHER[self.judged]
        if self.nothing_came:
            return ["no byte of a handshake passed"]
        if self.plain_http_from is not None:
            return [f"the first bytes of the {self.plain_http_from} are plain HTTP"]
        facts = [f"{self.handshake.version} was agreed on" if self.handshake.version else "no version was agreed on"]
        if self.handshake.resumed:
            return [*facts, "an earlier session was resumed: no Certificate message passed"]
        facts.append(
            "the server asked for a client certificate (CertificateRequest)"
            if self.handshake.asked
            else "encryption hides whether the server asked for a client certificate"
            if self.handshake.asked is None
            else "the server did not ask for a client certificate (no CertificateRequest)"
        )
        unread = self.handshake.asked is None and self.handshake.server_chain is None
        shown = "what encryption hides here" if unread else describe_chain(self.handshake.server_chain)
        facts.append(f"the server presented {shown}")
        if self.handshake.asked:
            facts.append(f"the client presented {describe_chain(self.handshake.client_chain)}")
        if alert is not None:
            where = "encrypted" if alert.encrypted else "in plaintext"
            facts.append(f"the {alert.sender} sent the alert {alert_name(alert.alert)}, {where}")
        if self.verify_code is not None:
            facts.append(f"the {end}'s OpenSSL says {verify_code_name(self.verify_code)}")
        if self.refused_by != "neither":
            anchors = ", ".join(one.common_name or one.subject or "a nameless one" for one in self.verifier.trusts)
            facts.append(
                f"the {end} trusts {anchors or 'nobody'}"
                if self.verifier.known
                else f"what the {end} trusts is not known here"
            )
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


def _first_bytes(handshake: Handshake, role: Role) -> bytes:
    return next((data for sender, data in handshake.wire if sender == role), b"")


def _refuser(handshake: Handshake) -> Role | Literal["neither"]:
    """The first of these that tells; each knows less than the one before it."""
    for tells in (_who_never_began, _who_speaks_tls, _who_sent_the_alert, _who_judged, _who_failed, _who_hung_up):
        found = tells(handshake)
        if found is not None:
            return found
    return "client" if _left_without_a_word(handshake) else "neither"


def _sides(handshake: Handshake) -> list[Side]:
    return [side for side in (handshake.client, handshake.server) if side is not None]


def _who_never_began(handshake: Handshake) -> Role | None:
    sides = _sides(handshake)
    for side in sides:
        if side.failure is not None and side.failure.during == "loading":
            return side.role
    # Nothing was said at all: it is the other end that did not come.
    return OTHER[sides[0].role] if not handshake.wire and len(sides) == 1 and not sides[0].completed else None


def _who_speaks_tls(handshake: Handshake) -> Role | None:
    """Where one speaks plain HTTP, both give up on each other; the end that speaks TLS is the one that can say why."""
    speaker = Evidence(handshake=handshake, refused_by="neither").plain_http_from
    return OTHER[speaker] if speaker is not None else None


def _who_sent_the_alert(handshake: Handshake) -> Role | None:
    alert = next(handshake.fatal_alerts(), None)
    return alert.sender if alert is not None else None


def _who_judged(handshake: Handshake) -> Role | None:
    return next((side.role for side in _sides(handshake) if side.failure and side.failure.verify_code), None)


def _who_failed(handshake: Handshake) -> Role | None:
    return next((side.role for side in _sides(handshake) if side.failure and "EOF" not in side.failure.reason), None)


def _who_hung_up(handshake: Handshake) -> Role | None:
    """Only a broken-off connection is left to tell: who met the end of file was left by the other."""
    return next((OTHER[side.role] for side in _sides(handshake) if side.failure), None)


def _left_without_a_word(handshake: Handshake) -> bool:
    """The client finished, then hung up although the name it dialled is not in the certificate: curl and psql
    check the name after the handshake and tell the server nothing."""
    dialled, chain = handshake.server_name, handshake.server_chain
    if handshake.client is not None or dialled is None or not chain:
        return False
    spoke = any(one.sender == "client" and one.name == "ApplicationData" for one in handshake.messages)
    return not spoke and not chain[0].matches_name(dialled)


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
