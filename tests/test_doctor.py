"""The doctor finds what is wrong with a machine: each test makes the machine so."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest

from mtls_lab import doctor
from mtls_lab.doctor import Finding

ROOT = Path(__file__).parents[1]
posix = pytest.mark.skipif(os.name == "nt", reason="plants shell scripts, or reads POSIX permissions")


def one(findings: Iterator[Finding], name: str) -> Finding:
    (found,) = (finding for finding in findings if finding.name == name)
    return found


def plant(folder: Path, name: str, prints: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{prints}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with nothing on it, and none of the variables that matter."""
    for name in (*doctor.PROXIES, *map(str.upper, doctor.PROXIES), *doctor.TRUST, "MTLS_LAB_CHROMIUM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


# programs


def test_a_missing_program_is_a_note_that_says_what_it_is_for(bare: Path) -> None:
    curl = one(doctor.programs(), "curl")

    assert (curl.status, curl.found) == ("note", "not found")
    assert "sudo apt install curl" in curl.remedy


@posix
def test_a_program_that_is_there_is_named_with_its_version(bare: Path) -> None:
    plant(bare, "curl", "echo 'curl 8.5.0 (x86_64) libcurl/8.5.0 OpenSSL/3.0.13'")

    curl = one(doctor.programs(), "curl")

    assert (curl.status, curl.remedy) == ("good", "")
    assert curl.found.startswith("curl 8.5.0")


@posix
@pytest.mark.parametrize("library", ["LibreSSL/3.3.6", "Schannel", "GnuTLS/3.7.9"])
def test_a_curl_on_another_tls_library_gets_a_word_of_warning(bare: Path, library: str) -> None:
    plant(bare, "curl", f"echo 'curl 8.5.0 (x) libcurl/8.5.0 {library} zlib/1.2'")

    curl = one(doctor.programs(), "curl")

    assert curl.status == "good"
    assert library.split("/", maxsplit=1)[0] in curl.remedy


@posix
def test_a_program_that_does_not_run_is_not_called_good(bare: Path) -> None:
    plant(bare, "openssl", "exit 3")

    openssl = one(doctor.programs(), "openssl")

    assert openssl.status == "note"
    assert "does not run" in openssl.remedy


@posix
def test_a_browser_may_be_named_by_a_variable(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(bare, "my-browser", "echo Chromium 150")
    monkeypatch.setenv("MTLS_LAB_CHROMIUM", str(bare / "my-browser"))

    assert one(doctor.programs(), "chromium").found == "Chromium 150"


# variables


def test_no_variables_is_good(bare: Path) -> None:
    assert doctor.proxy_variables().status == "good"
    assert [finding.status for finding in doctor.trust_variables()] == ["good"]


def test_a_proxy_that_does_not_spare_localhost_is_noted(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")

    found = doctor.proxy_variables()

    assert found.status == "note"
    assert "localhost is not exempt" in found.found


def test_a_proxy_that_spares_localhost_needs_no_mending(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")

    found = doctor.proxy_variables()

    assert (found.status, found.remedy) == ("note", "")


def test_a_trust_variable_is_noted_with_its_value(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(bare))

    found = one(doctor.trust_variables(), "SSL_CERT_DIR")

    assert (found.status, found.found) == ("note", str(bare))


def test_a_trust_variable_that_points_nowhere_is_to_be_unset(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bare / "gone.pem"))

    found = one(doctor.trust_variables(), "REQUESTS_CA_BUNDLE")

    assert "does not exist" in found.found
    assert found.remedy == "unset REQUESTS_CA_BUNDLE"


# packages


def test_every_package_the_project_needs_is_looked_at() -> None:
    assert {"jupyterlab", "ipywidgets", "cryptography", "requests", "httptools", "ipykernel", "pyopenssl"} == {
        finding.name for finding in doctor.packages()
    }


def test_the_packages_of_this_environment_are_good() -> None:
    assert {finding.status for finding in doctor.packages()} == {"good"}


def test_a_package_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requirements", lambda: ("no-such-package-of-ours>=1",))

    (found,) = doctor.packages()

    assert found.status == "missing"
    assert "pip install 'no-such-package-of-ours>=1'" in found.remedy


def test_a_package_of_the_wrong_version_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requirements", lambda: ("pytest<1",))

    (found,) = doctor.packages()

    assert (found.status, found.found) == ("wrong", f"{metadata.version('pytest')}, not <1")


def test_a_replaced_urllib3_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "urllib3_future-2.13.900.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: urllib3-future\nVersion: 2.13.900\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert doctor.urllib3().found == "replaced by urllib3-future 2.13.900"


# the machine


def test_this_machine_can_run_the_lab() -> None:
    assert [finding for finding in doctor.examine() if finding.status in ("missing", "wrong")] == []


def test_a_clock_before_the_package_was_made_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "BUILT", datetime.now(UTC) + timedelta(days=1))

    assert doctor.clock().status == "wrong"


def test_a_machine_without_loopback_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> socket.socket:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(socket, "create_server", refuse)

    assert doctor.loopback().status == "wrong"
    assert doctor.loopback_v6().status == "note"


@pytest.mark.parametrize(
    ("addresses", "status"),
    [(["127.0.0.1"], "good"), (["::1", "127.0.0.1"], "good"), (["::1"], "wrong"), (["10.0.0.1"], "wrong")],
)
def test_localhost_must_mean_the_loopback(monkeypatch: pytest.MonkeyPatch, addresses: list[str], status: str) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: rows)

    assert doctor.localhost().status == status


def test_a_folder_that_is_not_there_to_write_to_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))

    assert one(doctor.folders(), "this folder").status == "good"
    assert one(doctor.folders(), "temporary folder").status == "wrong"


@posix
@pytest.mark.parametrize(("mask", "status"), [(0o022, "good"), (0o077, "good"), (0o002, "note")])
def test_a_umask_that_lets_others_write_is_noted(mask: int, status: str) -> None:
    before = os.umask(mask)
    try:
        found = doctor.umask()
        after = os.umask(before)
    finally:
        os.umask(before)

    assert found.status == status
    assert after == mask


def kernel_of_another_python(folder: Path) -> dict[str, str]:
    """An environment in which Jupyter's python3 kernel is another Python."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": [str(folder / "other" / "python"), "-m", "x"], "display_name": "other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return {"JUPYTER_PATH": str(folder)}


def test_a_kernel_of_another_python_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in kernel_of_another_python(tmp_path).items():
        monkeypatch.setenv(name, value)

    found = doctor.kernel()

    assert found.status == "note"
    assert str(tmp_path / "other" / "python") in found.found


def test_the_kernel_of_this_environment_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_PATH", raising=False)

    assert doctor.kernel().status == "good"


# the command


def run_doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtls_lab.cli", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_ends_well_and_says_so() -> None:
    done = run_doctor()

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("The lab can run.\n")


def test_the_command_speaks_json(tmp_path: Path) -> None:
    done = run_doctor("--json", **kernel_of_another_python(tmp_path))

    said = json.loads(done.stdout)
    assert said["able"] is True
    assert {"name", "status", "found", "remedy"} == set(said["findings"][0])
    assert any(str(tmp_path) in finding["found"] for finding in said["findings"])


def test_the_command_fails_where_the_lab_cannot_run(tmp_path: Path) -> None:
    """A Python with none of the packages: the doctor itself needs none."""
    venv.create(tmp_path / "empty", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "empty" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    done = subprocess.run(
        [python, "-m", "mtls_lab.cli", "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "missing  jupyterlab" in done.stdout
    assert done.stdout.endswith("mend what is missing or wrong above.\n")
