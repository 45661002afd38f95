"""`mtls-lab certs` killed, interrupted or raced at every moment: each file is whole, and the set can be mended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands.issuing import ROOT, key_opens, leaf, made, mode, names_in
from mtls_lab.certificates import Authority, Certificate, certification_path
from mtls_lab.certificates.crl import crls_from_pem

OPTIONS = ("--quiet", "--authority-key-file=root-key.pem", "--crl-file=root-crl.pem")
NAMES = {"localhost.pem", "localhost-key.pem", "root.pem", "root-key.pem", "root-crl.pem"}

# For each moment that could matter, a process of its own that is sent a signal then. A moment is just before the system
# is asked to open, name, rename, remove, change or save something; the last process is left alone.
STOPPED_EVERYWHERE = """
import itertools, os, pathlib, shutil, signal, sys
from mtls_lab import cli
from mtls_lab.commands.certs import run

how, template, unnamed, *options = sys.argv[1:]
# What a shell starts in the background ignores Ctrl-C, and so do its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
WATCHED = {"open", "os.link", "os.rename", "os.remove", "os.chmod", "fsync"}

# The same new set for all of them: making it takes longer than writing it.
issued = run.issue_service("localhost", names=("localhost",))
run.issue_service = lambda *arguments, **options: issued

def stop_at(number):
    moments = itertools.count(1)
    def hook(event, arguments):
        if event in WATCHED and next(moments) == number:
            os.kill(os.getpid(), signal.Signals[how])
    sys.addaudithook(hook)
    # Saved is what the kernel has; the disk's turn would only take time here.
    os.fsync = lambda descriptor: hook("fsync", ())
    if unnamed == "no":
        del os.O_TMPFILE

for number in itertools.count(1):
    folder = pathlib.Path(f"{number:03}")
    shutil.copytree(template, folder)
    pid = os.fork()
    if pid == 0:
        write = run.write_files
        run.write_files = lambda files, **options: (stop_at(number), write(files, **options))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(cli.main(["certs", str(folder), *options]))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.Signals[how], 130), code
    if code == 0:
        break
"""


def stopped(tmp_path: Path, how: str, old: Path, *options: str, unnamed: bool = True) -> list[Path]:
    """One folder for each moment at which it was stopped."""
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(
        [sys.executable, "-c", STOPPED_EVERYWHERE, how, str(old), "yes" if unnamed else "no", *OPTIONS, *options],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=240,
    )
    *folders, finished = sorted(work.iterdir())
    assert set(names_in(finished)) == NAMES
    # At least three for each file: this can fail only if moments are not found any more.
    assert len(folders) >= 3 * len(NAMES)
    return folders


def is_whole(path: Path) -> bool:
    """A file that programs can use, and no key that others may read."""
    content = path.read_bytes()
    if b"PRIVATE KEY" in content:
        return content.endswith(b"-----END PRIVATE KEY-----\n") and mode(path) == 0o600
    if b"CRL" in content:
        return len(crls_from_pem(content)) == 1
    return Certificate.from_pem(content)[0].problem is None


def is_one_set(folder: Path) -> bool:
    root = Authority.read(folder / "root.pem", folder / "root-key.pem").certificate
    path = certification_path((leaf(folder / "localhost.pem"),), (root,))
    return key_opens(folder, "localhost", None) and path.anchor == root


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    return made(tmp_path / "old", *OPTIONS)


@pytest.mark.live
def test_killed_at_any_moment_a_new_set_has_whole_files_only(tmp_path: Path, empty: Path) -> None:
    for folder in stopped(tmp_path, "SIGKILL", empty):
        assert set(names_in(folder)) <= NAMES
        assert all(map(is_whole, folder.iterdir()))


@pytest.mark.live
def test_killed_at_any_moment_an_overwritten_set_has_every_file_old_or_new_and_is_mended(
    tmp_path: Path, old: Path
) -> None:
    for folder in stopped(tmp_path, "SIGKILL", old, "--force"):
        assert set(names_in(folder)) >= NAMES
        assert all(map(is_whole, folder.iterdir()))

        made(folder, *OPTIONS, "--force")
        assert is_one_set(folder)


@pytest.mark.live
def test_where_every_file_has_a_name_a_kill_leaves_the_names_asked_for_whole_too(tmp_path: Path, old: Path) -> None:
    for folder in stopped(tmp_path, "SIGKILL", old, "--force", unnamed=False):
        hidden = set(names_in(folder)) - NAMES
        assert all(is_whole(folder / name) for name in NAMES)
        assert all(b"PRIVATE" not in (folder / name).read_bytes() or mode(folder / name) == 0o600 for name in hidden)


@pytest.mark.live
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_ctrl_c_or_sigterm_at_any_moment_leaves_the_old_set_or_the_new_one(tmp_path: Path, old: Path, how: str) -> None:
    before = contents(old)

    # Where every file has a name there is most to clean up.
    for folder in stopped(tmp_path, how, old, "--force", unnamed=False):
        after = contents(folder)
        assert after == before or (after.keys() == before.keys() and is_one_set(folder))


@pytest.mark.live
def test_the_real_command_killed_after_any_time_leaves_whole_files_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mtls_lab.cli", "certs", str(tmp_path), *OPTIONS, "--force"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = time.monotonic()
    subprocess.run(command, env=environment, check=True, timeout=60)
    whole = time.monotonic() - begun

    for part in range(1, 10):
        process = subprocess.Popen(command, env=environment)
        # The moment is what is tested.
        time.sleep(whole * part / 8)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)

        assert set(names_in(tmp_path)) >= NAMES
        assert all(map(is_whole, tmp_path.iterdir()))


@pytest.mark.live
def test_two_that_overwrite_at_once_leave_the_set_of_one_of_them(tmp_path: Path) -> None:
    made(tmp_path, *OPTIONS)
    command = [sys.executable, "-m", "mtls_lab.cli", "certs", str(tmp_path), *OPTIONS, "--force"]

    both = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}) for _ in range(4)]

    assert [process.wait(timeout=60) for process in both] == [0] * 4
    assert set(names_in(tmp_path)) == NAMES
    assert is_one_set(tmp_path)
