"""May the client: 403 for who is known and may not, what is recorded and explained, and who is judged again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates import Authority
from mtls_lab.certificates.crl import crl, empty_crl
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.access import Access
from mtls_lab.proxy.access_log import AccessLog
from mtls_lab.proxy.authorization import explain_decision, rule_for
from mtls_lab.proxy.identity import Identity
from proxy.callers import ScriptedOrigin, call, connected

pytestmark = pytest.mark.live

GET = b"GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def anonymous(scenario: Scenario) -> Scenario:
    client = Endpoint(trusts=scenario.client.trusts, verifies="chain and name")
    return replace(scenario, client=client, server=replace(scenario.server, verifies="optional"))


def with_lists(scenario: Scenario, *lists: bytes) -> Scenario:
    return replace(scenario, server=replace(scenario.server, crls=lists))


def test_whom_a_rule_names_is_let_in_and_the_record_says_by_which_rule(lab: Lab) -> None:
    with Proxy(lab.scenario(), allow=("subject:CN=bob", "subject:CN=alice")) as proxy:
        told = call(proxy)
        served = proxy.request_from(told.port)

    assert told.answer.startswith(b"HTTP/1.1 200")
    assert (served.status, served.decision.allowed, served.decision.rule) == (200, True, "subject:CN=alice")
    assert served.decision.identity == Identity.of(lab.alice.leaf)
    assert (served.method, served.target, served.host) == ("GET", "/whoami", "localhost")
    assert served.size == len(told.answer.partition(b"\r\n\r\n")[2])


def test_who_is_known_and_may_not_gets_403_with_the_reason_and_the_origin_nothing(lab: Lab) -> None:
    with (
        ScriptedOrigin(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as origin,
        Proxy(lab.scenario(), to=origin.url, allow=("subject:CN=bob",)) as proxy,
    ):
        told = call(proxy)
        served = proxy.request_from(told.port)
        handshake = proxy.handshake_from(told.port)

    head, _, body = told.answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden")
    assert body == b"no access rule names CN=alice\n"
    assert (served.status, served.decision.allowed, served.trouble) == (403, False, "no access rule names CN=alice")
    assert handshake.accepted  # authenticated: that is TLS's part
    assert origin.asked == []


def test_a_client_without_a_certificate_is_refused_as_soon_as_there_is_a_rule(lab: Lab) -> None:
    scenario = anonymous(lab.scenario())
    with Proxy(scenario, allow=("subject:CN=*",)) as proxy:
        refused = call(proxy).answer
    with Proxy(scenario, allow=()) as proxy:
        let_in = call(proxy).answer

    assert refused.startswith(b"HTTP/1.1 403") and b"no client certificate was verified" in refused
    assert let_in.startswith(b"HTTP/1.1 200")


def test_a_certificate_that_was_not_verified_names_nobody(lab: Lab) -> None:
    scenario = lab.scenario(server_verifies="none")

    with Proxy(scenario, allow=("subject:CN=alice",)) as proxy:
        assert call(proxy).answer.startswith(b"HTTP/1.1 403")


def test_a_field_that_claims_an_identity_is_no_identity(lab: Lab) -> None:
    claim = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-SSL-Client-S-DN: CN=bob\r\nConnection: close\r\n\r\n"

    with Proxy(lab.scenario(), allow=("subject:CN=bob",)) as proxy:
        assert call(proxy, claim).answer.startswith(b"HTTP/1.1 403")


def test_a_connection_goes_on_after_a_403(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario(), allow=("subject:CN=bob",)) as proxy, connected(proxy, tmp_path) as tls:
        tls.sendall(GET)
        first = tls.recv(65_536)
        tls.sendall(GET)
        second = tls.recv(65_536)

    assert first.startswith(b"HTTP/1.1 403") and second.startswith(b"HTTP/1.1 403")


def test_an_upload_that_is_refused_hears_why(lab: Lab) -> None:
    size = 5_000_000
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size

    with Proxy(lab.scenario(), allow=("subject:CN=bob",)) as proxy:
        assert b"no access rule names CN=alice" in call(proxy, head + b"x" * size).answer


def test_without_the_new_settings_nothing_is_recorded(lab: Lab) -> None:
    with Proxy(lab.scenario()) as proxy:
        told = call(proxy)

        assert proxy.requests == ()
        with pytest.raises(TimeoutError, match="made without allow="):
            proxy.request_from(told.port, timeout_s=0.01)


def test_a_bad_rule_starts_nothing(lab: Lab) -> None:
    with pytest.raises(ValueError, match="rule 'CN=alice' begins with none of"):
        Proxy(lab.scenario(), allow=("CN=alice",))
    with pytest.raises(TypeError, match="must be a tuple of rules"):
        Proxy(lab.scenario(), allow="uri:spiffe://lab/alice")


def test_the_log_tells_requests_refused_handshakes_and_what_was_no_request(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path, form="json")
    with Proxy(lab.scenario(), log=log, allow=("subject:CN=alice",)) as proxy:
        ports = [call(proxy).port, call(proxy, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").port]
        ports.append(call(proxy, scenario=lab.scenario(client_presents="expired")).port)
        ports.append(call(proxy, b"GET /whoami?x=\x7f HTTP/1.1\r\nHost: localhost\r\n\r\n").port)
        for port in ports:
            proxy.handshake_from(port)
    log.close()

    told = {json.loads(line)["client"]: json.loads(line) for line in path.read_text().splitlines()}
    good, smuggled, expired, garbled = (told[f"127.0.0.1:{port}"] for port in ports)
    assert (good["status"], good["identity"]["subject"], good["allowed"]) == (200, "CN=alice", True)
    assert (smuggled["status"], smuggled["why"]) == (400, "a request has one Host field (RFC 9112 section 3.2)")
    assert (expired["event"], expired["cause"], expired["alert"]) == (
        "handshake failed",
        "expired",
        "certificate_expired",
    )
    assert expired["presented"]["subject"] == "CN=alice"
    assert garbled["status"] == 400


def test_a_revoked_client_is_refused_at_the_next_request_of_its_open_connection(lab: Lab, tmp_path: Path) -> None:
    bob = lab.issuing.issue("bob", purpose="clientAuth")
    scenario = with_lists(lab.scenario(), empty_crl(lab.issuing))
    with (
        Proxy(scenario, judges_again=True) as proxy,
        connected(proxy, tmp_path) as alice,
    ):
        alice.sendall(GET)
        before = alice.recv(65_536)

        proxy.switch(with_lists(scenario, crl(lab.issuing, (bob.leaf,))))
        alice.sendall(GET)
        still = alice.recv(65_536)
        proxy.switch(with_lists(scenario, crl(lab.issuing, (lab.alice.leaf,))))
        alice.sendall(GET)
        after = alice.recv(65_536)
        end = alice.recv(65_536)

    assert before.startswith(b"HTTP/1.1 200") and still.startswith(b"HTTP/1.1 200")
    assert after.startswith(b"HTTP/1.1 403")
    assert b"(revoked, X509_V_ERR_CERT_REVOKED (23))" in after and b"Connection: close" in after
    assert end == b""


def test_a_client_whose_authority_is_no_longer_trusted_is_refused_too(lab: Lab, tmp_path: Path) -> None:
    scenario = lab.scenario()
    other = replace(scenario, server=replace(scenario.server, trusts=(lab.stranger.certificate,)))
    with Proxy(scenario, judges_again=True) as proxy, connected(proxy, tmp_path) as alice:
        alice.sendall(GET)
        alice.recv(65_536)
        proxy.switch(other)
        alice.sendall(GET)

        assert alice.recv(65_536).startswith(b"HTTP/1.1 403")


def test_who_need_not_show_a_certificate_any_more_stays(lab: Lab, tmp_path: Path) -> None:
    scenario = lab.scenario()
    open_to_all = replace(scenario, server=replace(scenario.server, trusts=(), verifies="none"))
    with Proxy(scenario, judges_again=True) as proxy, connected(proxy, tmp_path) as alice:
        alice.sendall(GET)
        alice.recv(65_536)
        proxy.switch(open_to_all)
        alice.sendall(GET)

        assert alice.recv(65_536).startswith(b"HTTP/1.1 200")


def test_without_judging_again_an_open_connection_keeps_its_scenario(lab: Lab, tmp_path: Path) -> None:
    scenario = lab.scenario()
    with Proxy(scenario) as proxy, connected(proxy, tmp_path) as alice:
        proxy.switch(with_lists(scenario, crl(lab.issuing, (lab.alice.leaf,))))
        alice.sendall(GET)

        assert alice.recv(65_536).startswith(b"HTTP/1.1 200")


def test_the_decision_is_explained_with_the_rule_that_would_help() -> None:
    identity = Identity.of(Authority.create("R").issue("a", purpose="clientAuth", names=("spiffe://lab/a",)).leaf)

    explanation = explain_decision(Access.of(["subject:CN=bob"]).decide(identity))

    assert (explanation.refused_by, explanation.stage, explanation.cause) == (
        "server",
        "authorization",
        "not-authorized",
    )
    assert explanation.presented == "spiffe://lab/a"
    assert explanation.fixes[0].text == "--allow 'uri:spiffe://lab/a'"
    assert Access.of([rule_for(identity)]).decide(identity).allowed


def test_a_client_that_is_not_known_and_one_that_may_are_explained_too(lab: Lab) -> None:
    access = Access.of(["subject:CN=alice"])

    nobody = explain_decision(access.decide(None))
    alice = explain_decision(access.decide(Identity.of(lab.alice.leaf)))

    assert (nobody.cause, nobody.fixes[0].tool) == ("anonymous", "curl")
    assert (alice.cause, alice.refused_by, alice.stage) == ("authorized", "neither", None)
