"""The predicted verdict is OpenSSL's, for certificates that nobody here wrote and for damaged ones of ours.

The judge is libcrypto itself; `benchmarks/odd_certificates.py` asks it about all there are, these tests about a sample.
"""

from collections.abc import Iterable
from itertools import islice

import pytest

from odd_cases import (
    VECTORS,
    Case,
    Comparison,
    Pool,
    compare,
    from_damage,
    from_lists,
    from_pkits,
    from_pool,
    published_chains,
    read_certificates,
)
from openssl_verdict import OpenSSL


@pytest.fixture(scope="module")
def openssl() -> OpenSSL:
    return OpenSSL()


def ask(cases: Iterable[Case], openssl: OpenSSL) -> list[Comparison]:
    return [compare(case, openssl) for case in cases]


def told(comparisons: Iterable[Comparison]) -> list[str]:
    """What there is to read when a test fails."""
    return [
        f"{one.case.label}: ours {one.found}, OpenSSL {one.judged.problems}, {one.case.settings}" for one in comparisons
    ]


def check(comparisons: list[Comparison], *, at_least: int, unsure: float) -> None:
    """Where the prediction claims to be certain, which it nearly always does, verdict and first problem are right."""
    certain = [one for one in comparisons if one.ours.unsure is None]

    assert len(comparisons) >= at_least
    assert len(certain) >= (1 - unsure) * len(comparisons)
    assert told(one for one in certain if not one.same_verdict) == []
    assert told(one for one in certain if not one.same_reason) == []


def test_published_certificates_are_judged_as_openssl_judges_them(openssl: OpenSSL) -> None:
    pool = Pool.of(read_certificates(VECTORS))

    comparisons = ask(from_pool(pool, "vector", seed=1), openssl)

    check(comparisons, at_least=1000, unsure=0.02)
    assert {True, False} == {one.ours.accepted for one in comparisons}


def test_the_test_suite_of_nist_is_judged_as_openssl_judges_it(openssl: OpenSSL) -> None:
    comparisons = ask(islice(from_pkits(), 0, None, 11), openssl)

    check(comparisons, at_least=250, unsure=0.02)
    assert len({code for one in comparisons for code, _ in one.found}) >= 15


def test_damaged_chains_are_judged_as_openssl_judges_them(openssl: OpenSSL) -> None:
    comparisons = ask(from_damage(published_chains(), 600, seed=2), openssl)

    check(comparisons, at_least=600, unsure=0.02)
    assert [one.ours.accepted for one in comparisons if one.case.label == "sound"] == [True] * 4
    assert len([one for one in comparisons if one.judged.readable]) >= 200


def test_damaged_revocation_lists_are_judged_as_openssl_judges_them(openssl: OpenSSL) -> None:
    """A list that cannot be read is not judged: the verifier does not even start. So unsure is half of them."""
    comparisons = ask(from_lists(300, seed=3), openssl)

    check(comparisons, at_least=300, unsure=0.5)
    assert {code for one in comparisons for code, _ in one.found} >= {3, 8, 12, 23}


def test_every_problem_is_found_in_the_order_of_openssl(openssl: OpenSSL) -> None:
    comparisons = [one for one in ask(from_damage(published_chains(), 300, seed=4), openssl) if one.ours.unsure is None]

    assert len(comparisons) > 250
    assert told(one for one in comparisons if not one.same_problems) == []


def test_the_judge_tells_a_sound_chain_from_a_damaged_one(openssl: OpenSSL) -> None:
    """Without this, a judge that refuses everything would agree with a validator that does."""
    pool = Pool.of(read_certificates(VECTORS))
    judged = [compare(case, openssl).judged for case in islice(from_pkits(), 0, None, 80)]

    assert len(pool.ders) > 150
    assert {True, False} == {one.problems == () for one in judged}
