"""Probe an endpoint as a careful client would, and say what each side demands, what is wrong and what mends it.

1. The first connection offers every version and shows no certificate; it decides whether to go on at all.
2. Then one with the older version alone; both again with the client's certificate, where there is one; at last one that
   verifies the server as a client should, so that the verdict is OpenSSL's and not only ours.
3. One after the other: an endpoint that allows few connections is not to be hurt, and its log stays readable.
4. Only the given host is dialled. No redirect is followed, no CRL, OCSP or issuer's certificate fetched.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.certificates.remark import Remark
from mtls_lab.clients.probe.address import Unresolved, parse_address
from mtls_lab.clients.probe.conversation import Caller, Conversation
from mtls_lab.clients.probe.demands import Demands
from mtls_lab.clients.probe.judge_client import judge_client
from mtls_lab.clients.probe.judge_server import judge_server
from mtls_lab.clients.probe.line import Dialler, Patience
from mtls_lab.clients.probe.report import Report
from mtls_lab.clients.probe.service import NOBODY, Service, http, postgres
from mtls_lab.clients.probe.stranger import not_tls, unreachable
from mtls_lab.clients.probe.trust import Trust, default_trust
from mtls_lab.clients.probe.words import SHORT, allowed, from_explanation, outcome
from mtls_lab.handshake import VERSIONS, Endpoint, KeyLog, Scenario, Version, explain

TIMEOUT_S = 5.0
LIMIT_S = 20.0


def probe(
    endpoint: str,
    *,
    presents: Credential | None = None,
    trusts: tuple[Certificate, ...] | None = None,
    server_name: str | None = None,
    tls_max: Version | None = None,
    starttls: Literal["postgres"] | None = None,
    timeout_s: float = TIMEOUT_S,
    limit_s: float = LIMIT_S,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Find out what this endpoint demands, and what a client with these settings can expect.

    `endpoint` is `https://host:port` or `host:port`. `trusts` None: what SSL_CERT_FILE names, else the system's store,
    else certifi's; the report says which. `server_name` None: the host. Each connection may take `timeout_s`, all of
    them together `limit_s`; `progress` is told twice a second what is going on. Raises ValueError or TypeError for
    settings that make no sense; whatever the endpoint does is in the report.
    """
    address = parse_address(endpoint, default_port=5432 if starttls else 443)
    if starttls not in (None, "postgres"):
        raise ValueError(f"starttls={starttls!r} must be 'postgres' or None")
    if tls_max is not None and tls_max not in VERSIONS:
        raise ValueError(f"tls_max={tls_max!r} must be one of {', '.join(map(repr, VERSIONS))}")
    if not (timeout_s > 0 and limit_s > 0):
        raise ValueError(f"timeout_s={timeout_s!r}, limit_s={limit_s!r} must both be more than 0 seconds")
    name = server_name or address.host
    # Builds the scenario that every connection will have: a bad name or credential is an error now, not later.
    Scenario(client=Endpoint(presents=presents, verifies="none"), server=Endpoint(verifies="unknown"), server_name=name)
    patience = Patience(timeout_s, limit_s, progress)
    service = postgres() if starttls else http(address, name)
    with KeyLog() as keylog:
        dialler = Dialler(address, patience)
        caller = Caller(dialler, service, name, keylog, patience)
        trust = default_trust() if trusts is None else Trust(anchors=trusts, source="the anchors given")
        return _Probe(caller, dialler, service, patience, presents, trust, name).run(tls_max)


class _Probe:
    """One probe while it lasts."""

    def __init__(
        self,
        caller: Caller,
        dialler: Dialler,
        service: Service,
        patience: Patience,
        presents: Credential | None,
        trust: Trust,
        server_name: str,
    ) -> None:
        self._caller, self._dialler, self._service, self._patience = caller, dialler, service, patience
        self._presents, self._trust, self._server_name = presents, trust, server_name
        self._at = datetime.now(UTC)
        self._bare: list[Conversation] = []
        self._shown: list[Conversation] = []
        self._careful: Conversation | None = None
        self._remarks: list[Remark] = []

    def run(self, tls_max: Version | None) -> Report:
        versions: tuple[Version, ...] = ("TLSv1.2",) if tls_max == "TLSv1.2" else VERSIONS
        where = str(self._dialler.address)
        try:
            first = self._caller.call(
                f"{allowed(versions)}, without a certificate", Endpoint(verifies="none"), versions
            )
        except (Unresolved, OSError) as error:
            self._remarks.append(unreachable(where, error, self._patience.timeout_s))
            return self._report()
        self._bare.append(first)
        if first.handshake.server_chain is not None:
            self._ask_further(first, versions)
            self._judge()
        elif first.disagreed:
            self._remarks.append(from_explanation(explain(first.handshake)))
        else:
            self._remarks.append(not_tls(where, first, self._dialler, self._service, self._patience.timeout_s))
        return self._report()

    def _ask_further(self, first: Conversation, versions: tuple[Version, ...]) -> None:
        """Stops where a connection can no longer be made, and says so."""
        try:
            if first.handshake.version == "TLSv1.3" and len(versions) > 1:
                # Its choice of 1.3 says nothing about 1.2; had it chosen 1.2, it would have no 1.3.
                self._bare.append(self._call(("TLSv1.2",), None))
            agreed = Demands(bare=tuple(self._bare), shown=()).versions
            if self._presents is not None:
                self._shown += [self._call((version,), self._presents) for version in reversed(agreed)]
            if self._trust.anchors:
                careful = Endpoint(presents=self._presents, trusts=self._trust.anchors, verifies="chain and name")
                self._careful = self._caller.call("verifying the server", careful, versions)
        except (Unresolved, OSError) as error:
            if self._patience.left_s:
                self._remarks.append(_cut_short(f"The endpoint takes no more connections ({error})."))
        if not self._patience.left_s:
            self._remarks.append(_cut_short("The time for the whole probe was up: --limit gives it more."))

    def _call(self, versions: tuple[Version, ...], presents: Credential | None) -> Conversation:
        shown = "with your certificate" if presents is not None else "without a certificate"
        client = Endpoint(presents=presents, verifies="none")
        return self._caller.call(f"{allowed(versions)}, {shown}", client, versions)

    def _judge(self) -> None:
        demands = self._demands()
        chain = next(one.handshake.server_chain for one in self._bare if one.handshake.server_chain is not None)
        known = self._presents.chain[1:] + self._presents.issuers if self._presents is not None else ()
        if chain:
            self._remarks += judge_server(
                chain, self._careful, trust=self._trust, server_name=self._server_name, at=self._at, known=known
            )
        else:
            self._remarks.append(
                Remark(level="wrong", title="The server sent an empty Certificate message", refused_by="client")
            )
        self._remarks += judge_client(demands, self._presents, at=self._at)
        self._remarks += _versions(demands, self._bare)
        self._remarks += _answer(self._shown if demands.accepts else self._bare)

    def _demands(self) -> Demands:
        return Demands(bare=tuple(self._bare), shown=tuple(self._shown))

    def _report(self) -> Report:
        careful = () if self._careful is None else (self._careful,)
        return Report(
            endpoint=str(self._dialler.address),
            dialled=self._dialler.found,
            server_name=self._server_name,
            at=self._at,
            source=self._trust.source,
            anchors=len(self._trust.anchors),
            remarks=tuple(self._remarks),
            connections=(*self._bare, *self._shown, *careful),
            demands=self._demands(),
            presented=None if self._presents is None else self._presents.leaf,
        )


def _cut_short(why: str) -> Remark:
    return Remark(level="warning", title="Not all was asked: what is missing below was not looked at", why=why)


def _versions(demands: Demands, bare: list[Conversation]) -> list[Remark]:
    if len(demands.versions) != 1 or len(bare[0].handshake.scenario.versions) == 1:
        return []
    only = demands.versions[0]
    if only == "TLSv1.2":
        why = "TLS 1.2 sends both certificates in the clear, the client's too; TLS 1.3 encrypts them."
        return [Remark(level="note", title="The server does not speak TLS 1.3", why=why)]
    return [Remark(level="note", title=f"The server speaks {SHORT[only]} only: clients without it are refused")]


def _answer(talks: list[Conversation]) -> list[Remark]:
    answered = next((one for one in talks if one.ended == "answered"), None)
    if answered is None:
        silent = any(one.completed and one.ended in ("late", "closed") and not one.alerted for one in talks)
        title = "Inside TLS the server gave no answer: it may be waiting for another protocol"
        return [Remark(level="note", title=title)] if silent else []
    if answered.turned_away:
        why = (
            "TLS is in order up to here. Who must show which certificate is decided in pg_hba.conf, by user and "
            f"database (`cert`, `clientcert=`); the probe asks for a user that nobody is, {NOBODY}."
        )
        title = f"Behind TLS, PostgreSQL turned the probe's user away: {answered.told}"
        return [Remark(level="warning", title=title, why=why, evidence=(outcome(answered),))]
    return [Remark(level="note", title=f"Inside TLS, {answered.told}")]
