"""Two users on one machine: neither is served by the other's ports, nor can read what the other's lab writes."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import requests

from cast import Lab, make_lab
from hub.other_user import STRANGER, as_user, need_two_users
from mtls_lab.clients.postgres import NoPostgreSQL, PostgreSQL
from mtls_lab.handshake import Scenario
from mtls_lab.proxy import Proxy, local_user
from mtls_lab.proxy.careless import PlainServer, hang_up
from mtls_lab.proxy.naive import Application, NaiveProxy
from proxy.callers import call
from tools import program

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

pytestmark = pytest.mark.live

ASK = """
    import socket, ssl, sys
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"GET /whoami HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
                print(tls.recv(100).decode())
    except OSError as error:
        print(getattr(error, "reason", None) or type(error).__name__)
    """
CALL = """
    import subprocess, sys
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)
    """
ASK_PLAINLY = """
    import socket, sys
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            print(plain.recv(100).decode())
    except ConnectionError:
        print("hung up on")
    """


@pytest.fixture(scope="module")
def python() -> str:
    return need_two_users()


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def open_to_all(lab: Lab) -> Scenario:
    """Nothing of TLS keeps anybody out."""
    scenario = lab.scenario(server_verifies="none")
    return replace(scenario, client=replace(scenario.client, presents=None))


def greet(_: object, start: "StartResponse") -> list[bytes]:
    """A WSGI application."""
    start("200 OK", [])
    return [b"you are in"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_user_of_the_machine_is_turned_away_by_an_alert(lab: Lab, python: str, host: str) -> None:
    with Proxy(open_to_all(lab), host=host) as proxy:
        told = as_user(python, ASK, host, str(proxy.port), uid=STRANGER).stdout

        assert told == "TLSV1_ALERT_ACCESS_DENIED\n"
        assert (proxy.turned_away, proxy.handshakes) == (1, ())


def test_the_own_user_and_root_are_served(lab: Lab, python: str) -> None:
    with Proxy(open_to_all(lab)) as proxy:
        assert as_user(python, ASK, "127.0.0.1", str(proxy.port), uid=os.geteuid()).stdout.startswith("HTTP/1.1 200")
        assert call(proxy).answer.startswith(b"HTTP/1.1 200")
        assert proxy.turned_away == 0


def test_a_proxy_that_is_told_to_serves_every_user(lab: Lab, python: str) -> None:
    with Proxy(open_to_all(lab), serves="every user") as proxy:
        assert as_user(python, ASK, "127.0.0.1", str(proxy.port), uid=STRANGER).stdout.startswith("HTTP/1.1 200")


def test_a_proxy_that_other_machines_may_reach_asks_nobody_for_a_user(lab: Lab, python: str) -> None:
    with Proxy(open_to_all(lab), host="0.0.0.0") as proxy:
        assert as_user(python, ASK, "127.0.0.1", str(proxy.port), uid=STRANGER).stdout.startswith("HTTP/1.1 200")


def test_a_word_that_is_none_of_the_two_starts_nothing(lab: Lab) -> None:
    with pytest.raises(ValueError, match="serves='all' must be 'this user' or 'every user'"):
        Proxy(open_to_all(lab), serves="all")  # type: ignore[arg-type]


def test_a_stranger_who_says_nothing_and_stays_is_let_go(lab: Lab, python: str) -> None:
    stay = """
        import socket, sys, time
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as plain:
            plain.sendall(b"x" * 1_000_000)
            received, began = b"", time.monotonic()
            while piece := plain.recv(100):
                received += piece
            print(received.hex())
        """
    with Proxy(open_to_all(lab)) as proxy:
        assert as_user(python, stay, str(proxy.port), uid=STRANGER).stdout == "15030300020231\n"


def test_the_servers_of_notebooks_06_and_12_turn_strangers_away_too(lab: Lab, python: str, tmp_path: Path) -> None:
    with (
        PlainServer(open_to_all(lab), goodbye=hang_up) as plain_server,
        Application(greet) as behind,
        NaiveProxy(open_to_all(lab), to=behind.url) as naive,
    ):
        told = [as_user(python, ASK, "127.0.0.1", str(one.port), uid=STRANGER).stdout for one in (plain_server, naive)]
        behind_told = as_user(python, ASK_PLAINLY, str(behind.port), uid=STRANGER).stdout
        own = requests.get(naive.url, verify=str(lab.root.write(tmp_path).certificate_path), timeout=10).text

    assert not any("HTTP/1.1" in one for one in told), told
    assert "HTTP" not in behind_told
    assert own == "you are in"


def test_a_request_left_behind_by_a_program_that_has_gone_is_nobodys(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        here, _ = listener.accept()
        ends = here.getpeername(), here.getsockname()
        before = local_user.owner_of(*ends)
        client.close()
        here.close()

    if before is None:
        pytest.skip("this system does not tell whose a socket is")
    assert before == os.geteuid()
    assert local_user.owner_of(*ends) == local_user.NOBODY
    assert local_user.may_enter(*ends, over_tls=True)
    assert not local_user.may_enter(*ends, over_tls=False)


@pytest.fixture(params=["127.0.0.1", "::1"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with (
        socket.create_server((request.param, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]),
    ):
        here, _ = listener.accept()
        with here:
            yield here.getpeername()[:2], here.getsockname()[:2]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells")
def test_the_table_for_everybody_says_the_same_where_netlink_may_not_be_asked(
    ends: tuple[tuple[str, int], tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(local_user, "_ask_kernel", refused)

    assert local_user.owner_of(*ends) == os.geteuid()
    assert local_user.owner_of(("127.0.0.1", 1), ("127.0.0.1", 2)) == local_user.NOBODY


def test_where_nothing_tells_everybody_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)

    assert local_user.owner_of(("127.0.0.1", 1), ("127.0.0.1", 2)) is None
    assert local_user.may_enter(("127.0.0.1", 1), ("127.0.0.1", 2), over_tls=False)


def test_another_user_cannot_read_a_key_in_a_folder_that_is_open_to_all(lab: Lab, python: str) -> None:
    read = "import sys; print(open(sys.argv[1]).read()[:10])"
    # Not tmp_path: pytest closes its own folders to others, and so would prove nothing.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        files = lab.alice.write(folder)
        certificate = as_user(python, read, str(files.certificate_path), uid=STRANGER)
        key = as_user(python, read, str(files.key_path), uid=STRANGER)

    assert certificate.stdout == "-----BEGIN\n"
    assert key.stdout == "" and "PermissionError" in key.stderr


def test_whoever_reaches_a_lessons_database_runs_no_program_as_its_account(python: str) -> None:
    """The lesson's own first line lets everybody in, and every user of the machine can dial the port."""
    psql = program("psql")
    run = "COPY (SELECT 1) TO PROGRAM 'true'"
    try:
        server = PostgreSQL(roles=("alice",))
    except NoPostgreSQL as none:
        pytest.skip(str(none))
    with server:
        line = [psql, "-h", "127.0.0.1", "-p", str(server.port), "-d", "postgres", "-At"]
        said = {user: as_user(python, CALL, *line, "-U", user, "-c", "SELECT 1", "-c", run, uid=STRANGER).stdout
                for user in ("alice", "lab", "cluster")}  # fmt: skip

    assert said["alice"].startswith("1\n") and "must be superuser" in said["alice"]
    assert said["lab"].startswith("1\n") and "must be superuser" in said["lab"]
    assert 'role "cluster" is not permitted to log in' in said["cluster"]
