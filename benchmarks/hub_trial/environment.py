"""An environment that every user of the machine can read: this checkout as a wheel, JupyterHub, and its proxy.

The Python that runs the trial may lie in a home that is closed to others, so the environment stands on its own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("jupyterhub>=5", "jupyterhub-idle-culler")
_OLDEST = (3, 11)
_LIMIT_S = 600


class CannotTry(Exception):
    """What the trial needs is not there; says what would help."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Programs to run a hub with."""

    python: Path
    """The environment's Python, which every user may run."""
    proxy: tuple[str, ...]
    """The command of the hub's proxy."""
    proxy_said: str
    """Which proxy that is."""


def make_environment(folder: Path) -> Environment:
    """The environment in that folder; what is there already is used again. Needs the package indexes otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        base = _python_for_all()
        print(f"making an environment with {base} ...", flush=True)
        _run([*_uv(), "venv", "-q", "--python", base, str(folder / "env")] if _uv() else
             [base, "-m", "venv", str(folder / "env")])  # fmt: skip
    install = [*_uv(), "pip", "install", "-q", "--python", str(python)] if _uv() else [str(python), "-m", "pip", "-q",
                                                                                   "install"]  # fmt: skip
    # The checkout each time: it may have changed. Its version has not, hence the second step.
    _run([*install, *_PACKAGES, str(ROOT)])
    again = ["--reinstall-package", "mtls-lab"] if _uv() else ["--force-reinstall"]
    _run([*install, "--no-deps", *again, str(ROOT)])
    command, said = _proxy(folder, install)
    return Environment(python=python, proxy=command, proxy_said=said)


def _proxy(folder: Path, install: list[str]) -> tuple[tuple[str, ...], str]:
    """configurable-http-proxy as JupyterHub ships with (Node), or the one in Python that takes the same arguments."""
    own = folder / "node" / "node_modules" / ".bin" / "configurable-http-proxy"
    found = shutil.which("configurable-http-proxy")
    if found is None and not own.exists() and shutil.which("npm"):
        print("fetching configurable-http-proxy ...", flush=True)
        line = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder / "node")]
        subprocess.run([*line, "configurable-http-proxy"], check=False, capture_output=True, timeout=_LIMIT_S)
    if found is not None or own.exists():
        command = found or str(own)
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False, timeout=60)
        return (command,), f"configurable-http-proxy {done.stdout.strip()} (Node)"
    _run([*install, "configurable-http-proxy"])
    command = str(folder / "env" / "bin" / "configurable-http-proxy")
    return (command,), "configurable-http-proxy in Python (there is no npm)"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S, cwd="/")
    if done.returncode != 0:
        raise CannotTry(f"{' '.join(command[:4])} ... failed: {(done.stderr or done.stdout).strip()[-600:]}")


def _uv() -> list[str]:
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    return [found] if found else []


def _python_for_all() -> str:
    """A Python that is new enough, in a place that is open to everybody."""
    for candidate in _candidates():
        real = Path(os.path.realpath(candidate))
        if all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents)) and _is_new_enough(str(real)):
            return str(candidate)
    raise CannotTry("no Python 3.11 or newer that other users may run: install one with the system's packages")


def _candidates() -> Iterator[str]:
    yield getattr(sys, "_base_executable", None) or sys.executable
    for minor in (13, 12, 11, 14):
        if found := shutil.which(f"python3.{minor}", path="/usr/bin:/usr/local/bin:/opt/python/bin"):
            yield found


def _is_new_enough(python: str) -> bool:
    check = f"import sys, ensurepip; sys.exit(sys.version_info < {_OLDEST})"
    check = check.replace(", ensurepip", "") if _uv() else check
    return subprocess.run([python, "-c", check], capture_output=True, check=False, timeout=60).returncode == 0
