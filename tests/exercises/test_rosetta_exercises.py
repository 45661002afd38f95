"""Exercises of notebook 15: untouched, solved, and wrong answers, each with a hint of its own."""

from collections.abc import Callable

import pytest

from mtls_lab.clients.rosetta import recorded
from mtls_lab.exercises import check, hint
from mtls_lab.exercises.rosetta import FOUND, Case, cases
from mtls_lab.handshake import explain
from mtls_lab.handshake.exhibits import Cast

Answers = Callable[[tuple[Case, ...]], tuple[object, ...]]
TRUE = {"a": "same-name-other-key", "b": "not-yet-valid", "c": "email-only"}
ENDS = ["client", "server", "client", "server", "client"]


@pytest.fixture(scope="module")
def three() -> tuple[Case, ...]:
    return cases(Cast.gather())


def causes(**changed: str) -> Answers:
    return lambda three: (TRUE | changed, three)


def ends(place: int) -> Answers:
    """All right but for one line."""
    other = "server" if ENDS[place] == "client" else "client"
    return lambda _: ([*ENDS[:place], other, *ENDS[place + 1 :]],)


SOLVED: dict[str, Answers] = {
    "15-names-it": lambda _: ("curl",),
    "15-causes": causes(),
    "15-who-knows": lambda _: (ENDS,),
}
WRONG: dict[str, tuple[Answers, ...]] = {
    "15-names-it": (lambda _: ("psql",), lambda _: ("a Go server",), lambda _: ("wget",)),
    "15-causes": (
        causes(a="untrusted-root"),
        causes(b="expired"),
        causes(c="revoked"),
        causes(c="bad record MAC"),
        lambda three: ({"a": TRUE["a"]}, three),
    ),
    "15-who-knows": (ends(0), ends(2), ends(3), ends(4), lambda _: (ENDS[:2],), lambda _: (["both", *ENDS[1:]],)),
}


def test_untouched_slugs_are_no_wrong_answer(three: tuple[Case, ...]) -> None:
    outcome = check("15-causes", {"a": ..., "b": ..., "c": ...}, three)

    assert outcome.state == "untouched"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(three: tuple[Case, ...], slug: str) -> None:
    outcome = check(slug, *SOLVED[slug](three))

    assert outcome.state == "right", outcome


@pytest.mark.parametrize("slug", SOLVED)
def test_likely_wrong_answers_get_hints_of_their_own(three: tuple[Case, ...], slug: str) -> None:
    outcomes = [check(slug, *answers(three)) for answers in WRONG[slug]]

    assert {one.state for one in outcomes} == {"wrong"}
    assert not any("raised" in one.message for one in outcomes), outcomes
    assert len({one.message for one in outcomes}) == len(outcomes)


@pytest.mark.parametrize("slug", SOLVED)
def test_hints_lead_to_the_answer(slug: str) -> None:
    steps = [hint(slug, step) for step in (1, 2, 3)]

    assert len(set(steps)) == 3


def test_each_case_is_among_the_causes_of_its_words_and_never_the_only_one(three: tuple[Case, ...]) -> None:
    for case in three:
        assert explain(case.handshake).cause == TRUE[case.line.letter]
        assert TRUE[case.line.letter] in case.slugs
        assert len(case.slugs) > 2


def test_each_line_to_be_judged_is_known_of_one_refusing_end_alone() -> None:
    refused_by = [{cause.refused_by for one in line.meanings for cause in one.causes} for line in FOUND]

    assert refused_by == [{end} for end in ENDS]


def test_whatever_was_recorded_every_client_has_a_message_with_many_causes() -> None:
    """What the notebook says of any recording, of this one."""
    behind: dict[str, dict[str, set[str]]] = {}
    for row in recorded():
        if not row.accepted and row.client.version:
            behind.setdefault(row.client.name, {}).setdefault(row.client_words, set()).add(row.fault)

    assert {client for client, words in behind.items() if max(map(len, words.values())) <= 3} == set()
