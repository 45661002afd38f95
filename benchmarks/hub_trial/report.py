"""The trial's figures as a table for people, and as JSON for tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub_trial.learner import Learner
from hub_trial.machine import Memory
from hub_trial.prying import Tried

Figures = dict[str, object]
HOME = "home"
"""The kind of what lies in a home that the recipe closes and this trial opens: counted, and no failure."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """All that was found out."""

    learners: Sequence[Learner]
    """Who took part."""
    said: Sequence[str]
    """What it was run with, line by line."""
    at_rest: Mapping[int, Memory]
    """Memory with the lab open, by user id."""
    at_peak: Mapping[int, Memory]
    """Memory after the notebooks, their kernels still running."""
    hub_mb: float
    """Memory of the hub and its proxy."""
    all_s: float
    """From the start of the first notebook to the end of the last."""
    tried: Tried
    """What learners could do with one another's things."""
    shared: Mapping[str, int]
    """What two learners had in common."""

    @property
    def troubles(self) -> list[str]:
        """Everything that went wrong."""
        found = [trouble for learner in self.learners for run in learner.runs for trouble in run.troubles]
        found += [trouble for learner in self.learners for trouble in learner.troubles]
        found += [f"{count} {kind} shared by two learners" for kind, count in self.shared.items() if count]
        found += [
            f"{kind}: {count} times somebody could use another's; {self.tried.examples[kind]}"
            for kind, count in self.tried.successes.items()
            if count and kind != HOME
        ]
        found += [f"{kind}: nobody could even use their own, so this proves nothing"
                  for kind in self.tried.tries if not self.tried.own[kind]]  # fmt: skip
        return found


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else float("nan")


def figures(trial: Trial) -> Figures:
    """The same as numbers."""
    toggles = {f"{phase}, {program}": times for (phase, program), times in _toggles(trial).items()}
    return {
        "learners": len(trial.learners),
        "finished": sum(_finished(learner) for learner in trial.learners),
        "cells": sum(run.cells for learner in trial.learners for run in learner.runs),
        "troubles": trial.troubles,
        "ready_s": max(learner.ready_s for learner in trial.learners),
        "notebooks_s": trial.all_s,
        "memory_mb": quantile([memory.total for memory in trial.at_peak.values()], 0.5),
        "toggle_p95_s": {name: quantile(times, 0.95) for name, times in toggles.items()},
        "tries": dict(trial.tried.tries),
        "successes": dict(trial.tried.successes),
        "shared": dict(trial.shared),
    }


def table(trial: Trial) -> Iterator[str]:
    """Line by line."""
    yield from trial.said
    learners = trial.learners
    yield ""
    yield _row("", "p50", "p95", "worst")
    yield _times("server ready (all at once), s", [learner.ready_s for learner in learners])
    yield _times("lab page and settings loaded, s", [learner.opened_s for learner in learners])
    for path in dict.fromkeys(run.path for learner in learners for run in learner.runs):
        times = [run.seconds for learner in learners for run in learner.runs if run.path == path]
        yield _times(f"{path}, s", times)
    yield f"{'all notebooks of all, s':44}{'':18}{trial.all_s:9.1f}"
    for (phase, program), times in _toggles(trial).items():
        yield _times(f"toggle to verdict, {program}, ms", [1000 * one for one in times]) + f"  ({phase}, {len(times)})"
    yield ""
    yield from _memory(trial)
    yield ""
    cells = sum(run.cells for learner in learners for run in learner.runs)
    yield f"finished everything: {sum(map(_finished, learners))} of {len(learners)} learners, {cells} cells"
    yield "shared by two learners: " + ", ".join(f"{kind} {count}" for kind, count in trial.shared.items())
    yield ""
    yield f"{'what one learner tries of another':36}{'tries':>9}{'worked':>9}   (with one's own)"
    for kind, count in sorted(trial.tried.tries.items()):
        note = "   (not ours to protect: the recipe's umask and a closed home do)" if kind == HOME else ""
        yield f"{kind:36}{count:9}{trial.tried.successes[kind]:9}   {trial.tried.own[kind]:9}{note}"
    yield ""
    yield f"troubles: {len(trial.troubles)}"
    yield from (f"  {trouble}" for trouble in trial.troubles[:40])


def _finished(learner: Learner) -> bool:
    return bool(learner.runs) and not any(run.troubles for run in learner.runs)


def _toggles(trial: Trial) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for learner in trial.learners:
        for key, times in learner.toggles.items():
            found.setdefault(key, []).extend(times)
    return dict(sorted(found.items()))


def _memory(trial: Trial) -> Iterator[str]:
    yield _row("memory per learner (PSS), MB", "p50", "p95", "worst")
    yield _times("  server, lab open, no notebook", [one.total for one in trial.at_rest.values()])
    yield _times("  server, after the notebooks", [one.server for one in trial.at_peak.values()])
    yield _times("  one kernel", [one.kernels / one.number for one in trial.at_peak.values() if one.number])
    yield _times("  all, after the notebooks", [one.total for one in trial.at_peak.values()])
    everybody = sum(one.total for one in trial.at_peak.values()) + trial.hub_mb
    yield f"  everybody, with hub and proxy ({trial.hub_mb:.0f}): {everybody / 1024:.2f} GB"


def _times(name: str, values: Sequence[float]) -> str:
    return _row(name, *(f"{quantile(values, part):.1f}" for part in (0.5, 0.95, 1.0)))


def _row(name: str, *values: str) -> str:
    return f"{name:44}" + "".join(f"{value:>9}" for value in values)
