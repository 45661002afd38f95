"""`mtls-lab explain`, as typed: what it prints, what it does not, and how it exits."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cast import Lab, make_lab
from mtls_lab import cli
from mtls_lab.proxy import Proxy

ROOT = Path(__file__).parents[2]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def folder(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """alice.pem, alice-key.pem, locked-key.pem, password.txt and root.pem; the current folder."""
    lab.alice.write(tmp_path)
    lab.alice.write(tmp_path, name="locked", password="secret")
    (tmp_path / "password.txt").write_text("secret\n")
    lab.root.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type it; the exit code, standard output and standard error."""

    def typed(*words: str) -> tuple[int, str, str]:
        code = cli.main(["explain", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return typed


# an endpoint


@pytest.mark.live
def test_the_first_line_is_the_verdict_and_0_means_that_nothing_is_wrong(lab: Lab, run: Run) -> None:
    with Proxy(lab.scenario()) as proxy:
        code, out, err = run(proxy.url, "--cacert", "root.pem", "--cert", "alice.pem", "--key", "alice-key.pem")

    assert (code, err) == (0, "")
    assert out.startswith(
        f"Nothing is wrong with localhost:{proxy.port}: the server's certificate is good for localhost"
    )
    headings = [line for line in out.splitlines() if line and not line.startswith(" ")][2:]
    assert headings == ["Who demands what", "Worth knowing", "What is good", "Evidence"]


@pytest.mark.live
def test_1_means_that_somebody_refuses_and_the_cure_is_named_per_tool(lab: Lab, run: Run) -> None:
    with Proxy(lab.scenario()) as proxy:
        code, out, _ = run(proxy.url, "--cacert", "root.pem")

    assert code == 1
    assert out.startswith(
        "The server refuses this client: the server demands a client certificate, and none was given."
    )
    assert "curl: --cert alice.pem --key alice-key.pem" in out
    assert "certificate_required (116)" in out


def test_3_means_that_nobody_answered(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

    code, out, _ = run(f"127.0.0.1:{port}", "--cacert", "root.pem")

    assert code == 3
    assert out.startswith(f"Nobody listens on 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give one of these"),
        (["localhost:1", "--files", "alice.pem"], "give one of these"),
        (["http://localhost"], "http:// is not TLS"),
        (["localhost:1", "--key", "alice-key.pem"], "--key without --cert"),
        (["localhost:1", "--cert", "alice.pem"], "holds no private key: say where it is with --key"),
        (["localhost:1", "--cert", "nowhere.pem"], "nowhere.pem: No such file or directory"),
        (["localhost:1", "--cacert", "alice-key.pem"], "should hold a certificate in PEM and holds a private key"),
        (["localhost:1", "--cacert", "root.pem", "--timeout", "0"], "must both be more than 0"),
        (["--files", "nowhere.pem"], "nowhere.pem: No such file or directory"),
        (["--files", "a", "b", "c", "d"], "at most three files"),
        (["--files", "."], "Is a directory"),
        (["--files", "alice.pem", "locked-key.pem", "--password-file", "nowhere.txt"], "nowhere.txt: No such file"),
    ],
)
def test_2_means_that_the_command_line_is_at_fault_and_nothing_is_printed_but_that(
    run: Run, words: list[str], said: str
) -> None:
    code, out, err = run(*words)

    assert (code, out) == (2, "")
    assert said in err and err.startswith("mtls-lab explain: ")
    assert "Traceback" not in err


@pytest.mark.live
def test_json_is_json_and_nothing_else(lab: Lab, run: Run) -> None:
    with Proxy(lab.scenario()) as proxy:
        code, out, err = run(
            proxy.url, "--cacert", "root.pem", "--cert", "alice.pem", "--key", "alice-key.pem", "--json"
        )

    told = json.loads(out)
    assert (code, err, told["exit_code"]) == (0, "", 0)
    assert told["server"]["versions"] == ["TLSv1.2", "TLSv1.3"]
    assert (told["server"]["insists"], told["server"]["accepts_yours"]) == (True, True)
    assert told["trust"] == {"source": "root.pem", "anchors": 1}
    assert "PRIVATE" not in out


@pytest.mark.live
def test_a_credential_that_cannot_be_used_is_said_and_the_endpoint_is_probed_without_it(lab: Lab, run: Run) -> None:
    with Proxy(lab.scenario(server_verifies="optional")) as proxy:
        code, out, _ = run(proxy.url, "--cacert", "root.pem", "--cert", "alice.pem", "--key", "locked-key.pem")

    assert code == 1
    assert out.startswith("Something is wrong on this side: the key in locked-key.pem is encrypted")
    assert "--password-file FILE" in out
    assert "speaks TLS 1.2 and TLS 1.3" in out


@pytest.mark.live
def test_a_password_file_opens_the_key(lab: Lab, run: Run) -> None:
    words = [
        "--cacert",
        "root.pem",
        "--cert",
        "alice.pem",
        "--key",
        "locked-key.pem",
        "--password-file",
        "password.txt",
    ]

    with Proxy(lab.scenario()) as proxy:
        code, out, _ = run(proxy.url, *words)

    assert code == 0
    assert "accepts yours" in out and "secret" not in out


@pytest.mark.live
def test_a_line_tells_what_is_going_on_once_it_takes_long(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        code, out, err = run(f"127.0.0.1:{door.getsockname()[1]}", "--cacert", "root.pem", "--timeout", "3")

    assert code == 3
    assert err.count("waiting for 127.0.0.1:") == 1
    assert "said nothing within 3 s" in out


# files


def test_files_are_judged_without_anybody_being_dialled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)

    code, out, err = run("--files", "alice.pem", "alice-key.pem", "root.pem")

    assert (code, err) == (0, "")
    assert out.startswith("Nothing is wrong: these files can be used.")
    assert "alice <- Lab Issuing CA <- Lab Root CA" in out


def test_files_that_are_swapped_are_bad_files(run: Run) -> None:
    code, out, _ = run("--files", "alice-key.pem", "alice.pem")

    assert code == 1
    assert out.startswith("One thing is wrong: The two files are swapped")


def test_files_come_as_json_too_and_a_dash_leaves_one_out(run: Run) -> None:
    code, out, _ = run("--files", "alice.pem", "-", "root.pem", "--json")

    told = json.loads(out)
    assert (code, told["files"]["key"]) == (0, None)
    assert [one["subject"] for one in told["chain"]] == ["CN=alice", "CN=Lab Issuing CA"]


# a message


def test_a_message_is_looked_up_and_an_unknown_one_is_said_to_be(run: Run) -> None:
    known, out, _ = run("--text", "curl: (60) SSL certificate problem: unable to get local issuer certificate")
    unknown, said, _ = run("--text", "the moon is in the seventh house")
    _, told, _ = run("--text", "certificate required", "--json")

    assert known == 0 and "curl" in out
    assert unknown == 1 and "No program in the atlas" in said
    assert isinstance(json.loads(told), list)


# a terminal, and none


def test_an_encrypted_key_is_asked_about_on_a_terminal_and_nowhere_else(folder: Path) -> None:
    command = [sys.executable, "-m", "mtls_lab.cli", "explain", "--files", "alice.pem", "locked-key.pem"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    piped = subprocess.run(command, input=b"secret\n", capture_output=True, env=environment, check=False, timeout=30)
    master, slave = pty.openpty()
    with subprocess.Popen(
        command, stdin=slave, stderr=slave, stdout=subprocess.PIPE, env=environment, start_new_session=True
    ) as asked:
        os.close(slave)
        prompt = b""
        while b"its password:" not in prompt:
            prompt += os.read(master, 1024)
        os.write(master, b"secret\n")
        out, _ = asked.communicate(timeout=30)
    os.close(master)

    assert piped.returncode == 1 and b"no password was given" in piped.stdout
    assert b"--password-file answers without asking" in prompt
    assert asked.returncode == 0 and b"belong together" in out


def test_a_terminal_that_knows_ascii_only_gets_no_traceback(folder: Path, lab: Lab) -> None:
    lab.issuing.issue("Zoë", purpose="clientAuth").write(folder, name="zoe")
    command = [sys.executable, "-m", "mtls_lab.cli", "explain", "--files", "zoe.pem", "zoe-key.pem", "root.pem"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=30)

    assert done.returncode == 0
    assert rb"Zo\xeb" in done.stdout


def test_help_tells_the_exit_codes_and_what_an_endpoint_sees(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["explain", "--help"])

    assert end.value.code == 0
    told = capsys.readouterr().out
    assert all(f"\n  {code}  " in told for code in range(4))
    assert "HEAD / HTTP/1.1" in told
