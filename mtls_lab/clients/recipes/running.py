"""Runs a recipe: its files go into a private folder, its lines are run there as they are shown.

What is not on the line: HOME is that folder, so that no file of the person's own has a say, and no variable that bears
on TLS or proxies is set; `python` is the Python that runs this; Go finds what it compiled before and fetches nothing.
Whom the server took the client for is read at the server, not at the client.
"""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mtls_lab.clients import children, go_build
from mtls_lab.clients.recipes import browser
from mtls_lab.clients.recipes.recipe import PATH, Paste, Recipe
from mtls_lab.clients.request import Request, Target, private_folder
from mtls_lab.clients.rosetta.normal import normalise
from mtls_lab.handshake import Handshake

TIMEOUT_S = 20.0
"""For one line. Programs answer in a tenth of a second; a busy machine starts Java in five."""
_SETTLE_S = 0.02
_RECORDED_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One recipe, run."""

    paste: Paste
    """What was run, as it is shown."""
    version: str
    """The program's version."""
    exit_code: int
    """Of its last line, or of the first that failed."""
    output: str
    """What it printed."""
    words: str
    """What it said where it got no answer, normalised; "" where it got one."""
    handshake: Handshake | None
    """What the server saw of it last; None at a server that tells no handshakes."""

    @property
    def got_in(self) -> bool:
        """An answer came."""
        return self.exit_code == 0 and bool(self.output.strip())

    @property
    def whom(self) -> str:
        """Whom the server took it for: the subject of the certificate that it verified; "" for nobody.

        Only the lab's own server tells its handshakes; what PostgreSQL knows is what it answered.
        """
        if not self.got_in:
            return ""
        if self.handshake is None:
            return self.output.strip().lstrip("/")
        chain = self.handshake.client_chain
        return chain[0].subject or "" if chain and self.handshake.accepted else ""


def run(recipe: Recipe, target: Target) -> Run:
    """Run it against that target.

    Raises FileNotFoundError, with what to install, where the program is not there, and TimeoutError.
    """
    missing = recipe.missing()
    if missing is not None:
        raise FileNotFoundError(missing)
    paste = recipe.for_target(target)
    began = datetime.now(UTC)
    with private_folder({}) as folder:
        paste.write(folder)
        done = _run_lines(paste, _request(target, folder, recipe), folder)
        said = children.words(done.out, folder)
        complaint = children.words(done.err, folder)
    if done.exit_code is None:
        # A busy machine: that says nothing about the program.
        raise TimeoutError(f"{recipe.name} was not done after {TIMEOUT_S:.0f} s")
    answered = done.exit_code == 0 and bool(said.strip())
    return Run(
        paste=paste,
        version=recipe.version(),
        exit_code=done.exit_code,
        output=said,
        words="" if answered else _told(complaint or said, done.exit_code),
        handshake=_newest(target, began),
    )


def _request(target: Target, folder: Path, recipe: Recipe) -> Request:
    """The surroundings of the run."""
    variables: tuple[tuple[str, str], ...] = ()
    if recipe.name == "Go":
        # Fills the cache first: it tells whoever waits, and gives up in time.
        go_build.build("get")
        variables = (*go_build.OFFLINE.items(), ("GOCACHE", str(go_build.cache())), ("GOPATH", str(folder)))
    if recipe.name == "Java":
        variables = (("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1"),)  # it runs once: compiling it well takes longer
    return Request(
        scenario=target.scenario,
        host=target.host,
        port=target.port,
        path=PATH,
        environment=variables,
        timeout_s=TIMEOUT_S,
    )


def _run_lines(paste: Paste, request: Request, folder: Path) -> children.Finished:
    done = children.Finished(exit_code=0, out=b"", err=b"")
    for line in paste.typed:
        words = browser.typed_words(line, folder)
        if words[0] == "chromium":
            return browser.visit(words, request, folder)
        words[0] = sys.executable if words[0] == "python" else words[0]
        done = children.run(words, request, folder, timeout_s=TIMEOUT_S)
        if done.exit_code != 0:
            break
    return done


def _told(complaint: str, exit_code: int) -> str:
    lines = list(_spoken(complaint))
    return normalise("\n".join(lines)) if lines else f"(exit {exit_code})"


def _spoken(complaint: str) -> Iterator[str]:
    """The lines that tell a person something: of a traceback its end, of Java's its beginning."""
    lines = [line.rstrip() for line in complaint.splitlines() if line.strip()]
    traceback = any(line.startswith("Traceback ") for line in lines)
    if traceback:
        yield lines[-1]
        return
    yield from (line for line in lines if not re.match(r"\s+at |NOTE: Picked up |\s+\.\.\. \d+ more", line))


def _newest(target: Target, began: datetime) -> Handshake | None:
    """The handshake that this run ended with, once the server has it; None where the server tells none.

    A browser makes several: the first ones stop where it learns that it is asked for a certificate.
    """
    deadline = time.monotonic() + (_RECORDED_S if hasattr(target, "switch") else 0)
    while True:
        seen = [one for one in target.handshakes if one.at >= began]
        if seen or time.monotonic() > deadline:
            break
        time.sleep(_SETTLE_S)  # a target's list has nothing to wait on
    return next((one for one in reversed(seen) if one.accepted), seen[-1] if seen else None)
