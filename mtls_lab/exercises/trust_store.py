"""Exercises of notebook 03. Judges are poisoned bundles: of several trust files one holds the right authority."""

import os
import random
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab.certificates import Authority
from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients.trust.hashed import hashed_directory
from mtls_lab.clients.trust.heeded import deciders
from mtls_lab.clients.trust.opened import opened
from mtls_lab.clients.trust.precedence import CALL, SESSION, Setting, decides, environment
from mtls_lab.clients.trust.recording import recorded
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy

_FILES = ("a.pem", "b.pem", "c.pem")
_E_R, _E_C, _S_F = "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"
_PROGRAMS = ("curl", "openssl s_client", "urllib")
_REQUESTS = ((_E_R, _E_C, _S_F), (_E_C, _S_F), (_E_R, _S_F, SESSION), (_S_F, SESSION), (_E_R, _E_C, CALL))
"""Where a file is named in the cases about requests."""
_LINES = {
    "curl": "curl https://localhost:PORT/",
    "openssl s_client": "openssl s_client -connect localhost:PORT -verify_return_error",
    "urllib": "python: urllib.request.urlopen(url)",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call, with a file of trust anchors in several places."""

    number: int
    """What it is called in an answer."""
    program: str
    """Who makes the call."""
    files: tuple[tuple[str, str], ...]
    """The places and the file in each."""

    def __str__(self) -> str:
        named = dict(self.files)
        variables = "".join(f"{place}={file} " for place, file in self.files if place not in (SESSION, CALL))
        if self.program != "requests":
            return f"{self.number}. {variables}{_LINES[self.program]}"
        session = f'session.verify = "{named[SESSION]}"; ' if SESSION in named else ""
        call = f', verify="{named[CALL]}"' if CALL in named else ""
        return f"{self.number}. {variables}python: {session}{'session' if session else 'requests'}.get(url{call})"

    def __repr__(self) -> str:
        return str(self)

    def decided(self, target: Proxy) -> str:
        """The file that decides, measured: with the right authority in that one alone, the server is accepted."""
        places = tuple(place for place, _ in self.files)
        if self.program != "requests":
            (place,) = deciders(target, self.program, places)
        else:
            variables = tuple(one for one in places if one not in (SESSION, CALL))
            said = {name: "a file" for name, place in (("session", SESSION), ("call", CALL)) if place in places}
            place = decides(target, Setting(variables=variables, **said)).by  # type: ignore[arg-type]  # a Given each
        return dict(self.files)[place]

    def place_of(self, file: str) -> str | None:
        """Where that file was named."""
        return next((place for place, one in self.files if one == file), None)


def cases(seed: str) -> tuple[Case, ...]:
    """Four calls, the same for the same seed: one by a program without requests, three by requests."""
    chance = random.Random(seed)  # noqa: S311  # no secret: the same cases for the same learner
    program = chance.choice(_PROGRAMS)
    chosen = [(program, (_E_C, _S_F, _E_R)), *(("requests", places) for places in chance.sample(_REQUESTS, 3))]
    chance.shuffle(chosen)
    return tuple(
        Case(number=number, program=who, files=tuple(zip(places, chance.sample(_FILES, len(places)), strict=True)))
        for number, (who, places) in enumerate(chosen, 1)
    )


@contextmanager
def _served(root: Authority) -> Iterator[Proxy]:
    """A server on localhost whose certificate that root stands behind."""
    credential = root.intermediate(f"{root.certificate.common_name} Issuing").issue("localhost", purpose="serverAuth")
    client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
    with Proxy(Scenario(client=client, server=Endpoint(presents=credential, verifies="none"))) as proxy:
        yield proxy


@exercise(
    "03-still-admitted",
    hints=(
        "--cacert names a file. What else did strace show that curl looks at?",
        "The directory is searched after the file, whatever the file holds.",
        '"accepted"',
    ),
)
def still_admitted(answer: str) -> Outcome:
    """Say "accepted" or "refused": --cacert names a stranger's file, the right authority lies in the CApath."""
    if answer not in ("accepted", "refused"):
        return wrong(f'{answer!r} is no verdict: say "accepted" or "refused".')
    with _machine() as (folder, ours, _):
        seen = "accepted" if _curl("--cacert machine.pem --capath ours", folder, ours) else "refused"
    if answer == seen:
        return right("As you said: --cacert changes the file and leaves the directory as it is. Both admit.")
    return wrong("It would be, if --cacert were all that curl trusts. It replaces one of two places.")


@exercise(
    "03-outranks",
    hints=(
        "A Session is made in your code. Who made the environment?",
        "requests fills in what the call left open, and it asks the environment first.",
        '"REQUESTS_CA_BUNDLE"',
    ),
)
def outranks(answer: str) -> Outcome:
    """Say which decides where both name a file: "REQUESTS_CA_BUNDLE" or "Session.verify"."""
    if answer not in (_E_R, SESSION):
        return wrong(f"{answer!r} is none of the two: {_E_R!r} or {SESSION!r}.")
    with _served(Authority.create("Lab Root CA")) as proxy:
        by = decides(proxy, Setting(variables=(_E_R,), session="a file")).by
    if answer == by:
        return right(f"As you said: {by} decides. What the Session was told never comes up.")
    return wrong(f"That is what the code looks like. Measured, {by} decides.")


@exercise(
    "03-detective",
    hints=(
        "First strike out the variables that this program does not heed: the list above has them.",
        "Among those that are left in requests: verify= of the call, then REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, Session.",
        "one.decided(proxy) measures it: {one.number: one.decided(proxy) for one in suspects}",
    ),
)
def detective(answers: Mapping[int, object], suspects: Sequence[Case]) -> Outcome:
    """For each call name the file that decided whom it trusts, such as {1: "a.pem", ...}."""
    if any(one is ... for one in answers.values()):
        return untouched(find("03-detective").task)
    with _served(Authority.create("Lab Root CA")) as proxy:
        for case in suspects:
            if case.number not in answers:
                return wrong(f"Case {case.number} is still open.")
            true = case.decided(proxy)
            if answers[case.number] != true:
                return wrong(f"{case.number}: {_not_this(case, answers[case.number])}")
    return right("All four, and each was measured: with the right authority in that file alone, the call is accepted.")


def _not_this(case: Case, answer: object) -> str:
    place = case.place_of(str(answer))
    if place is None:
        return f"{answer!r} stands nowhere in this call: choose among {', '.join(file for _, file in case.files)}."
    if place not in (*_heeds(case.program), SESSION, CALL):
        return f"{answer} stands in {place}, and {case.program} never reads that variable."
    return f"{answer} stands in {place}. It would count, if nothing stronger named a file: look at the others."


def _heeds(program: str) -> tuple[str, ...]:
    return next((row.heeds for row in recorded() if row.program == program), ())


@exercise(
    "03-hostile",
    hints=(
        "Look at the grid: which column does no variable change, and still verifies?",
        "verify= of the call beats every variable. Or a Session that does not ask the environment.",
        "return requests.get(url, verify=root)",
    ),
)
def hostile(mended: Callable[[str, str], object]) -> Outcome:
    """Write a function of url and root (a file) that gets an answer although REQUESTS_CA_BUNDLE names a stranger."""
    with (
        _machine() as (folder, ours, impostor),
        environment({_E_R: str(folder / "machine.pem"), _E_C: str(folder / "machine.pem")}),
    ):
        before, root = dict(os.environ), str(folder / "root.pem")
        answer, refusal = _tried(mended, f"https://localhost:{ours.port}/whoami", root)
        if answer is ...:
            return untouched(find("03-hostile").task)
        changed = dict(os.environ) != before
        fooled = _tried(mended, f"https://localhost:{impostor.port}/whoami", root)[1] is None
    if changed:
        return wrong("It changes the environment, and with it whom all the rest of this process trusts.")
    if refusal is not None:
        return wrong(f"Still refused ({refusal}): the variable is stronger than what you said.")
    if getattr(answer, "status_code", None) != 200:
        return wrong(f"It returned {answer!r}: return the response of requests.")
    if fooled:
        return wrong("An answer comes, and from an impostor too: nobody is verified any more.")
    return right("The answer comes, an impostor is refused, and the environment is as it was.")


def _tried(mended: Callable[[str, str], object], url: str, root: str) -> tuple[object, str | None]:
    """What it returned, and the type of what it raised."""
    try:
        return mended(url, root), None
    except Exception as error:  # noqa: BLE001 - a refusal, or whatever else a learner's function raises
        return None, type(error).__name__


@exercise(
    "03-one-authority",
    hints=(
        "Two places admit: a file and a directory. You have named the file.",
        "A directory in which nothing lies admits nobody, and `empty` is one.",
        '"--cacert root.pem --capath empty"',
    ),
)
def one_authority(options: str) -> Outcome:
    """Write curl's options: root.pem alone admits, though a CApath with another authority is set in the .curlrc."""
    words = shlex.split(options)
    if words[:1] in (["-q"], ["--disable"]):
        return wrong("That leaves out .curlrc, which stands here for the system's own CApath. That one would stay.")
    with _machine() as (folder, ours, others):
        accepted, admits_others = _curl(options, folder, ours), _curl(options, folder, others)
    if {"-k", "--insecure"} & set(words):
        return wrong("With -k everybody is admitted: no authority is asked.")
    if not accepted:
        return wrong("Now the right server is refused: root.pem is not among what curl trusts.")
    if admits_others:
        return wrong("The right server is accepted, and so is one of the other authority: its directory is still on.")
    return right("Accepted by root.pem, and nobody else's authority counts.")


@contextmanager
def _machine() -> Iterator[tuple[Path, Proxy, Proxy]]:
    """A folder that stands for a machine with a CApath of its own; our server, and one of that other authority."""
    root, other = Authority.create("Lab Root CA"), Authority.create("Machine Root CA")
    with TemporaryDirectory(prefix="mtls-lab-") as name, _served(root) as ours, _served(other) as others:
        folder = Path(name)
        contents = {
            "root.pem": root.certificate.pem,
            "machine.pem": other.certificate.pem,
            ".curlrc": b'capath = "machine"\n',
        }
        write_files(
            [NewFile(path=folder / one, content=content, mode=PRIVATE) for one, content in contents.items()],
            overwrite=False,
        )
        hashed_directory(folder / "machine", (other.certificate,))
        hashed_directory(folder / "ours", (root.certificate,))
        (folder / "empty").mkdir()
        yield folder, ours, others


def _curl(options: str, folder: Path, target: Proxy) -> bool:
    """curl with these options, in that folder with its .curlrc, accepts the target."""
    line = ["curl", *shlex.split(options), "-sS", f"https://localhost:{target.port}/whoami"]
    return opened(line, folder=folder, environment={"HOME": str(folder)}, tracing=False).accepted
