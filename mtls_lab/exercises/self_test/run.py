"""One run of the self-test.

1. Before the course nothing is told until all twelve are answered: what question 5 explains would answer question 6.
   Until then an answer can be changed.
2. After the course each answer is judged at once.
3. An answer that has been judged stays what it was in the learner's file; whoever wants to begin again says
   `reset("self-test-after", confirm=True)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mtls_lab.exercises.outcome import Outcome, noted, right, untouched, wrong
from mtls_lab.exercises.progress_file import keep, kept
from mtls_lab.exercises.record import RUNS, Given, Record, Run
from mtls_lab.exercises.self_test.question import Question
from mtls_lab.exercises.self_test.questions import QUESTIONS
from mtls_lab.exercises.tables import Group, Table

_DOTS = (..., ".", "")


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """Twelve questions, before the course or after it."""

    run: Run
    """Which of the two."""
    questions: tuple[Question, ...] = QUESTIONS
    """In order; the first has the number 1."""

    @property
    def given(self) -> Mapping[str, Given]:
        """The answers that are kept, by the question's slug."""
        return kept()[0].given(self.run)

    @property
    def finished(self) -> bool:
        """Every question is answered."""
        return all(one.slug in self.given for one in self.questions)

    def answer(self, number: int, choice: object) -> Outcome:
        """Answer question `number` with the letter of an option. Raises ValueError for what is neither."""
        question = self._question(number)
        if choice in _DOTS:
            return untouched(f"Question {number}: put {_or(question.letters)} in place of the dots.")
        if not isinstance(choice, str) or choice not in list(question.letters):
            raise ValueError(f"choice={choice!r} is no option of question {number}: say {_or(question.letters)}")
        if self.finished:
            return self._judged(question, choice, " This run is over: the answer that you gave first is kept.")
        if self.run == "before":
            return self._noted(question, choice)
        again = question.slug in self.given
        outcome = self._judged(question, choice, " The answer that you gave first is kept." if again else "")
        if not again:
            self._keep(question, choice, holds=outcome.state == "right")
        return outcome

    def chosen(self, number: int) -> str | None:
        """The letter kept for that question, None where there is none yet."""
        given = self.given.get(self._question(number).slug)
        return None if given is None else given.choice

    @property
    def result(self) -> "Outcome | Table":
        """What became of each answer; before the course only once all are given."""
        given = self.given
        if not given:
            return untouched(f"No question is answered yet: there are {len(self.questions)}.")
        if self.run == "before" and not self.finished:
            return noted(f"{len(given)} of {len(self.questions)} answered. You are told when all of them are.")
        rows = tuple(_row(number, one, given.get(one.slug)) for number, one in enumerate(self.questions, 1))
        held = sum(one.right for one in given.values())
        return Table(
            title=f"Self-test {self.run} the course",
            head=("question", "your answer", "what a handshake says"),
            groups=(Group(title="", rows=rows),),
            before=(f"{held} of {len(self.questions)} answers hold.",),
        )

    def __repr__(self) -> str:
        said = f"Self-test {self.run} the course: {len(self.questions)} questions"
        return "\n\n".join([said, *(f"{number}. {one}" for number, one in enumerate(self.questions, 1))])

    def _question(self, number: int) -> Question:
        if type(number) is not int or not 1 <= number <= len(self.questions):
            raise ValueError(f"number={number!r} is no question: they have the numbers 1 to {len(self.questions)}")
        return self.questions[number - 1]

    def _noted(self, question: Question, choice: str) -> Outcome:
        self._keep(question, choice, holds=question.judge(choice)[0])
        if not self.finished:
            answered = len(self.given)
            return noted(f"{answered} of {len(self.questions)} answered. You are told when all of them are.")
        held = sum(one.right for one in self.given.values())
        return noted(f"All {len(self.questions)} are answered, and {held} of the answers hold.")

    def _judged(self, question: Question, choice: str, aside: str) -> Outcome:
        holds, said = question.judge(choice)
        words = f"{said} Notebook {question.notebook} shows it.{aside}"
        return right(words) if holds else wrong(words)

    def _keep(self, question: Question, choice: str, *, holds: bool) -> None:
        given = Given(choice=choice, right=holds)

        def change(record: Record) -> Record:
            return record.answered(self.run, {**record.given(self.run), question.slug: given})

        keep(change)


def self_test(run: Run) -> SelfTest:
    """The twelve questions, "before" the course or "after" it."""
    if run not in RUNS:
        raise ValueError(f"run={run!r}: say {' or '.join(map(repr, RUNS))}")
    return SelfTest(run=run)


def _or(letters: str) -> str:
    return f"{', '.join(letters[:-1])} or {letters[-1]}"


def _row(number: int, question: Question, given: Given | None) -> tuple[str, str, str]:
    title = f"{number}. {question.title}"
    if given is None or given.choice not in list(question.letters):
        return title, "○ none", ""
    mark = "✓" if given.right else "✗"
    _, said = question.judge(given.choice)
    return title, f"{mark} {question.option(given.choice).words}", f"{said} (notebook {question.notebook})"
