"""The blind quiz: refusals by the words that the client reads, and four causes that all have these words."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mtls_lab.handshake import Handshake, explain
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import Visit, tour, words_at

LETTERS = "abcd"
DOTS = "......"
_WHO = {"client": "You refused the server", "server": "The server refused you"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """One refusal, and four causes to choose from."""

    number: int
    """Its place in the quiz, from 1."""
    handshake: Handshake = field(repr=False)
    """What happened: the evidence."""
    words: str
    """What the client reads."""
    options: tuple[str, ...]
    """Four slugs, one of which is the cause; each of them shows the client the same words."""
    refused_by: str
    """Who gave up on the other."""

    @property
    def true_letter(self) -> str:
        """The letter of the true cause."""
        cause = explain(self.handshake).cause
        return LETTERS[[EXHIBITS[slug].cause for slug in self.options].index(cause)]

    def __str__(self) -> str:
        said = f'{self.number}. {_WHO[self.refused_by]}: "{self.words}"'
        titles = (EXHIBITS[slug].title for slug in self.options)
        return "\n".join([said, *(f"   {letter}  {title}" for letter, title in zip(LETTERS, titles, strict=True))])


@dataclass(frozen=True, kw_only=True)
class Quiz:
    """Some questions in order."""

    questions: tuple[Question, ...]
    """The questions, no two with the same words."""

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def __repr__(self) -> str:
        return "\n\n".join(map(str, self.questions))

    def missed(self, letters: str) -> tuple[Question, ...]:
        """The questions that these letters, one for each, do not answer rightly. Raises ValueError for other text."""
        if not isinstance(letters, str) or len(letters) != len(self) or set(letters) - set(LETTERS):
            raise ValueError(f"{letters!r} is no answer: give {len(self)} letters of a, b, c and d in one text")
        return tuple(one for one, letter in zip(self.questions, letters, strict=True) if letter != one.true_letter)

    def score(self, letters: object) -> str:
        """How many of these letters are right, without saying which."""
        if letters is ... or letters == DOTS:
            return f"Not answered yet: put one letter for each question in place of the {len(self)} dots."
        return f"{len(self) - len(self.missed(str(letters)))} of {len(self)} are right."


def quiz(seed: int, *, count: int = 6, cast: Cast | None = None) -> Quiz:
    """The same questions for the same seed, each with words of its own that at least four causes share."""
    chance = random.Random(seed)  # noqa: S311  # the same questions for everybody is the point
    groups = _by_words(tour(cast=cast))
    if not 0 < count <= len(groups):
        raise ValueError(f"count={count!r}: there are {len(groups)} messages that four causes share; ask for fewer")
    asked = chance.sample(sorted(groups), count)
    return Quiz(questions=tuple(_question(place, groups[key], chance) for place, key in enumerate(asked, 1)))


def _by_words(visits: Iterator[Visit]) -> dict[tuple[str, str], list[Visit]]:
    """By who refused and what the client reads, one visit for each cause; only what four causes share."""
    groups: defaultdict[tuple[str, str], dict[str, Visit]] = defaultdict(dict)
    for one in visits:
        who, words = one.explanation.refused_by, words_at(one.handshake, "client")
        if words and who not in ("neither", one.side):
            groups[who, words].setdefault(one.exhibit.cause, one)
    return {key: list(causes.values()) for key, causes in groups.items() if len(causes) >= len(LETTERS)}


def _question(number: int, visits: list[Visit], chance: random.Random) -> Question:
    true, *others = chance.sample(visits, len(LETTERS))
    options = [one.exhibit.slug for one in (true, *others)]
    chance.shuffle(options)
    return Question(
        number=number,
        handshake=true.handshake,
        words=words_at(true.handshake, "client"),
        options=tuple(options),
        refused_by=true.explanation.refused_by,
    )
