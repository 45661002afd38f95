"""The atlas: what an error message can mean, by the program that says it.

It rests on what was measured: the recording of Rosetta (every fault, every program) and a table of what was measured
on other machines (`rosetta/elsewhere.py`). One message has many causes, and half of the time the text reaches the
wrong person; so each meaning says who says it, who refused whom, and what evidence would decide. It is a list of
possibilities with their shares, never a verdict: `explain` decides, on the handshake itself.

A share is a count: of the pairs of programs and faults in which this program said these words, how many had this
cause. It says nothing about how often a fault is met in the world.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtls_lab.clients.rosetta.index import Entry, FaultAt, by_count, entries
from mtls_lab.clients.rosetta.patterns import SHORTEST_KEY, canonical
from mtls_lab.clients.rosetta.recording import recorded
from mtls_lab.clients.rosetta.row import Row
from mtls_lab.handshake import Role
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.exhibits import EXHIBITS
from mtls_lab.handshake.successes import SUCCESSES

SHOWN = 6
"""How many causes of a meaning are printed."""
OPENING = r"^(?:curl: \(\d+\) |http \d+: )+"
"""What a program puts before its words, and the index leaves out."""
HINTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\bcurl: \(\d+\)", ("curl",)),
    (r"requests\.exceptions|HTTPSConnectionPool|SSLError\(", ("requests", "Python")),
    (r"_ssl\.c:|\[SSL: ", ("requests", "Python", "mtls_lab")),
    (r"verify error:num=|Verify return code", ("openssl",)),
    (r"\bcode: '|\bERR_(?!CERT_|BAD_)[A-Z0-9_]+: |\bEPROTO", ("node",)),
    (r"net::ERR|\bERR_CERT_|\bERR_BAD_SSL", ("chromium", "node")),
    (r"javax\.net\.ssl|java\.\w+\.\w+Exception", ("java",)),
    (r"\bx509: |: tls: ", ("go",)),
    (r"psql: error|connection to server at", ("psql",)),
    (r"could not accept SSL connection", ("PostgreSQL",)),
    (r"SSL_do_handshake\(\) failed|client SSL certificate verify error|\[(?:info|crit|emerg)\] \d+#\d+", ("nginx",)),
    (r"^ERROR: The certificate of|GnuTLS:", ("wget", "gnutls")),
)
"""What gives a program away beside the words themselves, and who it can be."""


@dataclass(frozen=True, kw_only=True)
class Possible:
    """One cause that the message can have."""

    slug: str
    """The cause's slug."""
    title: str
    """The same in a few words."""
    side: Role
    """Whose credential or settings are at fault."""
    refused_by: Role
    """Who gives up on the other."""
    share: float
    """The share of the measured cases behind these words that had this cause; all shares add up to 1."""
    decides: str
    """What evidence would settle whether it is this one; "" where nobody has said."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the message means when these programs say it."""

    programs: tuple[str, ...]
    """Who says it, each with the version that was heard."""
    said_by: Role
    """Which end they were."""
    words: str
    """The words that were found in the message, as they are compared; `…` stands for what varies."""
    causes: tuple[Possible, ...]
    """Every cause that was seen behind the words, the most frequent first."""
    cases: int
    """In how many measured cases the words were said."""
    source: str
    """When it was measured, and whether here."""

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        heads = ", ".join(self.programs)
        yield f"{heads} ({'a server' if self.said_by == 'server' else 'a client'}; {self.source})"
        yield f'  says "{self.words}" for {_count(len(self.causes), "cause")}'
        for one in self.causes[:SHOWN]:
            yield f"  {one.share:4.0%}  {one.slug}, at the {one.side}: {one.title}; the {one.refused_by} refuses"
            if one.decides:
                yield f"        decides: {one.decides}"
        if rest := self.causes[SHOWN:]:
            yield f"        and {', '.join(f'{one.slug} ({one.side})' for one in rest)}"


class Atlas:
    """Rows in a form that can be searched many times."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._entries = entries(rows)

    def look_up(self, message: str) -> tuple[Meaning, ...]:
        """As the function of that name."""
        if not isinstance(message, str):
            raise TypeError(f"message={message!r} must be text: look_up('certificate verify failed')")
        text = canonical(message)
        bare = re.sub(OPENING, "", text)
        if len(bare) < SHORTEST_KEY:
            return ()
        found = [(entry, span) for entry in self._entries if (span := entry.key.find(text))]
        # A part of somebody's words: of each program that says nothing shorter.
        heard = {(entry.program, entry.said_by) for entry, _ in found}
        whole, part = (0, len(text)), text if found else bare
        found += [
            (entry, whole)
            for entry in self._entries
            if part in entry.key.text and (entry.program, entry.said_by) not in heard
        ]
        return tuple(_meanings(_hinted(_closest(found, text, part), message)))


def look_up(message: str) -> tuple[Meaning, ...]:
    """What that message can mean, the closest match first; () where no program is known to say it.

    The words may stand anywhere in many lines of output. Case, quotes, host names, ports, paths and what libraries
    wrap around the words do not matter.
    """
    return Atlas(recorded()).look_up(message)


_Found = list[tuple[Entry, tuple[int, int]]]


def _closest(found: _Found, text: str, part: str) -> _Found:
    """For each program the closest match, without those that are only a part of another program's words.

    Where the message breaks off, all that goes on from there is as close.
    """
    best: dict[tuple[str, str, Role, str], tuple[Entry, tuple[int, int]]] = {}
    for entry, span in sorted(found, key=lambda one: abs(len(text) - one[0].key.weight)):
        goes_on = entry.key.text if entry.key.text != part and entry.key.text.startswith(part) else ""
        best.setdefault((entry.program, entry.source, entry.said_by, goes_on), (entry, span))
    kept = list(best.values())
    return [(entry, span) for entry, span in kept if not any(_swallows(other, span) for _, other in kept)]


def _swallows(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer != inner


def _hinted(found: _Found, message: str) -> _Found:
    """Only the programs that give themselves away in the message, where any does."""
    for pattern, names in HINTS:
        if re.search(pattern, message, re.MULTILINE):
            told = [(entry, span) for entry, span in found if entry.program.startswith(names)]
            found = told or found
    return found


def _meanings(found: _Found) -> Iterator[Meaning]:
    groups: dict[tuple[Role, str, str, tuple[FaultAt, ...]], list[Entry]] = defaultdict(list)
    for entry, _ in found:
        groups[entry.said_by, entry.source, entry.key.text, tuple(fault for fault, _ in entry.faults)].append(entry)
    for (said_by, source, text, _), heard in groups.items():
        counted: Counter[FaultAt] = Counter()
        for entry in heard:
            counted.update(dict(entry.faults))
        cases = sum(counted.values())
        yield Meaning(
            programs=tuple(called(entry) for entry in heard),
            said_by=said_by,
            words=text.replace("\0", "…"),
            causes=tuple(possible(slug, side, count / cases) for (slug, side), count in by_count(counted)),
            cases=cases,
            source=source,
        )


def called(entry: Entry) -> str:
    """The program with the version that was heard."""
    return (
        entry.version if entry.program.lower() in entry.version.lower() else f"{entry.program} {entry.version}".strip()
    )


def possible(slug: str, side: Role, share: float) -> Possible:
    """That fault of that end, with its share."""
    cause = EXHIBITS[slug].cause if slug in EXHIBITS else slug
    known = REFUSALS.get(cause) or SUCCESSES.get(cause)
    other: Role = "client" if side == "server" else "server"
    title = EXHIBITS[slug].title if slug in EXHIBITS else known.title if known else slug
    return Possible(
        slug=slug,
        title=title,
        side=side,
        refused_by=side if slug in _LOCAL else other,
        share=share,
        decides=known.decides if known else "",
    )


_LOCAL = ("key-mismatch", "encrypted-key", "key-is-der", "files-swapped", "empty-file")
"""Faults that stop an end before it says a word: it refuses nobody but its own files."""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
