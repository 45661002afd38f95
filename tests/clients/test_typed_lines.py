"""What a Call shows as typed is what works: every line is run as it stands, in a folder with the files it names."""

import contextlib
import io
import itertools
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab, only
from mtls_lab.clients import PROGRAMS, Request, lines, write_files
from mtls_lab.handshake import CLIENT_LEVELS, SERVER_LEVELS, ClientLevel, Scenario, ServerLevel, Version
from mtls_lab.proxy import Proxy
from stand_in_proxy import StandIn, standing_in
from tools import program

pytestmark = pytest.mark.live

FAULTS: dict[str, dict[str, str]] = {
    "good": {},
    "server expired": {"server_presents": "expired"},
    "server wrong-host": {"server_presents": "wrong-host"},
    "client untrusted-root": {"client_presents": "untrusted-root"},
    "client absent": {"client_presents": "absent"},
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def answered(line: str, name: str, folder: Path) -> bool:
    """Type the line and see whether the answer comes."""
    if name == "requests":
        return _python_prints(line, folder) == "foo\n"
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, timeout=10, check=False)
    return b"foo" in done.stdout


def _python_prints(code: str, folder: Path) -> str:
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), pytest.MonkeyPatch.context() as patched:
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "https_proxy", "HTTPS_PROXY"):
            patched.delenv(variable, raising=False)
        try:
            exec(code, {})
        except OSError:  # every exception of requests is one
            return ""
    return printed.getvalue()


def lay_out(request: Request, folder: Path) -> None:
    for name, content in request.files().items():
        (folder / name).write_bytes(content)


def typed_and_called(scenario: Scenario, name: str, folder: Path, data: bytes | None = None) -> tuple[bool, bool]:
    with standing_in(scenario) as target:
        call = PROGRAMS[name].call(target, data=data)
        lay_out(request_to(target, data), folder)
        assert call.line == lines(scenario, port=target.port, data=data)[name]
        return answered(call.line, name, folder), call.accepted


def request_to(target: StandIn, data: bytes | None = None) -> Request:
    return Request(scenario=target.scenario, host=target.host, port=target.port, path="/whoami", data=data)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("levels", list(itertools.product(CLIENT_LEVELS, SERVER_LEVELS)), ids="{0[0]} / {0[1]}".format)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_line_typed_gives_the_verdict_of_the_call(
    lab: Lab, tmp_path: Path, name: str, levels: tuple[ClientLevel, ServerLevel], fault: str
) -> None:
    needs(name)
    scenario = lab.scenario(client_verifies=levels[0], server_verifies=levels[1], **FAULTS[fault])

    typed, called = typed_and_called(scenario, name, tmp_path)

    assert typed == called


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("dialled", ["localhost", "shop.example.test", "10.9.8.7"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_line_typed_carries_name_version_and_data(
    lab: Lab, tmp_path: Path, name: str, dialled: str, version: Version
) -> None:
    needs(name)
    server = lab.issuing.issue("shop", names=(dialled,), purpose="serverAuth")
    scenario = only(lab.scenario(server_name=dialled), version)
    scenario = replace(scenario, server=replace(scenario.server, presents=server))

    typed, called = typed_and_called(scenario, name, tmp_path, data=b'it\'s 100% "real" $HOME \\n')

    assert typed
    assert called


@pytest.mark.parametrize("data", [b"Quit", b"@alice-key.pem", b"\x00\xff\r\n", b"x" * 300, b""])
@pytest.mark.parametrize("name", PROGRAMS)
def test_any_body_reaches_the_server_from_the_call_and_from_the_line(
    lab: Lab, tmp_path: Path, name: str, data: bytes
) -> None:
    needs(name)
    with standing_in(lab.scenario()) as target:
        call = PROGRAMS[name].call(target, data=data)
        lay_out(request_to(target, data), tmp_path)
        typed = answered(call.line, name, tmp_path)

    assert call.accepted
    assert typed
    assert [heard.startswith(b"POST") and heard.endswith(b"\r\n\r\n" + data) for heard in target.heard] == [True, True]


@pytest.mark.parametrize("name", PROGRAMS)
def test_who_trusts_nobody_types_a_root_that_signs_nothing(lab: Lab, tmp_path: Path, name: str) -> None:
    needs(name)
    scenario = lab.scenario()
    scenario = replace(scenario, client=replace(scenario.client, trusts=()))

    typed, called = typed_and_called(scenario, name, tmp_path)

    assert "nobody.pem" in lines(scenario)[name]
    assert not typed
    assert not called


def test_the_lines_are_those_a_person_would_type(lab: Lab) -> None:
    typed = lines(lab.scenario(), port=8443)

    assert typed["curl"] == (
        "curl --cacert root.pem --cert alice.pem --key alice-key.pem https://localhost:8443/whoami"
    )
    files = 'verify="root.pem", cert=("alice.pem", "alice-key.pem")'
    assert typed["requests"].splitlines() == [
        "import requests",
        f'response = requests.get("https://localhost:8443/whoami", {files})',
        "print(response.text)",
    ]
    assert typed["openssl s_client"].endswith(
        " | openssl s_client -connect localhost:8443 -servername localhost -CAfile root.pem "
        "-verify_return_error -verify_hostname localhost -cert alice.pem -key alice-key.pem "
        "-cert_chain alice-intermediates.pem -ign_eof"
    )


def needs(name: str) -> None:
    if name != "requests":
        program(name.split(maxsplit=1)[0])


def test_the_files_that_the_lines_name_can_be_written_for_typing_them(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.scenario()) as proxy:
        names = write_files(proxy, tmp_path)

        with pytest.raises(ValueError, match="root.pem exists already"):
            write_files(proxy, tmp_path)
        assert write_files(proxy, tmp_path, overwrite=True) == names

    assert names == ("root.pem", "alice.pem", "alice-key.pem", "alice-intermediates.pem")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    if os.name == "posix":
        assert (tmp_path / "alice-key.pem").stat().st_mode & 0o777 == 0o600
