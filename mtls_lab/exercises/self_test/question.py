"""A question of the self-test. No answer is marked as the right one: an experiment finds which option holds."""

from collections.abc import Callable
from dataclasses import dataclass

LETTERS = "abcd"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an experiment found."""

    found: str
    """In a few fixed words, to be held against what each option expects."""
    seen: str
    """What happened, in a sentence or two, the same on every machine."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer that somebody might give."""

    words: str
    """As the learner reads it."""
    expects: str
    """What the experiment would find if it were so."""
    why: str = ""
    """What is wrong with it; empty for the one that holds."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One belief, and what may be believed in its place."""

    slug: str
    """Its name in the learner's file."""
    title: str
    """What it is about, in a few words."""
    text: str
    """The question."""
    options: tuple[Option, ...]
    """Three or four, one of which holds."""
    experiment: Callable[[], Finding]
    """Finds out; a few milliseconds."""
    notebook: str
    """The number of the notebook that shows it."""

    @property
    def letters(self) -> str:
        """The letters of its options."""
        return LETTERS[: len(self.options)]

    def option(self, letter: str) -> Option:
        """The option of that letter."""
        return self.options[self.letters.index(letter)]

    def judge(self, letter: str) -> tuple[bool, str]:
        """Whether that option holds, by doing it, and what there is to say about it."""
        finding, option = self.experiment(), self.option(letter)
        holds = option.expects == finding.found
        return holds, " ".join(filter(None, ["" if holds else option.why, finding.seen]))

    def __str__(self) -> str:
        return "\n".join([self.text, *(f"   {letter}  {self.option(letter).words}" for letter in self.letters)])
