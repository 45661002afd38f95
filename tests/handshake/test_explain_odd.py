"""Handshakes with certificates that nobody here wrote: the cause fits OpenSSL's verdict, and nothing raises.

Nobody has the keys of such certificates, so the Certificate message of a real TLS 1.2 handshake is exchanged for one
that carries them, and the client's verdict is the one that libcrypto gives.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

import pytest

from cast import make_lab, only
from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Endpoint, Failure, Handshake, Scenario, Side, explain, rehearse
from mtls_lab.handshake.causes import REFUSALS
from odd_cases import (
    VECTORS,
    Case,
    Pool,
    compare,
    from_damage,
    from_pkits,
    from_pool,
    published_chains,
    read_certificates,
)
from openssl_verdict import OpenSSL

_CERTIFICATE = 11
_LONGEST_RECORD = 16_384


@pytest.fixture(scope="module")
def openssl() -> OpenSSL:
    return OpenSSL()


@pytest.fixture(scope="module")
def template() -> Handshake:
    return rehearse(only(make_lab().scenario(server_presents="expired"), "TLSv1.2"))


def records(content: bytes) -> bytes:
    """Handshake bytes in as many records as they need."""
    pieces = [content[start : start + _LONGEST_RECORD] for start in range(0, len(content), _LONGEST_RECORD)]
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def vector(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data


def with_chain(template: Handshake, case: Case, verify_code: int) -> Handshake:
    """The template, had its server sent this chain and its client said this."""
    hellos = {one.name: one.body for one in template.messages if one.name in ("ClientHello", "ServerHello")}
    message = bytes([_CERTIFICATE]) + vector(vector(b"".join(map(vector, case.chain))))
    settings = case.settings
    name = settings.get("server_name")
    client = Endpoint(
        trusts=tuple(Certificate(der=der) for der in case.trusts),
        verifies="chain" if name is None else "chain and name",
        crls=settings.get("crls"),
        strict=settings.get("strict", False),
    )
    failure = Failure(during="handshake", reason="CERTIFICATE_VERIFY_FAILED", text="", verify_code=verify_code)
    return Handshake(
        scenario=Scenario(client=client, server=template.scenario.server, server_name=name or "localhost"),
        client=Side(role="client", completed=False, failure=failure, version=None, cipher=None),
        server=None,
        at=settings["at"],
        wire=(
            ("client", records(hellos["ClientHello"])),
            ("server", records(hellos["ServerHello"] + message)),
            ("client", b"\x15\x03\x03\x00\x02\x02\x2a"),
        ),
    )


def asked(cases: Iterable[Case]) -> list[Case]:
    """Those that a client of the lab could be asked."""
    return [
        one
        for one in cases
        if one.settings["purpose"] == "serverAuth"
        and not one.settings.get("partial_chain")
        and one.settings.get("server_name") != ""
    ]


def explained(cases: Iterable[Case], template: Handshake, openssl: OpenSSL) -> tuple[int, list[str]]:
    """How many refusals there were, and those whose cause does not fit the verdict."""
    count, wrong = 0, []
    for case in cases:
        both = compare(case, openssl)
        if not both.judged.readable or not both.judged.problems:
            continue
        code = both.judged.problems[0][0]
        try:
            handshake = with_chain(template, case, code)
        except ValueError:
            # A name that Python's ssl would not dial either.
            continue
        explanation = explain(handshake)
        count += 1
        row = REFUSALS.get(explanation.cause)
        fits = code in row.verify_codes if row is not None else explanation.cause != "unknown"
        if explanation.verify_code != code or explanation.refused_by != "client" or not fits:
            wrong.append(f"{case.label}: verdict {code}, cause {explanation.cause}")
        assert explain(handshake.seen_by("server")).cause
        assert explain(handshake.seen_by("client")).cause
    return count, wrong


def test_published_certificates_are_explained_by_a_cause_that_fits_openssls_verdict(
    template: Handshake, openssl: OpenSSL
) -> None:
    cases = asked(islice(from_pool(Pool.of(read_certificates(VECTORS)), "vector", seed=4), 0, None, 2))

    count, wrong = explained(cases, template, openssl)

    assert count >= 100
    assert len(wrong) <= 0.05 * count, wrong


def test_the_test_suite_of_nist_is_explained_by_causes_that_fit(template: Handshake, openssl: OpenSSL) -> None:
    count, wrong = explained(asked(islice(from_pkits(), 0, None, 9)), template, openssl)

    assert count >= 80
    assert len(wrong) <= 0.05 * count, wrong


def test_damaged_chains_are_explained_by_causes_that_fit(template: Handshake, openssl: OpenSSL) -> None:
    count, wrong = explained(asked(from_damage(published_chains(), 300, seed=5)), template, openssl)

    assert count >= 50
    assert len(wrong) <= 0.05 * count, wrong


def test_whatever_a_certificate_message_holds_it_never_raises(template: Handshake) -> None:
    """Also what OpenSSL cannot read at all, and no verdict with it."""
    at = datetime(2026, 11, 24, tzinfo=UTC)
    for der in read_certificates(VECTORS)[:600]:
        case = Case(label="any", chain=(der,), trusts=(), settings={"purpose": "serverAuth", "at": at})

        assert explain(with_chain(template, case, 0)).cause
