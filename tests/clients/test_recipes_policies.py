"""One policy in each server's words: alice gets in, nobody and mallory do not, and what is shown is what is run."""

import re
from dataclasses import replace

import pytest
import yaml

from cast import Lab, make_lab
from installed import installed
from mtls_lab.clients.recipes import CALLERS, POLICIES, RECIPES, Policy, receive
from mtls_lab.clients.recipes.starting import Database
from mtls_lab.clients.rosetta.servers import DidNotStart

live = pytest.mark.live
SPEAKS_LATE = {"nginx": ("nobody", "mallory"), "PostgreSQL": ("nobody",)}
"""Who finishes the handshake with whom, and refuses after it."""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def met(policy: Policy, lab: Lab) -> dict[str, str]:
    installed(policy.missing)
    if policy.speaks == "PostgreSQL":
        installed(RECIPES["psql"].missing)
    return {one.caller: one.verdict for one in receive(policy, lab.scenario())}


@live
@pytest.mark.parametrize("name", POLICIES)
def test_alice_gets_in_and_neither_nobody_nor_mallory(lab: Lab, name: str) -> None:
    verdicts = met(POLICIES[name], lab)

    late = SPEAKS_LATE.get(name, ())
    expected = {one: "refused after TLS" if one in late else "refused in TLS" for one in CALLERS} | {"alice": "in"}
    assert verdicts == expected


@live
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("nginx", "ssl_verify_client      on;", "ssl_verify_client optional;"),
        ("HAProxy", "verify required", "verify optional"),
        ("Envoy", "require_client_certificate: true", "require_client_certificate: false"),
        ("Go", "tls.RequireAndVerifyClientCert", "tls.VerifyClientCertIfGiven"),
        ("PostgreSQL", "127.0.0.1/32 cert", "127.0.0.1/32 trust"),
    ],
)
def test_with_one_word_changed_nobody_gets_in_so_it_is_that_word(lab: Lab, name: str, before: str, after: str) -> None:
    # Go's page names the first certificate, and there is none then.
    bare = ("request.TLS.PeerCertificates[0].Subject", "len(request.TLS.PeerCertificates)")
    changed = replace(POLICIES[name], changes=((before, after), bare))

    verdicts = met(changed, lab)

    assert verdicts["nobody"] == "in"
    assert verdicts["mallory"] != "in"


@live
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("nginx", "localhost.pem;\n    ssl_certificate_key    localhost-key.pem",
         "localhost-both.pem;\n    ssl_certificate_key    localhost-both.pem"),
        ("Envoy", "localhost.pem}\n              private_key: {filename: localhost-key.pem",
         "localhost-both.pem}\n              private_key: {filename: localhost-both.pem"),
        ("Go", '"localhost.pem", "localhost-key.pem"', '"localhost-both.pem", "localhost-both.pem"'),
    ],
)  # fmt: skip
def test_chain_and_key_may_lie_in_one_file(lab: Lab, name: str, before: str, after: str) -> None:
    assert before in "\n".join(POLICIES[name].saved().values())

    assert met(replace(POLICIES[name], changes=((before, after),)), lab)["alice"] == "in"


@live
def test_haproxy_wants_them_in_one_file(lab: Lab) -> None:
    alone = replace(POLICIES["HAProxy"], changes=(("localhost-both.pem", "localhost.pem"),))

    # It looks for localhost.pem.key then, and there is none.
    with pytest.raises(DidNotStart, match="(?i)private key"):
        met(alone, lab)


@live
def test_postgresql_runs_with_the_lines_that_are_shown(lab: Lab) -> None:
    policy = POLICIES["PostgreSQL"]
    installed(policy.missing)

    with policy.serve(policy, lab.scenario()) as stand:
        assert isinstance(stand, Database)
        for name, text in policy.saved().items():
            assert set(text.splitlines()) <= set(stand.server.file(name).splitlines())


@pytest.mark.parametrize("name", POLICIES)
def test_the_policy_stands_where_it_is_said_to_stand(name: str) -> None:
    whole = str(POLICIES[name])

    assert all(words in whole for words in POLICIES[name].asks)


@pytest.mark.parametrize("name", POLICIES)
def test_names_and_port_of_a_learner_take_the_places_of_the_labs(lab: Lab, name: str) -> None:
    shop = lab.issuing.issue("shop.example", names=("shop.example", "localhost"), purpose="serverAuth")
    scenario = lab.scenario()
    scenario = replace(scenario, server=replace(scenario.server, presents=shop))

    whole = "\n".join([*POLICIES[name].saved(scenario, 9999).values(), *POLICIES[name].lines(scenario, 9999)])

    assert not re.search(r"8443|localhost[\w-]*\.pem", whole)
    # PostgreSQL's own launcher names the files, and finds a port.
    assert name == "PostgreSQL" or ("9999" in whole and re.search(r"shop\.example(-key|-both)?\.pem", whole))


def test_envoys_configuration_says_both_things_in_the_context_of_its_server() -> None:
    (listener,) = yaml.safe_load(POLICIES["Envoy"].saved()["envoy.yaml"])["static_resources"]["listeners"]

    (chain,) = listener["filter_chains"]
    context = chain["transport_socket"]["typed_config"]
    assert context["@type"].endswith(".DownstreamTlsContext")
    assert context["require_client_certificate"] is True
    assert context["common_tls_context"]["validation_context"] == {"trusted_ca": {"filename": "root.pem"}}


def test_a_server_that_verifies_nobody_is_an_error(lab: Lab) -> None:
    installed(POLICIES["nginx"].missing)

    with pytest.raises(ValueError, match="a policy shows a server that"):
        receive(POLICIES["nginx"], lab.scenario(server_verifies="optional"))


def test_a_server_that_is_not_there_says_how_to_get_it(lab: Lab) -> None:
    gone = replace(POLICIES["HAProxy"], missing=lambda: "HAProxy is not installed: `apt install haproxy`")

    with pytest.raises(FileNotFoundError, match="apt install haproxy"):
        receive(gone, lab.scenario())
