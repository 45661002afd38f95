"""What this machine has for the lab, what it lacks, and how to mend each: `mtls-lab doctor`.

Asks only this machine: no network, and nothing is changed. Every check is a function that returns a `Finding`, or
yields several. It imports none of the lab's floors, so that it also speaks where one of them cannot load.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

Status = Literal["good", "missing", "wrong", "note"]

BUILT = datetime(2026, 11, 24, tzinfo=UTC)
"""The day of the newest entry in CHANGELOG.md: no honest clock is before it."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found."""

    name: str
    """What was looked at."""
    status: Status
    """`missing` and `wrong` stop the lab or falsify a lesson; `note` is worth knowing and stops nothing."""
    found: str
    """What is there."""
    remedy: str = ""
    """What mends it, or what follows from it; empty when there is nothing to do."""

    def __str__(self) -> str:
        mend = f"\n{'':31}-> {self.remedy}" if self.remedy else ""
        return f"{self.status:>7}  {self.name:<20}  {self.found}{mend}"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that some lessons or tests run if it is there."""

    names: tuple[str, ...]
    """The names it goes by on PATH; the first is what we call it."""
    purpose: str
    """What it is for here."""
    package: str
    """Debian's package; elsewhere the name is much the same."""
    version: tuple[str, ...] = ("--version",)
    """The arguments that make it print its version."""


PROGRAMS = (
    Program(names=("curl",), purpose="the lessons call the proxy with it", package="curl"),
    Program(names=("openssl",), purpose="the lessons show s_client with it", package="openssl", version=("version",)),
    Program(
        names=("chromium", "chromium-browser", "google-chrome", "chrome"),
        purpose="the tests open the lab in it, and browsers have their own store of certificates",
        package="chromium",
    ),
    Program(names=("tshark",), purpose="the tests compare the wire decoder with it", package="tshark"),
    Program(names=("psql",), purpose="PostgreSQL's client verifies in its own way", package="postgresql-client"),
    Program(names=("go",), purpose="another TLS stack to compare with", package="golang-go", version=("version",)),
    Program(names=("node",), purpose="another program with a trust store of its own", package="nodejs"),
    Program(names=("java",), purpose="another TLS stack", package="default-jre-headless", version=("-version",)),
    Program(names=("strace",), purpose="notebook 03 sees with it which files a client opens", package="strace"),
    Program(names=("wget",), purpose="another program with a trust store of its own", package="wget"),
    Program(names=("nginx",), purpose="notebook 11 sets it up for mutual TLS", package="nginx-light", version=("-v",)),
    Program(names=("haproxy",), purpose="notebook 11 sets it up for mutual TLS", package="haproxy", version=("-v",)),
)


def python() -> Finding:
    """The Python that runs this; one below 3.11 cannot read this file, and lab.py says so."""
    found = f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})"
    return Finding(name="Python", status="good", found=found)


def openssl_library() -> Finding:
    """The OpenSSL inside Python, not the program: every handshake of the lab is its work."""
    name, found = "Python's OpenSSL", ssl.OPENSSL_VERSION
    if not (ssl.HAS_TLSv1_2 and ssl.HAS_TLSv1_3):
        remedy = "use a Python linked with OpenSSL 3: the lessons need TLS 1.2 and TLS 1.3"
        return Finding(name=name, status="wrong", found=found, remedy=remedy)
    if not found.startswith("OpenSSL") or ssl.OPENSSL_VERSION_INFO < (3,):
        return Finding(name=name, status="note", found=found, remedy="not OpenSSL 3: error texts will read differently")
    return Finding(name=name, status="good", found=found)


def requirements() -> tuple[str, ...]:
    """What the package says it needs, from its installed metadata or from the checkout it runs in."""
    try:
        stated = metadata.requires("mtls-lab") or []
    except metadata.PackageNotFoundError:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
        stated = project["project"]["dependencies"]
    return tuple(line for line in stated if "extra ==" not in line)


def packages() -> Iterator[Finding]:
    """The Python packages the lab stands on, in the versions it asks for."""
    for line in requirements():
        name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups()  # type: ignore[union-attr]  # our own lines
        remedy = f"{sys.executable} -m pip install '{line}'"
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(name=name, status="missing", found="not installed", remedy=remedy)
            continue
        if _satisfies(version, bounds):
            yield Finding(name=name, status="good", found=version)
        else:
            yield Finding(name=name, status="wrong", found=f"{version}, not {bounds}", remedy=remedy)


def urllib3() -> Finding:
    """Whether requests runs on the urllib3 it was written for (urllib3-future takes over its import name)."""
    try:
        version = metadata.version("urllib3-future")
    except metadata.PackageNotFoundError:
        return Finding(name="urllib3", status="good", found="the original")
    remedy = f"{sys.executable} -m pip uninstall urllib3-future, then pip install --force-reinstall urllib3"
    return Finding(name="urllib3", status="note", found=f"replaced by urllib3-future {version}", remedy=remedy)


def programs() -> Iterator[Finding]:
    """The programs that some lessons and tests run; the lab opens without any of them."""
    for program in PROGRAMS:
        path = next(filter(None, map(shutil.which, program.names)), None)
        if program.names[0] == "chromium":
            path = os.environ.get("MTLS_LAB_CHROMIUM", path)
        remedy = f"{program.purpose}; Debian, Ubuntu: sudo apt install {program.package}"
        if path is None:
            yield Finding(name=program.names[0], status="note", found="not found", remedy=remedy)
            continue
        text = _version_text(path, *program.version)
        if text is None:
            remedy = f"it does not run: {path} {' '.join(program.version)}"
            yield Finding(name=program.names[0], status="note", found=path, remedy=remedy)
        else:
            # curl's line goes on to name every library it has; its TLS comes first.
            yield Finding(name=program.names[0], status="good", found=text[:80], remedy=_other_library(text))


def clock() -> Finding:
    """Whether the clock can be right, without asking anyone: certificates are judged by it."""
    now = datetime.now(UTC)
    found = f"{now:%Y-%m-%d %H:%M} UTC"
    if now >= BUILT:
        return Finding(name="clock", status="good", found=found)
    remedy = f"set it: it is before the day this package was made ({BUILT:%Y-%m-%d}), so real certificates look too new"
    return Finding(name="clock", status="wrong", found=found, remedy=remedy)


def proxy_variables() -> Finding:
    """Whether a proxy stands between the programs of this machine and the lab's own proxy."""
    found = _set_among(name for lower in PROXIES for name in (lower, lower.upper()))
    if not found:
        return Finding(name="proxy variables", status="good", found="none set")
    names = ", ".join(found)
    if urllib.request.proxy_bypass("localhost") or not set(found) - {"no_proxy", "NO_PROXY"}:
        return Finding(name="proxy variables", status="note", found=f"{names}; localhost is exempt")
    remedy = "the lab clears them for the programs it runs; at your own prompt: export no_proxy=localhost,127.0.0.1"
    return Finding(name="proxy variables", status="note", found=f"{names}; localhost is not exempt", remedy=remedy)


def trust_variables() -> Iterator[Finding]:
    """The variables that change whom programs trust, behind the back of their arguments."""
    found = _set_among(TRUST)
    if not found:
        yield Finding(name="trust variables", status="good", found="none set")
    for name, value in found.items():
        if all(Path(part).exists() for part in value.split(os.pathsep)):
            remedy = "cleared for the programs the lab runs; at your own prompt it changes whom they trust"
            yield Finding(name=name, status="note", found=value, remedy=remedy)
        else:
            yield Finding(name=name, status="note", found=f"{value} does not exist", remedy=f"unset {name}")


def loopback() -> Finding:
    """Whether a server can listen on 127.0.0.1, where the proxy does."""
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return Finding(name="127.0.0.1", status="good", found="a server can listen")
    except OSError as error:
        remedy = "the proxy listens there: allow it in the firewall or sandbox, or bring the interface `lo` up"
        return Finding(name="127.0.0.1", status="wrong", found=str(error), remedy=remedy)


def loopback_v6() -> Finding:
    """Whether there is IPv6 on this machine; the lab does without."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return Finding(name="::1", status="good", found="a server can listen")
    except OSError as error:
        return Finding(name="::1", status="note", found=str(error), remedy="nothing to do: the lab uses 127.0.0.1")


def localhost() -> Finding:
    """What the name `localhost` means here."""
    remedy = "add the line `127.0.0.1 localhost` to the hosts file"
    try:
        addresses = list(dict.fromkeys(str(row[4][0]) for row in socket.getaddrinfo("localhost", None)))
    except OSError as error:
        return Finding(name="localhost", status="wrong", found=str(error), remedy=remedy)
    found = ", ".join(addresses)
    if "127.0.0.1" not in addresses:
        return Finding(name="localhost", status="wrong", found=found, remedy=remedy)
    later = "" if addresses[0] == "127.0.0.1" else "programs try ::1 first, are turned away, and go on to 127.0.0.1"
    return Finding(name="localhost", status="good", found=found, remedy=later)


def kernel() -> Finding:
    """Whether a notebook would run on this Python."""
    path = kernel_python()
    if path is None:
        remedy = f"{sys.executable} -m pip install ipykernel"
        return Finding(name="Jupyter's kernel", status="missing", found="no kernel named python3", remedy=remedy)
    if is_this_python(path):
        return Finding(name="Jupyter's kernel", status="good", found="this Python")
    remedy = "`mtls-lab` brings its own kernel; elsewhere: python -m ipykernel install --sys-prefix"
    return Finding(name="Jupyter's kernel", status="note", found=f"another Python: {path}", remedy=remedy)


def folders() -> Iterator[Finding]:
    """Whether notebooks can be saved here, and keys be put into temporary files."""
    for name, folder in (("this folder", Path.cwd()), ("temporary folder", Path(tempfile.gettempdir()))):
        try:
            with tempfile.TemporaryFile(dir=folder):
                yield Finding(name=name, status="good", found=f"{folder} is writable")
        except OSError as error:
            remedy = "go to a folder of your own" if name == "this folder" else "set TMPDIR to a folder of your own"
            yield Finding(name=name, status="wrong", found=f"{folder}: {error.strerror}", remedy=remedy)


def umask() -> Finding:
    """Who else may read the files made here."""
    if os.name == "nt":
        return Finding(name="umask", status="note", found="Windows has none")
    # The only way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    found = f"{mask:04o}"
    if mask & 0o022 == 0o022:
        return Finding(name="umask", status="good", found=found)
    remedy = "others may change files you make; the lab's keys are readable by you alone all the same"
    return Finding(name="umask", status="note", found=found, remedy=remedy)


CHECKS: tuple[Callable[[], Finding | Iterator[Finding]], ...] = (
    python,
    openssl_library,
    packages,
    urllib3,
    kernel,
    loopback,
    loopback_v6,
    localhost,
    folders,
    umask,
    clock,
    proxy_variables,
    trust_variables,
    programs,
)


def examine() -> Iterator[Finding]:
    """Every finding, each as soon as it is known."""
    for check in CHECKS:
        result = check()
        yield from (result,) if isinstance(result, Finding) else result


def kernel_python() -> str | None:
    """The interpreter that Jupyter's `python3` kernel runs, None without such a kernel."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return None
    try:
        path = str(KernelSpecManager().get_kernel_spec("python3").argv[0])
    except NoSuchKernel:
        return None
    # A bare `python` is replaced by the running interpreter when the kernel starts (jupyter_client).
    return sys.executable if path in {"python", "python3", f"python3.{sys.version_info[1]}"} else path


def is_this_python(path: str) -> bool:
    """The same environment: the same folder and, behind the links, the same program."""
    other, this = Path(path).absolute(), Path(sys.executable).absolute()
    return other.parent == this.parent and other.resolve() == this.resolve()


def _set_among(names: Iterator[str] | tuple[str, ...]) -> Mapping[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _satisfies(version: str, bounds: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        # JupyterLab brings it; without JupyterLab that is the finding to mend first.
        return True
    return SpecifierSet(bounds).contains(version, prereleases=True)


def _version_text(path: str, *arguments: str) -> str | None:
    """The first line of what it says about itself; None when it fails."""
    try:
        run = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    # Java says its version on stderr; Chromium and tshark say other things there.
    lines = (run.stdout or run.stderr).strip().splitlines()
    return lines[0] if lines else None


def _other_library(text: str) -> str:
    """A word of warning when curl or openssl is not built on OpenSSL."""
    library = re.search(r"LibreSSL|Schannel|SecureTransport|GnuTLS|BoringSSL|mbedTLS|wolfSSL", text)
    if library is None:
        return ""
    return f"its TLS is {library[0]}'s, not OpenSSL's: error texts read differently, and some refusals look different"
