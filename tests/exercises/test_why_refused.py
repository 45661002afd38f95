"""Exercises of notebook 08 and its quiz: untouched, solved, and wrong answers, each with a hint of its own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from mtls_lab.certificates.crl import crl
from mtls_lab.exercises import check
from mtls_lab.exercises.quiz import DOTS, LETTERS, Quiz, quiz
from mtls_lab.handshake import Handshake, Role, Scenario, explain, rehearse
from mtls_lab.handshake.exhibits import EXHIBITS, Cast
from mtls_lab.handshake.gallery import words_at
from mtls_lab.handshake.rehearse import rehearse_resumed

SEED = 5280
"""The notebook's."""


@dataclass(frozen=True, kw_only=True)
class Show:
    """What the exercises of the notebook are asked about."""

    cast: Cast
    quiz: Quiz
    broken: dict[str, Scenario]
    accepted: dict[str, Handshake]


@pytest.fixture(scope="module")
def show() -> Show:
    cast = Cast.gather()
    before, after = rehearse_resumed(cast.scenario(), EXHIBITS["revoked"].stage(cast, "client"))
    return Show(
        cast=cast,
        quiz=quiz(SEED, cast=cast),
        broken={
            "a": EXHIBITS["incomplete-chain"].stage(cast, "client"),
            "b": EXHIBITS["wrong-ip"].stage(cast, "server"),
            "c": EXHIBITS["leaf-as-anchor"].stage(cast, "client"),
        },
        accepted={
            "a": before,
            "b": after,
            "c": rehearse(EXHIBITS["client-not-asked"].stage(cast, "client")),
            "d": rehearse(EXHIBITS["extra-certificates"].stage(cast, "client")),
        },
    )


Answers = Callable[[Show], tuple[object, ...]]


def letters(one: Quiz) -> str:
    return "".join(question.true_letter for question in one)


def other_than(letter: str) -> str:
    return LETTERS[(LETTERS.index(letter) + 1) % len(LETTERS)]


def missing_at(place: int) -> Answers:
    """All right but for one question."""

    def answers(show: Show) -> tuple[object, ...]:
        true = letters(show.quiz)
        return true[:place] + other_than(true[place]) + true[place + 1 :], show.quiz

    return answers


def mended(show: Show, **changed: Scenario) -> dict[str, Scenario]:
    broken, cast = show.broken, show.cast
    return {
        "a": replace(broken["a"], client=replace(broken["a"].client, presents=cast.client)),
        "b": replace(broken["b"], server=replace(broken["b"].server, presents=cast.server)),
        "c": replace(broken["c"], server=replace(broken["c"].server, trusts=(cast.root.certificate,))),
        **changed,
    }


def unverified(show: Show) -> Scenario:
    return replace(show.broken["a"], server=replace(show.broken["a"].server, verifies="none"))


SOLVED: dict[str, Answers] = {
    "08-how-many": lambda show: (11,),
    "08-evidence": lambda show: (letters(show.quiz), show.quiz),
    "08-mend": lambda show: (mended(show), show.broken),
    "08-silent": lambda show: ("ad", show.accepted),
}
WRONG: dict[str, tuple[Answers, Answers]] = {
    "08-how-many": (lambda show: (1,), lambda show: (40,)),
    "08-evidence": (missing_at(0), missing_at(4)),
    "08-mend": (
        lambda show: (mended(show, a=unverified(show)), show.broken),
        lambda show: (mended(show, a=show.broken["a"]), show.broken),
    ),
    "08-silent": (lambda show: ("abd", show.accepted), lambda show: ("acd", show.accepted)),
}


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(show: Show, slug: str) -> None:
    assert check(slug, *SOLVED[slug](show)).state == "right"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_two_likeliest_wrong_answers_get_hints_of_their_own(show: Show, slug: str) -> None:
    outcomes = [check(slug, *answers(show)) for answers in WRONG[slug]]

    assert [outcome.state for outcome in outcomes] == ["wrong", "wrong"]
    assert outcomes[0].message != outcomes[1].message


# The quiz


def test_the_quiz_is_the_same_for_the_same_seed_and_another_for_another(show: Show) -> None:
    again, other = quiz(SEED), quiz(SEED + 1)

    assert repr(again) == repr(show.quiz)
    assert letters(again) == letters(show.quiz)
    assert repr(other) != repr(show.quiz)


def test_each_of_the_four_causes_shows_the_client_the_same_words(show: Show) -> None:
    for question in show.quiz:
        side: Role = "client" if question.refused_by == "server" else "server"
        played = [rehearse(EXHIBITS[slug].stage(show.cast, side, "TLSv1.3")) for slug in question.options]

        assert {words_at(one, "client") for one in played} == {question.words}
        assert len({explain(one).cause for one in played}) == len(LETTERS)


def test_no_two_questions_have_the_same_words(show: Show) -> None:
    words = Counter((question.refused_by, question.words) for question in show.quiz)

    assert set(words.values()) == {1}
    assert {question.refused_by for question in show.quiz} == {"client", "server"}


def test_one_letter_for_every_question_names_few(show: Show) -> None:
    scores = [len(show.quiz) - len(show.quiz.missed(letter * len(show.quiz))) for letter in LETTERS]

    assert sum(scores) == len(show.quiz)
    assert max(scores) < len(show.quiz)


def test_the_score_tells_how_many_and_not_which(show: Show) -> None:
    true = letters(show.quiz)

    assert show.quiz.score(true) == "6 of 6 are right."
    assert show.quiz.score(other_than(true[0]) + true[1:]) == "5 of 6 are right."
    assert show.quiz.score(true[:-1] + other_than(true[-1])) == "5 of 6 are right."
    assert show.quiz.score(DOTS).startswith("Not answered yet")


@pytest.mark.parametrize("answer", ["", "abc", "abcdefg", "xxxxxx", ["a"] * 6])
def test_other_text_than_a_letter_a_question_is_told_what_to_give(show: Show, answer: str) -> None:
    with pytest.raises(ValueError, match="6 letters of a, b, c and d"):
        show.quiz.missed(answer)


def test_the_questions_do_not_give_the_answer_away(show: Show) -> None:
    for question in show.quiz:
        assert "handshake" not in repr(question)
        assert question.true_letter not in str(question).splitlines()[0].split()


@pytest.mark.parametrize("count", [0, 99])
def test_a_quiz_of_more_questions_than_there_are_says_how_many_there_are(show: Show, count: int) -> None:
    with pytest.raises(ValueError, match=r"there are \d+ messages"):
        quiz(SEED, count=count, cast=show.cast)


def test_dots_left_in_the_evidence_round_are_untouched(show: Show) -> None:
    assert check("08-evidence", DOTS, show.quiz).state == "untouched"


def test_a_wrong_letter_is_told_where_to_look(show: Show) -> None:
    outcome = check("08-evidence", *missing_at(2)(show))

    assert outcome.message.startswith("5 of 6. Question 3 is not (")
    assert "look at" in outcome.message


# Mending


def test_mending_by_dialling_another_name_counts_too(show: Show) -> None:
    dialled = replace(show.broken["b"], server_name="localhost")

    assert check("08-mend", mended(show, b=dialled), show.broken).state == "right"


def test_a_scenario_that_is_left_out_or_left_as_dots_is_said_so(show: Show) -> None:
    halves = {letter: one for letter, one in mended(show).items() if letter != "b"}

    assert "Scenario b" in check("08-mend", halves, show.broken).message
    assert check("08-mend", {**mended(show), "b": ...}, show.broken).state == "untouched"
    assert "no scenario" in check("08-mend", {**mended(show), "b": "new"}, show.broken).message


def test_two_changes_are_one_too_many(show: Show) -> None:
    both = replace(mended(show)["b"], server_name="localhost")

    outcome = check("08-mend", mended(show, b=both), show.broken)

    assert "2 settings have changed (server.presents, server_name)" in outcome.message


def test_a_change_that_does_not_help_is_told_what_is_still_wrong(show: Show) -> None:
    lacking = replace(show.broken["a"], client=replace(show.broken["a"].client, presents=None))

    assert "still refused by the server" in check("08-mend", mended(show, a=lacking), show.broken).message


def test_switching_the_revocation_check_off_is_no_mending(show: Show) -> None:
    broken = {"own": EXHIBITS["stale-crl"].stage(show.cast, "client")}
    off = replace(broken["own"], server=replace(broken["own"].server, crls=None))
    fresh = replace(broken["own"], server=replace(broken["own"].server, crls=(crl(show.cast.issuing),)))

    assert "server.crls is a check" in check("08-mend", {"own": off}, broken).message
    assert check("08-mend", {"own": fresh}, broken).state == "right"


def test_switching_strictness_off_is_no_mending(show: Show) -> None:
    broken = {"own": EXHIBITS["missing-aki"].stage(show.cast, "server")}
    off = replace(broken["own"], client=replace(broken["own"].client, strict=False))

    assert "client.strict is a check" in check("08-mend", {"own": off}, broken).message


def test_an_exhibit_in_which_nobody_asks_lets_a_stranger_in(show: Show) -> None:
    broken = {"own": EXHIBITS["client-not-asked"].stage(show.cast, "client")}
    dialled = replace(broken["own"], server_name="127.0.0.1")

    assert "so is a client" in check("08-mend", {"own": dialled}, broken).message


# The others


@pytest.mark.parametrize("number", [9, 13])
def test_a_near_guess_counts_and_is_told_the_number(number: int) -> None:
    assert check("08-how-many", number).message == "Near enough: 11 of them."


@pytest.mark.parametrize("number", ["11", True, 1.5])
def test_a_guess_that_is_no_number_is_told_so(number: object) -> None:
    assert "is no number" in check("08-how-many", number).message


def test_silent_handshakes_by_other_letters_are_told_the_letters(show: Show) -> None:
    assert "a, b, c, d" in check("08-silent", "xyz", show.accepted).message


def test_a_handshake_too_few_is_told_that_there_is_one_more(show: Show) -> None:
    assert "one more" in check("08-silent", "a", show.accepted).message
