"""A lab of the tests' own, started the way a learner starts it: by the command `mtls-lab`.

It shares nothing with the person's Jupyter: settings, workspaces, trust, kernels' files and the notebooks are in one
new folder. What the command promises (no news, no update checks, this Python as the kernel) is left to the command.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
"""Starting takes 3 s on a calm machine, 12 s on a busy one."""


@dataclass(frozen=True, kw_only=True)
class LabServer:
    """A running lab."""

    url: str
    """Where it listens, with a slash at the end."""
    token: str
    """What lets us in."""
    notebooks: Path
    """The folder that the command filled with notebooks: a copy, never the checkout's own."""
    data: Path
    """Jupyter's data folder: what is trusted stands there."""

    def address(self, path: str = "") -> str:
        """The address of a page; without a path, the one that the command prints."""
        return f"{self.url}{path}?token={self.token}"

    def trust(self, notebook: Path) -> None:
        """Do what `jupyter trust` does."""
        NotebookNotary(data_dir=str(self.data)).sign(nbformat.read(notebook, as_version=4))


@contextmanager
def lab_server(home: Path) -> Iterator[LabServer]:
    """Run a lab whose every file is in `home`; stop it and its kernels at the end."""
    environment = _environment(home)
    config = home / "config"
    config.mkdir(parents=True)
    # `jupyterapp` in the page, so that a test can wait for what it can otherwise only guess.
    switch = {"LabApp": {"expose_app_in_browser": True}}
    (config / "jupyter_lab_config.json").write_text(json.dumps(switch), encoding="utf-8")
    command = [sys.executable, "-m", "mtls_lab.cli", str(home / "notebooks"), "--no-browser", "--port", "0"]
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = _until_it_answers(home / "runtime", process, log)
        token = environment["JUPYTER_TOKEN"]
        yield LabServer(url=url, token=token, notebooks=home / "notebooks", data=home / "data")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            # Its kernels see that their parent is gone and end by themselves.
            process.kill()
            process.wait()


def _environment(home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    return inherited | {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_TOKEN": secrets.token_hex(16),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        # The command and the kernels run this checkout, whatever is installed.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }


def _until_it_answers(runtime: Path, process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address of the server, as soon as it serves."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            running = _read(path)
            if running is not None and _answers(running["url"]):
                return str(running["url"])
        # Jupyter offers nothing to wait on but this file and its API.
        time.sleep(0.05)
    raise RuntimeError(f"the lab did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        # It is being written while we look.
        return None


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}api", timeout=PATIENCE_S):
            return True
    except urllib.error.URLError:
        return False
