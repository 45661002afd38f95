"""Without PostgreSQL the recording answers, in the same words, and says that it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.clients.postgres import NoPostgreSQL, NotRecorded, Recorded, about, open_server, psql
from mtls_lab.clients.postgres.builds import VARIABLE

ROOT = Path(__file__).parents[2]
USERS = {"roles": ("alice", "bob"), "passwords": {"app": "correct horse"}}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def absent(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorded:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.delenv("MTLS_LAB_REQUIRE", raising=False)
    server = open_server(presents=lab.server, trusts=(lab.root.certificate,), **USERS)  # type: ignore[arg-type]
    assert isinstance(server, Recorded)
    return server


def test_a_recorded_call_answers_as_the_live_one_did_and_says_since_when(absent: Recorded, tmp_path: Path) -> None:
    call = psql(absent, folder=tmp_path, sslmode="verify-full")

    assert call.verdict == 'refused: root certificate file "~/.postgresql/root.crt" does not exist'
    assert call.recorded_on is not None
    assert ", recorded on 20" in call.version


def test_what_is_not_live_is_said_with_the_places_and_the_remedies(absent: Recorded, tmp_path: Path) -> None:
    words = about(absent)

    assert words.startswith("NOT LIVE: every answer below was recorded on 20")
    assert f"{VARIABLE}={tmp_path}: it holds no postgres" in words
    assert "pip install 'mtls-lab[postgres]'" in words


def test_a_call_that_nobody_recorded_is_not_made_up(absent: Recorded, tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="there is no server to ask"):
        psql(absent, "select 'nobody asked this'", folder=tmp_path)


def test_another_certificate_under_the_same_name_is_another_call(absent: Recorded, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(lab.root.certificate.pem)
    assert psql(absent, folder=tmp_path, sslmode="verify-full", sslrootcert="root.pem").accepted

    (tmp_path / "root.pem").write_bytes(lab.stranger.certificate.pem)

    with pytest.raises(NotRecorded):
        psql(absent, folder=tmp_path, sslmode="verify-full", sslrootcert="root.pem")


def test_where_everything_is_required_a_missing_server_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv("MTLS_LAB_REQUIRE", "1")

    with pytest.raises(NoPostgreSQL):
        open_server()


def test_without_a_server_the_notebook_comes_out_the_same(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "MTLS_LAB_REQUIRE"}

    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "notebooks.py"), "--check", "10"],
        env=kept | {VARIABLE: str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert made.returncode == 0, made.stdout + made.stderr
