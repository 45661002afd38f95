"""Exercises of notebook 03: untouched, solved, and wrong answers, each with a hint of its own."""

import os
from collections.abc import Iterator

import pytest
import requests

from cast import make_lab
from mtls_lab.exercises import check, hint
from mtls_lab.exercises.trust_store import Case, cases
from mtls_lab.proxy import Proxy
from tools import program

pytestmark = pytest.mark.live

SEED = "lab"
SLUGS = ("03-still-admitted", "03-outranks", "03-detective", "03-hostile", "03-one-authority")


@pytest.fixture(scope="module", autouse=True)
def curl() -> str:
    return program("curl")


@pytest.fixture(scope="module")
def suspects() -> tuple[Case, ...]:
    return cases(SEED)


@pytest.fixture(scope="module")
def true(suspects: tuple[Case, ...]) -> Iterator[dict[int, str]]:
    program("openssl")
    with Proxy(make_lab().scenario(server_verifies="none")) as proxy:
        yield {one.number: one.decided(proxy) for one in suspects}


def mended(url: str, root: str) -> requests.Response:
    return requests.get(url, verify=root, timeout=10)


def mended_by_a_deaf_session(url: str, root: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env, session.verify = False, root
        return session.get(url, timeout=10)


def by_the_session(url: str, root: str) -> requests.Response:
    with requests.Session() as session:
        session.verify = root
        return session.get(url, timeout=10)


def without_verification(url: str, root: str) -> requests.Response:
    return requests.get(url, verify=False, timeout=10)


def by_the_environment(url: str, root: str) -> requests.Response:
    os.environ["REQUESTS_CA_BUNDLE"] = root
    return requests.get(url, timeout=10)


def without_an_answer(url: str, root: str) -> None:
    requests.get(url, verify=root, timeout=10)


def test_stubs_are_no_wrong_answer(suspects: tuple[Case, ...]) -> None:
    assert check("03-detective", {1: ..., 2: ..., 3: ..., 4: ...}, suspects).state == "untouched"
    assert check("03-hostile", lambda url, root: ...).state == "untouched"


@pytest.mark.parametrize("slug", SLUGS)
def test_hints_lead_to_the_answer(slug: str) -> None:
    assert len({hint(slug, step) for step in (1, 2, 3)}) == 3


def test_the_directory_admits_whatever_the_file_holds() -> None:
    assert check("03-still-admitted", "accepted").state == "right"
    messages = {check("03-still-admitted", answer).message for answer in ("refused", "perhaps")}
    assert len(messages) == 2 and all("raised" not in one for one in messages)


def test_the_environment_outranks_the_session() -> None:
    assert check("03-outranks", "REQUESTS_CA_BUNDLE").state == "right"
    outcomes = [check("03-outranks", answer) for answer in ("Session.verify", "verify=")]
    assert [one.state for one in outcomes] == ["wrong", "wrong"]
    assert "REQUESTS_CA_BUNDLE decides" in outcomes[0].message
    assert "none of the two" in outcomes[1].message


def test_the_detective_is_right_with_what_is_measured(suspects: tuple[Case, ...], true: dict[int, str]) -> None:
    assert check("03-detective", true, suspects).state == "right"


def test_the_detective_who_blames_a_variable_of_another_program_hears_it(
    suspects: tuple[Case, ...], true: dict[int, str]
) -> None:
    case = next(one for one in suspects if one.program != "requests")
    stranger = dict(case.files)["REQUESTS_CA_BUNDLE"]

    outcome = check("03-detective", true | {case.number: stranger}, suspects)

    assert outcome.state == "wrong"
    assert f"{case.program} never reads that variable" in outcome.message


def test_the_detective_who_blames_a_weaker_place_hears_it(suspects: tuple[Case, ...], true: dict[int, str]) -> None:
    case, weaker = next(
        (one, file)
        for one in suspects
        for place, file in one.files
        if one.program == "requests" and file != true[one.number] and place != "SSL_CERT_FILE"
    )

    outcome = check("03-detective", true | {case.number: weaker}, suspects)

    assert outcome.state == "wrong"
    assert "if nothing stronger named a file" in outcome.message


def test_the_detective_who_names_another_file_or_none_hears_it(
    suspects: tuple[Case, ...], true: dict[int, str]
) -> None:
    elsewhere = check("03-detective", true | {1: "z.pem"}, suspects)
    open_case = check("03-detective", {1: true[1]}, suspects)

    assert "stands nowhere in this call" in elsewhere.message
    assert "Case 2 is still open" in open_case.message


@pytest.mark.parametrize("seed", [f"learner {number}" for number in range(12)])
def test_each_seed_makes_four_cases_that_can_be_told(seed: str) -> None:
    made = cases(seed)

    assert made == cases(seed)
    assert [one.number for one in made] == [1, 2, 3, 4]
    assert sum(one.program != "requests" for one in made) == 1
    assert len({str(one)[3:] for one in made}) == 4


def test_seeds_make_different_cases() -> None:
    assert len({cases(f"learner {number}") for number in range(12)}) > 6


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_the_cases_of_every_seed_have_one_answer(seed: str) -> None:
    program("openssl")
    with Proxy(make_lab().scenario(server_verifies="none")) as proxy:
        assert {one.decided(proxy) for one in cases(seed)} <= {"a.pem", "b.pem", "c.pem"}


@pytest.mark.parametrize("answer", [mended, mended_by_a_deaf_session])
def test_an_argument_or_a_deaf_session_mends_the_hostile_call(answer: object) -> None:
    assert check("03-hostile", answer).state == "right"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_each_way_of_not_mending_it_has_its_own_hint() -> None:
    before = dict(os.environ)
    answers = [by_the_session, without_verification, by_the_environment, without_an_answer]

    outcomes = [check("03-hostile", answer) for answer in answers]

    assert [one.state for one in outcomes] == ["wrong"] * 4
    assert "stronger than what you said" in outcomes[0].message
    assert "from an impostor too" in outcomes[1].message
    assert "changes the environment" in outcomes[2].message
    assert "return the response" in outcomes[3].message
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "options",
    ["--cacert root.pem --capath empty", "--capath ./empty --cacert root.pem", "--cacert root.pem --capath no"],
)
def test_an_empty_directory_closes_the_other_place(options: str) -> None:
    assert check("03-one-authority", options).state == "right"


def test_each_way_to_leave_a_place_open_has_its_own_hint() -> None:
    answers = ["--cacert root.pem", "-k", "--capath empty", "-q --cacert root.pem"]

    outcomes = [check("03-one-authority", answer) for answer in answers]

    assert [one.state for one in outcomes] == ["wrong"] * 4
    assert len({one.message for one in outcomes}) == 4
    assert "its directory is still on" in outcomes[0].message
    assert "everybody is admitted" in outcomes[1].message
