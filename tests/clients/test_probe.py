"""The probe against real servers: what each side demands, what is wrong, and nothing that is not."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cast import Lab, make_lab, only
from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.faults import FAULTS
from mtls_lab.clients.probe import Report, probe
from mtls_lab.clients.probe.address import parse_address
from mtls_lab.clients.probe.trust import default_trust
from mtls_lab.handshake import VERSIONS, Scenario, Version
from mtls_lab.proxy import Proxy
from real_servers import go_server, nginx, postgres, s_server, write_cast

pytestmark = pytest.mark.live

CERT_ONLY = "hostssl all all 127.0.0.1/32 cert\n"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own SSL_CERT_FILE must not decide."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    write_cast(lab, tmp_path)
    return tmp_path


@pytest.fixture
def eve(lab: Lab) -> Credential:
    """Issued by an authority that nobody trusts."""
    return lab.stranger.issue("eve", purpose="clientAuth")


def probed(lab: Lab, scenario: Scenario, **settings: Any) -> Report:
    """The report on the lab's own proxy."""
    with Proxy(scenario) as proxy:
        return probe(proxy.url, **{"trusts": (lab.root.certificate,), **settings})


def causes(report: Report, level: str = "wrong") -> list[str | None]:
    return [one.cause for one in report.remarks if one.level == level]


def titles(report: Report, level: str) -> str:
    return "\n".join(one.title for one in report.remarks if one.level == level)


# the lab's proxy


def test_both_sides_are_good_and_nothing_is_wrong(lab: Lab) -> None:
    report = probed(lab, lab.scenario(), presents=lab.alice)

    assert report.exit_code == 0
    assert "it accepts yours (mutual TLS)" in report.verdict
    assert (report.demands.asks, report.demands.insists, report.demands.accepts) == (True, True, True)
    assert report.demands.versions == VERSIONS
    assert causes(report) == []


def test_every_connection_is_a_handshake_that_the_clients_side_tells(lab: Lab) -> None:
    report = probed(lab, lab.scenario(), presents=lab.alice)

    assert len(report.connections) == 5
    assert all(one.handshake.server is None and not one.handshake.scenario.server.known for one in report.connections)
    assert [one.handshake.version for one in report.connections] == [
        "TLSv1.3",
        "TLSv1.2",
        "TLSv1.3",
        "TLSv1.2",
        "TLSv1.3",
    ]
    assert [one.handshake.client_chain == lab.alice.chain for one in report.connections] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_server_that_insists_refuses_a_client_without_a_certificate(lab: Lab) -> None:
    report = probed(lab, lab.scenario())

    assert report.exit_code == 1
    assert causes(report) == ["absent"]
    assert report.demands.insists is True


def test_an_optional_server_lets_an_anonymous_client_in(lab: Lab) -> None:
    report = probed(lab, lab.scenario(server_verifies="optional"))

    assert report.exit_code == 0
    assert (report.demands.asks, report.demands.insists) == (True, False)
    assert causes(report, "note")[0] == "optional-anonymous"


def test_a_certificate_that_nobody_asks_for_is_worth_a_warning(lab: Lab) -> None:
    report = probed(lab, lab.scenario(server_verifies="none"), presents=lab.alice)

    assert report.exit_code == 0
    assert causes(report, "warning") == ["client-not-asked"]
    assert (report.demands.asks, report.demands.insists) == (False, False)


@pytest.mark.parametrize("slug", ["expired", "not-yet-valid", "wrong-host", "wrong-purpose", "self-signed", "cn-only"])
def test_what_is_wrong_with_the_server_is_said_once_under_its_name(lab: Lab, slug: str) -> None:
    report = probed(lab, lab.scenario(server_presents=slug), presents=lab.alice)

    assert causes(report) == [slug]
    assert report.verdict.startswith("A careful client refuses this server")
    assert report.demands.accepts is True


def test_all_that_is_wrong_with_the_server_is_found_at_once(lab: Lab) -> None:
    bad = lab.fault("wrong-host", "serverAuth", "localhost")
    assert bad is not None
    scenario = lab.scenario()

    report = probed(
        lab, replace(scenario, server=replace(scenario.server, presents=bad)), trusts=(lab.stranger.certificate,)
    )

    assert {"wrong-host", "untrusted-root", "absent"} == set(causes(report))


@pytest.mark.parametrize("slug", ["expired", "wrong-purpose", "untrusted-root", "self-signed"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_certificate_is_explained_from_where_the_client_stands(lab: Lab, slug: str, version: Version) -> None:
    presents = lab.fault(slug, "clientAuth", "alice")

    report = probed(lab, only(lab.scenario(), version), presents=presents)

    assert report.exit_code == 1
    assert report.demands.accepts is False
    assert report.demands.versions == (version,)
    assert causes(report)[0] == slug
    assert report.verdict.startswith("The server refuses this client")


def test_a_missing_intermediate_is_certain_where_the_client_has_it(lab: Lab) -> None:
    with_it = probed(lab, lab.scenario(server_presents="incomplete-chain"), presents=lab.alice)
    without = probed(lab, lab.scenario(server_presents="incomplete-chain"))

    assert causes(with_it) == ["incomplete-chain"]
    assert "The server does not send the intermediate Lab Issuing CA" in titles(with_it, "wrong")
    assert "is neither in the chain nor among the trust anchors" in titles(without, "wrong")


def test_a_key_of_another_certificate_is_said_and_nothing_sent(lab: Lab) -> None:
    report = probed(lab, lab.scenario(), presents=replace(lab.alice, key_pem=lab.server.key_pem))

    assert causes(report) == ["key-mismatch"]
    assert report.reached
    assert all(not one.handshake.wire for one in report.connections if one.ended == "cannot load")


def test_a_server_certificate_that_ends_soon_is_worth_a_warning(lab: Lab) -> None:
    soon = lab.issuing.issue("localhost", purpose="serverAuth", lifetime=timedelta(days=20))
    scenario = lab.scenario(server_verifies="none")

    report = probed(lab, replace(scenario, server=replace(scenario.server, presents=soon)))

    assert report.exit_code == 0
    assert "The server's certificate ends soon" in titles(report, "warning")


def test_the_name_asked_for_can_be_another_than_the_host(lab: Lab) -> None:
    good = probed(lab, lab.scenario(server_verifies="none"), server_name="localhost")
    bad = probed(lab, lab.scenario(server_verifies="none"), server_name="shop.example")

    assert good.exit_code == 0
    assert causes(bad) == ["wrong-host"]
    assert [one.handshake.server_name for one in bad.connections] == ["shop.example"] * len(bad.connections)


def test_tls_max_leaves_tls_13_out(lab: Lab) -> None:
    report = probed(lab, lab.scenario(server_verifies="none"), tls_max="TLSv1.2")

    assert {one.handshake.version for one in report.connections} == {"TLSv1.2"}
    assert report.exit_code == 0


UNLOADABLE = {"empty-file", "encrypted-key", "files-swapped", "key-is-der", "key-mismatch", "not-a-certificate"}
"""A server with one of these does not start; one in the wrong order has the wrong key as well."""


@pytest.mark.parametrize(
    "slug",
    [slug for slug, fault in FAULTS.items() if "server" in fault.sides and slug not in UNLOADABLE | {"wrong-order"}],
)
def test_no_fault_of_a_server_is_overlooked(lab: Lab, slug: str) -> None:
    """Whatever OpenSSL refuses in the connection that verifies is wrong in the report, and only that."""
    try:
        presents = lab.fault(slug, "serverAuth", "localhost")
    except ValueError:
        presents = replace(lab, issuing=lab.root).fault(slug, "serverAuth", "localhost")
    scenario = lab.scenario(server_verifies="none")
    server = replace(scenario.server, presents=presents, ciphers="DEFAULT:@SECLEVEL=0")

    report = probed(lab, replace(scenario, server=server))

    careful = report.connections[-1].handshake.client
    assert careful is not None
    assert report.exit_code == (0 if careful.completed else 1)
    assert str(report) and json.dumps(report.as_dict())


def test_the_report_holds_no_key_and_no_secret(lab: Lab) -> None:
    report = probed(lab, lab.scenario(), presents=lab.alice)

    text = str(report) + json.dumps(report.as_dict()) + repr(report)
    assert lab.alice.key_pem.splitlines()[1].decode() not in text
    assert "CLIENT_TRAFFIC" not in text
    assert "PRIVATE KEY" not in text


def test_a_client_without_anchors_says_that_nothing_was_judged(lab: Lab) -> None:
    report = probed(lab, lab.scenario(server_verifies="none"), trusts=())

    assert "the path was not judged" in titles(report, "warning")
    assert "nobody judged its issuer" in report.verdict


# The system's store may hold certificates of which `cryptography` disapproves.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_default_store_is_named(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.pem").write_bytes(lab.root.certificate.pem)
    system = probed(lab, lab.scenario(server_verifies="none"), trusts=None)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mine.pem"))

    mine = probed(lab, lab.scenario(server_verifies="none"), trusts=None)

    assert "store" in system.source and default_trust().anchors == (lab.root.certificate,)
    assert causes(system) == ["untrusted-root"]
    assert (mine.source, mine.exit_code) == (f"SSL_CERT_FILE={tmp_path / 'mine.pem'}", 0)


# servers of others


def test_openssl_s_server_names_its_authorities_and_insists(lab: Lab, folder: Path, eve: Credential) -> None:
    with s_server(folder, "-Verify", "2", "-verify_return_error", "-quiet") as address:
        settings: dict[str, Any] = {"trusts": (lab.root.certificate,), "timeout_s": 2.0}
        none, good, bad = (probe(address, presents=one, **settings) for one in (None, lab.alice, eve))

    assert [one.exit_code for one in (none, good, bad)] == [1, 0, 1]
    assert none.as_dict()["server"]["acceptable_authorities"] == ["CN=Lab Root CA"]
    assert causes(none) == ["absent"]
    assert causes(bad) == ["untrusted-root"]
    assert causes(bad, "warning") == ["withheld"]
    assert causes(good, "warning") == []


def test_a_server_of_one_version_only_is_told(lab: Lab, folder: Path) -> None:
    with s_server(folder, "-www", "-tls1_3") as new, s_server(folder, "-www", "-tls1_2") as old:
        settings: dict[str, Any] = {"trusts": (lab.root.certificate,), "timeout_s": 1.0}
        reports = [probe(address, **settings) for address in (new, old)]
        refused = probe(new, tls_max="TLSv1.2", **settings)

    assert [one.demands.versions for one in reports] == [("TLSv1.3",), ("TLSv1.2",)]
    assert refused.exit_code == 1
    assert causes(refused) == ["protocol-version"]


@pytest.mark.parametrize("verifies", ["on", "optional"])
def test_nginx_completes_tls_and_says_no_in_http(lab: Lab, folder: Path, eve: Credential, verifies: str) -> None:
    with nginx(folder, verifies) as (address, plain):
        settings: dict[str, Any] = {"trusts": (lab.root.certificate,)}
        none, good, bad = (probe(address, presents=one, **settings) for one in (None, lab.alice, eve))
        clear = probe(plain, **settings)

    assert [one.exit_code for one in (none, good, bad)] == [1 if verifies == "on" else 0, 0, 1]
    assert none.demands.insists is (verifies == "on")
    assert (good.demands.accepts, bad.demands.accepts) == (True, False)
    assert "answers HTTP 400 to your certificate" in titles(bad, "wrong")
    assert (clear.exit_code, causes(clear)) == (3, ["tls-to-http-port"])
    assert "speaks plain HTTP" in clear.verdict


def test_a_go_server_refuses_with_alerts_of_its_own(lab: Lab, folder: Path, eve: Credential) -> None:
    with go_server(folder) as address:
        settings: dict[str, Any] = {"trusts": (lab.root.certificate,)}
        none, good, bad = (probe(address, presents=one, **settings) for one in (None, lab.alice, eve))

    assert [one.exit_code for one in (none, good, bad)] == [1, 0, 1]
    assert (none.demands.insists, good.demands.accepts, bad.demands.accepts) == (True, True, False)
    assert causes(none) == ["absent"]
    assert bad.verdict.startswith("The server refuses this client")


def test_postgresql_is_asked_for_tls_first(lab: Lab, folder: Path, eve: Credential) -> None:
    with postgres(folder, CERT_ONLY) as address:
        settings: dict[str, Any] = {"trusts": (lab.root.certificate,), "starttls": "postgres"}
        none, good, bad = (probe(address, presents=one, **settings) for one in (None, lab.alice, eve))
        undressed = probe(address, trusts=(lab.root.certificate,))

    assert [one.exit_code for one in (none, good, bad)] == [0, 0, 1]
    assert (none.demands.asks, none.demands.insists, good.demands.accepts) == (True, False, True)
    assert none.as_dict()["server"]["acceptable_authorities"] == ["CN=Lab Root CA"]
    assert "turned the probe's user away" in titles(none, "warning")
    assert causes(bad) == ["untrusted-root"]
    assert (undressed.exit_code, undressed.remarks[0].fixes[0]) == (3, ("mtls-lab", "--starttls postgres"))


def test_postgresql_without_tls_says_so(lab: Lab, folder: Path) -> None:
    with postgres(folder, "host all all 127.0.0.1/32 trust\n", tls=False) as address:
        report = probe(address, starttls="postgres", trusts=(lab.root.certificate,))
        undressed = probe(address, trusts=(lab.root.certificate,))

    assert report.exit_code == 3
    assert "does not offer TLS" in report.verdict
    assert "has TLS switched off" in undressed.verdict


# the settings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://localhost:8443/path?x=1", "localhost:8443"),
        ("localhost", "localhost:443"),
        ("HTTPS://Shop.Example", "shop.example:443"),
        ("[::1]:8443", "[::1]:8443"),
        ("https://127.0.0.1", "127.0.0.1:443"),
        ("bücher.example:1", "xn--bcher-kva.example:1"),
    ],
)
def test_an_endpoint_is_read_as_people_write_it(text: str, shown: str) -> None:
    assert str(parse_address(text, default_port=443)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "http://x", "https://", "ftp://x", "a b", "x:99999", "x:0", "https://u:p@x", "::1", "x\x1b[2J", "-x", "a..b"],
)
def test_an_endpoint_that_is_none_is_refused_with_a_word_about_it(text: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        probe(text, trusts=())


@pytest.mark.parametrize(
    "settings",
    [{"timeout_s": 0}, {"limit_s": -1}, {"tls_max": "TLSv1.1"}, {"starttls": "smtp"}, {"server_name": ".x"}],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_dialled(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        probe("localhost:1", trusts=(), **settings)


def test_a_client_of_the_same_authority_under_another_name_is_no_twin(lab: Lab) -> None:
    """A near miss: the issuer's name alone would say that it is trusted."""
    twin = Authority.create("Lab Root CA")

    report = probed(lab, lab.scenario(server_verifies="none"), trusts=(twin.certificate,))

    assert causes(report) == ["same-name-other-key"]
