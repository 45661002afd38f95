"""Java's HttpsURLConnection, by a program (`Get.java`) that is compiled once.

Java reads no PEM key: the client's key and chain go in as PKCS#12, in a file beside the others, under a password that
protects nothing (the folder does). A name that leads elsewhere is mapped by `jdk.net.hosts.file`.
"""

import shlex
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients import children
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request, is_address
from mtls_lab.clients.rosetta import told

_INSTALL = "java and javac are not both installed: `apt install default-jdk-headless` or `brew install openjdk`"
_PASSWORD = "mtls-lab"  # noqa: S105  # protects nothing: the file lies in a private folder for the time of the call
_STORE = "client.p12"
_HOSTS = "hosts"
_COMPILE_S = 60.0
_QUICK = ["-XX:TieredStopAtLevel=1", "-Xshare:auto"]


def arguments(request: Request) -> list[str]:
    """What stands on the line after `java`, without the class path."""
    words = [f"-Djdk.tls.client.protocols={','.join(request.scenario.versions)}"]
    words += [] if request.leads_there else [f"-Djdk.net.hosts.file={_HOSTS}"]
    words += ["Get", *(["--cacert", request.anchors_file] if request.anchors_file is not None else [])]
    if request.client.verifies != "chain and name":
        words += ["--verifies", request.client.verifies]
    if request.client.presents is not None:
        words += ["--p12", _STORE, "--password", _PASSWORD]
    return [*words, told.url(request)]


def _line(request: Request) -> str:
    return f"javac Get.java && {shlex.join(['java', *arguments(request)])}"


def _missing(request: Request) -> str | None:
    if children.find("java", request) is None or children.find("javac", request) is None:
        return _INSTALL
    if not request.leads_there and is_address(request.name):
        return f"Java cannot be led elsewhere than to the address that is dialled, {request.name}"
    return None


def _classes(request: Request) -> Path:
    """The folder of the compiled program."""
    folder = told.workshop("Get.java")
    classes = folder / "classes"
    if not classes.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            javac = children.find("javac", request) or "javac"
            command = [javac, "-d", f"{scratch}/classes", str(told.source("Get.java"))]
            done = children.run(command, request, folder, timeout_s=_COMPILE_S)
            if done.exit_code != 0:
                raise RuntimeError(f"javac Get.java failed: {done.err.decode('utf-8', 'replace')}")
            with suppress(OSError):  # somebody else compiled the same in the meantime
                Path(scratch, "classes").rename(classes)
    return classes


def _run(request: Request, folder: Path) -> Outcome:
    try:
        store = request.client.presents.pkcs12(_PASSWORD) if request.client.presents is not None else b""
    except ValueError as error:
        # No PKCS#12 file can hold this key with this chain: Java never gets that far, and these are not its words.
        return Outcome(version="", output=str(error), reason=told.NO_STORE, stopped_at="loading")
    hosts = f"{request.host} {request.name}\n".encode("ascii")
    files = {_HOSTS: hosts, **({_STORE: store} if store else {})}
    write_files(
        [NewFile(path=folder / name, content=content, mode=PRIVATE) for name, content in files.items()], overwrite=False
    )
    java = children.find("java", request) or "java"
    command = [java, *_QUICK, "-cp", str(_classes(request)), *arguments(request)]
    command[-1:] = ["--timeout", f"{request.timeout_s:g}", command[-1]]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 4)
    made = told.outcome(done, folder, _text)
    return replace(made, output=made.output.replace(_PASSWORD, "..."))


def _text(complaint: str) -> str:
    """The outermost exception; those it wraps say the same in more words."""
    return complaint.partition("\n")[0]


PROGRAM = told.make_program("java", line=_line, run=_run, missing=_missing)
