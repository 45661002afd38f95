"""Rosetta: servers that come and go, rows that are the same on every run, a recording that agrees with the lab."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mtls_lab.clients.rosetta import (
    CLIENTS,
    SERVERS,
    STARTING,
    Row,
    Server,
    Spoken,
    Staging,
    Troupe,
    lab_server,
    merge,
    play,
    recorded,
    stagings,
    write,
)
from mtls_lab.clients.rosetta.normal import normalise
from mtls_lab.clients.rosetta.servers import DidNotStart
from mtls_lab.handshake import Scenario, explain, rehearse
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.proxy import Proxy
from tools import program

live = pytest.mark.live
NEEDS = {"nginx": "nginx", "openssl s_server": "openssl", "go": "go", "PostgreSQL": "psql"}
FAST = ("curl", "requests", "openssl s_client")
"""Clients that start in a few hundredths of a second."""


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast.gather()


@pytest.fixture(params=["mtls_lab", *SERVERS])
def server(request: pytest.FixtureRequest) -> Server:
    name = str(request.param)
    if name == "mtls_lab":
        return lab_server(Proxy)
    program(NEEDS[name])
    if SERVERS[name].missing() is not None:
        pytest.skip(f"{SERVERS[name].missing()}")
    return SERVERS[name]


def played(staging: Staging, server: Server, *names: str) -> dict[str, Row]:
    """The rows of these clients, or of all that are fast, by client."""
    clients = [CLIENTS[name] for name in names or FAST]
    return {row.client.name: row for row in play([staging], Troupe.gather(clients, [server]))}


def staged(slug: str, side: str, version: str = "TLSv1.3") -> Staging:
    return next(stagings([slug], sides=[side], versions=[version]))  # type: ignore[list-item]


# servers


@live
def test_a_server_serves_mutual_tls_to_a_good_client_and_is_gone_after_the_block(server: Server, cast: Cast) -> None:
    program("psql" if server.speaks == "PostgreSQL" else "curl")
    good = Staging(fault="expired", side="server", tls="TLSv1.3", scenario=cast.scenario("TLSv1.3"))

    rows = played(good, server, "psql" if server.speaks == "PostgreSQL" else "curl")

    assert [row.accepted for row in rows.values()] == [True]


@live
def test_each_server_turns_an_expired_client_away_and_says_why(server: Server) -> None:
    name = "psql" if server.speaks == "PostgreSQL" else "curl"
    program(name)

    row = played(staged("expired", "client"), server, name)[name]

    assert not row.accepted
    words = {"PostgreSQL": "certificate verify failed", "go": "has expired or is not yet valid"}
    assert words.get(server.name, "certificate has expired") in row.server_words


@live
def test_a_server_that_cannot_load_its_credential_says_so_in_its_own_words(server: Server, cast: Cast) -> None:
    scenario = cast.scenario("TLSv1.3")
    other = cast.issuing.issue("other", purpose="serverAuth")
    assert scenario.server.presents is not None
    mixed = replace(scenario.server.presents, key_pem=other.key_pem)

    with (
        pytest.raises(DidNotStart) as refused,
        server.serve(replace(scenario, server=replace(scenario.server, presents=mixed))),
    ):
        pytest.fail("it started")

    assert re.search(r"(?i)mismatch|does not match", str(refused.value))


@live
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_server_does_not_outlive_the_process_that_started_it(tmp_path: Path) -> None:
    program("openssl")
    script = tmp_path / "start.py"
    script.write_text(
        "import time\n"
        "from mtls_lab.clients.rosetta import SERVERS\n"
        "from mtls_lab.handshake.exhibits import Cast\n"
        "with SERVERS['openssl s_server'].serve(Cast.gather().scenario()) as stand:\n"
        "    print(stand.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert answers(port)

        child.send_signal(signal.SIGKILL)
        child.wait()

    deadline = time.monotonic() + 10
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)  # the keeper looks every tenth of a second
    assert not answers(port)


def answers(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# playing


@live
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_openssl_servers_agree_with_the_rehearsal_on_an_unknown_authority(version: str) -> None:
    program("openssl")
    staging = staged("untrusted-root", "client", version)

    rows = played(staging, SERVERS["openssl s_server"])

    failure = rehearse(staging.scenario).server.failure  # type: ignore[union-attr]
    assert failure is not None
    assert set(rows) == set(FAST)
    for row in rows.values():
        assert f"num={failure.verify_code}:" in row.server_words
        assert "alert unknown ca" in row.client_words


@live
def test_two_runs_give_the_same_rows() -> None:
    program("curl")
    program("openssl")
    once, again = (played(staged("expired", "server"), SERVERS["openssl s_server"]) for _ in range(2))

    assert once == again


@live
def test_who_cannot_be_told_of_a_revocation_list_is_left_out() -> None:
    program("curl")

    rows = played(staged("revoked", "server"), lab_server(Proxy), "curl")

    assert rows == {}


def test_what_a_go_client_can_be_told_a_go_server_cannot() -> None:
    program("go")
    plain = staged("tls-to-http-port", "server")

    assert played(plain, SERVERS["go"], "go", "requests") == {}


def test_a_client_that_is_not_there_is_left_out_and_the_others_play(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(CLIENTS["curl"], missing=lambda _: "curl is not installed")

    rows = list(play([staged("expired", "server")], Troupe.gather([gone, CLIENTS["requests"]], [lab_server(Proxy)])))

    assert [row.client.name for row in rows] == ["requests"]


def test_a_server_that_is_not_there_is_left_out() -> None:
    gone = replace(lab_server(Proxy), missing=lambda: "not installed")

    assert Troupe.gather(CLIENTS.values(), [gone]).servers == ()


# words


LOGGED = (
    "2026/11/24 18:00:01 [info] 12#12: *3 SSL_do_handshake() failed (SSL: x) while SSL handshaking, "
    "client: 127.0.0.1, server: 127.0.0.1:4433"
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (LOGGED, "SSL_do_handshake() failed (SSL: x) while SSL handshaking"),
        (
            "40D7A3F7FF7F0000:error:0A000086:SSL routines:f:certificate verify failed:../ssl/statem/x.c:1889:",
            "error:0A000086:SSL routines:f:certificate verify failed:",
        ),
        ("EPROTO: write EPROTO 804C48FD7D7F0000:error:0A:x", "EPROTO: write EPROTO error:0A:x"),
        ("current time 2026-11-24T18:00:01Z is after 2026-11-23T17:00:00Z", "current time TIME is after TIME"),
        ("http: TLS handshake error from 127.0.0.1:1234: EOF", "http: TLS handshake error from CLIENT: EOF"),
        ("certificate verify failed: x (_ssl.c:1006)", "certificate verify failed: x"),
        ("a\n\na\nb  ", "a\nb"),
        (b"got \xff\x16".decode("utf-8", "surrogateescape"), "got \\xff\x16"),
    ],
)
def test_what_varies_by_run_is_taken_out_of_the_words(said: str, kept: str) -> None:
    assert normalise(said) == kept
    assert normalise(kept) == kept


# the recording


def row_of(**changes: object) -> Row:
    curl = Spoken(name="curl", version="curl 8", on="2026-11-24")
    nginx = Spoken(name="nginx", version="nginx 1", on="2026-11-24")
    row = Row(
        fault="expired",
        side="server",
        tls="TLSv1.3",
        client=curl,
        server=nginx,
        accepted=False,
        client_words="one\ntwo",
        server_words="",
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def test_rows_come_back_from_the_file_as_they_went_in(tmp_path: Path) -> None:
    rows = (row_of(), row_of(tls="TLSv1.2", accepted=True, client_words=""))

    write(rows, tmp_path / "recorded.json")

    assert set(recorded(tmp_path / "recorded.json")) == {replace(row, recorded=True) for row in rows}
    assert recorded(tmp_path / "nothing.json") == ()


def test_a_new_row_takes_the_place_of_the_old_one_and_the_others_stay() -> None:
    newer = Spoken(name="curl", version="curl 9", on="2027-01-01")

    rows = merge([row_of(), row_of(side="client")], [row_of(client=newer)])

    assert [(row.side, row.client.version) for row in rows] == [("client", "curl 8"), ("server", "curl 9")]


RECORDED = recorded()


def test_there_is_a_recording_of_every_program_with_version_and_day() -> None:
    clients = {row.client.name for row in RECORDED} - {STARTING}
    servers = {row.server.name for row in RECORDED}

    assert clients == set(CLIENTS)
    assert servers == {"mtls_lab", *SERVERS}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", one.on) for row in RECORDED for one in (row.client, row.server))
    assert all(row.client.version for row in RECORDED if row.client.name != STARTING)
    assert all(row.server.version for row in RECORDED)


def test_every_recorded_row_is_of_an_exhibit_on_a_side_and_in_a_version_that_it_has() -> None:
    strangers = [
        row.label
        for row in RECORDED
        if row.fault not in EXHIBITS
        or row.side not in EXHIBITS[row.fault].sides
        or row.tls not in EXHIBITS[row.fault].versions
    ]

    assert strangers == []


def test_nothing_in_the_recording_varies_by_run_or_tells_of_the_machine() -> None:
    words = {text for row in RECORDED for text in (row.client_words, row.server_words)}

    assert {text for text in words if text != normalise(text)} == set()
    assert [text for text in words if re.search(r"/tmp/|/root/|/home/|BEGIN .*PRIVATE|:\d{5}\b", text)] == []


def test_the_recording_has_no_call_that_ran_out_of_time() -> None:
    """A busy machine makes such rows, and they say nothing about the fault."""
    assert [row.label for row in RECORDED if "no answer in time" in row.client_words] == []


@pytest.mark.parametrize("key", sorted({(row.fault, row.side, row.tls) for row in RECORDED}), ids="-".join)
def test_the_labs_explanation_beside_the_recorded_words_is_right(key: tuple[str, str, str], cast: Cast) -> None:
    slug, side, tls = key
    scenario: Scenario = EXHIBITS[slug].stage(cast, side, tls)  # type: ignore[arg-type]

    explanation = explain(rehearse(scenario))

    assert EXHIBITS[slug].cause in (explanation.cause, *explanation.also)


def test_openssl_clients_said_of_a_recorded_server_fault_what_the_rehearsal_says(cast: Cast) -> None:
    """curl and s_client stand on OpenSSL like the lab: whom the one refuses, the other refuses, or it is named here."""
    known = {
        # curl and s_client take a common name where there is no other; Python's ssl is told not to.
        "cn-only", "email-only",
        # curl asks OpenSSL to stop at any certificate it trusts (X509_V_FLAG_PARTIAL_CHAIN).
        "leaf-as-anchor", "intermediate-as-anchor",
    }  # fmt: skip
    refused = {}
    for row in RECORDED:
        if row.side == "server" and row.client.name == "curl" and row.server.name == "mtls_lab":
            refused[row.fault, row.tls] = not row.accepted

    differing = {
        slug
        for (slug, tls), said in refused.items()
        if said != (not rehearse(EXHIBITS[slug].stage(cast, "server", tls)).accepted)
    }

    assert refused
    assert differing <= known
