"""Chromium, headless, in a HOME of its own: a browser's verdict, by its code.

1. Trust anchors and the client's certificate go into an NSS database (certutil, pk12util of libnss3-tools).
2. A client's certificate is chosen by a setting of the profile; else a picker opens that nobody sees. A managed policy
   would need root, this does not. Its pattern names no port: with one it does not match ours.
   Chromium sends the intermediates along only where the server names authorities in its CertificateRequest (they are
   found on the way up to one of those); else it sends its leaf alone. nginx names them, Python's `ssl` cannot.
3. A page that says why is shown to nobody; headless, it prints the code (`ERR_CERT_DATE_INVALID`), which is kept.
4. It has no level `chain`; `none` is `--ignore-certificate-errors`.
5. Each name look-up but ours is answered with "not found", so that it talks to nobody else.
"""

import json
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients import children
from mtls_lab.clients.outcome import Outcome
from mtls_lab.clients.request import Request
from mtls_lab.clients.rosetta import told

INSTALL = "chromium is not installed: `apt install chromium`; MTLS_LAB_CHROMIUM names one that is elsewhere"
TOOLS = "certutil and pk12util are not both installed: `apt install libnss3-tools`"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PASSWORD = "mtls-lab"  # noqa: S105  # protects nothing: the file lies in a private folder for the time of the call
CODE = re.compile(r"Page load failed: net::(ERR_[A-Z0-9_]+)")
"""What it prints of a page that it did not get."""
_HTTP_ERROR = re.compile(r"<title>(\d{3}) [^<]*</title>")
_TOOL_S = 5.0
_QUIET = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--password-store=basic",
]


def arguments(request: Request) -> list[str]:
    """What stands on the line after `chromium`."""
    words = ["--headless"] + (["--ignore-certificate-errors"] if request.client.verifies == "none" else [])
    if len(request.scenario.versions) == 1:
        bound = request.scenario.versions[0].replace("TLSv", "tls")
        words += [f"--ssl-version-min={bound}", f"--ssl-version-max={bound}"]
    if not request.leads_there:
        words += [f"--host-resolver-rules=MAP {request.name} {request.host}"]
    return [*words, "--dump-dom", told.url(request)]


def _line(request: Request) -> str:
    lines = ["certutil -d sql:$HOME/.pki/nssdb -N --empty-password"]
    if request.anchors_file is not None:
        lines.append(f"certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n lab -i {request.anchors_file}")
    if request.client.presents is not None:
        lines.append(f"pk12util -d sql:$HOME/.pki/nssdb -i {request.owner}.p12")
    return "\n".join([*lines, shlex.join(["chromium", *arguments(request)])])


def _path(request: Request) -> str | None:
    return os.environ.get("MTLS_LAB_CHROMIUM") or next(
        filter(None, (children.find(name, request) for name in NAMES)), None
    )


def _missing(request: Request) -> str | None:
    if _path(request) is None:
        return INSTALL
    if children.find("certutil", request) is None or children.find("pk12util", request) is None:
        return TOOLS
    return "Chromium cannot leave out the name check alone" if request.client.verifies == "chain" else None


def _run(request: Request, folder: Path) -> Outcome:
    chromium = _path(request) or "chromium"
    version = children.start([chromium, "--version"], request, folder)
    try:
        trouble = _prepare(request, folder)
    except ValueError as error:
        # No PKCS#12 file can hold this key with this chain: these are not the words of Chromium or its tools.
        return Outcome(version="", output=str(error), reason=told.NO_STORE, stopped_at="loading")
    if trouble:
        return Outcome(version="", output=trouble, reason="NSS", text=trouble, stopped_at="loading")
    command = [chromium, *hidden(request, folder), *arguments(request)]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 5)
    page = done.out.decode("utf-8", "replace")
    code = CODE.search(done.err.decode("utf-8", "replace"))
    number = next(iter(re.findall(r"\d+\.[\d.]+", children.first_line(version))), "")
    return Outcome(
        version=f"Chromium {number}",
        output=f"net::{code[1]}" if code else children.words(done.out, folder),
        exit_code=done.exit_code,
        status=None if code or not page else _status(page),
        body=page if page and not code else None,
        reason=code[1] if code else "no page",
        text=f"net::{code[1]}" if code else "",
        stopped_at="waiting" if done.exit_code is None or not (page or code) else None,
    )


def hidden(request: Request, folder: Path) -> list[str]:
    """What nobody would type: no window, no talk to others, a profile of its own in the folder."""
    # --timeout makes it give up by itself: a picker that nobody sees would wait for ever.
    words = [*_QUIET, *_without_sandbox(), f"--timeout={request.timeout_s * 1000:.0f}"]
    if request.leads_there:
        words += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"]
    return [*words, f"--user-data-dir={folder / 'profile'}"]


def _status(page: str) -> int:
    """--dump-dom tells no status: an error page that a server made has it in its title."""
    found = _HTTP_ERROR.search(page)
    return int(found[1]) if found else 200


def _without_sandbox() -> list[str]:
    """Root can have no sandbox."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _prepare(request: Request, folder: Path) -> str:
    """Fill the NSS database and the profile; returns the words of a tool that failed."""
    database = folder / ".pki" / "nssdb"
    database.mkdir(parents=True, mode=0o700)
    where = ["-d", f"sql:{database}"]
    commands = [["certutil", *where, "-N", "--empty-password"]]
    credential = request.client.presents
    anchors = request.client.trusts if request.client.verifies != "none" else ()
    # The client's intermediates go in by themselves: of a PKCS#12 file it would send the leaf alone.
    known = [("C,,", one) for one in anchors] + [(",,", one) for one in _own_intermediates(request)]
    for number, (trust, one) in enumerate(known):
        name = f"known-{number}"
        write_files([NewFile(path=folder / name, content=one.pem)], overwrite=False)
        commands.append(["certutil", *where, "-A", "-t", trust, "-n", name, "-i", name])
    if credential is not None:
        content = replace(credential, chain=credential.chain[:1]).pkcs12(_PASSWORD)
        write_files([NewFile(path=folder / "client.p12", content=content, mode=PRIVATE)], overwrite=False)
        commands.append(["pk12util", *where, "-i", "client.p12", "-W", _PASSWORD, "-K", ""])
        choose(folder / "profile", request.name)
    for command in commands:
        done = children.run(command, request, folder, timeout_s=_TOOL_S)
        if done.exit_code != 0:
            return children.words(done.err, folder).strip() or f"{command[0]} ended with {done.exit_code}"
    return ""


def _own_intermediates(request: Request) -> tuple[Certificate, ...]:
    """The client's, but for those that the server owes: a browser that knows them would not miss them."""
    client, server = request.client.presents, request.scenario.server.presents
    owed = () if server is None else tuple(one for one in server.issuers if one not in server.chain)
    return () if client is None else tuple(one for one in client.chain[1:] if one not in owed)


def choose(profile: Path, name: str) -> None:
    """Have any certificate chosen for that name without asking anyone: the answer to the certificate chooser."""
    setting: dict[str, Any] = {f"https://{name},*": {"setting": {"filters": [{}]}}}
    preferences = {"profile": {"content_settings": {"exceptions": {"auto_select_certificate": setting}}}}
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")


PROGRAM = told.make_program("chromium", line=_line, run=_run, missing=_missing)
