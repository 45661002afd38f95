"""sscg's whole job in one call: one authority, one service, its clients, all files or none."""

from datetime import timedelta
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Credential, Subject, certification_path, issue_set


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
