"""A hub with the configuration that this repository recommends, on free ports of loopback, while a block runs."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from hub_trial.environment import ROOT, CannotTry, Environment
from hub_trial.users import User, end_all, started_by

RECIPE = ROOT / "docs" / "hub" / "jupyterhub_config.py"
_START_S = 60.0
_STOP_S = 30.0

# What a trial needs beyond the recipe. The umask: homes that others can enter are only half of the worst case.
_CONFIG = """
load_subconfig({recipe!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allowed_users = set({names!r})
c.JupyterHub.log_level = "WARN"
c.JupyterHub.services.append({{"name": "trial", "api_token": {token!r}}})
scopes = ["admin:users", "admin:servers", "tokens"]
c.JupyterHub.load_roles.append({{"name": "trial", "scopes": scopes, "services": ["trial"]}})
c.Spawner.cmd = [word.replace("umask 077", "umask {umask}") for word in c.Spawner.cmd]
"""


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A hub that runs."""

    url: str
    """Where browsers would go."""
    token: str
    """May start everybody's server."""
    pid: int
    """The hub's process id."""
    log: Path
    """What the hub, its proxy and the servers say."""


@contextmanager
def running(environment: Environment, users: Sequence[User], folder: Path, *, umask: str) -> Iterator[Hub]:
    """A hub for these users. It and all that it started is gone at the end."""
    folder.mkdir(mode=0o700)
    token, (port, hub_port, proxy_port) = secrets.token_hex(16), _free_ports(3)
    config = folder / "jupyterhub_config.py"
    config.write_text(
        _CONFIG.format(
            recipe=str(RECIPE), port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=list(environment.proxy),
            folder=folder, password=secrets.token_hex(16), names=[user.name for user in users], token=token,
            umask=umask,
        ),
        encoding="utf-8",
    )  # fmt: skip
    log = folder / "log"
    path = f"{environment.python.parent}:{os.environ.get('PATH', os.defpath)}"
    kept = {"LANG", "LC_ALL", "TZ"}
    surroundings = {name: value for name, value in os.environ.items() if name in kept} | {"PATH": path, "HOME": "/root"}
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(environment.python), "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/hub/api", process, log)
        yield Hub(url=f"http://127.0.0.1:{port}", token=token, pid=process.pid, log=log)
    finally:
        _stop(process)


def _free_ports(count: int) -> list[int]:
    """Below the range that outgoing connections come from: nobody takes them by chance before the hub does."""
    found: list[int] = []
    for port in range(21_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise CannotTry("no free ports between 21000 and 32000 on loopback")


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  # our own hub
                return
        except (URLError, OSError):
            time.sleep(0.2)  # the hub has no other way to say that it is ready
    raise CannotTry(f"the hub did not start; it said: {log.read_text('utf-8', 'replace')[-1500:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Asked first: then the hub stops its servers and its proxy. What is left is ended one by one."""
    started = started_by(process.pid)
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        started = started_by(process.pid)
        process.kill()
        process.wait()
    end_all(started)
