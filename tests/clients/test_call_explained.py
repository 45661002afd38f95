"""A call and a rehearsal of the same scenario are explained alike, whichever program makes the call."""

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import PROGRAMS
from mtls_lab.handshake import VERSIONS, Scenario, Version, explain, rehearse
from mtls_lab.proxy import Proxy
from tools import program

pytestmark = pytest.mark.live

CLIENT_FAULTS = (
    "absent",
    "untrusted-root",
    "self-signed",
    "expired",
    "not-yet-valid",
    "wrong-purpose",
    "incomplete-chain",
)
SERVER_FAULTS = ("untrusted-root", "self-signed", "expired", "not-yet-valid", "wrong-purpose", "incomplete-chain")
NAME_FAULTS = {"wrong-host": "localhost", "wrong-ip": "127.0.0.1", "ip-as-dns": "127.0.0.1"}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def scenarios(lab: Lab) -> dict[str, Scenario]:
    cases = {"good": lab.scenario()}
    cases |= {f"client {slug}": lab.scenario(client_presents=slug) for slug in CLIENT_FAULTS}
    cases |= {f"server {slug}": lab.scenario(server_presents=slug) for slug in SERVER_FAULTS}
    cases |= {slug: lab.scenario(server_presents=slug, server_name=name) for slug, name in NAME_FAULTS.items()}
    cases["client not asked"] = lab.scenario(server_verifies="none")
    cases["nobody verified"] = lab.scenario(client_verifies="none", server_verifies="none")
    cases["optional anonymous"] = lab.scenario(server_verifies="optional", client_presents="absent")
    cases["name not checked"] = lab.scenario(client_verifies="chain", server_presents="wrong-host")
    return cases


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_call_is_explained_like_its_rehearsal(lab: Lab, name: str, version: Version) -> None:
    if name != "requests":
        program(name.split(maxsplit=1)[0])
    cases = {case: only(scenario, version) for case, scenario in scenarios(lab).items()}
    called = {}

    with Proxy(cases["good"]) as proxy:
        for case, scenario in cases.items():
            proxy.switch(scenario)
            handshake = PROGRAMS[name].call(proxy).handshake
            assert handshake is not None
            found = explain(handshake)
            called[case] = (found.refused_by, found.cause)

    expected = {case: explain(rehearse(scenario)) for case, scenario in cases.items()}
    assert called == {case: (one.refused_by, one.cause) for case, one in expected.items()}
