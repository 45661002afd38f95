"""A PostgreSQL server of the lab's own: up in a moment, one's own, and gone with whoever started it."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.certificates.crl import crl, empty_crl
from mtls_lab.clients.postgres import DidNotStart, NoPostgreSQL, PostgreSQL, find_build, psql, psycopg_connect
from mtls_lab.clients.postgres.builds import VARIABLE
from mtls_lab.handshake import Alert, explain
from tools import program

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
CERT = ("hostssl all all 127.0.0.1/32 cert",)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def can_serve() -> None:
    try:
        find_build()
    except NoPostgreSQL as error:
        if os.environ.get("MTLS_LAB_REQUIRE") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server(lab: Lab, can_serve: None) -> Iterator[PostgreSQL]:
    with PostgreSQL(presents=lab.server, trusts=(lab.root.certificate,), roles=("alice", "bob")) as running:
        yield running


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(lab.root.certificate.pem)
    lab.alice.write(tmp_path, name="alice")
    return tmp_path


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where servers of this test put their folders: not among those of others, and open to the server's account."""
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        Path(name).chmod(0o1777)
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


FULL = {"sslmode": "verify-full", "sslrootcert": "root.pem"}
AS_ALICE = FULL | {"sslcert": "alice.pem", "sslkey": "alice-key.pem"}


# where it comes from


def test_without_a_server_every_place_is_listed_with_its_reason_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    with pytest.raises(NoPostgreSQL) as refused:
        find_build()

    assert f"{VARIABLE}={tmp_path}: it holds no postgres" in str(refused.value)
    assert "pip install 'mtls-lab[postgres]'" in str(refused.value)


def test_a_build_without_tls_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.0'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    with pytest.raises(NoPostgreSQL, match="this build has no TLS"):
        find_build()


def test_a_build_that_does_not_run_is_passed_over_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\n# libssl\necho 'libicu.so: no such file' >&2; exit 127\n")
        (tmp_path / name).chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.owner() == Path.home().owner() and folder != Path("/tmp"):
            folder.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    with pytest.raises(NoPostgreSQL, match="its postgres does not run here: libicu.so: no such file"):
        find_build()


# its life


def test_its_folder_is_its_own_and_goes_with_it(lab: Lab, can_serve: None, base: Path) -> None:
    with PostgreSQL(presents=lab.server) as running:
        folder = running.socket_directory

        assert folder.parent == base
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "data" / "server-key.pem").stat().st_mode) == 0o600
        assert folder.stat().st_uid != 0
        assert (folder / f".s.PGSQL.{running.port}").exists()

    running.close()
    assert not folder.exists()
    assert not alive(running.process)


def test_a_key_of_another_certificate_keeps_it_from_starting_and_leaves_nothing(
    lab: Lab, can_serve: None, base: Path
) -> None:
    mixed = replace(lab.server, key_pem=lab.alice.key_pem)

    with pytest.raises(DidNotStart, match="key values mismatch"):
        PostgreSQL(presents=mixed)

    assert list(base.glob("mtls-lab-pg-*")) == []


@pytest.mark.parametrize("when", ["in initdb", "as the server starts", "when it serves"])
def test_it_does_not_outlive_a_process_that_was_killed(when: str, can_serve: None, base: Path) -> None:
    script = (
        "import sys, time\n"
        "from mtls_lab.certificates import Authority\n"
        "from mtls_lab.clients.postgres import PostgreSQL\n"
        "credential = Authority.create('Lab Root CA').issue('localhost', purpose='serverAuth')\n"
        "print(0, flush=True)\n"
        "server = PostgreSQL(presents=credential, roles=('alice',))\n"
        "print(server.process, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = int(child.stdout.readline()) if when == "when it serves" else None
        sign = {"in initdb": "*/data", "as the server starts": "*/server-0.log", "when it serves": "*/server-0.log"}
        deadline = time.monotonic() + 30
        while not list(base.glob(sign[when])) and time.monotonic() < deadline:
            time.sleep(0.001)  # a folder of another account has nothing to wait on

        child.send_signal(signal.SIGKILL)
        child.wait()

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and list(base.glob("mtls-lab-pg-*")):
        time.sleep(0.05)  # its supervisor looks five times a second
    assert list(base.glob("mtls-lab-pg-*")) == []
    assert process is None or not alive(process)
    assert process not in owners_of_shared_memory()


def test_it_reads_a_new_credential_without_a_restart(lab: Lab, desk: Path, can_serve: None) -> None:
    other = lab.issuing.issue("other.example", purpose="serverAuth")
    with PostgreSQL(presents=other, roles=("alice",)) as running:
        refused = psql(running, folder=desk, **FULL)  # type: ignore[arg-type]

        running.reload(presents=lab.server)
        accepted = psql(running, folder=desk, **FULL)  # type: ignore[arg-type]

    assert 'server certificate for "other.example" does not match host name "localhost"' in refused.reason
    assert accepted.verdict == "accepted, over TLS"


def test_lines_that_it_cannot_read_leave_the_old_ones_in_force(server: PostgreSQL, desk: Path) -> None:
    server.reload(hba=CERT, ident=())

    with pytest.raises(ValueError, match="line 1 of pg_hba.conf"):
        server.reload(hba=("hostsl all all all cert",))

    assert server.setup.hba == CERT
    assert psql(server, folder=desk, **AS_ALICE).accepted  # type: ignore[arg-type]


def test_trust_anchors_cannot_be_given_to_a_server_that_started_without(lab: Lab, can_serve: None) -> None:
    with PostgreSQL(presents=lab.server) as running, pytest.raises(ValueError, match="clients-root.pem"):
        running.reload(trusts=(lab.root.certificate,))


@pytest.mark.parametrize("name", ["al ice", 'a"; drop', "lab", ""])
def test_a_user_whose_name_would_be_sql_is_refused(name: str, can_serve: None) -> None:
    with pytest.raises(ValueError, match="must be a plain name"):
        PostgreSQL(roles=(name,))


def test_one_text_in_place_of_lines_is_refused(can_serve: None) -> None:
    with pytest.raises(TypeError, match="hba='host all all all trust' must be lines"):
        PostgreSQL(hba="host all all all trust")


# what a call tells


def test_prefer_with_a_root_file_goes_on_in_the_clear_and_the_tap_sees_it(lab: Lab, desk: Path) -> None:
    fake = lab.stranger.issue("localhost", purpose="serverAuth")
    with PostgreSQL(presents=fake, roles=("alice",)) as impostor:
        call = psql(impostor, "select 42", folder=desk, sslmode="prefer", sslrootcert="root.pem")

    first, second = call.attempts
    assert call.verdict == "accepted, in the clear"
    assert first.encrypted
    assert first.server_said == ("LOG: could not accept SSL connection: alert unknown ca",)
    assert not second.encrypted
    assert second.overheard == ("user=alice", "database=postgres", "query=select 42")


def test_an_eavesdropper_reads_nothing_of_a_call_over_tls(server: PostgreSQL, desk: Path) -> None:
    server.reload(hba=CERT, ident=())

    call = psql(server, folder=desk, **AS_ALICE)  # type: ignore[arg-type]

    assert call.attempts[0].clear == b""
    assert call.attempts[0].overheard == ()


def test_the_log_says_whom_the_server_took_the_client_for(server: PostgreSQL, desk: Path) -> None:
    server.reload(hba=CERT, ident=())

    call = psql(server, user="bob", folder=desk, **AS_ALICE)  # type: ignore[arg-type]

    assert call.reason == 'certificate authentication failed for user "bob"'
    assert "LOG: provided user name (bob) and authenticated user name (alice) do not match" in call.server_said


def test_a_server_without_tls_answers_no(desk: Path, can_serve: None) -> None:
    with PostgreSQL(roles=("alice",)) as running:
        call = psql(running, folder=desk, sslmode="require")

    assert call.reason == "server does not support SSL, but SSL was required"
    assert str(call.attempts[0]) == "asks for TLS, which the server does not have"


def test_a_revoked_client_is_refused_with_an_alert_that_an_eavesdropper_reads_in_tls_1_2(lab: Lab, desk: Path) -> None:
    lists = crl(lab.issuing, (lab.alice.leaf,)), empty_crl(lab.root)
    settings = {"ssl_max_protocol_version": "TLSv1.2"}
    trusts = (lab.root.certificate,)
    with PostgreSQL(presents=lab.server, trusts=trusts, crls=lists, roles=("alice",), settings=settings) as running:
        call = psql(running, folder=desk, **AS_ALICE)  # type: ignore[arg-type]

    assert call.reason == "SSL error: alert certificate revoked"
    assert call.handshake is not None
    explanation = explain(call.handshake)
    assert (explanation.refused_by, explanation.alert) == ("server", Alert.certificate_revoked)
    assert explanation.cause == "revoked"


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-full"])
def test_psycopg_and_psql_come_to_the_same(server: PostgreSQL, desk: Path, mode: str) -> None:
    pytest.importorskip("psycopg")
    server.reload(hba=("hostssl all all 127.0.0.1/32 trust",), ident=())

    by_psql = psql(server, folder=desk, sslmode=mode)
    by_psycopg = psycopg_connect(server, folder=desk, sslmode=mode)

    assert (by_psql.verdict, len(by_psql.attempts)) == (by_psycopg.verdict, len(by_psycopg.attempts))
    assert by_psycopg.version.startswith("psycopg ")


def test_the_line_typed_does_what_the_call_did(server: PostgreSQL, desk: Path) -> None:
    program("psql")
    server.reload(hba=CERT, ident=())
    call = psql(server, folder=desk, **AS_ALICE)  # type: ignore[arg-type]
    line = call.line.replace(f"port={call.port}", f"port={server.port}")

    typed = subprocess.run(line, shell=True, cwd=desk, capture_output=True, text=True, check=False)

    assert typed.stdout == call.body == "1\n", typed.stderr


def test_a_word_that_is_not_libpqs_is_refused(server: PostgreSQL) -> None:
    with pytest.raises(TypeError, match="sslkeyfile: this takes libpq's sslmode, sslrootcert"):
        psql(server, sslkeyfile="alice-key.pem")  # type: ignore[call-arg]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def owners_of_shared_memory() -> set[int]:
    """The processes that made the segments of System V's shared memory, where Linux lists them."""
    listed = Path("/proc/sysvipc/shm")
    return {int(line.split()[4]) for line in listed.read_text().splitlines()[1:]} if listed.exists() else set()
