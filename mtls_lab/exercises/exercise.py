"""The register of exercises: a check that does the handshake, and a ladder of hints."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from mtls_lab.exercises.outcome import Outcome, untouched, wrong

Check = Callable[..., Outcome]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise."""

    slug: str
    """Notebook number and a word: `02-impostor`."""
    task: str
    """What to do, in one sentence."""
    check: Check
    """Takes the learner's answer, runs it, and returns one of the three outcomes."""
    hints: tuple[str, ...]
    """From a nudge to nearly the answer."""


_EXERCISES: dict[str, Exercise] = {}


def exercise(slug: str, *, hints: tuple[str, ...]) -> Callable[[Check], Check]:
    """Enter a check; its docstring is the task."""

    def add(check: Check) -> Check:
        task = " ".join((check.__doc__ or "").split())
        _EXERCISES[slug] = Exercise(slug=slug, task=task, check=check, hints=hints)
        return check

    return add


def find(slug: str) -> Exercise:
    """The exercise of that slug; a ValueError names those there are."""
    package = import_module("mtls_lab.exercises")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    if slug not in _EXERCISES:
        raise ValueError(f"slug={slug!r} is no exercise; there are {', '.join(sorted(_EXERCISES))}")
    return _EXERCISES[slug]


def check(slug: str, *answers: object) -> Outcome:
    """Judge the learner's answer by running it. An answer that breaks is a wrong answer, not a traceback."""
    one = find(slug)
    if not answers or any(answer is ... for answer in answers):
        return untouched(one.task)
    try:
        return one.check(*answers)
    except Exception as error:  # noqa: BLE001 - whatever a learner hands in is an answer
        return wrong(f"Running it raised {type(error).__name__}: {error}")


def hint(slug: str, step: int = 1) -> str:
    """The hint of that step, 1 being the gentlest; past the last the last one again."""
    hints = find(slug).hints
    if step < 1:
        raise ValueError(f"step={step!r}: the first hint is step 1")
    place = min(step, len(hints))
    return f"Hint {place} of {len(hints)}: {hints[place - 1]}"
