"""The register of exercises: a check that does the handshake, and a ladder of hints."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from mtls_lab.exercises import progress_file
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


def exercises() -> tuple[Exercise, ...]:
    """Every exercise, by notebook, in each in the order in which its file gives them."""
    package = import_module("mtls_lab.exercises")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(sorted(_EXERCISES.values(), key=lambda one: one.slug.partition("-")[0]))


def find(slug: str) -> Exercise:
    """The exercise of that slug; a ValueError names those there are."""
    every = {one.slug: one for one in exercises()}
    if slug not in every:
        raise ValueError(f"slug={slug!r} is no exercise; there are {', '.join(sorted(every))}")
    return every[slug]


def check(slug: str, *answers: object) -> Outcome:
    """Judge the learner's answer by running it. An answer that breaks is a wrong answer, not a traceback.

    What comes of it is kept for `progress()`; what is answered here does not depend on what is kept.
    """
    outcome = _judged(find(slug), answers)
    if outcome.state in ("right", "wrong"):
        right = outcome.state == "right"
        progress_file.keep(lambda record: record.scored(slug, record.score(slug).judged(right=right)))
    return outcome


def _judged(one: Exercise, answers: tuple[object, ...]) -> Outcome:
    if not answers or any(answer is ... for answer in answers):
        return untouched(one.task)
    try:
        return one.check(*answers)
    except Exception as error:  # noqa: BLE001 - whatever a learner hands in is an answer
        return wrong(f"Running it raised {type(error).__name__}: {error}")


def hint(slug: str, step: int = 1) -> str:
    """The hint of that step, 1 being the gentlest; past the last the last one again.

    The first is free; each further step costs a point of an exercise that is not right yet.
    """
    hints = find(slug).hints
    if step < 1:
        raise ValueError(f"step={step!r}: the first hint is step 1")
    place = min(step, len(hints))
    progress_file.keep(lambda record: record.scored(slug, record.score(slug).hinted(place)))
    return f"Hint {place} of {len(hints)}: {hints[place - 1]}"
