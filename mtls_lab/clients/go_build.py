"""The Go programs of this package, compiled with the Go that is installed; nothing is fetched.

Compiling takes a second where Go brings its library compiled (up to Go 1.19), and up to a minute where it must compile
that first. So what came of it is kept, in a folder of the system's temporary one that only this user can enter: the
program under a name made of its source and of Go's version, and Go's cache, so that the next program has it easier
and a compilation that was given up goes on where it stopped.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

SOURCES = Path(__file__).parent / "go"
INSTALL = "go is not installed: `conda install -c conda-forge go`, `apt install golang-go` or `brew install go`"
OFFLINE = {"GO111MODULE": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"}
"""No module, no proxy, no other toolchain, no telemetry: what is needed is in Go's own library."""
_KEPT = ("PATH", "GOROOT", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_PATIENCE_S = 2.0
"""After this long the person who waits is told what for."""
_ENOUGH_S = 40.0
"""After this long we give up: a notebook's tests allow a cell a minute."""


def missing() -> str | None:
    """None when Go is installed, else how to install it."""
    return None if shutil.which("go") else INSTALL


def build(name: str) -> Path:
    """The compiled program of that name, `go/NAME.go` here; compiles it unless that was done before.

    Raises FileNotFoundError where Go is not installed, TimeoutError when it takes too long (the next try goes on from
    there), and RuntimeError with Go's own words when it fails.
    """
    go = shutil.which("go")
    if go is None:
        raise FileNotFoundError(INSTALL)
    source = SOURCES / f"{name}.go"
    wanted = _place(name, go)
    if not wanted.exists():
        with tempfile.TemporaryDirectory(dir=wanted.parent) as scratch:
            made = Path(scratch, wanted.name)
            _compile(go, source, made, Path(scratch), cache())
            # At once: another kernel that compiled the same may run it already.
            made.replace(wanted)
    return wanted


def is_built(name: str) -> bool:
    """`build(name)` has nothing left to compile."""
    go = shutil.which("go")
    return go is not None and _place(name, go).exists()


def cache() -> Path:
    """Where Go keeps what it compiled, so that the next program has it easier."""
    return _own_folder() / "cache"


def environment(home: Path) -> dict[str, str]:
    """What a Go program needs to run, and nothing that would change what it trusts, reaches or allows."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HOME": str(home)}


def _compile(go: str, source: Path, made: Path, scratch: Path, cache: Path) -> None:
    folders = {"GOCACHE": str(cache), "GOPATH": str(scratch), "GOTMPDIR": str(scratch), "LOCALAPPDATA": str(scratch)}
    began = time.monotonic()
    with subprocess.Popen(
        [go, "build", "-ldflags", "-s -w", "-o", str(made), str(source)],
        cwd=scratch,
        env=environment(scratch) | OFFLINE | folders,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        said = _patiently(child, source.name)
    if child.returncode != 0:
        raise RuntimeError(f"go build {source.name} failed: {said.decode('utf-8', 'replace').strip()}")
    if time.monotonic() - began > _PATIENCE_S:
        print(f"... compiled in {time.monotonic() - began:.0f} s.", flush=True)


def _patiently(child: "subprocess.Popen[bytes]", name: str) -> bytes:
    """What the child printed; whoever waits hears why, and it is stopped when it takes too long."""
    try:
        return child.communicate(timeout=_PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        print(f"Compiling {name} with the Go on this machine, once; it can take a minute ...", flush=True)
    try:
        return child.communicate(timeout=_ENOUGH_S)[0]
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"go build {name} is not done after {_ENOUGH_S:.0f} s: try again, it goes on from there"
        ) from None
    finally:
        child.kill()


def _place(name: str, go: str) -> Path:
    """Where the program goes: its name tells its source and the Go that compiled it."""
    version = subprocess.run([go, "version"], capture_output=True, check=False, timeout=30).stdout
    fingerprint = hashlib.sha256(version + (SOURCES / f"{name}.go").read_bytes()).hexdigest()[:16]
    return _own_folder() / f"{name}-{fingerprint}{'.exe' if os.name == 'nt' else ''}"


def _own_folder() -> Path:
    """A folder that this user alone can enter, the same every time unless somebody else took its name."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir(), f"mtls-lab-go-{user}")
    with suppress(FileExistsError):  # whatever is there already is looked at next
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    owned = os.name == "nt" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
    return folder if owned and stat.S_ISDIR(found.st_mode) else Path(tempfile.mkdtemp(prefix="mtls-lab-go-"))
