"""What real programs make of the files of `mtls-lab certs`, and what sscg makes of the same wishes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.issuing import ROOT, leaf, made, mode, password_file
from mtls_lab.certificates import Certificate
from tools import program

pytestmark = pytest.mark.live

WISHES = ("--name=shop.example", "--alt-name=localhost", "--alt-name=192.0.2.1", "--client=alice", "--crl-file=crl.pem")


def ask(folder: Path, name: str, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed by a real program, in a scrubbed environment."""
    done = subprocess.run(
        [program(name), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def agrees(folder: Path, name: str, *arguments: str) -> bool:
    return ask(folder, name, *arguments)[0] == 0


# verifiers


@pytest.mark.parametrize("key_type", ["ec-p256", "ec-p521", "rsa-2048", "ed25519"])
def test_openssl_and_gnutls_verify_the_whole_set_and_its_list(tmp_path: Path, key_type: str) -> None:
    made(
        tmp_path, *WISHES, "--key-type", key_type, "--email=ops@shop.example", "--alt-name=URI:spiffe://shop.example/x"
    )
    verify = ("verify", "-x509_strict", "-CAfile", "root.pem", "-crl_check", "-CRLfile", "crl.pem")

    for name in ("shop.example", "localhost"):
        arguments = ("-purpose", "sslserver", "-verify_hostname", name, "shop.example.pem")
        assert agrees(tmp_path, "openssl", *verify, *arguments)
    assert agrees(tmp_path, "openssl", *verify, "-purpose", "sslserver", "-verify_ip", "192.0.2.1", "shop.example.pem")
    assert agrees(tmp_path, "openssl", *verify, "-purpose", "sslclient", "alice.pem")
    assert not agrees(tmp_path, "openssl", *verify, "-purpose", "sslclient", "shop.example.pem")
    assert not agrees(tmp_path, "openssl", *verify, "-purpose", "sslserver", "alice.pem")
    for owner, purpose in (("shop.example", "1.3.6.1.5.5.7.3.1"), ("alice", "1.3.6.1.5.5.7.3.2")):
        trusts = ("--load-ca-certificate", "root.pem", "--load-crl", "crl.pem")
        assert agrees(
            tmp_path, "certtool", "--verify", *trusts, "--verify-purpose", purpose, "--infile", f"{owner}.pem"
        )


def test_openssl_opens_an_encrypted_key_with_its_password_only(tmp_path: Path) -> None:
    made(tmp_path, "--service-key-password-file", password_file(tmp_path))

    assert agrees(tmp_path, "openssl", "pkey", "-in", "localhost-key.pem", "-passin", "file:password.txt", "-noout")
    assert not agrees(tmp_path, "openssl", "pkey", "-in", "localhost-key.pem", "-passin", "pass:wrong", "-noout")


# the programs that these files are for


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(port: int, *command: str, folder: Path) -> Iterator[None]:
    """A server that answers on the port, until the block ends."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "server.log").read_text()
                # The servers offer nothing to wait on but the port.
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


NGINX = """
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate localhost.pem; ssl_certificate_key localhost-key.pem; ssl_password_file password.txt;
    ssl_client_certificate root.pem; ssl_crl crl.pem; ssl_verify_client on;
    location / {{ return 200 "hello $ssl_client_s_dn\\n"; }}
  }}
}}
"""


def test_nginx_and_curl_speak_mutual_tls_with_the_files_as_they_are(tmp_path: Path) -> None:
    port = free_port()
    made(tmp_path, "--client=alice", "--crl-file=crl.pem", "--service-key-password-file", password_file(tmp_path))
    (tmp_path / "nginx.conf").write_text(NGINX.format(port=port), encoding="utf-8")
    # curl looks at nothing but what it is told: no other trust anchors, no configuration file.
    call = ("-q", "--silent", "--cacert", "root.pem", f"https://localhost:{port}/")

    nginx = (program("nginx"), "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "error.log")
    with running(port, *nginx, folder=tmp_path):
        with_certificate = ask(tmp_path, "curl", *call, "--cert", "alice.pem", "--key", "alice-key.pem")
        without = ask(tmp_path, "curl", *call)
        with_the_services = ask(
            tmp_path, "curl", *call, "--cert", "localhost.pem", "--key", "localhost-key.pem", "--pass", "from a file"
        )

    assert with_certificate == (0, "hello CN=alice\n")
    # nginx finishes the handshake, and says no in HTTP.
    assert "400" in without[1] and "No required SSL certificate was sent" in without[1]
    assert "400" in with_the_services[1] and "SSL certificate error" in with_the_services[1]


@pytest.mark.parametrize(
    "wishes",
    [
        (),
        ("--client=alice",),
        ("--name=shop.example", "--client=alice"),
        ("--name=*.shop.example",),
        ("--name=192.0.2.1",),
    ],
    ids=" ".join,
)
def test_the_two_commands_that_it_prints_work_as_they_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wishes: tuple[str, ...]
) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    made(folder, *wishes)
    port = free_port()
    printed = capsys.readouterr().out.replace("8443", str(port))
    server, client = (line.strip() for line in printed.splitlines() if line.startswith(("  openssl", "  curl")))
    program("openssl"), program("curl")

    with running(port, "sh", "-c", f"exec {server}", folder=tmp_path):
        called = ask(tmp_path, "sh", "-c", f"{client} --silent --show-error")
        bare = ask(tmp_path, "sh", "-c", f"{client.split(' --cert ')[0]} --silent --show-error")

    assert called[0] == 0 and "s_server" in called[1], called
    assert (bare[0] == 0) == ("--client=alice" not in wishes)


# sscg


def test_sscg_and_we_make_the_same_of_the_same_wishes(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    subject = ("--country=DE", "--state=Hesse", "--locality=Kassel", "--organization=Lab", "--organizational-unit=Ops")
    same = (*subject, "--email=ops@shop.example")
    files = ("--ca-file=root.pem", "--cert-file=shop.example.pem", "--cert-key-file=shop.example-key.pem")
    client = ("--client-file=alice.pem", "--client-key-file=alice-key.pem", "--cert-key-mode=0640")
    key = ("--ca-key-file=root-key.pem", "--cert-key-passfile", password_file(tmp_path), "--lifetime=30")
    asked = ("--hostname=shop.example", "--subject-alt-name=localhost", "--hash-alg=sha384", "--key-strength=3072")

    assert agrees(theirs, "sscg", "--quiet", *same, *files, *client, *key, *asked, "--crl-file=crl.pem")
    made(
        ours,
        *same,
        *("--name=shop.example", "--alt-name=localhost", "--client=alice", "--authority-key-file=root-key.pem"),
        *("--service-key-mode=0640", "--service-key-password-file", str(tmp_path / "password.txt")),
        *("--days=30", "--hash=sha384", "--key-type=rsa-3072", "--crl-file=crl.pem"),
    )

    assert {path.name: mode(path) for path in ours.iterdir()} == {
        path.name: mode(path) for path in theirs.iterdir() if path.name != "dhparams.pem"
    }
    for name in ("shop.example.pem", "alice.pem"):
        mine, sscgs = leaf(ours / name), leaf(theirs / name)
        assert (mine.key_type, mine.signature_hash, mine.purposes) == (
            sscgs.key_type,
            sscgs.signature_hash,
            sscgs.purposes,
        )
        assert mine.subject is not None and sscgs.subject is not None
        assert set(mine.subject.split(",")[1:]) <= set(sscgs.subject.split(","))
    assert leaf(ours / "shop.example.pem").names == leaf(theirs / "shop.example.pem").names
    for folder in (ours, theirs):
        assert b"ENCRYPTED" in (folder / "shop.example-key.pem").read_bytes()
        assert agrees(folder, "openssl", "verify", "-CAfile", "root.pem", "shop.example.pem", "alice.pem")


def test_where_sscg_is_wrong_we_are_not(tmp_path: Path) -> None:
    """The defects of version 3.0.2, which Debian and Ubuntu have; those of 4.0.3 are in `docs/certs.md`."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    wishes = ("--hostname=shop.example", "--subject-alt-name=127.0.0.1", "--lifetime=-5", "--crl-file=crl.pem")
    assert agrees(theirs, "sscg", "--quiet", *wishes, "--client-file=alice.pem")
    if "3.0.2" not in ask(tmp_path, "sscg", "--version")[1]:
        pytest.skip("another version of sscg, with other defects")
    made(tmp_path, "--name=shop.example", "--alt-name=127.0.0.1", "--crl-file=crl.pem", "--client=alice")

    # A root whose basicConstraints are not critical: refused by strict verifiers (Python >= 3.13).
    strict = ("verify", "-x509_strict", "-CAfile")
    assert not agrees(theirs, "openssl", *strict, "ca.crt", "-no_check_time", "service.pem")
    assert agrees(tmp_path, "openssl", *strict, "root.pem", "shop.example.pem")
    # An address that is no address.
    assert "DNS:127.0.0.1" in leaf(theirs / "service.pem").names
    assert "IP:127.0.0.1" in leaf(tmp_path / "shop.example.pem").names
    # Over before it began.
    ended = leaf(theirs / "service.pem")
    assert ended.not_after is not None and ended.not_before is not None and ended.not_after < ended.not_before
    # A list of 0 bytes, which no program reads.
    assert not agrees(theirs, "openssl", "crl", "-in", "crl.pem", "-noout")
    assert not agrees(theirs, "certtool", "--crl-info", "--infile", "crl.pem")
    assert agrees(tmp_path, "openssl", "crl", "-in", "crl.pem", "-CAfile", "root.pem", "-noout")
    # A client with the service's name.
    clients = Certificate.from_pem(
        re.sub(rb"-----BEGIN P.*PRIVATE KEY-----\n", b"", (theirs / "alice.pem").read_bytes())
    )
    assert clients[0].common_name == "shop.example"
    assert leaf(tmp_path / "alice.pem").common_name == "alice"


def test_sscg_leaves_an_empty_file_where_it_fails_and_we_leave_none(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
        (folder / "service.pem").write_bytes(b"precious")
    if "3.0.2" not in ask(tmp_path, "sscg", "--version")[1]:
        pytest.skip("another version of sscg, with other defects")

    failed = ask(theirs, "sscg", "--hostname=shop.example")
    command = ["certs", str(ours), "--service-file=service.pem"]
    refused = subprocess.run(
        [sys.executable, "-m", "mtls_lab.cli", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )

    assert failed[0] == refused.returncode == 17
    assert {path.name for path in theirs.iterdir()} > {"service.pem"}
    assert {path.name for path in ours.iterdir()} == {"service.pem"}
