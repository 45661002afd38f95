"""`print(call)` tells the verdict by numbers and names, the same on every run and version."""

from dataclasses import replace

import pytest

from cast import Lab, make_lab
from mtls_lab.clients import Call
from mtls_lab.handshake import Failure, Handshake, Scenario, rehearse


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def called(scenario: Scenario, *, handshake: Handshake | None = None, status: int | None = None) -> Call:
    return Call(
        program="curl",
        version="curl 7.88.1 (OpenSSL 3.0.19)",
        line="curl --cacert root.pem https://localhost:45678/whoami",
        port=45678,
        output="curl: (60) raw words of 7.88.1",
        exit_code=0 if status else 60,
        status=status,
        body="{}" if status else None,
        handshake=handshake or rehearse(scenario),
    )


def test_an_accepted_call_shows_what_was_typed_and_the_status(lab: Lab) -> None:
    call = called(lab.scenario(), status=200)

    assert str(call) == "curl --cacert root.pem https://localhost:PORT/whoami\naccepted: HTTP 200"
    assert repr(call) == "Call('curl', accepted: HTTP 200)"


def test_a_servers_refusal_is_told_by_its_alert(lab: Lab) -> None:
    call = called(lab.scenario(client_presents="untrusted-root"))

    assert str(call).splitlines()[1] == "refused: by the server, alert unknown_ca (48); curl ends with an error"


def test_a_clients_refusal_is_told_by_its_verdict_with_or_without_an_alert(lab: Lab) -> None:
    seen = rehearse(lab.scenario(server_presents="expired"))
    silent = replace(seen, wire=())

    for handshake in (seen, silent):
        call = called(lab.scenario(), handshake=handshake)
        assert call.reason == "by the client, X509_V_ERR_CERT_HAS_EXPIRED (10)"


def test_a_late_check_of_the_name_is_told_by_the_name(lab: Lab) -> None:
    scenario = lab.scenario(server_presents="wrong-host")
    accepted = rehearse(replace(scenario, client=replace(scenario.client, verifies="chain")))
    assert accepted.client is not None
    late = Failure(during="after the handshake", reason="exit 60", text="curl: (60) raw words")
    seen = replace(accepted, scenario=scenario, client=replace(accepted.client, failure=late))

    call = called(scenario, handshake=seen)

    assert call.reason == "by the client, localhost is not in the certificate"


def test_nothing_that_varies_is_printed(lab: Lab) -> None:
    call = called(lab.scenario(server_presents="expired"))

    for shown in (str(call), repr(call)):
        assert "45678" not in shown
        assert "7.88" not in shown
        assert "raw words" not in shown
        assert "60" not in shown


def test_a_library_raises_and_a_program_ends_with_an_error(lab: Lab) -> None:
    call = called(lab.scenario(server_presents="expired"))
    library = replace(call, program="requests", exit_code=None, exception="requests.exceptions.SSLError")

    assert str(call).endswith("; curl ends with an error")
    assert str(library).endswith("; requests raises an exception")
