"""Files that are whole or absent, on systems that have files without a name and on those that have not."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.certificates import files
from mtls_lab.certificates.files import PRIVATE, FileExists, NewFile, write_files


@pytest.fixture(params=["unnamed", "named", "no links"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux; a system without files that have no name; and one whose disk has no links."""
    if request.param != "unnamed":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    if request.param == "no links":

        def refuse(*arguments: Any, **options: Any) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


def new(folder: Path, *names: str, content: bytes = b"new", mode: int = 0o644) -> list[NewFile]:
    return [NewFile(path=folder / name, content=content, mode=mode) for name in names]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def failing_at(number: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, which fails once, at the number-th time."""
    left = [number]

    def fail(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(5, "Input/output error")
        return call(*arguments, **options)

    return fail


@pytest.mark.parametrize("overwrite", [False, True])
def test_all_are_written_and_nothing_else_is_left(tmp_path: Path, overwrite: bool) -> None:
    if overwrite:
        (tmp_path / "a").write_bytes(b"old")

    write_files(new(tmp_path, "a", "b"), overwrite=overwrite, durable=True)

    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o666])
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_a_mode_is_exact_whatever_the_umask(tmp_path: Path, mode: int, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_files(new(tmp_path, "a", mode=mode), overwrite=False)
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_key_is_private_before_it_has_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = os.open

    def spy(path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_WRONLY:
            opened.append(mode)
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", spy)

    write_files(new(tmp_path, "a", mode=0o644), overwrite=False)

    assert opened == [PRIVATE]


@pytest.mark.parametrize("step", range(1, 8))
@pytest.mark.parametrize("function", ["link", "rename", "replace"])
def test_a_failure_at_any_step_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, step: int
) -> None:
    for name in ("a", "c"):
        (tmp_path / name).write_bytes(b"old")
    monkeypatch.setattr(os, function, failing_at(step, getattr(os, function)))

    try:
        write_files(new(tmp_path, "a", "b", "c"), overwrite=True)
    except OSError:
        assert contents(tmp_path) == {"a": b"old", "c": b"old"}
    else:
        # So many steps it does not take; or it found another way.
        assert contents(tmp_path) == {"a": b"new", "b": b"new", "c": b"new"}


def test_a_file_that_exists_is_named_by_the_error(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"old")

    with pytest.raises(FileExists, match=r"b exists already .* overwrite=True") as caught:
        write_files(new(tmp_path, "a", "b"), overwrite=False)

    assert caught.value.path == tmp_path / "b"
    assert contents(tmp_path) == {"b": b"old"}


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_a_folder_or_a_device_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="is a folder or a device: choose another name"):
        write_files(new(tmp_path, "a", name), overwrite=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_two_spellings_of_one_file_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()

    with pytest.raises(ValueError, match="would be written twice"):
        write_files(new(tmp_path, "a", "deep/../a"), overwrite=True)

    assert not (tmp_path / "a").exists()


def test_nobody_waits_for_himself_where_a_folder_is_spelled_in_two_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    locked = []
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, operation: locked.append(operation))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)

    write_files([*new(tmp_path, "a"), *new(Path(), "b"), *new(tmp_path / "link", "c")], overwrite=False)

    assert len(locked) == 1


def test_a_folder_where_anybody_could_keep_us_waiting_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    locked = []
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, operation: locked.append(operation))

    write_files(new(tmp_path, "a"), overwrite=False)
    tmp_path.chmod(0o1777)
    write_files(new(tmp_path, "b"), overwrite=False)

    assert locked == [fcntl.LOCK_EX]


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(list(files._OPEN_FILES.iterdir()))

    write_files(new(tmp_path, *map(str, range(50))), overwrite=False)
    write_files(new(tmp_path, *map(str, range(2000))), overwrite=True)

    assert len(list(tmp_path.iterdir())) == 2000
    assert len(list(files._OPEN_FILES.iterdir())) <= before
