#!/usr/bin/env python3
"""Open the lab, or run its tests, on a machine that has Python 3.11 or newer and nothing else.

    python3 lab.py                  open the lab in the browser
    python3 lab.py test             run every test: format, lint, types, notebooks, browser
    python3 lab.py test -k wire     arguments after `test` go to pytest
    python3 lab.py doctor           what this machine has, what it lacks, how to mend it
    python3 lab.py --no-browser     anything else goes to the `mtls-lab` command

The first run makes the folder .venv beside this file and installs what is needed into it, with uv, which venv and
pip fetch where the machine has none. Later runs use it again until pyproject.toml changes. Delete .venv to start
afresh; nothing is installed anywhere else.
"""

# Written for the standard library of any Python 3.6 or newer, so that an old one can say what it lacks.

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from typing import Any, Dict, Iterable, List, NoReturn, Optional

Stamp = Dict[str, Any]

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
STAMP = os.path.join(VENV, "mtls-lab.json")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")


def say(text: str) -> None:
    """Tell what is going on, on stderr: stdout belongs to the command that is run."""
    print("lab.py: " + text, file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    """End with what is wrong and what mends it."""
    say(text)
    sys.exit(1)


def spoken(version: Iterable[int]) -> str:
    """(3, 11) as "3.11"."""
    return ".".join(str(number) for number in version)


def answers(command: List[str]) -> Optional[str]:
    """What the command prints, None if it cannot be run or fails."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, universal_newlines=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def newer_python() -> Optional[str]:
    """The path of a Python on PATH that is new enough, None if there is none."""
    for name in NEWER:
        path = shutil.which(name)
        # A name on PATH proves nothing: pyenv leaves one for every version it ever had.
        if path and answers([path, "-c", "print('ready')"]) == "ready":
            return path
    return None


def become(command: List[str], environment: Dict[str, str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are the command's own."""
    if os.name == "nt":
        # Windows would return to the prompt while the command still runs.
        try:
            sys.exit(subprocess.call(command, env=environment))
        except KeyboardInterrupt:
            sys.exit(130)
    sys.stdout.flush()
    os.execve(command[0], command, environment)


def use_new_enough_python(arguments: List[str]) -> None:
    """Go on with a newer Python when this one is too old, or say what was found and what is needed."""
    if sys.version_info[:2] >= OLDEST:
        return
    found = "this is Python {} ({})".format(spoken(sys.version_info[:3]), sys.executable)
    path, uv = newer_python(), find_uv()
    script = [os.path.abspath(__file__), *arguments]
    if path:
        say("{}, too old: going on with {}".format(found, path))
        become([path, *script], dict(os.environ))
    elif uv:
        say("{}, too old: uv looks for a newer one, or fetches it".format(found))
        become([uv, "run", "--no-project", "--python", ">=" + spoken(OLDEST), *script], dict(os.environ))
    else:
        give_up(
            "the lab needs Python {} or newer; {}, and PATH has none of {}.\n"
            "  Debian, Ubuntu   sudo apt install python3 python3-venv   (Debian 12 or Ubuntu 24.04 and newer)\n"
            "  macOS            brew install python\n"
            "  Windows          winget install Python.Python.3.13\n"
            "  anywhere         install uv: lab.py then lets it fetch one".format(
                spoken(OLDEST), found, ", ".join(NEWER)
            )
        )


def find_uv() -> Optional[str]:
    """The path of uv, None without one. Its usual folder is often missing from PATH."""
    name = "uv.exe" if os.name == "nt" else "uv"
    usual = [os.path.join(os.path.expanduser("~"), folder, "bin", name) for folder in (".local", ".cargo")]
    return shutil.which("uv") or next((path for path in usual if os.access(path, os.X_OK)), None)


def wanted(extras: List[str]) -> Stamp:
    """What the environment must be made of: when this changes, it is made or filled again."""
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"pyproject": digest, "folder": HERE, "python": sys.version, "extras": extras}


def stamped() -> Stamp:
    """What the environment was made of, {} without a usable one."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
            extras = stamp["extras"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    # `uv sync` and the like may have taken out since what was put in.
    needed = ["jupyterlab"] + (["pytest"] if "test" in extras else [])
    probe = "import importlib.util, sys; print(all(map(importlib.util.find_spec, sys.argv[1:])))"
    return dict(stamp) if answers([PYTHON, "-c", probe, *needed]) == "True" else {}


def watch(command: List[str], doing: str) -> bool:
    """Run a command that may take long: its latest line every two seconds, its last lines if it fails."""
    say(doing + " ...")
    began = time.time()
    lines = [""]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, cwd=HERE
    )
    # Read beside, so that a silent command is told of, too.
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    code = None
    while code is None:
        try:
            code = process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            say("  {:3.0f} s  {}".format(time.time() - began, lines[-1].strip()[:90]))
    reader.join()
    if code == 0:
        say("  done in {:.1f} s".format(time.time() - began))
        return True
    print("".join(lines[-30:]), file=sys.stderr, flush=True)
    return False


def make_venv(uv: Optional[str]) -> List[str]:
    """Make .venv and return the command that installs into it."""
    if uv:
        if not watch([uv, "venv", "--clear", "--python", sys.executable, VENV], "making .venv with uv"):
            give_up("uv could not make .venv (see above).")
        return [uv, "pip", "install", "--python", PYTHON]
    venv = [sys.executable, "-m", "venv", "--clear", VENV]
    if importlib.util.find_spec("ensurepip"):
        if not watch(venv, "making .venv"):
            give_up("venv could not make .venv (see above).")
        return [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    # Debian keeps ensurepip in its package python3-venv. Without it a pip from outside can fill a bare environment.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python"]
    if answers([*pip, sys.executable, "--version"]) and watch([*venv, "--without-pip"], "making .venv without pip"):
        return [*pip, PYTHON, "install", "--progress-bar=off"]
    give_up(
        "this Python ({}) has neither ensurepip nor a pip that could do its work,\n"
        "  so it cannot make a virtual environment. Do one of these, then run lab.py again:\n"
        "    sudo apt install python3-venv\n"
        "    sudo apt install pipx && pipx install uv\n"
        "  (not Debian or Ubuntu: its package that brings venv or ensurepip)".format(sys.executable)
    )


def installer(uv: Optional[str], same_python: bool) -> List[str]:
    """The command that installs into .venv: the one that is there where it serves, a new one otherwise."""
    if same_python and uv:
        return [uv, "pip", "install", "--python", PYTHON]
    if same_python and answers([PYTHON, "-m", "pip", "--version"]):
        return [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    return make_venv(uv)


def install_with(install: List[str], target: str) -> bool:
    """Install the lab. Where only pip is there it brings uv first, which is five times faster, and does it all itself
    should uv fail: uv knows nothing of what else pip may be set up for."""
    doing = "installing JupyterLab and what else the lab needs (200 MB)"
    if "pip" in install[:3] and watch([*install, "uv"], "fetching uv, the fast installer, into .venv"):
        index = answers([*install[: install.index("install")], "config", "get", "global.index-url"])
        if index:
            os.environ.setdefault("UV_DEFAULT_INDEX", index)
        # As pip does, trust what the system trusts: behind a proxy that inspects TLS nothing else works.
        os.environ.setdefault("UV_SYSTEM_CERTS", "true")
        uv = os.path.join(BIN, "uv.exe" if os.name == "nt" else "uv")
        if watch([uv, "pip", "install", "--python", PYTHON, "--editable", target], doing + " with uv"):
            return True
        say("uv could not install it (see above): going on with pip")
    return watch([*install, "--editable", target], doing)


def prepare(extras: List[str]) -> None:
    """Make .venv hold the lab, with these extras besides those it already has."""
    have = stamped()
    need = wanted(sorted(set(extras) | set(have.get("extras", []))))
    if have == need:
        return
    same_python = all(have.get(key) == need[key] for key in ("folder", "python"))
    install = installer(find_uv(), same_python)
    if os.path.exists(STAMP):
        # An installation that is cut off must not look finished.
        os.remove(STAMP)
    target = HERE + ("[{}]".format(",".join(need["extras"])) if need["extras"] else "")
    if not install_with(install, target):
        give_up(
            "the installation failed (see above). Behind a proxy set https_proxy; behind one that inspects TLS also\n"
            "  set PIP_CERT (pip) or SSL_CERT_FILE (uv) to its CA file. What was installed so far is in " + VENV
        )
    with open(STAMP, "w", encoding="utf-8") as file:
        json.dump(need, file, indent=1)


def main(arguments: List[str]) -> None:
    """Do what the arguments ask for."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return
    use_new_enough_python(arguments)
    testing = arguments[:1] == ["test"]
    prepare(["test"] if testing else [])
    environment = dict(os.environ, VIRTUAL_ENV=VENV, PATH=BIN + os.pathsep + os.environ.get("PATH", ""))
    # A PYTHONHOME meant for another Python would break this one.
    environment.pop("PYTHONHOME", None)
    if testing:
        os.chdir(HERE)
        # All of it goes by file over a few processes: a notebook torn over two kernels would fail.
        spread = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile"]
        become([PYTHON, "-m", "pytest", *(arguments[1:] or spread)], environment)
    become([PYTHON, "-m", "mtls_lab.cli", *arguments], environment)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
