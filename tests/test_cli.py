"""The command `mtls-lab`: what it lays out, what it keeps, and the lab it opens."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtls_lab import Authority, cli, doctor
from mtls_lab.doctor import Finding

ROOT = Path(__file__).parents[1]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Notebooks as a wheel carries them."""
    folder = tmp_path / "source"
    (folder / "solved").mkdir(parents=True)
    for name in ("00-a.ipynb", "01-b.ipynb", "solved/00-a.ipynb"):
        (folder / name).write_text(f"{name}, first edition", encoding="utf-8")
    return folder


@pytest.fixture
def learner(tmp_path: Path, source: Path) -> Path:
    """A learner's folder, laid out from the first edition."""
    folder = tmp_path / "mine"
    cli.lay_out(folder, source=source)
    return folder


# laying out


def test_a_new_folder_gets_every_notebook(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.lay_out(tmp_path / "new" / "folder", source=source)

    assert (tmp_path / "new" / "folder" / "solved" / "00-a.ipynb").read_text() == "solved/00-a.ipynb, first edition"
    assert "3 notebooks copied, 0 were there already" in capsys.readouterr().out


def test_what_the_learner_changed_is_kept_and_named(
    learner: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (learner / "00-a.ipynb").write_text("my answers", encoding="utf-8")

    cli.lay_out(learner, source=source)

    assert (learner / "00-a.ipynb").read_text() == "my answers"
    assert "kept yours: 00-a.ipynb" in capsys.readouterr().out


def test_a_new_edition_replaces_only_what_was_not_changed(learner: Path, source: Path) -> None:
    (learner / "00-a.ipynb").write_text("my answers", encoding="utf-8")
    for name in ("00-a.ipynb", "01-b.ipynb"):
        (source / name).write_text("second edition", encoding="utf-8")

    cli.lay_out(learner, source=source)

    assert (learner / "00-a.ipynb").read_text() == "my answers"
    assert (learner / "01-b.ipynb").read_text() == "second edition"


def test_what_was_kept_once_is_kept_again(learner: Path, source: Path) -> None:
    (learner / "00-a.ipynb").write_text("my answers", encoding="utf-8")
    (source / "00-a.ipynb").write_text("second edition", encoding="utf-8")

    cli.lay_out(learner, source=source)
    cli.lay_out(learner, source=source)

    assert (learner / "00-a.ipynb").read_text() == "my answers"


def test_a_file_of_that_name_that_we_never_laid_out_is_the_learners(tmp_path: Path, source: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "00-a.ipynb").write_text("older than the lab", encoding="utf-8")

    cli.lay_out(tmp_path / "theirs", source=source)

    assert (tmp_path / "theirs" / "00-a.ipynb").read_text() == "older than the lab"


def test_overwrite_replaces_what_was_changed(learner: Path, source: Path) -> None:
    (learner / "00-a.ipynb").write_text("my answers", encoding="utf-8")

    cli.lay_out(learner, source=source, overwrite=True)

    assert (learner / "00-a.ipynb").read_text() == "00-a.ipynb, first edition"


def test_a_deleted_notebook_comes_back(learner: Path, source: Path) -> None:
    (learner / "01-b.ipynb").unlink()

    cli.lay_out(learner, source=source)

    assert (learner / "01-b.ipynb").exists()


def test_a_folder_that_cannot_be_written_ends_with_one_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    code = cli.main([str(tmp_path / "file")])

    assert code == 1
    assert "name another folder" in capsys.readouterr().out


# the command line


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been opened."""
    calls: list[dict[str, Any]] = []

    def run_lab(folder: Path, **options: Any) -> int:
        calls.append({"folder": folder, **options})
        return 0

    monkeypatch.setattr(cli, "_run_lab", run_lab)
    return calls


def test_a_folder_needs_no_command(opened: list[dict[str, Any]], tmp_path: Path, source: Path) -> None:
    code = cli.main([str(source), "--no-browser", "--port", "9999"])

    assert code == 0
    assert opened == [{"folder": source, "browser": False, "port": 9999}]


def test_a_checkout_opens_its_own_notebooks(
    opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    monkeypatch.setattr(cli, "_checkout_notebooks", lambda: source)

    cli.main([])

    assert opened[0]["folder"] == source


def test_an_installed_package_lays_out_a_folder_where_you_are(
    opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path
) -> None:
    (tmp_path / "site" / "mtls_lab").mkdir(parents=True)
    source.rename(tmp_path / "site" / "mtls_lab" / "notebooks")
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "site" / "mtls_lab" / "cli.py"))
    monkeypatch.chdir(tmp_path)

    cli.main([])

    assert opened[0]["folder"] == tmp_path / "mtls-lab-notebooks"
    assert (tmp_path / "mtls-lab-notebooks" / "00-a.ipynb").exists()


def test_a_misspelt_command_makes_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as ended:
        cli.main(["docter"])

    assert ended.value.code == 2
    assert "did you mean 'doctor'?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_new_command_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(cli.COMMANDS[0], name="newest", arguments=lambda parser: None, run=lambda options: 7)
    monkeypatch.setattr(cli, "COMMANDS", (*cli.COMMANDS, row))

    assert cli.main(["newest"]) == 7


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("mtls-lab ")


@pytest.mark.parametrize(("status", "code"), [("good", 0), ("note", 0), ("missing", 1), ("wrong", 1)])
def test_the_doctors_exit_code_says_whether_the_lab_can_run(
    monkeypatch: pytest.MonkeyPatch, status: doctor.Status, code: int
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: iter([Finding(name="x", status=status, found="y")]))

    assert cli.main(["doctor"]) == code
    assert cli.main(["doctor", "--json"]) == code


@pytest.mark.live
def test_the_doctor_says_which_variable_moves_requests_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bundle = tmp_path / "employer.pem"
    bundle.write_bytes(Authority.create("Employer CA").certificate.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    assert cli.main(["doctor", "--trust", "requests"]) == 0
    told = capsys.readouterr().out
    assert "employer.pem" in told
    assert "REQUESTS_CA_BUNDLE" in told
    assert "curl" not in told

    assert cli.main(["doctor", "--trust", "netscape"]) == 2
    assert "netscape" in capsys.readouterr().err


# a real JupyterLab


Ask = Callable[[str], Any]


@pytest.fixture(scope="module")
def real_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ask, str]]:
    """A lab opened by the command, on a machine whose python3 kernel is another Python; asks its API."""
    home = tmp_path_factory.mktemp("home")
    kernel = home / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/another/python", "-m", "x"], "display_name": "another", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    (home / "mine").mkdir()
    (home / "mine" / "00-first.ipynb").write_text("{}", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "mtls_lab.cli", str(home / "mine"), "--no-browser"],
        cwd=ROOT,
        env={
            **os.environ,
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_PATH": str(home / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_TOKEN": "token-of-the-test",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        running = until_running(home / "runtime", process)

        def ask(path: str) -> Any:
            request = urllib.request.Request(  # our own server
                f"{running['url']}{path}", headers={"Authorization": "token token-of-the-test"}
            )
            with urllib.request.urlopen(request, timeout=20) as answer:  # our own server
                return json.loads(answer.read())

        yield ask, running["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def until_running(runtime: Path, process: "subprocess.Popen[str]") -> Any:
    """What the server wrote down about itself, once it answers: the file is written before the port is open."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            # Being written while we look: not JSON yet.
            if (text := path.read_text(encoding="utf-8")) and listens(about := json.loads(text)):
                return about
        # Jupyter offers nothing to wait on but this file and the port.
        time.sleep(0.1)
    raise AssertionError(process.communicate(timeout=10)[0] if process.poll() is not None else "no server in 60 s")


def listens(about: Any) -> bool:
    """Somebody takes connections where the server says that it is."""
    place = urllib.parse.urlsplit(about["url"])
    try:
        socket.create_connection((place.hostname or "", place.port or 0), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.live
def test_the_lab_listens_on_the_loopback_only(real_lab: tuple[Ask, str]) -> None:
    assert re.match(r"http://(127\.0\.0\.1|localhost):", real_lab[1])


@pytest.mark.live
def test_the_lab_asks_for_no_news_and_no_updates(real_lab: tuple[Ask, str]) -> None:
    asked = real_lab[0]("lab/api/settings/@jupyterlab/apputils-extension:notification")

    properties = asked["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False
    assert asked["settings"] == {}


@pytest.mark.live
def test_the_labs_kernel_is_this_python_even_where_jupyters_is_another(real_lab: tuple[Ask, str]) -> None:
    spec = real_lab[0]("api/kernelspecs")["kernelspecs"]["python3"]["spec"]

    assert spec["argv"][0] == sys.executable


@pytest.mark.live
def test_the_lab_shows_the_folder_with_the_notebooks(real_lab: tuple[Ask, str]) -> None:
    names = {entry["name"] for entry in real_lab[0]("api/contents")["content"]}

    assert "00-first.ipynb" in names
