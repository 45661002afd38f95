"""TLS to the origin: it is verified by name, the proxy shows its own certificate, and what goes wrong is told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cast import Lab, make_lab
from mtls_lab.handshake import Endpoint
from mtls_lab.proxy import Proxy
from proxy.callers import call

pytestmark = pytest.mark.live

BIG = 3_000_000


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def origin(lab: Lab) -> Iterator[Proxy]:
    """An origin that demands a client certificate: another proxy of ours."""
    with Proxy(lab.scenario()) as proxy:
        yield proxy


def towards(lab: Lab) -> Endpoint:
    gateway = lab.issuing.issue("gateway", purpose="clientAuth")
    return Endpoint(presents=gateway, trusts=(lab.root.certificate,), verifies="chain and name")


def test_the_origin_sees_the_proxys_certificate_and_the_client_gets_its_answer(lab: Lab, origin: Proxy) -> None:
    with Proxy(lab.scenario(), to=origin.url, towards_origin=towards(lab)) as proxy:
        answer = call(proxy).answer

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"gateway\n")
    assert origin.handshakes[0].accepted
    assert origin.handshakes[0].server_name == "localhost"


def test_large_bodies_pass_both_ways(lab: Lab, origin: Proxy) -> None:
    body = bytes(range(256)) * (BIG // 256)
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)

    with Proxy(lab.scenario(), to=origin.url, towards_origin=towards(lab)) as proxy:
        answer = call(proxy, head + body).answer

    assert answer.partition(b"\r\n\r\n")[2] == body


def test_one_connection_to_the_origin_serves_many_requests(lab: Lab, origin: Proxy) -> None:
    with Proxy(lab.scenario(), to=origin.url, towards_origin=towards(lab)) as proxy:
        for _ in range(5):
            assert call(proxy).answer.startswith(b"HTTP/1.1 200")

    assert len(origin.handshakes) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("expired", b"its certificate is refused: X509_V_ERR_CERT_HAS_EXPIRED (10)"),
        ("wrong-host", b"its certificate is refused: X509_V_ERR_HOSTNAME_MISMATCH (62)"),
        ("untrusted-root", b"its certificate is refused: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY (20)"),
    ],
)
def test_an_origin_that_is_not_who_it_should_be_gets_no_request(lab: Lab, fault: str, says: bytes) -> None:
    with (
        Proxy(lab.scenario(server_presents=fault)) as bad,
        Proxy(lab.scenario(), to=bad.url, towards_origin=towards(lab)) as proxy,
    ):
        answer = call(proxy).answer

    assert answer.startswith(b"HTTP/1.1 502")
    assert says in answer
    assert not bad.handshakes[0].accepted


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_an_origin_that_refuses_the_proxy_is_told_with_its_alert(lab: Lab, origin: Proxy, version: str) -> None:
    origin.switch(replace(lab.scenario(), versions=(version,)))  # type: ignore[arg-type]  # one of two words
    nobody = replace(towards(lab), presents=None)

    with Proxy(lab.scenario(), to=origin.url, towards_origin=nobody) as proxy:
        answer = call(proxy).answer

    alert = b"certificate_required" if version == "TLSv1.3" else b"handshake_failure"
    assert answer.startswith(b"HTTP/1.1 502")
    assert b"it refuses this proxy, by the alert " + alert in answer


def test_an_origin_that_speaks_no_tls_is_told(lab: Lab) -> None:
    with Proxy(lab.scenario(), redirect_from=("127.0.0.1", 0)) as other:
        plain = f"https://127.0.0.1:{other._service.also[0][0].getsockname()[1]}"
        with Proxy(lab.scenario(), to=plain, towards_origin=towards(lab)) as proxy:
            answer = call(proxy).answer

    assert answer.startswith(b"HTTP/1.1 502")
    assert b"no TLS with it" in answer


def test_new_settings_towards_the_origin_are_met_by_new_connections(lab: Lab, origin: Proxy) -> None:
    nobody = replace(towards(lab), presents=None)
    with Proxy(lab.scenario(), to=origin.url, towards_origin=nobody) as proxy:
        before = call(proxy).answer
        proxy.switch_towards_origin(towards(lab))
        after = call(proxy).answer

    assert before.startswith(b"HTTP/1.1 502") and after.startswith(b"HTTP/1.1 200")


def test_plain_and_tls_are_not_mixed_up(lab: Lab) -> None:
    with pytest.raises(ValueError, match="say whom the proxy trusts there"):
        Proxy(lab.scenario(), to="https://127.0.0.1:3000")
    with pytest.raises(ValueError, match="plain HTTP, so towards_origin does nothing"):
        Proxy(lab.scenario(), to="http://127.0.0.1:3000", towards_origin=towards(lab))
    with Proxy(lab.scenario()) as proxy, pytest.raises(ValueError, match="does not speak TLS"):
        proxy.switch_towards_origin(towards(lab))
