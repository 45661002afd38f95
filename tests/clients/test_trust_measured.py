"""Who decides whom a client trusts: variables, Session and argument in requests, and what each program heeds."""

import os
from collections.abc import Iterator

import pytest

from cast import Lab, make_lab
from mtls_lab.clients import get
from mtls_lab.clients.trust import VARIABLES, Heeded, Setting, completed, deciders, decides, heeded, here, recorded
from mtls_lab.clients.trust.precedence import CALL, DEFAULT, SESSION, UNVERIFIED, Given, precedence, settings
from mtls_lab.clients.trust.programs import PROGRAMS
from mtls_lab.clients.trust.recording import write
from mtls_lab.handshake import Endpoint
from mtls_lab.proxy import Proxy
from tools import program

pytestmark = pytest.mark.live

E_R, E_C, S_F, S_D = "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"
FILE: Given = "a file"
PROGRAM_OF = {"openssl s_client": "openssl"}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario(server_verifies="none")) as running:
        yield running


def of_rule(setting: Setting) -> str:
    """The rule that requests follows, written down from its documented order, for comparison."""
    value, by = setting.call, CALL
    if setting.trust_env and value in ("nothing", "True"):
        for variable in (E_R, E_C):
            if variable in setting.variables:
                return variable
    if value == "nothing":
        value, by = setting.session, SESSION
    return {FILE: by, "False": UNVERIFIED}.get(value, DEFAULT)


def test_every_cell_of_the_grid_follows_the_rule(proxy: Proxy) -> None:
    grid = precedence(proxy)

    assert len(grid) == len(settings()) == len(set(settings())) == 72
    assert {one.setting: one.by for one in grid} == {one: of_rule(one) for one in settings()}


def test_a_single_setting_can_be_asked(proxy: Proxy) -> None:
    assert decides(proxy, Setting(variables=(E_R,), session=FILE)).by == E_R
    assert str(decides(proxy, Setting(session=FILE, variables=(E_R,), trust_env=False))) == SESSION


def test_the_environment_is_as_it_was_afterwards(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(E_R, "somewhere")
    monkeypatch.delenv(E_C, raising=False)
    before = dict(os.environ)

    decides(proxy, Setting(variables=(E_C,)))

    assert dict(os.environ) == before


def test_a_setting_that_makes_no_sense_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="session='maybe' is none of 'nothing', 'a file'"):
        Setting(session="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="choose among REQUESTS_CA_BUNDLE"):
        Setting(variables=("HOME",))


def test_a_target_that_names_no_right_authority_is_refused(lab: Lab) -> None:
    from dataclasses import replace

    scenario = lab.scenario(server_verifies="none")
    with (
        Proxy(replace(scenario, client=Endpoint(verifies="chain and name"))) as nobody,
        pytest.raises(ValueError, match="names no right authority"),
    ):
        decides(nobody, Setting())


@pytest.mark.parametrize("row", recorded(), ids=lambda row: row.program)
def test_a_program_heeds_what_the_recording_says(proxy: Proxy, row: Heeded) -> None:
    (live,) = heeded(proxy, [row.program])
    if live.missing:
        if row.program.startswith("libpq"):
            pytest.skip(live.missing)  # an extra brings it; CI need not
        if row.program == "httpx":
            pytest.importorskip("httpx")
        program(PROGRAM_OF.get(row.program, row.program))

    assert live.asked == row.asked == VARIABLES
    assert set(live.heeds) == set(row.heeds)
    assert live.version and row.version and row.recorded_on


def test_curl_asks_its_own_variable_first(proxy: Proxy) -> None:
    program("curl")

    assert deciders(proxy, "curl", (S_F, E_C, E_R)) == (E_C,)


def test_openssl_admits_by_file_and_directory_alike(proxy: Proxy) -> None:
    assert deciders(proxy, "urllib", (S_F, S_D, E_C)) == (S_F, S_D)


def test_none_of_the_variables_may_decide(proxy: Proxy) -> None:
    assert deciders(proxy, "urllib", (E_R, E_C)) == ()


def test_an_unknown_program_is_refused_with_those_there_are(proxy: Proxy) -> None:
    with pytest.raises(ValueError, match="program='lynx' is none that can be asked: choose among curl, wget"):
        heeded(proxy, ["lynx"])
    with pytest.raises(ValueError, match="choose among curl"):
        here(proxy, ["lynx"])


def test_a_program_that_is_not_here_is_taken_from_the_recording(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    (live,) = heeded(proxy, ["curl"])
    row = next(one for one in completed([live]) if one.program == "curl")

    assert live.missing.startswith("curl is not installed")
    assert row.recorded_on and not row.missing
    with pytest.raises(FileNotFoundError, match="curl is not installed"):
        deciders(proxy, "curl", (E_C,))


def test_what_was_measured_here_takes_the_place_of_the_recording() -> None:
    mine = Heeded(program="wget", version="wget 9", heeds=("SSL_CERT_FILE",), asked=VARIABLES)

    rows = completed([mine])

    assert mine in rows
    assert [one.program for one in rows] == list(PROGRAMS)


def test_a_recording_is_read_as_it_was_written(tmp_path: os.PathLike[str]) -> None:
    from pathlib import Path

    from mtls_lab.clients.trust.recording import FILE as RECORDED

    path = Path(tmp_path) / "recorded.json"
    write(recorded(), on=recorded()[0].recorded_on, path=path)

    assert path.read_bytes() == RECORDED.read_bytes()
    with pytest.raises(ValueError, match="same variables"):
        write((), on="", path=path)


def test_two_variables_with_different_anchors_have_two_files(proxy: Proxy, lab: Lab) -> None:
    """Else the second would be written over the first, and the lesson would show what nobody measured."""
    client = Endpoint(verifies="chain and name")
    ours, strange = (lab.root.certificate,), (lab.stranger.certificate,)

    first = get(proxy, client=client, environment={E_R: ours, E_C: strange})
    second = get(proxy, client=client, environment={E_R: strange, E_C: ours})

    assert first.accepted and not second.accepted
    assert first.environment == (f"{E_R}=requests-ca-bundle.pem", f"{E_C}=curl-ca-bundle.pem")


@pytest.mark.parametrize("name", ["curl", "openssl s_client", "wget", "requests", "urllib", "java", "go", "node"])
def test_here_tells_where_a_client_of_this_machine_looks(proxy: Proxy, name: str) -> None:
    program("strace"), program({"requests": "curl", "urllib": "curl"}.get(name, PROGRAM_OF.get(name, name)))

    (row,) = here(proxy, [name], environment={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})

    assert row.opened is not None and row.opened.way == "strace"
    assert not row.opened.accepted
    # Node's list is compiled in.
    assert bool(row.opened.looks) == (name != "node"), row.opened


def test_here_names_the_variables_that_a_client_heeds(proxy: Proxy, lab: Lab, tmp_path: os.PathLike[str]) -> None:
    from pathlib import Path

    path = Path(tmp_path) / "theirs.pem"
    path.write_bytes(lab.stranger.certificate.pem)
    environment = {"PATH": os.environ["PATH"], E_R: str(path), S_F: str(path), "HTTPS_PROXY": "http://127.0.0.1:1"}

    (row,) = here(proxy, ["requests"], environment=environment, tracing=False)

    assert row.variables == (f"{E_R}={path}",)
    assert row.opened is not None and row.opened.files == ("theirs.pem",)


def test_psql_looks_into_the_home_of_its_user(proxy: Proxy, tmp_path: os.PathLike[str]) -> None:
    program("psql"), program("strace")

    (row,) = here(proxy, ["psql"], environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})

    assert row.opened is not None
    assert [str(one) for one in row.opened.looks] == ["missed   ~/.postgresql/root.crt: not there"]
