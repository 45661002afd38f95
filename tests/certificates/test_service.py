"""sscg's whole job in one call: one authority, one service, its clients, all files or none."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab.certificates import Authority, Credential, Subject, certification_path, issue_set
from mtls_lab.certificates.crl import crl_to_pem
from mtls_lab.certificates.service import issue_service
from tools import program


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_service_and_its_clients_share_one_authority_whose_key_is_gone(tmp_path: Path) -> None:
    issued = issue_set(tmp_path, clients=("alice", "bob"))

    assert names_in(tmp_path) == [
        *("alice-key.pem", "alice-leaf.pem", "alice.pem", "bob-key.pem", "bob-leaf.pem", "bob.pem"),
        *("localhost-key.pem", "localhost-leaf.pem", "localhost.pem", "root.pem"),
    ]
    assert sorted(path.name for path in issued.paths) == names_in(tmp_path)
    assert [one.leaf.common_name for one in issued.clients] == ["alice", "bob"]
    assert [one.leaf.purposes for one in (issued.service, *issued.clients)] == [("serverAuth",), *[("clientAuth",)] * 2]
    for credential in (issued.service, *issued.clients):
        assert certification_path(credential.chain, (issued.root.certificate,)).anchor == issued.root.certificate
    with pytest.raises(ValueError, match="key was thrown away"):
        issued.root.issue("mallory", purpose="clientAuth")


def test_the_key_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    issued = issue_set(tmp_path, keep_authority_key=True, password="secret")

    again = Authority.read(tmp_path / "root.pem", tmp_path / "root-key.pem", "secret")

    assert again == issued.root
    assert Credential.read(tmp_path / "localhost.pem", tmp_path / "localhost-key.pem", "secret") == issued.service
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*-key.pem")} == {0o600}


def test_the_authority_permits_these_names_and_what_subjects_hold(tmp_path: Path) -> None:
    issued = issue_set(
        tmp_path,
        "shop.example",
        names=("shop.example", "127.0.0.1"),
        clients=("alice", "billing.example"),
        subject=Subject(organization="Lab", email="ops@example.org"),
    )

    assert issued.root.certificate.permitted_names == (
        *("DNS:shop.example", "IP:127.0.0.1/32", "DNS:billing.example", "email:ops@example.org"),
    )
    assert issued.service.leaf.names == ("DNS:shop.example", "IP:127.0.0.1")


def test_every_setting_reaches_every_certificate(tmp_path: Path) -> None:
    issued = issue_set(
        tmp_path,
        clients=("alice",),
        subject=Subject(country="de"),
        lifetime=timedelta(days=7),
        key_type="EC P-384",
        signature_hash="SHA-512",
    )

    for certificate in (issued.root.certificate, issued.service.leaf, issued.clients[0].leaf):
        assert certificate.subject is not None and certificate.subject.endswith("C=DE")
        assert (certificate.key_type, certificate.signature_hash) == ("EC P-384", "SHA-512")
        assert certificate.not_before is not None and certificate.not_after is not None
        assert certificate.not_after - certificate.not_before == timedelta(days=7, minutes=5)


@pytest.mark.parametrize("clients", [("localhost",), ("root",), ("alice", "alice"), ("x" * 65,), ("alice", "")])
def test_nothing_is_written_where_something_is_wrong(tmp_path: Path, clients: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        issue_set(tmp_path, clients=clients)

    assert names_in(tmp_path) == []


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    (tmp_path / "alice-key.pem").write_bytes(b"precious")

    with pytest.raises(ValueError, match=r"alice-key\.pem exists already"):
        issue_set(tmp_path, clients=("alice",))

    assert names_in(tmp_path) == ["alice-key.pem"]
    issue_set(tmp_path, clients=("alice",), overwrite=True)
    assert Credential.read(tmp_path / "alice.pem", tmp_path / "alice-key.pem").key_matches
    assert len(names_in(tmp_path)) == 7


def test_without_files_the_authority_keeps_its_key_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    issued = issue_service(clients=("alice",))

    assert issued.root.issue("bob", purpose="clientAuth").key_matches
    assert (issued.paths, names_in(tmp_path)) == ((), [])


def test_the_empty_list_lasts_as_long_as_the_authority_that_can_make_no_other(tmp_path: Path) -> None:
    issued = issue_set(tmp_path, lifetime=timedelta(days=7), signature_hash="SHA-512", write_crl=True)

    made = x509.load_der_x509_crl(issued.crl_der)

    assert len(made) == 0
    assert made.next_update_utc == issued.root.certificate.not_after
    assert made.signature_hash_algorithm is not None and made.signature_hash_algorithm.name == "sha512"
    assert (tmp_path / "root-crl.pem").read_bytes() == crl_to_pem(issued.crl_der)


def test_a_name_longer_than_a_common_name_can_be_stands_in_the_names_only(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 4)

    issued = issue_set(tmp_path, name)

    assert (issued.service.leaf.common_name, issued.service.leaf.names) == (None, (f"DNS:{name}",))
    assert names_in(tmp_path) == [*(f"{name[:200]}{ending}.pem" for ending in ("-key", "-leaf", "")), "root.pem"]


@pytest.mark.parametrize("name", ["a_b.example", "alice.2"])
def test_a_client_whom_openssl_would_take_for_a_host_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"clients holds 'DNS:{name}': .* leave its dots out"):
        issue_set(tmp_path, clients=("alice", name))

    assert names_in(tmp_path) == []


@pytest.mark.live
@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "shop.example", "*.example.org", "localhost"])
@pytest.mark.parametrize(
    "client", ["192.0.2.1", "2001:db8::1", "a_b", "a-.b", "Bob E. Ware", "x.y-z", "alice@a.example"]
)
def test_openssl_verifies_whoever_is_issued(tmp_path: Path, name: str, client: str) -> None:
    issued = issue_set(tmp_path, name, clients=(client,), subject=Subject(email="ops@lab.example"))

    chains = [str(path) for path in issued.paths if path.name.endswith("-leaf.pem")]
    command = [program("openssl"), "verify", "-x509_strict", "-CAfile", str(tmp_path / "root.pem"), *chains]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, len(chains)) == (0, 2), done.stderr
