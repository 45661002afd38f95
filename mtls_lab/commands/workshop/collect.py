"""`mtls-lab workshop collect`: the learners' own files in one table.

The files are the learners' word: anybody can edit one, and nothing here judges an answer again.
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from mtls_lab.commands.workshop.gathering import Gathering, HandedIn, gather
from mtls_lab.commands.workshop.tally import ExerciseLine, LearnerLine, exercise_lines, learner_line, most_missed
from mtls_lab.exercises.exercise import exercises
from mtls_lab.exercises.record import RUNS
from mtls_lab.exercises.tables import Group, Table


def run(options: argparse.Namespace) -> int:
    """Print the table; what could not be read goes to stderr. 1 if nothing could be read."""
    gathering = gather(options.folder)
    for remark in gathering.remarks:
        print(f"mtls-lab workshop: {remark}", file=sys.stderr)
    if not gathering.learners:
        print("mtls-lab workshop: no learner's folder and no progress file there", file=sys.stderr)
        return 1
    lines = exercise_lines(gathering.learners, [one.slug for one in exercises()])
    form = _as_csv if options.csv else _as_json if options.json else _as_text
    print(form(gathering, lines), end="")
    return 0


def _as_text(gathering: Gathering, lines: Sequence[ExerciseLine]) -> str:
    rows = tuple(_learner_row(learner_line(one)) for one in gathering.learners)
    people = Table(
        title="Learners",
        head=("learner", "right", "tried", "points", "hints", "before", "after"),
        groups=(Group(title="", rows=rows),),
        after=_summary(gathering, lines),
    )
    return f"{people.text}\n" + (f"\n{_exercise_table(lines).text}\n" if lines else "")


def _learner_row(line: LearnerLine) -> tuple[str, ...]:
    numbers = (line.right, line.tried, line.points, line.hints, line.before, line.after)
    return line.name, *("-" if number is None else str(number) for number in numbers)


def _exercise_table(lines: Sequence[ExerciseLine]) -> Table:
    worst = most_missed(lines)
    rows = tuple(
        (
            f"{line.slug} ← most missed" if line == worst else line.slug,
            *map(str, (line.right, line.tried, line.untouched, line.tries, line.hints)),
        )
        for line in lines
    )
    return Table(
        title="Exercises",
        head=("exercise", "right", "tried", "untouched", "answers", "hints"),
        groups=(Group(title="", rows=rows),),
    )


def _summary(gathering: Gathering, lines: Sequence[ExerciseLine]) -> tuple[str, ...]:
    worst = most_missed(lines)
    of = len(gathering.learners)
    missed = f"Most missed: {worst.slug}, tried in vain by {worst.tried} of {of}." if worst else "Nothing was missed."
    return missed, *_changes(gathering), "These files are the learners' own word; nothing was judged again."


def _changes(gathering: Gathering) -> Iterator[str]:
    """The self-test of those who did both halves: others would shift the mean."""
    both = [line for line in map(learner_line, gathering.learners) if None not in (line.before, line.after)]
    if both:
        means = [
            sum(numbers) / len(both)
            for numbers in zip(*((one.before or 0, one.after or 0) for one in both), strict=True)
        ]
        yield f"Self-test of the {len(both)} who did both halves: {means[0]:.1f} held before, {means[1]:.1f} after."


def _as_json(gathering: Gathering, lines: Sequence[ExerciseLine]) -> str:
    worst = most_missed(lines)
    content = {
        "learners": [asdict(learner_line(one)) | _details(one) for one in gathering.learners],
        "exercises": [asdict(line) for line in lines],
        "most_missed": worst.slug if worst else None,
        "remarks": list(gathering.remarks),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _details(one: HandedIn) -> dict[str, object]:
    return {
        "exercises": {slug: asdict(score) for slug, score in sorted(one.record.scores.items())},
        "self_test": {run: {slug: asdict(given) for slug, given in one.record.given(run).items()} for run in RUNS},
    }


def _as_csv(gathering: Gathering, lines: Sequence[ExerciseLine]) -> str:
    """A learner a line; below each exercise its points, empty where it is untouched."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    slugs = [line.slug for line in lines]
    writer.writerow(["learner", "right", "tried", "points", "hints", "before", "after", *map(_cell, slugs)])
    for one in gathering.learners:
        line = learner_line(one)
        numbers = (line.right, line.tried, line.points, line.hints, line.before, line.after)
        points = (one.record.scores[slug].points if slug in one.record.scores else None for slug in slugs)
        writer.writerow([_cell(line.name), *("" if value is None else value for value in (*numbers, *points))])
    return out.getvalue()


def _cell(text: str) -> str:
    """A spreadsheet takes what begins like this for a formula, and a learner's file is a stranger's."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
