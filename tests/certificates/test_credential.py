"""A credential's key and chain, and the files they become."""

import os
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.certificates.files import NewFile, file_stem, write_files
from tools import program

ROOT = Authority.create("Lab Root CA")
ISSUING = ROOT.intermediate("Lab Issuing CA")
ALICE = ISSUING.issue("alice", purpose="clientAuth")
BOB = ISSUING.issue("bob", purpose="clientAuth")


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def loads(chain: Path, key: Path, password: str | None = None) -> bool:
    """OpenSSL takes them for one credential."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password)
    except ssl.SSLError:
        return False
    return True


def test_the_chain_is_leaf_first_and_the_key_hides() -> None:
    assert [one.common_name for one in ALICE.chain] == ["alice", "Lab Issuing CA"]
    assert Certificate.from_pem(ALICE.chain_pem) == ALICE.chain
    assert ALICE.leaf == ALICE.chain[0]
    assert "PRIVATE" not in repr(ALICE) and "key" not in repr(ALICE)


def test_a_key_matches_its_own_certificate_only() -> None:
    assert ALICE.key_matches
    assert not replace(ALICE, key_pem=BOB.key_pem).key_matches
    assert not replace(ALICE, key_pem=b"no key").key_matches
    assert not replace(ALICE, chain=(Certificate(der=b"garbage"),)).key_matches


def test_a_chain_is_a_tuple_of_at_least_one_certificate() -> None:
    with pytest.raises(ValueError, match=r"chain=\(\) holds no certificate"):
        Credential(key_pem=ALICE.key_pem, chain=())
    with pytest.raises(TypeError, match="chain=.* must be a tuple of certificates, leaf first"):
        Credential(key_pem=ALICE.key_pem, chain=[ALICE.leaf])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a tuple of certificates"):
        Credential(key_pem=ALICE.key_pem, chain=(ALICE.leaf.der,))  # type: ignore[arg-type]


def test_files_are_named_by_owner_and_only_the_key_is_private(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        files = ALICE.write(tmp_path)
    finally:
        os.umask(umask)

    assert modes(tmp_path) == {"alice.pem": 0o644, "alice-leaf.pem": 0o644, "alice-key.pem": 0o600}
    assert files.chain_path.read_bytes() == ALICE.chain_pem
    assert files.certificate_path.read_bytes() == ALICE.leaf.pem
    assert loads(files.chain_path, files.key_path)
    assert Credential.read(files.chain_path, files.key_path) == ALICE


def test_existing_files_are_left_as_they_are_unless_told(tmp_path: Path) -> None:
    files = ALICE.write(tmp_path, name="shop")
    files.chain_path.unlink()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(ValueError, match=r"shop-leaf\.pem exists already .* overwrite=True"):
        BOB.write(tmp_path, name="shop")

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    BOB.write(tmp_path, name="shop", overwrite=True)
    assert Credential.read(files.chain_path, files.key_path) == BOB
    assert len(modes(tmp_path)) == 3


def test_a_new_key_is_private_even_where_the_old_file_was_not(tmp_path: Path) -> None:
    files = ALICE.write(tmp_path)
    files.key_path.chmod(0o644)

    ALICE.write(tmp_path, overwrite=True)

    assert files.key_path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "alice-key.pem").symlink_to(victim)
    (tmp_path / "alice.pem").symlink_to(tmp_path / "nowhere")

    with pytest.raises(ValueError, match=r"alice\.pem exists already"):
        ALICE.write(tmp_path)
    files = ALICE.write(tmp_path, overwrite=True)

    assert victim.read_bytes() == b"precious"
    assert not files.key_path.is_symlink()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_all_files_are_written_or_everything_stays_as_it_was(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "first").write_bytes(b"old")
    files = [
        NewFile(path=tmp_path / ("first" if overwrite else "zeroth"), content=b"new"),
        NewFile(path=tmp_path / "second", content=b"new"),
        NewFile(path=tmp_path / "missing folder" / "third", content=b"new"),
    ]

    with pytest.raises(FileNotFoundError):
        write_files(files, overwrite=overwrite)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"first": b"old"}


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "first").write_bytes(b"theirs")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)

    with pytest.raises(FileExistsError):
        write_files([NewFile(path=tmp_path / "first", content=b"ours")], overwrite=False)

    assert (tmp_path / "first").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("alice", "alice"),
        ("*.example.org", "_.example.org"),
        ("../../etc/x", "etc-x"),
        ("::1", "1"),
        ("", "credential"),
    ],
)
def test_a_file_name_stays_in_its_folder(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_a_password_encrypts_the_key_and_opens_it_again(tmp_path: Path) -> None:
    files = ALICE.write(tmp_path, password="correct horse")

    assert b"BEGIN ENCRYPTED PRIVATE KEY" in files.key_path.read_bytes()
    assert loads(files.chain_path, files.key_path, "correct horse")
    assert Credential.read(files.chain_path, files.key_path, "correct horse") == ALICE
    with pytest.raises(ValueError, match="password=None: this private key is encrypted"):
        Credential.read(files.chain_path, files.key_path)
    with pytest.raises(ValueError, match="the password is wrong"):
        Credential.read(files.chain_path, files.key_path, "wrong")


def test_a_needless_or_unusable_password_is_refused_without_being_shown(tmp_path: Path) -> None:
    files = ALICE.write(tmp_path)

    with pytest.raises(ValueError, match=r"password=\.\.\.: this private key is not encrypted"):
        Credential.read(files.chain_path, files.key_path, "secret")
    for password in ("", "x" * 1024):
        with pytest.raises(ValueError, match=f"password is {len(password)} bytes long: give 1 to 1023"):
            ALICE.write(tmp_path, name="other", password=password)
    assert len(modes(tmp_path)) == 3


def test_swapped_files_are_told_apart(tmp_path: Path) -> None:
    files = ALICE.write(tmp_path)

    with pytest.raises(ValueError, match="pem holds no certificate but a private key"):
        Credential.read(files.key_path, files.key_path)
    with pytest.raises(ValueError, match="there is no private key in this PEM"):
        Credential.read(files.chain_path, files.chain_path)


def test_one_file_may_hold_both_and_a_mismatch_can_be_read_to_be_looked_at(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(ALICE.key_pem + BOB.chain_pem)

    credential = Credential.read(both, both)

    assert credential.leaf == BOB.leaf
    assert not credential.key_matches
    assert credential.issuers == (ISSUING.certificate,)


def test_pkcs12_holds_key_and_chain(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    path = ALICE.write_pkcs12(tmp_path, password="secret")
    loaded = load_pkcs12(path.read_bytes(), b"secret")

    assert modes(tmp_path) == {"alice.p12": 0o600}
    assert loaded.cert is not None
    assert loaded.cert.certificate == ALICE.leaf.parsed
    assert [one.certificate for one in loaded.additional_certs] == [ISSUING.certificate.parsed]
    with pytest.raises(ValueError, match=r"alice\.p12 exists already"):
        ALICE.write_pkcs12(tmp_path, password="secret")
    with pytest.raises(ValueError, match="password is 0 bytes long"):
        ALICE.pkcs12("")


@pytest.mark.live
@pytest.mark.parametrize("key_type", ["EC P-256", "RSA 2048"])
@pytest.mark.parametrize(
    "command",
    [
        ["openssl", "pkcs12", "-in", "{p12}", "-passin", "pass:{password}", "-nodes"],
        ["keytool", "-list", "-storetype", "PKCS12", "-keystore", "{p12}", "-storepass", "{password}"],
        ["pk12util", "-l", "{p12}", "-W", "{password}"],
        ["certtool", "--p12-info", "--inder", "--infile", "{p12}", "--password", "{password}"],
    ],
    ids=lambda command: command[0],
)
def test_other_programs_open_pkcs12_with_its_password_only(tmp_path: Path, command: list[str], key_type: str) -> None:
    path = ISSUING.issue("alice", purpose="clientAuth", key_type=key_type).write_pkcs12(tmp_path, password="secret")

    def opens(password: str) -> bool:
        line = [part.format(p12=path, password=password) for part in command]
        return (
            subprocess.run([program(line[0]), *line[1:]], capture_output=True, timeout=60, check=False).returncode == 0
        )

    assert opens("secret")
    assert not opens("guess")
