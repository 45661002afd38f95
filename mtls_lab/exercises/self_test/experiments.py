"""The experiments behind the questions: real handshakes, and a recorded result where a server would be needed."""

from dataclasses import dataclass, replace

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.faults import present
from mtls_lab.exercises.self_test.question import Finding
from mtls_lab.handshake import Explanation, Handshake, Role, Scenario, explain, rehearse
from mtls_lab.handshake.exhibits import Cast

PSQL_SAID = {"require": "connected", "verify-ca": "refused the server", "verify-full": "refused the server"}
"""psql 15 (libpq) at a PostgreSQL 15 server of an authority that it does not trust, measured in November 2026; a test
measures it again where both are installed. `require` without a root file: with one it acts as verify-ca."""


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """The gallery's cast, and an authority that nobody trusts."""

    cast: Cast
    """Root, issuing authority, a good server and alice."""
    stranger: Authority
    """Trusted by nobody."""

    @classmethod
    def set_up(cls) -> "_Stage":
        return cls(cast=Cast.gather(), stranger=Authority.create("Stranger CA"))

    def scenario(self, *, server: dict[str, object] | None = None, client: dict[str, object] | None = None) -> Scenario:
        """Mutual TLS 1.3 and nothing wrong with it, but for these settings."""
        good = self.cast.scenario("TLSv1.3")
        return replace(
            good,
            client=replace(good.client, **(client or {})),  # type: ignore[arg-type]
            server=replace(good.server, **(server or {})),  # type: ignore[arg-type]
        )

    @property
    def impostor(self) -> Credential:
        """For localhost, by the stranger."""
        return self.stranger.issue("localhost", purpose="serverAuth")

    @property
    def mallory(self) -> Credential:
        """A client of the stranger's."""
        return self.stranger.issue("mallory", purpose="clientAuth")


def _play(scenario: Scenario) -> tuple[Handshake, Explanation]:
    handshake = rehearse(scenario)
    return handshake, explain(handshake)


def what_mends_an_unknown_authority() -> Finding:
    """The root sent along, then the root among this client's trust anchors."""
    stage = _Stage.set_up()
    root, server = stage.cast.root.certificate, stage.cast.server
    with_root = replace(server, chain=(*server.chain, root))
    _, sent = _play(stage.scenario(client={"trusts": ()}, server={"presents": with_root}))
    _, told = _play(stage.scenario(client={"trusts": (root,)}))
    _, impostor = _play(stage.scenario(server={"presents": stage.impostor}))
    if sent.refused_by == "neither":
        return Finding(found="the server sends its root", seen="With the root sent along, the client accepted.")
    if told.refused_by != "neither" or impostor.refused_by != "client":
        return Finding(found="nothing here", seen="Telling this client did not mend it.")
    return Finding(
        found="this client is told",
        seen="With the root sent along, the client still refused. With the root among this client's trust anchors it "
        "accepted, and refused an impostor as before. No other program was touched.",
    )


def when_a_certificate_leaves() -> Finding:
    """A server that does not ask, and one that does."""
    stage = _Stage.set_up()
    unasked = rehearse(stage.scenario(server={"verifies": "none"})).client_chain
    asked = rehearse(stage.scenario()).client_chain
    if unasked:
        return Finding(found="always", seen="It was sent to a server that did not ask.")
    return Finding(
        found="when it is asked for" if asked else "never",
        seen="Alice's client called two servers and verified both. To the one that sent no CertificateRequest it sent "
        "no Certificate either; to the one that asked, it did.",
    )


def what_a_finished_client_knows() -> Finding:
    """TLS 1.3: a stranger's client certificate, then an impostor for a server."""
    stage = _Stage.set_up()
    handshake, refused = _play(stage.scenario(client={"presents": stage.mallory}))
    impostor, _ = _play(stage.scenario(server={"presents": stage.impostor}))
    finished = handshake.client is not None and handshake.client.completed
    if impostor.client is None or impostor.client.completed:
        return Finding(found="nobody was verified", seen="The client finished with an impostor.")
    if not finished or refused.refused_by != "server":
        return Finding(found="the server has accepted", seen="Whom the server refuses does not finish.")
    return Finding(
        found="the server was verified, and may still refuse",
        seen="With an impostor the client did not finish. With the true server, which does not know the authority of "
        "this client's certificate, it finished, and after that came the refusal.",
    )


def whose_alert_arrives() -> Finding:
    """Who sends `unknown_ca` when it is the client that receives an alert."""
    stage = _Stage.set_up()
    handshake, _ = _play(stage.scenario(client={"presents": stage.mallory}))
    senders: set[Role] = {alert.sender for alert in handshake.fatal_alerts()}
    if senders != {"server"}:
        return Finding(found="the client judged the server", seen="The alert came from the client.")
    return Finding(
        found="the server judged the client",
        seen="The server sent it, about mallory's certificate: whoever sends this alert does not know the authority of "
        "the other end. A client that distrusts the server sends it, and does not receive it.",
    )


def what_an_answer_proves() -> Finding:
    """The same call to a server that never asks and to one that requires a certificate."""
    stage = _Stage.set_up()
    never_asks, _ = _play(stage.scenario(server={"verifies": "none"}))
    requires, _ = _play(stage.scenario())
    if not (never_asks.accepted and requires.accepted):
        return Finding(found="only a server that verified it answers", seen="One of the servers refused.")
    return Finding(
        found="both kinds of server answer",
        seen="The same call came through at two servers. One verified alice; the other never asked, and knows nobody.",
    )


def what_a_wrong_name_does() -> Finding:
    """The trusted authority, another name; then an address that is not in the certificate."""
    stage = _Stage.set_up()
    other = stage.cast.issuing.issue("other.example", purpose="serverAuth")
    by_name = stage.cast.issuing.issue("localhost", names=("localhost",), purpose="serverAuth")
    _, wrong_host = _play(stage.scenario(server={"presents": other}))
    _, wrong_ip = _play(replace(stage.scenario(server={"presents": by_name}), server_name="127.0.0.1"))
    if wrong_host.refused_by == "neither":
        return Finding(found="accepted", seen="The client accepted it.")
    named = {wrong_host.cause, wrong_ip.cause} <= {"wrong-host", "wrong-ip"}
    return Finding(
        found="refused for the name" if named else "refused for the authority",
        seen="The client refused it for its name alone. It also refused a certificate for localhost when it "
        "had dialled 127.0.0.1: an address has to be in the certificate as an address.",
    )


def whose_certificate_exit_60_is_about() -> Finding:
    """curl at TLS 1.2, as recorded: an expired server certificate, and an expired certificate of its own."""
    from mtls_lab.clients.rosetta import recorded

    told: dict[Role, bool] = dict.fromkeys(("client", "server"), False)
    for row in recorded():
        if (row.fault, row.tls, row.client.name, row.server.name) == ("expired", "TLSv1.2", "curl", "mtls_lab"):
            told[row.side] = row.client_words.startswith("curl: (60)")
    found = {(True, True): "either", (False, True): "the server's", (True, False): "the client's"}
    return Finding(
        found=found.get((told["client"], told["server"]), "neither"),
        seen="Recorded, curl 7.88 at TLS 1.2: exit 60 for a server whose certificate had expired, and exit 60 again "
        "when it was curl's own certificate that had expired, and the server that refused it.",
    )


def what_a_server_certificate_is_good_for() -> Finding:
    """The server's own certificate, presented by a client."""
    stage = _Stage.set_up()
    _, refused = _play(stage.scenario(client={"presents": stage.cast.server}))
    if refused.refused_by == "neither":
        return Finding(found="accepted", seen="The server accepted it.")
    return Finding(
        found={"wrong-purpose": "refused for the purpose", "wrong-host": "refused for the name"}.get(
            refused.cause, "refused for the authority"
        ),
        seen="The server refused it: authority, time and signature were good, and its only purpose is serverAuth. "
        "A client needs clientAuth.",
    )


def what_dash_k_leaves() -> Finding:
    """A client that verifies nothing, in front of an impostor."""
    stage = _Stage.set_up()
    careless, _ = _play(stage.scenario(client={"verifies": "none", "presents": None}, server=_one_way(stage.impostor)))
    if not careless.accepted:
        return Finding(found="an impostor is refused", seen="The impostor was refused.")
    encrypted = careless.client is not None and careless.client.cipher is not None
    return Finding(
        found="an impostor gets an encrypted call" if encrypted else "nothing is encrypted",
        seen="An impostor took the place of the server. The client went on, encrypted, with the impostor.",
    )


def _one_way(presents: Credential) -> dict[str, object]:
    return {"verifies": "none", "presents": presents}


def what_optional_does_with_an_expired_one() -> Finding:
    """An `optional` server: nothing presented, then an expired certificate."""
    stage = _Stage.set_up()
    optional: dict[str, object] = {"verifies": "optional"}
    old = present("expired", authority=stage.cast.issuing, name="alice", purpose="clientAuth")
    _, nothing = _play(stage.scenario(client={"presents": None}, server=optional))
    _, expired = _play(stage.scenario(client={"presents": old}, server=optional))
    if expired.refused_by == "neither":
        return Finding(found="in", seen="The server let it in.")
    return Finding(
        found="refused" if nothing.refused_by == "neither" else "nobody gets in",
        seen="The server let in the client that presented nothing, and refused the one with an expired certificate.",
    )


def what_require_verifies() -> Finding:
    """psql at an impostor's, as recorded."""
    found = {"connected": "nothing", "refused the server": "the chain"}[PSQL_SAID["require"]]
    return Finding(
        found=found,
        seen="Recorded, psql 15 at a server of an authority that it does not trust: sslmode=require connected; "
        "verify-ca and verify-full refused.",
    )


def what_a_verified_client_may() -> Finding:
    """The handshake, then the access rules of a service that alice has no part in."""
    from mtls_lab.proxy.access import Access
    from mtls_lab.proxy.identity import Identity

    stage = _Stage.set_up()
    handshake, _ = _play(stage.scenario())
    chain = handshake.client_chain
    if not handshake.accepted or not chain:
        return Finding(found="she is not known", seen="The server did not accept alice.")
    decision = Access.of(["uri:spiffe://lab.example/accountant"]).decide(Identity.of(chain[0]))
    return Finding(
        found="she may" if decision.allowed else "that is decided elsewhere",
        seen="The handshake accepted alice and knows her name. The access rules of this service name the accountant: "
        "for alice the answer was 403.",
    )
