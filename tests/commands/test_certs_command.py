"""`mtls-lab certs`: what each option does, what is refused and how, and what is printed."""

import argparse
import getpass
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.issuing import ROOT, key_opens, leaf, made, make, mode, names_in, opens_only_with, password_file
from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.crl import crls_from_pem
from mtls_lab.commands.certs.arguments import declare


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal and answers every prompt."""
    stdin = io.StringIO()
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "from a prompt")


# every option


def in_subject(option: str, text: str, shown: str) -> Callable[[Path], bool]:
    def proof(folder: Path) -> bool:
        made(folder, "--client", "alice", option, text)
        return all(shown in (leaf(folder / f"{owner}.pem").subject or "") for owner in ("root", "localhost", "alice"))

    return proof


def is_encrypted_by(role: str, ending: str) -> Callable[[Path], bool]:
    def proof(folder: Path) -> bool:
        value, password = {
            "": (["typed"], "typed"),
            "-file": ([password_file(folder)], "from a file"),
            "-prompt": ([], "from a prompt"),
        }[ending]
        made(
            folder,
            "--client=alice",
            "--authority-key-file=root-key.pem",
            f"--{role}-key-password{ending}",
            *value,
        )
        own = {"authority": "root", "service": "localhost", "client": "alice"}
        return opens_only_with(folder, own.pop(role), password) and all(
            key_opens(folder, owner, None) for owner in own.values()
        )

    return proof


def has_mode(option: str, name: str) -> Callable[[Path], bool]:
    def proof(folder: Path) -> bool:
        arguments = ("--client=alice", "--authority-key-file=root-key.pem", "--crl-file=root-crl.pem")
        umask = os.umask(0o077)
        try:
            made(folder, *arguments, option, "0640")
        finally:
            os.umask(umask)
        others = {mode(path) for path in folder.iterdir() if path.name != name}
        return mode(folder / name) == 0o640 and others == {0o600, 0o644}

    return proof


def has_file(option: str, default: str | None) -> Callable[[Path], bool]:
    """The file goes where it is told, relative to the folder, and nowhere else."""

    def proof(folder: Path) -> bool:
        (folder / "deep").mkdir()
        made(folder, "--client=alice", option, "deep/chosen")
        return (folder / "deep/chosen").is_file() and default not in names_in(folder)

    return proof


def forces(option: str) -> Callable[[Path], bool]:
    def proof(folder: Path) -> bool:
        before = leaf(made(folder) / "root.pem")
        return make(folder) == 17 and make(folder, option) == 0 and leaf(folder / "root.pem") != before

    return proof


def lasts(folder: Path) -> bool:
    made(folder, "--client=a", "--days=7")
    ends = [leaf(folder / name).not_after for name in ("root.pem", "localhost.pem", "a.pem")]
    return all(end and abs(end - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1) for end in ends)


def is_of_type(folder: Path) -> bool:
    made(folder, "--client=alice", "--key-type=ec-p384")
    return {leaf(folder / f"{owner}.pem").key_type for owner in ("root", "localhost", "alice")} == {"EC P-384"}


def is_hashed(folder: Path) -> bool:
    made(folder, "--client=alice", "--hash=sha512", "--crl-file=crl.pem")
    hashes = {leaf(folder / f"{owner}.pem").signature_hash for owner in ("root", "localhost", "alice")}
    return hashes == {"SHA-512"}


def is_named(folder: Path) -> bool:
    service = leaf(made(folder, "--name=shop.example") / "shop.example.pem")
    return (service.common_name, service.names) == ("shop.example", ("DNS:shop.example",))


def has_alternatives(folder: Path) -> bool:
    names = ("*.a.example", "192.0.2.1", "2001:db8::1", "email:ops@a.example", "URI:spiffe://a.example/x", "localhost")
    service = leaf(made(folder, *(f"--alt-name={name}" for name in names)) / "localhost.pem")
    return service.names == (
        *("DNS:localhost", "IP:127.0.0.1", "IP:::1", "DNS:*.a.example", "IP:192.0.2.1", "IP:2001:db8::1"),
        *("email:ops@a.example", "URI:spiffe://a.example/x"),
    )


def has_clients(folder: Path) -> bool:
    made(folder, "--client", "alice", "--client", "Bob the Builder")
    people = [leaf(folder / name) for name in ("alice.pem", "Bob-the-Builder.pem")]
    return [(one.common_name, one.purposes, one.names) for one in people] == [
        ("alice", ("clientAuth",), ()),
        ("Bob the Builder", ("clientAuth",), ()),
    ]


def has_crl(folder: Path) -> bool:
    made(folder, "--crl-file=root-crl.pem")
    return len(crls_from_pem((folder / "root-crl.pem").read_bytes())) == 1


def keeps_key(folder: Path) -> bool:
    made(folder, "--authority-key-file=kept.pem")
    root = Authority.read(folder / "root.pem", folder / "kept.pem")
    return mode(folder / "kept.pem") == 0o600 and root.issue("x", purpose="clientAuth").key_matches


PROOFS: dict[str, Callable[[Path], bool]] = {
    "--name": is_named,
    "--alt-name": has_alternatives,
    "--client": has_clients,
    "--country": in_subject("--country", "de", "C=DE"),
    "--state": in_subject("--state", "Hesse", "ST=Hesse"),
    "--locality": in_subject("--locality", "Kassel", "L=Kassel"),
    "--organization": in_subject("--organization", "Lab & Co", "O=Lab & Co"),
    "--organizational-unit": in_subject("--organizational-unit", "Ops", "OU=Ops"),
    "--email": in_subject("--email", "ops@lab.example", "emailAddress=ops@lab.example"),
    "--days": lasts,
    "--key-type": is_of_type,
    "--hash": is_hashed,
    "--force": forces("--force"),
    "-f": forces("-f"),
    "--authority-file": has_file("--authority-file", "root.pem"),
    "--authority-mode": has_mode("--authority-mode", "root.pem"),
    "--authority-key-file": keeps_key,
    "--authority-key-mode": has_mode("--authority-key-mode", "root-key.pem"),
    "--service-file": has_file("--service-file", "localhost.pem"),
    "--service-mode": has_mode("--service-mode", "localhost.pem"),
    "--service-key-file": has_file("--service-key-file", "localhost-key.pem"),
    "--service-key-mode": has_mode("--service-key-mode", "localhost-key.pem"),
    "--client-file": has_file("--client-file", "alice.pem"),
    "--client-mode": has_mode("--client-mode", "alice.pem"),
    "--client-key-file": has_file("--client-key-file", "alice-key.pem"),
    "--client-key-mode": has_mode("--client-key-mode", "alice-key.pem"),
    "--crl-file": has_crl,
    "--crl-mode": has_mode("--crl-mode", "root-crl.pem"),
    **{
        f"--{role}-key-password{ending}": is_encrypted_by(role, ending)
        for role in ("authority", "service", "client")
        for ending in ("", "-file", "-prompt")
    },
}


@pytest.mark.parametrize("option", PROOFS)
def test_each_option_does_what_its_help_says(tmp_path: Path, option: str) -> None:
    assert PROOFS[option](tmp_path)


def test_no_option_is_without_its_proof() -> None:
    parser = argparse.ArgumentParser()
    declare(parser)

    options = {option for action in parser._actions for option in action.option_strings}

    # The two that only change what is printed have tests below.
    assert options == {*PROOFS, "-q", "--quiet", "-h", "--help"}


# files


def test_without_options_it_makes_a_service_on_this_machine_and_forgets_the_authoritys_key(tmp_path: Path) -> None:
    made(tmp_path)

    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "localhost.pem": 0o644,
        "localhost-key.pem": 0o600,
        "root.pem": 0o644,
    }
    service = Credential.read(tmp_path / "localhost.pem", tmp_path / "localhost-key.pem")
    assert service.key_matches
    assert service.leaf.names == ("DNS:localhost", "IP:127.0.0.1", "IP:::1")


def test_each_client_has_its_files_where_the_pattern_says(tmp_path: Path) -> None:
    people = ("--client=alice", "--client=bob")
    made(tmp_path, *people, "--client-file={name}.crt", "--client-key-file={name}.key")

    assert {"alice.crt", "alice.key", "bob.crt", "bob.key"} < set(names_in(tmp_path))


def test_key_and_certificate_may_share_a_file_which_gets_the_stricter_mode(tmp_path: Path) -> None:
    made(tmp_path, "--service-file=both.pem", "--service-key-file=both.pem", "--service-mode=0640")

    assert Credential.read(tmp_path / "both.pem", tmp_path / "both.pem").key_matches
    assert mode(tmp_path / "both.pem") == 0o600


def test_a_leaf_comes_first_in_a_file_that_it_shares_with_its_authority(tmp_path: Path) -> None:
    made(tmp_path, "--authority-file=all.pem", "--service-file", str(tmp_path / "." / "all.pem"))

    assert [one.common_name for one in Certificate.from_pem((tmp_path / "all.pem").read_bytes())] == [
        "localhost",
        "localhost Root CA",
    ]


def test_a_name_longer_than_a_common_name_can_be_stands_in_the_names_only(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 4)

    service = leaf(made(tmp_path, "--name", name) / f"{name[:200]}.pem")

    assert (service.common_name, service.names) == (None, (f"DNS:{name}",))


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "localhost-key.pem").symlink_to(victim)

    assert make(tmp_path) == 17
    assert make(tmp_path, "--force") == 0
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "localhost-key.pem").is_symlink()


# what is refused


REFUSED: list[tuple[int, tuple[str, ...], str]] = [
    (2, ("--days=0",), "argument --days: '0' must be a number of days from 1 to 36525, such as 398"),
    (2, ("--days=-5",), "'-5' must be a number of days"),
    (2, ("--days=99999",), "'99999' must be a number of days"),
    (2, ("--days=1.5",), "'1.5' must be a number of days"),
    (2, ("--name=a_b",), "argument --name: it holds 'a_b': .* use a hyphen"),
    (2, ("--name=spiffe://a/b",), "must be a host name or an address such as shop.example .* --alt-name"),
    (2, ("--name=DNS:a",), "'DNS:a' must be a host name"),
    (2, ("--name=",), "argument --name: it holds '': it is empty"),
    (2, ("--alt-name=10.0.0.0/8",), "argument --alt-name: it holds '10.0.0.0/8'"),
    (2, ("--alt-name=IP:10.0.0.0/255.0.0.0",), "it is no IP address"),
    (2, ("--alt-name=" + "a" * 64 + ".example",), "is not 1 to 63 letters"),
    (2, ("--alt-name=" + ".".join(["a" * 63] * 4),), "at most 253 letters"),
    (2, ("--client=",), "argument --client: NAME='' must be 1 to 64 printable letters"),
    (2, ("--client=" + "x" * 65,), "must be 1 to 64 printable letters"),
    (2, ("--client=a_b.example",), "clients holds 'DNS:a_b.example': .* leave its dots out"),
    (2, ("--country=DEU",), "argument --country: country='DEU' must be two letters"),
    (2, ("--email=nobody",), "argument --email: .*name@host"),
    (2, ("--key-type=rsa-1024",), "argument --key-type: invalid choice: 'rsa-1024'.*rsa-2048"),
    (2, ("--hash=md5",), "argument --hash: invalid choice: 'md5'.*sha256"),
    (2, ("--hash=sha1",), "argument --hash: invalid choice: 'sha1'"),
    (2, ("--hash=sha256", "--key-type=ed25519"), "--hash sha256 does nothing with --key-type ed25519"),
    (2, ("--service-key-mode=rw",), "argument --service-key-mode: 'rw' must be three octal digits"),
    (2, ("--service-key-mode=0000",), "let the owner read"),
    (2, ("--service-mode=0755",), "would make it a program"),
    (2, ("--service-mode=7777",), "must be three octal digits"),
    (2, ("--client-file=x.pem",), "--client-file does nothing without --client NAME"),
    (2, ("--client-mode=0644",), "--client-mode does nothing without --client NAME"),
    (2, ("--authority-key-mode=0600",), "--authority-key-mode does nothing without --authority-key-file FILE"),
    (2, ("--authority-key-password-prompt",), "does nothing without --authority-key-file FILE"),
    (2, ("--crl-mode=0600",), "--crl-mode does nothing without --crl-file FILE"),
    (2, ("--client=a", "--client=b", "--client-file=x"), "x would hold two certificates of different owners"),
    (2, ("--client=a", "--client=b", "--client-key-file=x"), "x would hold two private keys.*{name}-key.pem"),
    (2, ("--client=localhost",), "localhost.pem would hold two certificates"),
    (2, ("--client=a", "--client=a"), "a.pem would hold two"),
    (2, ("--client=a/b", "--client=a-b"), "a-b.pem would hold two"),
    (2, ("--authority-key-file=localhost-key.pem",), "two private keys"),
    (2, ("--crl-file=nowhere/crl.pem",), "there is no folder .*nowhere for crl.pem: make it"),
    (2, ("--crl-file=/dev/null", "--force"), "/dev/null is a folder or a device: choose another name"),
    (2, ("--service-key-password-file=/nowhere/x",), "--service-key-password-file /nowhere/x cannot be read"),
    (2, ("--service-key-password=abc",), "--service-key-password holds 3 bytes: a password has 4 to 1023"),
    (2, ("--service-key-password=" + "x" * 1024,), "holds more than 1023 bytes"),
    (2, ("--service-key-password=secret", "--service-key-password-prompt"), "not allowed with argument"),
    (2, ("--service-key-pass=secret",), "unrecognized arguments"),
]


@pytest.mark.parametrize(("code", "arguments", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_refusal_names_option_value_and_remedy_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, arguments: tuple[str, ...], message: str
) -> None:
    assert make(tmp_path, *arguments) == code

    said = capsys.readouterr()
    assert re.search(message, said.err)
    assert said.out == ""
    assert names_in(tmp_path) == []


def test_a_folder_that_is_missing_is_not_made_by_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "shop.example") == 2

    assert "make it first (mkdir); a service's name goes after --name" in capsys.readouterr().err
    assert names_in(tmp_path) == []


def test_a_file_that_exists_ends_with_17_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "root.pem").write_bytes(b"precious")

    assert make(tmp_path) == 17

    assert re.search("root.pem exists already; nothing was written: .* --force", capsys.readouterr().err)
    assert names_in(tmp_path) == ["root.pem"]


def test_what_the_system_refuses_ends_with_1_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    assert make(tmp_path) == 1

    assert f"cannot write into {tmp_path}: No space left on device; nothing was written" in capsys.readouterr().err
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that even root cannot write into")
def test_a_folder_that_cannot_be_written_into_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert make(Path("/proc")) == 1

    assert "cannot write into /proc: " in capsys.readouterr().err


def test_ctrl_c_at_the_prompt_ends_with_130_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupt)

    assert make(tmp_path, "--service-key-password-prompt") == 130

    assert capsys.readouterr().err == "mtls-lab certs: interrupted\n"
    assert names_in(tmp_path) == []


# what is printed


def test_the_report_says_files_modes_names_fingerprints_and_lifetime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, "--client=alice", "--days=30", "--service-key-password=typed secret")

    said = capsys.readouterr().out
    for name in ("localhost.pem", "alice.pem", "root.pem"):
        fingerprint = bytes.fromhex(leaf(tmp_path / name).fingerprint).hex(":").upper()
        assert re.search(rf"{name} +0644 .*\n.*SHA-256 {fingerprint}", said)
    assert re.search(r"localhost-key.pem  0600  its private key, encrypted\n", said)
    assert "the service: localhost, 127.0.0.1, ::1" in said
    assert re.search(r"valid for 30 days, until \d{4}-\d\d-\d\d \d\d:\d\d UTC. Keys: EC P-256.", said)
    assert "The authority's key was thrown away" in said


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, "--quiet", "--service-key-mode=0644")

    said = capsys.readouterr()
    assert said.out == ""
    assert "a private key that everybody on this machine may read (mode 0644)" in said.err


def test_the_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert make(tmp_path, "--help") == 0

    said = capsys.readouterr().out
    assert re.search(r"Exit codes: 0 .*\s1 .*\s2 .*\s17 .*\s130 ", said, re.DOTALL)


def test_the_command_line_loads_no_cryptography_for_other_commands() -> None:
    script = "import sys; from mtls_lab import cli; print('cryptography' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
