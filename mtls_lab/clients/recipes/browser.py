"""A browser: the lines that fill its store of authorities and credentials, and what a run without a person adds.

1. Chromium on Linux keeps both in an NSS database below HOME. `certutil` and `pk12util` fill it; in its settings the
   same is called "Manage certificates". For a run HOME is a private folder: nobody's own store is touched.
2. Where a server asks for a certificate, a browser opens its chooser and waits for a person. A run has none, so a
   setting of its profile chooses for that one name (`chromium_client.choose`); a managed policy could do the same.
3. It is run without a window, and prints the page.
"""

import os
import re
import shlex
import shutil
from pathlib import Path

from mtls_lab.clients import children
from mtls_lab.clients.recipes.recipe import PASSWORD
from mtls_lab.clients.request import Request
from mtls_lab.clients.rosetta import chromium_client, servers

_STORE = "sql:$HOME/.pki/nssdb"
IMPORT = (
    "mkdir -p $HOME/.pki/nssdb",
    f"certutil -d {_STORE} -N --empty-password",
    f'certutil -d {_STORE} -A -t C,, -n "Lab Root CA" -i root.pem',
    f"pk12util -d {_STORE} -i alice.p12 -W {PASSWORD}",
)
"""What makes a browser know an authority, and own a credential."""
_TEXT = re.compile(r"<[^>]+>")


def path() -> str | None:
    """Where the browser is; None when it is not there."""
    found = filter(None, map(shutil.which, chromium_client.NAMES))
    return os.environ.get("MTLS_LAB_CHROMIUM") or next(found, None)


def missing() -> str | None:
    """None when a Chromium and the tools of NSS are installed, else how to install them."""
    if path() is None:
        return chromium_client.INSTALL
    return None if shutil.which("certutil") and shutil.which("pk12util") else chromium_client.TOOLS


def version() -> str:
    """`Chromium 156.0.8078.79`."""
    number = re.search(r"\d+\.[\d.]+", servers.first_line(path() or "chromium", "--version"))
    return f"Chromium {number[0]}" if number else "Chromium"


def visit(words: list[str], request: Request, folder: Path) -> children.Finished:
    """Run the line that opens a page, with what a run without a person needs; the output is the page's text."""
    chromium_client.choose(folder / "profile", request.name)
    command = [path() or "chromium", "--headless", "--dump-dom", *chromium_client.hidden(request, folder), *words[1:]]
    done = children.run(command, request, folder, timeout_s=request.timeout_s + 5)
    code = chromium_client.CODE.search(done.err.decode("utf-8", "replace"))
    if code is not None:
        return children.Finished(exit_code=1, out=b"", err=f"net::{code[1]}".encode())
    if not done.out.strip():
        return children.Finished(exit_code=None, out=b"", err=b"")  # its time was up: it prints neither page nor code
    return children.Finished(exit_code=done.exit_code, out=_TEXT.sub("", done.out.decode()).encode(), err=b"")


def typed_words(line: str, folder: Path) -> list[str]:
    """The words of a typed line, as a shell would make them of it."""
    return [word.replace("$HOME", str(folder)) for word in shlex.split(line)]
