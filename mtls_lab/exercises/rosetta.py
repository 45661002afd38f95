"""Exercises of notebook 15. Judges are the recording of Rosetta, and handshakes that are played anew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mtls_lab.clients.atlas import Meaning, look_up
from mtls_lab.clients.rosetta import Row, recorded
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import Handshake, Role, explain, rehearse
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.evidence import OTHER
from mtls_lab.handshake.exhibits import EXHIBITS, Cast

_GO_SERVER = "a Go server"
_GUESSES = ("curl", "psql", _GO_SERVER)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that somebody found, and where."""

    letter: str
    """What it is called in an answer."""
    where: str
    """Who printed it, in words."""
    said_by: Role
    """Which end that was."""
    words: str
    """The words, verbatim but for what varies by run."""

    def __str__(self) -> str:
        return f"{self.letter}. {self.where}:\n   {self.words}"

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What the atlas knows of it, said by that end."""
        return tuple(one for one in look_up(self.words) if one.said_by == self.said_by)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A line, and the evidence at both ends."""

    line: Line
    """The line."""
    handshake: Handshake
    """What was shown and who judged it."""

    def __str__(self) -> str:
        return str(self.line)

    @property
    def slugs(self) -> tuple[str, ...]:
        """Every cause that was measured behind the words, in the order of the gallery."""
        found = {cause.slug for one in self.line.meanings for cause in one.causes}
        return tuple(slug for slug in EXHIBITS if slug in found)


_CASES: tuple[tuple[str, Line], ...] = (
    (
        "same-name-other-key",
        Line(
            letter="a",
            where="curl",
            said_by="client",
            words="curl: (60) SSL certificate problem: unable to get local issuer certificate",
        ),
    ),
    ("not-yet-valid", Line(letter="b", where="Chromium", said_by="client", words="net::ERR_CERT_DATE_INVALID")),
    (
        "email-only",
        Line(
            letter="c",
            where="a Go server's log",
            said_by="server",
            words="http: TLS handshake error from CLIENT: local error: tls: bad record MAC",
        ),
    ),
)
FOUND: tuple[Line, ...] = (
    Line(
        letter="a",
        where="nginx's error log",
        said_by="server",
        words="SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca)",
    ),
    Line(
        letter="b",
        where="the screen of somebody who ran curl",
        said_by="client",
        words="curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
    ),
    Line(
        letter="c",
        where="a script that uses requests",
        said_by="client",
        words="[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired",
    ),
    Line(letter="d", where="a Go client", said_by="client", words="remote error: tls: bad certificate"),
    Line(
        letter="e",
        where="a Go server's log",
        said_by="server",
        words="http: TLS handshake error from CLIENT: local error: tls: bad record MAC",
    ),
)
"""The lines of `15-who-knows`."""


def cases(cast: Cast) -> tuple[Case, ...]:
    """The cases of `15-causes`, played for that cast."""
    return tuple(
        Case(line=line, handshake=rehearse(EXHIBITS[slug].stage(cast, "server", "TLSv1.3"))) for slug, line in _CASES
    )


@exercise(
    "15-names-it",
    hints=(
        "Two of them have one sentence for everything. Which would tell you more than its own confusion?",
        "A library knows the reason; whether a program passes it on is up to the program.",
        '"curl"',
    ),
)
def names_it(program: str) -> Outcome:
    """Put the program that names the reason in place of the dots: "curl", "psql" or "a Go server"."""
    if program not in _GUESSES:
        return wrong(f"{program!r} is none of the three: {', '.join(map(repr, _GUESSES))}.")
    behind = {guess: _faults_behind(guess) for guess in _GUESSES}
    if program == min(behind, key=lambda guess: len(behind[guess])):
        return right(f"{program} names it: expired. Not even {program} says which certificate of the chain that is.")
    number = len(behind[program])
    if program == _GO_SERVER:
        return wrong(f"It logs that curl sent something odd. Behind that line are {number} measured faults.")
    return wrong(f"It says that the verification failed, and not why: behind its words are {number} measured faults.")


def _faults_behind(guess: str) -> set[str]:
    """Every fault for which it says what it says of an expired server certificate."""
    rows = [row for row in recorded() if row.side == "server" and row.tls == "TLSv1.3" and not row.accepted]
    said = [(row.fault, words) for row in rows for words in _words(row, guess)]
    for_this = {words for fault, words in said if fault == "expired"}
    if not for_this:
        raise LookupError(f"{guess} is not in the recording: `mtls-lab rosetta --record expired`")
    return {fault for fault, words in said if words in for_this}


def _words(row: Row, guess: str) -> Iterator[str]:
    if guess == _GO_SERVER:
        if (row.server.name, row.client.name) == ("go", "curl"):
            yield row.server_words
    elif row.client.name == guess:
        yield row.client_words


@exercise(
    "15-causes",
    hints=(
        "case.slugs are the causes that the words allow. Strike out what the evidence excludes.",
        "a: is the issuer's name enough? b: which of the two ends of a period? c: what kind of name is in the leaf?",
        "explain(case.handshake).cause; then find the line of the evidence that shows it.",
    ),
)
def causes(answers: Mapping[str, object], shown: Iterable[Case]) -> Outcome:
    """Give the cause of each case, as a slug: the words leave several, the evidence leaves one."""
    if any(one is ... for one in answers.values()):
        return untouched(find("15-causes").task)
    for case in shown:
        letter, true = case.line.letter, explain(case.handshake).cause
        if letter not in answers:
            return wrong(f"Case {letter} is still open.")
        if (slug := answers[letter]) != true:
            return wrong(f"{letter}: {_not_this(slug, case)}")
    return right("The words left several causes for each of them, the evidence left one.")


def _not_this(slug: object, case: Case) -> str:
    if slug not in EXHIBITS:
        return f"{slug!r} is no slug: print(case.slugs) lists those that are possible."
    if slug not in case.slugs:
        return f"nobody was heard to say this for {slug}: choose one of case.slugs."
    known = REFUSALS.get(EXHIBITS[str(slug)].cause)
    look_at = known.decides if known is not None else "what was shown, line by line"
    return f"the words allow {slug}, the evidence does not. What decides about it: {look_at}."


@exercise(
    "15-who-knows",
    hints=(
        "The end that refuses knows why. Did it print the line itself, or did the line come from the other end?",
        'An "alert" that was read and a "remote error" come from the other end. A failed verification is one\'s own.',
        '"local error" is no verdict: notebook 07 shows who refused there. client, server, client, server, client.',
    ),
)
def who_knows(sides: Sequence[object], lines: Sequence[Line] = FOUND) -> Outcome:
    """For each line name the end that refused, and so knows why: "client" or "server"."""
    if isinstance(sides, str) or len(sides) != len(lines):
        return wrong(f"Give a list of {len(lines)}, such as {['client', 'server', '...']}: one for each line.")
    for line, side in zip(lines, sides, strict=True):
        if side not in ("client", "server"):
            return wrong(f'{line.letter}: {side!r} is no end of a connection: "client" or "server".')
        refused_by = {cause.refused_by for one in line.meanings for cause in one.causes}
        if refused_by != {side}:
            return wrong(f"{line.letter}: {_whose(line, refused_by)}")
    return right("The line was the refusing end's own once. In the other four you have to ask the other end.")


def _whose(line: Line, refused_by: set[Role]) -> str:
    if len(refused_by) != 1:
        return f"the atlas knows this line of {len(refused_by)} ends: it does not decide."
    if line.said_by in refused_by:
        return f"the {line.said_by} reports no alert. This is its own verdict, so it knows why."
    if "local error" in line.words:
        other = OTHER[line.said_by]
        return f"what is local is the confusion. In all measured cases the {other} had refused (notebook 07)."
    return f"this is an alert that the {line.said_by} read. It came from the other end: that one knows why."
