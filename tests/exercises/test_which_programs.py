"""Exercises of notebook 11: untouched, solved, and wrong answers, each with a hint of its own."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from mtls_lab.clients.recipes import POLICIES
from mtls_lab.exercises import check, hint
from tools import program

FORMS = {"requests": "PEM pair", "HAProxy": "one PEM", "Java": "PKCS#12", "psql": "DER key"}


def unpacking(*, others: bool = True, password: bytes | None = None, encoding: Encoding = Encoding.PEM) -> object:
    """A learner's function, right but for what is named."""

    def unpack(p12: bytes, secret: str, folder: Path) -> tuple[Path, Path]:
        found = pkcs12.load_pkcs12(p12, secret.encode())
        assert found.cert is not None
        assert found.key is not None
        certificates = [found.cert, *(found.additional_certs if others else [])]
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
        chain, key = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(b"".join(one.certificate.public_bytes(encoding) for one in certificates))
        key.write_bytes(found.key.private_bytes(encoding, PrivateFormat.PKCS8, encryption))
        return chain, key

    return unpack


def as_it_is(p12: bytes, _secret: str, folder: Path) -> tuple[Path, Path]:
    path = folder / "bob.p12"
    path.write_bytes(p12)
    return path, path


def nothing_written(_p12: bytes, _secret: str, folder: Path) -> tuple[Path, Path]:
    return folder / "chain.pem", folder / "key.pem"


NGINX = "ssl_client_certificate root.pem;\nssl_verify_client on;"
SOLVED: dict[str, object] = {
    "11-odd-one": "Chromium",
    "11-after-tls": {"nginx", "PostgreSQL"},
    "11-files": FORMS,
    "11-p12": unpacking(),
    "11-nginx": NGINX,
}
WRONG: dict[str, tuple[object, ...]] = {
    "11-odd-one": ("Java", "psql", "curl", "Firefox"),
    "11-after-tls": ({"nginx"}, {"PostgreSQL"}, {"nginx", "PostgreSQL", "Envoy"}, "nginx", {"apache"}),
    "11-files": (
        FORMS | {"Java": "PEM pair"},
        FORMS | {"HAProxy": "PEM pair"},
        FORMS | {"psql": "PEM pair"},
        FORMS | {"requests": "PKCS#12"},
        {"Java": "PKCS#12"},
    ),
    "11-p12": (
        unpacking(others=False),
        unpacking(password=b"secret"),
        unpacking(encoding=Encoding.DER),
        nothing_written,
        lambda *_: "chain.pem",
    ),
}
WRONG_LINES = (
    "ssl_client_certificate root.pem; ssl_verify_client optional;",
    "ssl_verify_client optional_no_ca;",
    "ssl_client_certificate localhost.pem; ssl_verify_client on;",
)
ALSO_RIGHT = "ssl_verify_client on; # insist\nssl_client_certificate  root.pem;"


def test_untouched_forms_are_no_wrong_answer() -> None:
    assert check("11-files", dict.fromkeys(FORMS, ...)).state == "untouched"


@pytest.mark.parametrize("slug", SOLVED)
def test_the_reference_solution_is_right(slug: str) -> None:
    outcome = check(slug, SOLVED[slug])

    assert outcome.state == "right", outcome


@pytest.mark.parametrize("slug", WRONG)
def test_likely_wrong_answers_get_hints_of_their_own(slug: str) -> None:
    outcomes = [check(slug, answer) for answer in WRONG[slug]]

    assert {one.state for one in outcomes} == {"wrong"}
    assert not any("raised" in one.message for one in outcomes), outcomes
    assert len({one.message for one in outcomes}) == len(outcomes)


def test_a_p12_handed_on_as_it_is_is_told_from_pem() -> None:
    outcome = check("11-p12", as_it_is)

    assert outcome.state == "wrong"
    assert "requests reads PEM" in outcome.message


@pytest.mark.parametrize("slug", SOLVED)
def test_hints_lead_to_the_answer(slug: str) -> None:
    steps = [hint(slug, step) for step in (1, 2, 3)]

    assert len(set(steps)) == 3


@pytest.mark.live
def test_wrong_lines_for_nginx_get_hints_of_their_own_from_a_real_nginx() -> None:
    program("nginx")

    outcomes = [check("11-nginx", lines) for lines in (*WRONG_LINES, "ssl_verify_client on;", "ssl_verify_client on")]

    assert {one.state for one in outcomes} == {"wrong"}
    assert not any("raised" in one.message for one in outcomes), outcomes
    assert len({one.message for one in outcomes}) == len(outcomes)


@pytest.fixture
def without_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(POLICIES["nginx"], missing=lambda: "nginx is not installed: `apt install nginx`")
    monkeypatch.setitem(POLICIES, "nginx", gone)


@pytest.mark.usefixtures("without_nginx")
@pytest.mark.parametrize(
    ("lines", "state"), [(NGINX, "right"), (ALSO_RIGHT, "right"), *((lines, "wrong") for lines in WRONG_LINES)]
)
def test_without_nginx_lines_are_read_and_the_outcome_says_so(lines: str, state: str) -> None:
    outcome = check("11-nginx", lines)

    assert outcome.state == state
    assert "nginx is not installed here: your lines were read, not run" in outcome.message


@pytest.mark.live
@pytest.mark.parametrize("lines", [NGINX, ALSO_RIGHT, *WRONG_LINES])
def test_reading_the_lines_comes_to_what_running_them_comes_to(monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    program("nginx")
    ran = check("11-nginx", lines)
    gone = replace(POLICIES["nginx"], missing=lambda: "nginx is not installed: `apt install nginx`")
    monkeypatch.setitem(POLICIES, "nginx", gone)

    read = check("11-nginx", lines)

    assert read.message.startswith(ran.message)
