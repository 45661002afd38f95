"""What stands around a call: environment, time limits, programs that are not there, files, secrets, misuse."""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

import mtls_lab.clients
from cast import Lab, make_lab
from mtls_lab.clients import PROGRAMS, Request, children, curl, get, s_client
from mtls_lab.clients.programs import discover
from mtls_lab.clients.request import Environment, private_folder
from mtls_lab.handshake import Endpoint
from stand_in_proxy import standing_in
from tools import program

live = pytest.mark.live
each_program = pytest.mark.parametrize("name", PROGRAMS)

POISON = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
    "https_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "CURL_HOME",
)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def needs(name: str) -> None:
    if name != "requests":
        program(name.split(maxsplit=1)[0])


# environment


@live
@each_program
def test_a_poisoned_environment_does_not_matter(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needs(name)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(lab.stranger.certificate.pem)
    (tmp_path / ".curlrc").write_text("insecure\n")
    for variable in POISON:
        monkeypatch.setenv(variable, "http://127.0.0.1:9" if "proxy" in variable.lower() else str(stranger))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CURL_HOME", str(tmp_path))

    with standing_in(lab.scenario()) as good, standing_in(lab.scenario(server_presents="untrusted-root")) as bad:
        calls = PROGRAMS[name].call(good), PROGRAMS[name].call(bad)

    assert [call.accepted for call in calls] == [True, False]
    assert [call.environment for call in calls] == [(), ()]


@live
@pytest.mark.parametrize(
    ("name", "variable", "heeded"),
    [
        ("curl", "CURL_CA_BUNDLE", True),
        ("curl", "SSL_CERT_FILE", True),
        ("curl", "REQUESTS_CA_BUNDLE", False),
        ("requests", "REQUESTS_CA_BUNDLE", True),
        ("requests", "CURL_CA_BUNDLE", True),
        ("requests", "SSL_CERT_FILE", False),
        ("openssl s_client", "SSL_CERT_FILE", True),
        ("openssl s_client", "CURL_CA_BUNDLE", False),
    ],
)
def test_a_variable_decides_for_a_client_that_names_no_trust_anchor(
    lab: Lab, name: str, variable: str, heeded: bool
) -> None:
    needs(name)
    scenario = lab.scenario()
    nobody = replace(scenario.client, trusts=())

    with standing_in(scenario) as target:
        call = PROGRAMS[name].call(target, client=nobody, environment={variable: (lab.root.certificate,)})

    assert call.accepted == heeded
    assert call.environment == (f"{variable}=root.pem",)
    assert variable in call.line
    assert "nobody.pem" not in call.line


@live
@each_program
def test_the_trust_anchor_on_the_line_beats_the_variable(lab: Lab, name: str) -> None:
    needs(name)
    wrong: Environment = {"CURL_CA_BUNDLE": (lab.stranger.certificate,), "SSL_CERT_FILE": (lab.stranger.certificate,)}

    with standing_in(lab.scenario()) as target:
        call = PROGRAMS[name].call(target, environment=wrong)

    assert call.accepted
    assert call.environment == ("CURL_CA_BUNDLE=curl-ca-bundle.pem", "SSL_CERT_FILE=ssl-cert-file.pem")


@live
def test_the_process_gets_its_own_variables_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    before = dict(os.environ)

    with standing_in(lab.scenario()) as target:
        call = get(target, environment={"CURL_CA_BUNDLE": (lab.root.certificate,)})

    assert call.accepted
    assert dict(os.environ) == before


@live
def test_a_missing_bundle_file_is_told_not_raised(lab: Lab) -> None:
    scenario = lab.scenario()
    nobody = replace(scenario.client, trusts=())

    with standing_in(scenario) as target:
        call = get(target, client=nobody, environment={"REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"})

    assert not call.accepted
    assert call.exception == "OSError"
    assert call.handshake is None


# time, and nobody there


@live
@pytest.mark.parametrize("manners", ["hangs before TLS", "hangs after TLS"])
@each_program
def test_a_server_that_hangs_costs_no_more_than_the_time_limit(lab: Lab, name: str, manners: str) -> None:
    needs(name)
    began = time.monotonic()

    with standing_in(lab.scenario(), manners) as target:  # type: ignore[arg-type]
        call = PROGRAMS[name].call(target, timeout_s=0.5)
        took_s = time.monotonic() - began

    assert not call.accepted
    assert took_s < 3
    assert call.exit_code in {28, None}
    reason = "no connection" if manners == "hangs before TLS" else "the handshake is complete, but no answer came"
    assert call.reason == reason


@live
@each_program
def test_a_port_where_nobody_listens_is_told_not_raised(lab: Lab, name: str) -> None:
    needs(name)
    with standing_in(lab.scenario()) as target:
        closed = target

    call = PROGRAMS[name].call(closed)

    assert not call.accepted
    assert call.handshake is None
    assert call.reason == "no connection"


# not installed


@pytest.mark.parametrize("name", ["curl", "openssl s_client"])
def test_a_program_that_is_not_installed_says_how_to_get_it(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with standing_in(lab.scenario()) as target:
        call = PROGRAMS[name].call(target)

    tool = name.split(maxsplit=1)[0]
    assert not call.accepted
    assert call.missing is not None
    assert call.missing.startswith(f"{tool} is not installed")
    assert f"`apt install {tool}`" in call.missing
    assert call.missing in str(call)
    assert tool in call.line


def test_requests_can_be_missing_too(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)

    with standing_in(lab.scenario()) as target:
        call = get(target)

    assert call.missing is not None
    assert "`pip install requests`" in call.missing


# files and secrets


@live
@each_program
def test_no_key_is_shown_and_no_file_is_left(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needs(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    secret = lab.alice.key_pem.decode().splitlines()[1]

    with standing_in(lab.scenario()) as good, standing_in(lab.scenario(server_presents="expired")) as bad:
        calls = [PROGRAMS[name].call(target) for target in (good, bad)]

    shown = "".join(call.output + call.line + repr(call) + str(call) for call in calls)
    assert secret not in shown
    assert "PRIVATE KEY" not in shown
    assert str(tmp_path) not in shown
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_files_of_a_call_are_private(lab: Lab, tmp_path: Path) -> None:
    spy = tmp_path / "curl"
    spy.write_text("#!/bin/sh\nstat -c '%a %n' . *.pem >&2\n")
    spy.chmod(0o700)

    with standing_in(lab.scenario()) as target:
        call = curl(target, environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    assert call.output.split() == [
        "700",
        ".",
        "600",
        "alice-intermediates.pem",
        "600",
        "alice-key.pem",
        "600",
        "alice.pem",
        "600",
        "root.pem",
    ]


def test_a_credential_named_like_the_trust_anchor_gets_a_file_of_its_own(lab: Lab) -> None:
    scenario = lab.scenario()
    client = replace(scenario.client, presents=lab.issuing.issue("root", purpose="clientAuth"))
    request = Request(scenario=replace(scenario, client=client), host="127.0.0.1", port=1, path="/")

    assert set(request.files()) == {
        "root.pem",
        "root-client.pem",
        "root-client-key.pem",
        "root-client-intermediates.pem",
    }


# misuse


@pytest.mark.parametrize("path", ["whoami", "", "/a b", "/a\r\nHost: x", "/ü", "/a#b", None])
def test_a_path_that_is_none_is_refused_by_name(lab: Lab, path: str) -> None:
    with standing_in(lab.scenario()) as target, pytest.raises(ValueError, match="path="):
        s_client(target, path)


def test_what_is_no_proxy_or_no_bytes_is_refused_by_name(lab: Lab) -> None:
    with pytest.raises(TypeError, match="target='https://localhost' must be a running Proxy"):
        curl("https://localhost")  # type: ignore[arg-type]
    with standing_in(lab.scenario()) as target:
        with pytest.raises(TypeError, match="data='foo' must be bytes"):
            curl(target, data="foo")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="timeout_s=0 "):
            curl(target, timeout_s=0)
        with pytest.raises(ValueError, match="verifies='required'"):
            curl(target, client=Endpoint(verifies="required"))


# the list of programs


def test_the_programs_are_found_by_their_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wget_client.py").write_text(
        "from dataclasses import replace\n"
        "from mtls_lab.clients.curl_client import PROGRAM as CURL\n"
        "PROGRAM = replace(CURL, name='wget')\n"
    )
    monkeypatch.setattr(mtls_lab.clients, "__path__", [*mtls_lab.clients.__path__, str(tmp_path)])

    found = discover(list(mtls_lab.clients.__path__))

    assert list(PROGRAMS) == ["curl", "openssl s_client", "requests"]
    assert list(found) == ["curl", "openssl s_client", "requests", "wget"]


# the seam in urllib3


@live
def test_urllib3_still_lets_us_see_the_clients_port(lab: Lab) -> None:
    """Should this fail, urllib3 no longer makes its connections in `_new_conn`: find the new place."""
    from mtls_lab.clients import requests_client

    with standing_in(lab.scenario(client_presents="untrusted-root")) as target:
        request = Request(scenario=target.scenario, host=target.host, port=target.port, path="/")
        with private_folder(request.files()) as folder:
            outcome = requests_client._run(request, folder)
        seen = target.handshake_from(outcome.client_port or 0)

    assert outcome.status is None
    assert seen is not None


@live
def test_a_program_that_does_not_tell_its_port_is_joined_by_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    program("openssl")
    monkeypatch.setattr(children, "first_line", lambda _: "LibreSSL 3.3.6")

    with standing_in(lab.scenario()) as target:
        calls = [s_client(target), s_client(target)]
        ports = [one.client_port for one in target.handshakes]

    assert [call.handshake and call.handshake.client_port for call in calls] == ports


@live
def test_a_port_taken_in_the_meantime_is_tried_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from mtls_lab.clients import openssl_client

    program("openssl")
    free_port = openssl_client._free_port
    tried: list[int] = []

    with standing_in(lab.scenario()) as target:

        def taken_at_first(host: str) -> int:
            tried.append(target.port if not tried else free_port(host))
            return tried[-1]

        monkeypatch.setattr(openssl_client, "_free_port", taken_at_first)
        call = s_client(target)

    assert call.accepted
    assert len(tried) == 2
