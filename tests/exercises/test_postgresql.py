"""The exercises of notebook 10: untouched, solved, and the likeliest wrong answers, each with a hint of its own.

Judged by live servers, or by the recording where there are none; MTLS_LAB_REQUIRE=1 wants them live.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab.clients.postgres import Server, open_server
from mtls_lab.exercises import check

SLUGS = ("10-impostor", "10-app", "10-mend")
MAP = ("hostssl all app 127.0.0.1/32 cert map=lab",)
BROKEN = {
    "sslmode": "verify-full",
    "sslrootcert": "root.pem",
    "sslcert": "alise.pem",
    "sslkey": "service-key.pem",
}
USERS = {"roles": ("alice", "bob"), "passwords": {"app": "correct horse"}}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(lab.root.certificate.pem)
    lab.alice.write(tmp_path, name="alice")
    lab.issuing.issue("bob", purpose="clientAuth").write(tmp_path, name="bob")
    (tmp_path / "service-key.pem").write_bytes(lab.alice.key_pem)
    (tmp_path / "service-key.pem").chmod(0o644)
    return tmp_path


@pytest.fixture(scope="module")
def right(lab: Lab) -> Iterator[Server]:
    with open_server(presents=lab.server, trusts=(lab.root.certificate,), **USERS) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture(scope="module")
def servers(lab: Lab, right: Server) -> Iterator[dict[str, Server]]:
    names = ("localhost", "127.0.0.1")
    fake = lab.stranger.issue("localhost", names=names, purpose="serverAuth")
    other = lab.issuing.issue("other.example", purpose="serverAuth")
    trusts = (lab.root.certificate,)
    with (
        open_server(presents=fake, trusts=trusts, **USERS) as impostor,  # type: ignore[arg-type]
        open_server(presents=other, trusts=trusts, **USERS) as colleague,  # type: ignore[arg-type]
    ):
        yield {"the right server": right, "an impostor": impostor, "a colleague's server": colleague}


# 10-impostor


@pytest.mark.live
def test_verify_full_stops_both_impostors(servers: dict[str, Server], desk: Path) -> None:
    servers["the right server"].reload(hba=("host all all 127.0.0.1/32 trust",), ident=())

    assert check("10-impostor", "verify-full", servers, desk).state == "right"


@pytest.mark.live
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("require", "verifies who issued the certificate, and nothing else: a colleague's server got through"),
        ("verify-ca", "verifies who issued the certificate, and nothing else: a colleague's server got through"),
        ("prefer", "psql talked to an impostor in the clear"),
        ("disable", "psql talked to an impostor in the clear"),
        ("verify", "'verify' is no sslmode"),
    ],
)
def test_a_lower_rung_is_told_who_got_through(servers: dict[str, Server], desk: Path, mode: str, words: str) -> None:
    servers["the right server"].reload(hba=("host all all 127.0.0.1/32 trust",), ident=())

    outcome = check("10-impostor", mode, servers, desk)

    assert outcome.state == "wrong"
    assert words in outcome.message


# 10-app


@pytest.mark.live
@pytest.mark.parametrize(
    "hba",
    [MAP, ("hostssl all all 127.0.0.1/32 cert map=lab",), ("hostssl postgres app all cert map=lab",)],
    ids=["one user", "the map alone decides", "one database"],
)
def test_a_map_opens_app_to_alice_alone(right: Server, desk: Path, hba: tuple[str, ...]) -> None:
    outcome = check("10-app", hba, ("lab alice app",), right, desk)

    assert (outcome.state, outcome.message[:15]) == ("right", "6 calls of psql")


@pytest.mark.live
@pytest.mark.parametrize(
    ("hba", "ident", "words"),
    [
        (MAP, ("lab app alice",), "first its name, then the name in the certificate, last the database user"),
        (("hostssl all app 127.0.0.1/32 cert",), ("lab alice app",), "unless the line says which map: map=lab"),
        (
            ("hostssl all app 127.0.0.1/32 trust clientcert=verify-ca",),
            (),
            "bob as app gets in, too. verify-ca takes any",
        ),
        (("host all app 127.0.0.1/32 trust",), (), "app without a certificate gets in, too. trust asks nobody"),
        (
            ("hostssl all app 127.0.0.1/32 cert map=lab", "hostssl all bob 127.0.0.1/32 cert"),
            ("lab alice app",),
            "bob as bob gets in, too. alice's line would be enough",
        ),
        (
            ("hostssl all all 127.0.0.1/32 cert map=lab",),
            ("lab alice app", "lab alice lab"),
            "alice as the owner of the database gets in, too",
        ),
        (MAP[0], ("lab alice app",), "Lines stand in a tuple"),
    ],
    ids=["wrong way round", "no map", "any certificate", "no certificate", "bob too", "owner too", "one text"],
)
def test_wrong_lines_are_told_what_they_do(right: Server, desk: Path, hba: object, ident: object, words: str) -> None:
    outcome = check("10-app", hba, ident, right, desk)

    assert outcome.state == "wrong"
    assert words in outcome.message


@pytest.mark.live
def test_lines_that_the_server_cannot_read_come_back_with_its_words(right: Server, desk: Path) -> None:
    if right.recorded_on is not None:
        pytest.skip("only a live server reads its lines")

    outcome = check("10-app", ("host all app 127.0.0.1/32 cert map=lab",), ("lab alice app",), right, desk)

    assert outcome.state == "wrong"
    assert "hostssl connections" in outcome.message
    assert "line 1 of pg_hba.conf" in outcome.message


# 10-mend


@pytest.mark.live
def test_both_faults_mended_is_right(right: Server, desk: Path) -> None:
    (desk / "service-key.pem").chmod(0o600)

    assert check("10-mend", BROKEN | {"sslcert": "alice.pem"}, right, desk).state == "right"


@pytest.mark.live
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (BROKEN, "Look for alise.pem in the folder: libpq said nothing"),
        (BROKEN | {"sslcert": "alice.pem"}, "One down. Now libpq finds the key, and others can read it"),
        (BROKEN | {"sslmode": "prefer"}, "It no longer verifies the server"),
        ({"sslmode": "verify-full", "sslrootcert": "root.pem"}, "psql was refused: connection requires a valid client"),
    ],
    ids=["as it was", "only the name", "another sslmode", "no certificate"],
)
def test_half_a_repair_is_told_what_is_left(right: Server, desk: Path, settings: dict[str, str], words: str) -> None:
    outcome = check("10-mend", settings, right, desk)

    assert outcome.state == "wrong"
    assert words in outcome.message
