"""`mtls-lab proxy`: what each option does, what is refused and how, and how it lives and ends."""

import argparse
import contextlib
import http.client
import json
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from commands.running import PATIENCE_S, Running, curl, listens, refused
from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.crl import crl, crl_to_pem, empty_crl
from mtls_lab.certificates.keys import key_from_pem, key_to_pem
from mtls_lab.commands.proxy.arguments import CUT_OFF, DONE, FAILED, MISUSED, declare
from mtls_lab.commands.proxy.automatic import Automatic
from mtls_lab.commands.proxy.report import warnings
from mtls_lab.proxy.settings import Settings
from tools import program

PORT_0 = ("--from", "127.0.0.1:0", "--echo")


class Files:
    """A folder with an authority, a server's files and alice's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Authority.create("Lab Root CA")
        self.put("root.pem", self.root.certificate.pem)
        self.serve(self.root)
        self.alice = self.client("alice", self.root)

    def put(self, name: str, content: bytes) -> None:
        """As certbot, Kubernetes and people who know do: a whole file, moved into place."""
        fresh = self.folder / f".{name}"
        fresh.write_bytes(content)
        fresh.replace(self.folder / name)

    def serve(self, root: Authority) -> None:
        server = root.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
        self.put("server.pem", server.chain_pem)
        self.put("server-key.pem", server.key_pem)
        (self.folder / "server-key.pem").chmod(0o600)

    def client(self, name: str, root: Authority, *names: str) -> Credential:
        made = root.issue(name, purpose="clientAuth", names=names or None)
        self.put(f"{name}.pem", made.chain_pem + made.key_pem)
        return made

    @property
    def own(self) -> tuple[str, ...]:
        return (*PORT_0, "--cert", "server.pem", "--key", "server-key.pem")

    @property
    def mutual(self) -> tuple[str, ...]:
        return (*self.own, "--client-ca", "root.pem")

    def call(self, running: Running, *arguments: str, path: str = "/whoami") -> tuple[int, str]:
        return curl(self.folder, "--cacert", "root.pem", *arguments, f"{running.url}{path}")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


# what is typed


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    declare(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:4430", "127.0.0.1", 4430),
        ("4430", "127.0.0.1", 4430),
        ("[::1]:443", "::1", 443),
        ("localhost:0", "localhost", 0),
        ("0.0.0.0:7853", "0.0.0.0", 7853),
    ],
)
def test_an_address_is_a_host_and_a_port_and_a_port_alone_is_loopback(text: str, host: str, port: int) -> None:
    listen = parsed("--from", text).listen

    assert (listen.host, listen.port) == (host, port)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--from", ":7853", "for every address of this machine write 0.0.0.0:7853"),
        ("--from", "127.0.0.1", "must be HOST:PORT"),
        ("--from", "127.0.0.1:70000", "must be HOST:PORT"),
        ("--from", "::1:443", "must be HOST:PORT"),
        ("--to", "ftp://127.0.0.1", "must be http:// or https://"),
        ("--to", "http://", "must be http:// or https://"),
        ("--to", "http://127.0.0.1:x", "must be http:// or https://"),
        ("--to", "http://127.0.0.1/?a=b", "must be http:// or https://"),
        ("--redirect-http", "http://127.0.0.1:80", "must be HOST:PORT"),
        ("--allow", "CN=alice", "begins with none of"),
        ("--name", "a b", "space or a control character"),
        ("--reload-every", "0", "from 0.1 to 3600"),
        ("--drain", "-1", "from 0 to 86400"),
        ("--verify-client", "maybe", "invalid choice"),
        ("--tls-min", "1.1", "invalid choice"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_what_would(option: str, value: str, says: str) -> None:
    with pytest.raises(argparse.ArgumentError) as error:
        parsed(f"{option}={value}")

    assert option in str(error.value)
    assert says in str(error.value)


def test_a_bare_host_and_port_is_an_http_origin() -> None:
    assert parsed("--to", "127.0.0.1:3000").to == "http://127.0.0.1:3000"
    assert parsed().to == "http://127.0.0.1:80"


@pytest.mark.live
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--cert", "server.pem"], "--cert server.pem without --key"),
        (["--key", "server-key.pem"], "--key server-key.pem without --cert"),
        (["--to", "https://localhost", "--to-cert", "alice.pem"], "--to-cert alice.pem without --to-key"),
        (["--key-password-file", "password.txt"], "--key-password-file does nothing without --key"),
        (["--cert", "server.pem", "--key", "server-key.pem", "--name", "a.example"], "--name does nothing without"),
        (["--cert", "server.pem", "--key", "server-key.pem", "--keep-in", "x"], "--keep-in does nothing without"),
        (["--crl", "list.pem"], "--crl does nothing without --client-ca"),
        (["--allow", "uri:spiffe://lab/alice"], "--allow does nothing without --client-ca"),
        (["--verify-client", "required"], "--verify-client does nothing without --client-ca"),
        (["--strict"], "--strict does nothing without --client-ca"),
        (["--client-ca", "root.pem", "--verify-client", "none"], "--client-ca does nothing with --verify-client none"),
        (["--to-cacert", "root.pem"], "--to-cacert does nothing without --to https://"),
        (["--log-format", "json"], "--log-format does nothing without --access-log"),
        (["--tls-min", "1.3", "--tls-max", "1.2"], "--tls-min 1.3 is above --tls-max 1.2"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_options_that_do_nothing_are_refused_and_nothing_is_written(
    files: Files, options: list[str], says: str
) -> None:
    from mtls_lab.commands.proxy.plan import check

    before = sorted(files.folder.iterdir())

    with pytest.raises(ValueError, match=re.escape(says)) as error:
        check(parsed(*options))

    assert re.search("leave|give both", str(error.value))
    assert sorted(files.folder.iterdir()) == before


def test_help_tells_every_exit_code() -> None:
    parser = argparse.ArgumentParser()
    declare(parser)
    told = parser.format_help()

    assert all(f"{code} " in told.partition("Exit codes:")[2] for code in (DONE, FAILED, MISUSED, CUT_OFF))


def test_everything_but_loopback_is_warned_of(files: Files) -> None:
    settings = Settings(credential=files.alice)

    warned = list(warnings(parsed("--from", "0.0.0.0:7853", "--redirect-http", "[::]:80"), settings))

    assert len(warned) == 2
    assert "--from 0.0.0.0:7853 is not loopback" in warned[0] and "127.0.0.1:7853" in warned[0]
    assert list(warnings(parsed("--from", "[::1]:443"), settings)) == []


# the certificate


@pytest.mark.live
def test_one_of_two_files_starts_nothing_and_overwrites_nothing(files: Files) -> None:
    for name in ("cert.pem", "key.pem"):  # what ssl-proxy overwrites
        files.put(name, b"precious")

    code, said = refused(files.folder, *PORT_0, "--cert", "server.pem")

    assert code == MISUSED
    assert "--cert server.pem without --key" in said
    assert not (files.folder / "mtls-lab-proxy").exists()
    assert all((files.folder / name).read_bytes() == b"precious" for name in ("cert.pem", "key.pem"))


@pytest.mark.live
def test_an_automatic_certificate_is_kept_and_curl_trusts_it_by_every_name(tmp_path: Path) -> None:
    program("curl")
    kept = tmp_path / "mtls-lab-proxy"
    with Running(tmp_path, *PORT_0) as running:
        for host in ("localhost", "127.0.0.1"):
            url = f"https://{host}:{running.port}/"
            assert curl(tmp_path, "--cacert", "mtls-lab-proxy/root.pem", url)[0] == 0
        fingerprint = running.wait_for("SHA-256 ([0-9A-F:]{95})")[1]
        assert running.stop() == DONE
    printed = subprocess.run(
        [program("openssl"), "x509", "-in", str(kept / "proxy.pem"), "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with Running(tmp_path, *PORT_0) as again:
        same = again.wait_for("SHA-256 ([0-9A-F:]{95})")[1]

    assert fingerprint == same == printed.strip().partition("=")[2]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {
        "root.pem": 0o644,
        "root-key.pem": 0o600,
        "proxy.pem": 0o644,
        "proxy-key.pem": 0o600,
    }
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_names_are_in_the_certificate_and_others_are_refused_later(tmp_path: Path) -> None:
    automatic = Automatic(folder=tmp_path / "kept")

    assert automatic.prepare(["shop.example", "*.shop.example", "192.0.2.7"])
    assert not automatic.prepare([])
    assert not automatic.prepare(["192.0.2.7", "*.shop.example", "shop.example"])
    with pytest.raises(ValueError, match=r"--name other.example: the certificate that is kept in .* is for DNS:"):
        automatic.prepare(["other.example"])
    (leaf,) = Certificate.from_pem(automatic.chain.read_bytes())
    assert leaf.names == ("DNS:shop.example", "DNS:*.shop.example", "IP:192.0.2.7")


@pytest.mark.live
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "x" * 60 + ".example.with.a.long.name"])
def test_openssl_accepts_what_is_made_whatever_the_first_name(tmp_path: Path, name: str) -> None:
    automatic = Automatic(folder=tmp_path)
    automatic.prepare([name])

    done = subprocess.run(
        [program("openssl"), "verify", "-x509_strict", "-CAfile", str(automatic.root), str(automatic.chain)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_half_a_set_is_left_alone_and_named(tmp_path: Path) -> None:
    automatic = Automatic(folder=tmp_path)
    automatic.prepare([])
    automatic.key.unlink()

    with pytest.raises(ValueError, match="holds root.pem, root-key.pem, proxy.pem and not the rest"):
        automatic.prepare([])


def test_it_is_renewed_in_place_and_its_authority_stays(tmp_path: Path) -> None:
    automatic = Automatic(folder=tmp_path)
    automatic.prepare(["localhost", "::1"])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    too_early = automatic.renew(at=datetime.now(UTC) + timedelta(days=50))
    unchanged = {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    due = automatic.renew(at=datetime.now(UTC) + timedelta(days=61))

    assert (too_early, unchanged, due) == (False, True, True)
    assert automatic.root.read_bytes() == before[automatic.root]
    assert automatic.chain.read_bytes() != before[automatic.chain]
    assert Credential.read(automatic.chain, automatic.key).key_matches
    assert Certificate.from_pem(automatic.chain.read_bytes())[0].names == ("DNS:localhost", "IP:::1")


@pytest.mark.live
def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    program("curl")
    with Running(tmp_path, *PORT_0, "--reload-every", "0.2") as running:
        automatic = Automatic(folder=tmp_path / "mtls-lab-proxy")
        automatic.renew(at=datetime.now(UTC) + timedelta(days=80))
        running.wait_for("taken: .*presents localhost")

        assert curl(tmp_path, "--cacert", "mtls-lab-proxy/root.pem", f"{running.url}/")[0] == 0


@pytest.mark.live
@pytest.mark.parametrize(
    ("breakage", "says"),
    [
        ({"server.pem": None}, "--cert server.pem: it cannot be read (No such file or directory)"),
        ({"server.pem": b"hello"}, "--cert server.pem: pem holds no certificate"),
        ({"server-key.pem": b"hello"}, "--key server-key.pem: it holds no private key"),
        ({"root.pem": b""}, "--client-ca root.pem: pem holds no certificate"),
    ],
    ids=["missing", "no certificate", "no key", "empty trust"],
)
def test_a_file_that_cannot_be_used_is_told_before_anything_listens(
    files: Files, breakage: dict[str, bytes | None], says: str
) -> None:
    for name, content in breakage.items():
        if content is None:
            (files.folder / name).unlink()
        else:
            files.put(name, content)

    code, said = refused(files.folder, *files.mutual)

    assert code == MISUSED
    assert says in said
    assert "Proxying" not in said and "Traceback" not in said


@pytest.mark.live
def test_an_encrypted_key_is_opened_by_the_first_line_of_a_file(files: Files) -> None:
    program("curl")
    files.put("server-key.pem", key_to_pem(key_from_pem((files.folder / "server-key.pem").read_bytes()), "secret"))
    files.put("password.txt", b"secret\n")

    with Running(files.folder, *files.own, "--key-password-file", "password.txt") as running:
        assert files.call(running)[0] == 0
        assert "secret" not in running.text


@pytest.mark.live
def test_a_port_that_is_taken_is_named_with_its_option(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(files.folder, "--echo", "--from", f"127.0.0.1:{port}")
        other_code, other_said = refused(files.folder, *PORT_0, "--redirect-http", str(port))

    assert (code, other_code) == (FAILED, FAILED)
    assert f"--from 127.0.0.1:{port}: " in said
    assert f"--redirect-http 127.0.0.1:{port}: " in other_said


# clients


@pytest.mark.live
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_required_optional_and_none(files: Files, version: str) -> None:
    tls = ("--tls-min", version, "--tls-max", version)
    with Running(files.folder, *files.mutual, *tls) as required:
        with_one = files.call(required, "--cert", "alice.pem")
        without = files.call(required)
    with Running(files.folder, *files.mutual, *tls, "--verify-client", "optional") as optional:
        anonymous = files.call(optional)
    with Running(files.folder, *files.own, *tls) as none:
        nobody = files.call(none, "--cert", "alice.pem")

    assert with_one == (0, "alice\n")
    assert without[0] in {35, 56} and re.search("certificate required|handshake failure", without[1])
    assert anonymous[0] == nobody[0] == 0
    assert "nobody" in anonymous[1] and "nobody" in nobody[1]


@pytest.mark.live
def test_only_the_versions_that_are_left_are_spoken(files: Files) -> None:
    with Running(files.folder, *files.own, "--tls-min", "1.3") as running:
        assert files.call(running, "--tls-max", "1.2")[0] == 35
        assert files.call(running)[0] == 0


@pytest.mark.live
def test_rules_let_in_whom_they_name_and_the_log_tells_everybody(files: Files) -> None:
    files.client("bob", files.root, "spiffe://lab/bob")
    stranger = Authority.create("Stranger")
    files.client("mallory", stranger)
    rules = ("--allow", "subject:CN=alice", "--allow", "uri:spiffe://lab/carol")
    log = ("--access-log", "access.log", "--log-format", "json")

    with Running(files.folder, *files.mutual, *rules, *log) as running:
        alice = files.call(running, "--cert", "alice.pem")
        bob = files.call(running, "--cert", "bob.pem", "--fail-with-body")
        mallory = files.call(running, "--cert", "mallory.pem")
        assert running.stop() == DONE

    told = [json.loads(line) for line in (files.folder / "access.log").read_text().splitlines()]
    assert alice == (0, "alice\n")
    assert bob[0] == 22 and "no access rule names spiffe://lab/bob" in bob[1]
    assert mallory[0] in {35, 56}
    assert {(one.get("status"), one.get("rule"), one.get("cause")) for one in told} == {
        (200, "subject:CN=alice", None),
        (403, None, None),
        (None, None, "untrusted-root"),
    }
    assert stat.S_IMODE((files.folder / "access.log").stat().st_mode) == 0o600


@pytest.mark.live
def test_the_log_can_go_to_the_output_and_nothing_else_goes_there(files: Files) -> None:
    with Running(files.folder, *files.own, "--access-log", "-") as running:
        assert files.call(running)[0] == 0
        assert running.stop() == DONE

    (line,) = running.printed
    assert re.match(r"time=\S+Z client=127\.0\.0\.1:\d+ event=request status=200 method=GET target=/whoami ", line)


@pytest.mark.live
def test_plain_http_is_sent_to_the_right_host_and_port(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Running(files.folder, *files.own, "--redirect-http", f"127.0.0.1:{port}") as running:
        url = f"http://localhost:{port}/whoami"
        code, said = curl(files.folder, "--location", "--cacert", "root.pem", "--write-out", "%{url_effective}", url)

    assert (code, said.splitlines()[-1]) == (0, f"{running.url}/whoami")


@pytest.mark.live
def test_an_https_origin_is_verified_and_sees_the_proxys_own_certificate(files: Files) -> None:
    files.client("gateway", files.root)
    with Running(files.folder, *files.mutual) as origin:
        to = (*files.own[:2], *files.own[3:], "--to", origin.url)
        shown = ("--to-cert", "gateway.pem", "--to-key", "gateway.pem")
        with Running(files.folder, *to, "--to-cacert", "root.pem", *shown) as good:
            known = files.call(good)
        with Running(files.folder, *to, "--to-cacert", "root.pem") as nameless:
            unknown = files.call(nameless)
        with Running(files.folder, *to, *shown) as distrustful:
            untrusted = files.call(distrustful)

    assert known == (0, "gateway\n")
    assert "it refuses this proxy, by the alert certificate_required" in unknown[1]
    assert re.search("its certificate is refused: X509_V_ERR_(UNABLE_TO_GET_ISSUER|SELF_SIGNED)", untrusted[1])


# running for years


class Load:
    """Clients that never stop calling: new connections, and one that is kept."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.calls, self.failed = 0, list[str]()
        self.names = ("alice.pem", "root.pem")
        self._running, self._folder = running, folder
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(kept,)) for kept in (False, False, True)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def more(self, count: int = 20) -> None:
        """That many calls from now on have been made."""
        before, end = self.calls, time.monotonic() + PATIENCE_S
        while self.calls < before + count and not self.failed and time.monotonic() < end:
            time.sleep(0.01)  # other threads call

    def _connection(self) -> http.client.HTTPSConnection:
        client, trust = self.names
        context = ssl.create_default_context(cafile=str(self._folder / trust))
        context.load_cert_chain(self._folder / client)
        return http.client.HTTPSConnection("localhost", self._running.port, context=context, timeout=20)

    def _call(self, kept: bool) -> None:
        connection, names = self._connection(), self.names
        while not self._over.is_set() and not self.failed:
            try:
                if not kept or names != self.names:
                    connection.close()
                    connection, names = self._connection(), self.names
                connection.request("GET", "/whoami")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    self.failed.append(f"{answer.status} {body!r}")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            self.calls += 1
        connection.close()


@pytest.mark.live
def test_trust_rolls_over_under_load_without_a_failed_call(files: Files) -> None:
    """Both ends change their authority: trust both, show the new, trust the new alone."""
    new = Authority.create("Lab Root CA 2")
    both = files.root.certificate.pem + new.certificate.pem
    files.put("both.pem", both)
    files.put("new.pem", new.certificate.pem)
    files.client("alice2", new)

    with Running(files.folder, *files.mutual, "--reload-every", "0.2") as running, Load(running, files.folder) as load:
        load.more()
        load.names = ("alice.pem", "both.pem")  # clients trust both roots first
        load.more()
        files.put("root.pem", both)
        running.wait_for("taken: root.pem")
        load.more()
        files.serve(new)  # two files: a look may fall in between
        running.wait_for("taken: server.*presents")
        load.more()
        load.names = ("alice2.pem", "new.pem")
        load.more()
        running.said.clear()
        files.put("root.pem", new.certificate.pem)
        running.wait_for("taken: root.pem")
        load.more()
        old = curl(files.folder, "--cacert", "new.pem", "--cert", "alice.pem", f"{running.url}/")
        calls, failed = load.calls, load.failed

    assert failed == []
    assert calls >= 100
    assert old[0] in {35, 56} and "unknown ca" in old[1]


@pytest.mark.live
def test_who_is_revoked_while_it_runs_gets_nothing_more_on_new_and_open_connections(files: Files) -> None:
    program("curl")
    files.put("list.pem", crl_to_pem(empty_crl(files.root)))
    bob = files.client("bob", files.root)
    context = ssl.create_default_context(cafile=str(files.folder / "root.pem"))
    context.load_cert_chain(files.folder / "bob.pem")

    with (
        Running(files.folder, *files.mutual, "--crl", "list.pem", "--reload-every", "3600") as running,
        contextlib.closing(http.client.HTTPSConnection("localhost", running.port, context=context)) as opened,
    ):
        opened.request("GET", "/whoami")
        before = opened.getresponse().read()
        files.put("list.pem", crl_to_pem(crl(files.root, (bob.leaf,))))
        running.send(signal.SIGHUP)
        running.wait_for("taken: list.pem")
        opened.request("GET", "/whoami")
        answer = opened.getresponse()
        after = answer.read()
        anew = files.call(running, "--cert", "bob.pem")
        alice = files.call(running, "--cert", "alice.pem")

    assert before == b"bob\n"
    assert answer.status == 403 and b"revoked" in after
    assert anew[0] in {35, 56} and "revoked" in anew[1]
    assert alice == (0, "alice\n")


@pytest.mark.live
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_so_no_revoked_client_comes_back_with_one(files: Files, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(files.folder / "root.pem"))
    context.load_cert_chain(files.folder / "alice.pem")
    context.minimum_version = context.maximum_version = version
    session, reused = None, []
    with Running(files.folder, *files.mutual) as running:
        for _ in range(3):
            plain = socket.create_connection(("127.0.0.1", running.port), timeout=30)
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
                tls.sendall(b"GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert tls.recv(65_536).startswith(b"HTTP/1.1 200")
                reused.append(tls.session_reused)
                session = tls.session

    assert reused == [False, False, False]


@pytest.mark.live
def test_a_broken_file_is_kept_out_and_said_once(files: Files) -> None:
    with Running(files.folder, *files.mutual, "--reload-every", "0.1") as running:
        good = (files.folder / "server.pem").read_bytes()
        files.put("server.pem", good[:200])
        running.wait_for(r"warning: server.pem: .*; the settings in force are kept \(server.pem\)")
        files.put("root.pem", b"")
        running.wait_for("warning: root.pem: ")
        still = curl(files.folder, "--insecure", "--cert", "alice.pem", f"{running.url}/whoami")
        files.put("root.pem", files.root.certificate.pem)
        files.put("server.pem", good)
        running.send(signal.SIGHUP)
        running.wait_for("read the files again: nothing else is new")
        warned = sum("server.pem: " in line for line in running.said)
        assert running.stop() == DONE

    assert still == (0, "alice\n")
    assert warned <= 2  # once for each state of the files


@pytest.mark.live
def test_what_ends_soon_is_warned_of_at_the_start(files: Files) -> None:
    short = files.root.issue("localhost", purpose="serverAuth", lifetime=timedelta(minutes=2))
    files.put("server.pem", short.chain_pem + short.key_pem)

    with Running(files.folder, *PORT_0, "--cert", "server.pem", "--key", "server.pem") as running:
        running.wait_for(r"warning: the certificate \(localhost\) ends in less than an hour")


# the end


def slow_upload(files: Files, running: Running) -> ssl.SSLSocket:
    """A request that is half sent, and half answered."""
    context = ssl.create_default_context(cafile=str(files.folder / "root.pem"))
    tls = context.wrap_socket(
        socket.create_connection(("127.0.0.1", running.port), timeout=30), server_hostname="localhost"
    )
    tls.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
    heard = b""
    while not heard.endswith(b"abc"):
        heard += tls.recv(65_536)
    return tls


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_waits_for_requests_and_lets_nobody_in(files: Files, number: signal.Signals) -> None:
    with Running(files.folder, *files.own) as running:
        with slow_upload(files, running) as tls:
            running.send(number)
            running.wait_for("ending: no new connections, 30 s")
            end = time.monotonic() + 10
            while listens(running.port) and time.monotonic() < end:
                time.sleep(0.05)  # its thread closes the port
            assert not listens(running.port)
            tls.sendall(b"def")
            assert tls.recv(65_536) == b"def"

        assert running.wait() == DONE


@pytest.mark.live
def test_the_end_waits_no_longer_than_told(files: Files) -> None:
    with Running(files.folder, *files.own, "--drain", "0.5") as running, slow_upload(files, running):
        assert running.stop() == CUT_OFF
        assert "1 requests were cut off: --drain 0.5 was too short" in running.text


@pytest.mark.live
def test_a_second_signal_ends_it_at_once(files: Files) -> None:
    with Running(files.folder, *files.own, "--drain", "600") as running, slow_upload(files, running):
        running.send(signal.SIGTERM)
        running.wait_for("ending")
        running.send(signal.SIGTERM)

        assert running.wait() == CUT_OFF


@pytest.mark.live
def test_sigkill_leaves_no_listener(files: Files) -> None:
    with Running(files.folder, *files.own, "--access-log", "access.log") as running, slow_upload(files, running):
        running.send(signal.SIGKILL)
        running.wait()

        assert not listens(running.port)


def killed_after(folder: Path, delay_s: float) -> Iterator[str]:
    """What is wrong with the files of a proxy that is killed so soon."""
    with Running(folder, *PORT_0, ready=False) as running:
        time.sleep(delay_s)  # the moment is what is tried
        running.send(signal.SIGKILL)
        running.wait()
    kept = folder / "mtls-lab-proxy"
    names = {path.name for path in kept.iterdir()} if kept.exists() else set()
    if names not in (set(), {"root.pem", "root-key.pem", "proxy.pem", "proxy-key.pem"}):
        yield f"after {delay_s} s: {sorted(names)}"
    if names and not Credential.read(kept / "proxy.pem", kept / "proxy-key.pem").key_matches:
        yield f"after {delay_s} s: the key does not fit"


@pytest.mark.live
def test_sigkill_at_any_moment_leaves_a_whole_certificate_or_none(tmp_path: Path) -> None:
    wrong: list[str] = []
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        wrong += killed_after(folder, 0.4 + number * 0.25)

    assert wrong == []


def test_the_command_is_one_of_mtls_labs(capsys: pytest.CaptureFixture[str]) -> None:
    from mtls_lab.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["proxy", "--help"])

    assert ended.value.code == 0
    assert "--verify-client {none,optional,required}" in capsys.readouterr().out
