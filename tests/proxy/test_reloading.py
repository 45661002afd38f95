"""Settings that follow their files: what is taken, what is kept out, and what is told of it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mtls_lab.certificates import Authority, Credential
from mtls_lab.certificates.crl import crl, crl_to_pem
from mtls_lab.certificates.drafts import leaf_draft
from mtls_lab.certificates.keys import generate_key, key_from_pem, key_to_pem
from mtls_lab.proxy.reloading import Reloader, expiries
from mtls_lab.proxy.settings import LARGEST_FILE, Settings, Sources, Unusable

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Folder:
    """Files of a proxy that demands client certificates, and what reads them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = Authority.create("Lab Root CA")
        self.taken: list[Settings] = []
        self.now = NOW
        self.put("server.pem", self.issue().chain_pem)
        self.put("key.pem", self.made.key_pem)
        self.put("clients.pem", self.root.certificate.pem)
        self.put("list.pem", crl_to_pem(crl(self.root, this_update=NOW - DAY)))
        self.sources = Sources(
            chain=path / "server.pem", key=path / "key.pem", trusts=(path / "clients.pem",), crls=(path / "list.pem",)
        )

    def issue(self, not_before: datetime | None = None, not_after: datetime | None = None) -> Credential:
        draft = leaf_draft("localhost", purpose="serverAuth", lifetime=90 * DAY)
        # Good at NOW, however much later this runs.
        draft = replace(draft, not_before=not_before or NOW - DAY, not_after=not_after or draft.not_after)
        key = generate_key("EC P-256")
        self.made = Credential(key_pem=key_to_pem(key), chain=(self.root.sign(draft, key),))
        return self.made

    def put(self, name: str, content: bytes) -> None:
        fresh = self.path / f".{name}"
        fresh.write_bytes(content)
        fresh.replace(self.path / name)

    def reloader(self, take: Callable[[Settings], object] | None = None) -> Reloader:
        return Reloader(self.sources, take or self.taken.append, now=lambda: self.now)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def kept(reloader: Reloader) -> str:
    """Why the files are not taken; the settings in force are the old ones."""
    before = reloader.settings
    reload = reloader.look()
    assert reload is not None and reload.outcome == "kept" and reload.reason
    assert reloader.settings is before
    return reload.reason


def test_files_that_stay_as_they_are_are_nothing_to_tell(folder: Folder) -> None:
    reloader = folder.reloader()
    (folder.path / "server.pem").touch()

    assert reloader.look() is None
    assert folder.taken == []


def test_a_new_certificate_and_its_key_are_taken_together(folder: Folder) -> None:
    reloader = folder.reloader()
    folder.put("server.pem", folder.issue().chain_pem)

    halfway = kept(reloader)
    folder.put("key.pem", folder.made.key_pem)
    whole = reloader.look()

    assert "its first certificate is not that of the private key in" in halfway
    assert whole is not None and whole.outcome == "taken"
    assert {path.name for path in whole.changed} == {"server.pem", "key.pem"}
    assert [settings.credential.leaf for settings in folder.taken] == [folder.made.leaf]


def test_a_file_that_is_written_in_place_with_the_same_size_and_time_is_seen(folder: Folder) -> None:
    reloader = folder.reloader()
    path = folder.path / "clients.pem"
    before = path.stat()
    path.write_bytes(Authority.create("Lab Root CB").certificate.pem)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    folder.put("list.pem", b"")

    assert "no list" in kept(reloader)


BREAKAGES: dict[str, tuple[str, Callable[[Folder], bytes], str]] = {
    "empty certificate": ("server.pem", lambda folder: b"", "no certificate but nothing at all"),
    "half a certificate": ("server.pem", lambda folder: folder.made.chain_pem[:300], "END CERTIFICATE"),
    "text": ("server.pem", lambda folder: b"hello\n", "no certificate but"),
    "key instead": ("server.pem", lambda folder: folder.made.key_pem, "a private key"),
    "scribble": (
        "server.pem",
        lambda folder: b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n",
        "not sound",
    ),
    "client's certificate": (
        "server.pem",
        lambda folder: (
            Credential(
                key_pem=folder.made.key_pem,
                chain=folder.root.issue("localhost", purpose="clientAuth").chain,
            ).chain_pem
        ),
        "not that of the private key",
    ),
    "empty key": ("key.pem", lambda folder: b"", "no private key that can be used"),
    "half a key": ("key.pem", lambda folder: folder.made.key_pem[:100], "no private key that can be used"),
    "encrypted key": (
        "key.pem",
        lambda folder: key_to_pem(key_from_pem(folder.made.key_pem), "secret"),
        "encrypted",
    ),
    "empty trust": ("clients.pem", lambda folder: b"", "no certificate but"),
    "leaf as trust": ("clients.pem", lambda folder: folder.made.leaf.pem, "is no authority"),
    "empty list": ("list.pem", lambda folder: b"", "no list"),
    "forged list": (
        "list.pem",
        lambda folder: crl_to_pem(crl(Authority.create("Lab Root CA"))),
        "that authority did not sign it",
    ),
    "somebody else's list": ("list.pem", lambda folder: crl_to_pem(crl(Authority.create("Other"))), "is missing"),
    "older list": (
        "list.pem",
        lambda folder: crl_to_pem(crl(folder.root, this_update=NOW - 2 * DAY, next_update=NOW + DAY)),
        "older than the one in force",
    ),
    "overdue list": (
        "list.pem",
        lambda folder: crl_to_pem(
            crl(folder.root, this_update=NOW - timedelta(hours=2), next_update=NOW - timedelta(hours=1))
        ),
        "overdue",
    ),
    "huge file": ("list.pem", lambda folder: b"\0" * (LARGEST_FILE + 1), "more than"),
}


@pytest.mark.parametrize("slug", BREAKAGES)
def test_a_broken_file_is_kept_out_and_a_good_one_gets_in_again(folder: Folder, slug: str) -> None:
    name, breakage, says = BREAKAGES[slug]
    reloader = folder.reloader()
    good = (folder.path / name).read_bytes()
    folder.put(name, breakage(folder))

    reason = kept(reloader)
    again = reloader.look()
    folder.put(name, good)
    healed = reloader.look()

    assert says in reason
    assert again is None  # told once
    assert healed is None  # as it was
    assert folder.taken == []


def test_a_file_that_is_away_is_told_by_its_name(folder: Folder) -> None:
    reloader = folder.reloader()
    (folder.path / "clients.pem").unlink()

    assert kept(reloader).startswith(f"{folder.path / 'clients.pem'}: it cannot be read (No such file or directory)")


def test_an_expired_certificate_does_not_replace_a_good_one(folder: Folder) -> None:
    reloader = folder.reloader()
    folder.put("server.pem", folder.issue(not_before=NOW - 9 * DAY, not_after=NOW - 8 * DAY).chain_pem)
    folder.put("key.pem", folder.made.key_pem)

    assert "expired since" in kept(reloader)


def test_a_certificate_of_tomorrow_does_not_replace_a_good_one(folder: Folder) -> None:
    reloader = folder.reloader()
    folder.put("server.pem", folder.issue(not_before=NOW + DAY, not_after=NOW + 8 * DAY).chain_pem)
    folder.put("key.pem", folder.made.key_pem)

    assert "not valid before" in kept(reloader)


def test_what_the_proxy_cannot_load_is_kept_out_too(folder: Folder) -> None:
    def refuse(settings: Settings) -> None:
        raise ValueError("OpenSSL does not like it")

    reloader = folder.reloader(refuse)
    folder.put("clients.pem", folder.root.certificate.pem * 2)

    assert kept(reloader) == "OpenSSL does not like it"


def test_trust_rolls_over_in_two_steps(folder: Folder) -> None:
    reloader = folder.reloader()
    new = Authority.create("Lab Root CA 2")
    both = folder.root.certificate.pem + new.certificate.pem
    lists = (folder.path / "list.pem").read_bytes() + crl_to_pem(crl(new))

    folder.put("clients.pem", both)
    folder.put("list.pem", lists)
    first = reloader.look()
    folder.put("clients.pem", new.certificate.pem)
    second = reloader.look()
    folder.put("list.pem", crl_to_pem(crl(new)))
    third = reloader.look()

    assert [one and one.outcome for one in (first, second, third)] == ["taken", "taken", "taken"]
    assert [len(settings.trusts) for settings in folder.taken] == [2, 1, 1]


def test_a_list_is_not_dropped_while_its_authority_is_trusted(folder: Folder) -> None:
    reloader = folder.reloader()
    folder.put("list.pem", crl_to_pem(crl(Authority.create("Lab Root CA 2"))))

    assert "the list of CN=Lab Root CA is missing" in kept(reloader)


def test_an_authority_with_a_new_key_has_lists_of_its_own(folder: Folder) -> None:
    twin = Authority.create("Lab Root CA")
    folder.put("clients.pem", folder.root.certificate.pem + twin.certificate.pem)
    old_list = (folder.path / "list.pem").read_bytes()
    folder.put("list.pem", old_list + crl_to_pem(crl(twin)))
    reloader = folder.reloader()

    folder.put("list.pem", crl_to_pem(crl(twin)))

    assert "is missing" in kept(reloader)


def test_a_list_in_der_is_read_too(folder: Folder) -> None:
    reloader = folder.reloader()
    folder.put("list.pem", crl(folder.root, (folder.made.leaf,)))

    reload = reloader.look()

    assert reload is not None and reload.outcome == "taken"
    assert [one.size for one in folder.taken[0].crls or ()] == [1]


def test_a_folder_that_is_swapped_as_a_whole_is_followed(folder: Folder, tmp_path: Path) -> None:
    """As Kubernetes mounts secrets: the files are links through a link that is replaced."""
    one, other = tmp_path / "one", tmp_path / "other"
    for place in (one, other):
        place.mkdir()
        credential = folder.issue()
        (place / "server.pem").write_bytes(credential.chain_pem)
        (place / "key.pem").write_bytes(credential.key_pem)
    current = tmp_path / "current"
    current.symlink_to(one)
    sources = Sources(chain=current / "server.pem", key=current / "key.pem")
    reloader = Reloader(sources, folder.taken.append)

    fresh = tmp_path / "fresh"
    fresh.symlink_to(other)
    fresh.replace(current)
    reload = reloader.look()

    assert reload is not None and reload.outcome == "taken"
    assert len(folder.taken) == 1


@pytest.mark.parametrize("slug", ["empty certificate", "half a key", "leaf as trust", "forged list"])
def test_a_proxy_does_not_start_with_a_broken_file(folder: Folder, slug: str) -> None:
    name, breakage, says = BREAKAGES[slug]
    folder.put(name, breakage(folder))

    with pytest.raises(Unusable, match=says) as error:
        folder.reloader()

    assert error.value.path == folder.path / name


def test_a_chain_in_the_wrong_order_is_told(folder: Folder) -> None:
    issuing = folder.root.intermediate("Lab Issuing CA")
    credential = issuing.issue("localhost", purpose="serverAuth")
    folder.put("key.pem", credential.key_pem)
    folder.put("server.pem", b"".join(one.pem for one in reversed(credential.chain)))
    with pytest.raises(Unusable, match="put that certificate first"):
        folder.reloader()
    folder.put("server.pem", credential.leaf.pem + folder.root.intermediate("Other").certificate.pem)
    with pytest.raises(Unusable, match="none of its other certificates issued the first"):
        folder.reloader()


def test_an_encrypted_key_is_opened_by_its_password(folder: Folder) -> None:
    folder.put("key.pem", key_to_pem(key_from_pem(folder.made.key_pem), "secret"))
    folder.sources = replace(folder.sources, password="secret")

    assert folder.reloader().settings.credential.key_matches
    assert "secret" not in repr(folder.sources)


def test_what_ends_soon_is_warned_of_once_a_day(folder: Folder) -> None:
    folder.put("server.pem", folder.issue(not_before=NOW - 300 * DAY, not_after=NOW + 20 * DAY).chain_pem)
    folder.put("key.pem", folder.made.key_pem)
    folder.put("list.pem", crl_to_pem(crl(folder.root, this_update=NOW - DAY, next_update=NOW + 300 * DAY)))
    reloader = folder.reloader()

    first = [str(one) for one in reloader.warnings()]
    same_day = reloader.warnings()
    folder.now += DAY
    next_day = reloader.warnings()
    folder.now += 21 * DAY
    over = [str(one) for one in reloader.warnings()]

    assert [one.partition(" (20")[0] for one in first] == ["the certificate (localhost) ends in 19 days"]
    assert same_day == ()
    assert len(next_day) == 1
    assert over[0].startswith("the certificate (localhost) ended at ")


@pytest.mark.parametrize(("age_h", "warned"), [(1, False), (15, False), (17, True), (23, True)])
def test_a_short_lifetime_is_warned_of_in_its_last_third(folder: Folder, age_h: int, warned: bool) -> None:
    begin = NOW.replace(microsecond=0)
    credential = folder.issue(not_before=begin, not_after=begin + DAY)

    found = expiries(Settings(credential=credential), at=begin + timedelta(hours=age_h))

    assert bool(found) == warned


def test_authorities_and_lists_are_warned_of_too(folder: Folder) -> None:
    settings = folder.reloader().settings

    found = expiries(settings, at=NOW + 30 * 365 * DAY)

    assert {one.what.partition(" (")[0] for one in found} == {
        "the certificate",
        "the clients' authority",
        "the revocation list",
    }


def test_a_look_reads_and_never_writes(folder: Folder, tmp_path: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    shutil.copy(folder.path / "server.pem", tmp_path / "copy.pem")
    reloader = folder.reloader()
    reloader.look()
    (tmp_path / "copy.pem").unlink()

    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
