"""The access log: one line each, nothing that a client says can break out of it, and nobody waits for it."""

import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cast import Lab, make_lab
from mtls_lab.handshake import Endpoint, rehearse
from mtls_lab.proxy.access import Access
from mtls_lab.proxy.access_log import LONGEST_WORD, MOST_NAMES, AccessLog, Form, Refusal, fields_of, line
from mtls_lab.proxy.served import Served
from proxy.naming import identity

AT = datetime(2026, 11, 24, 19, 5, 1, 234567, tzinfo=UTC)
NASTY = 'x" status=200\r\n2026 client=1.2.3.4 \x1b[2J \u202e\u2028 \x7f \\ =\udc80'


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


def served(**changes: Any) -> Served:
    """Alice asks and gets."""
    alice = identity(("O", "Lab"), ("CN", "alice"), uri=["spiffe://lab/alice"])
    usual: dict[str, Any] = {
        "at": AT,
        "address": "127.0.0.1",
        "client_port": 4711,
        "decision": Access.of(["uri:spiffe://lab/alice"]).decide(alice),
        "method": "GET",
        "target": "/whoami",
        "host": "localhost:8443",
        "status": 200,
        "size": 18,
        "seconds": 0.00123456,
    }
    return Served(**{**usual, **changes})


def refusal(lab: Lab, slug: str) -> Refusal:
    """A client with that fault, as the server saw it."""
    scenario = lab.scenario(client_presents="good" if slug == "absent" else slug)
    if slug == "absent":
        scenario = replace(scenario, client=Endpoint(trusts=scenario.client.trusts, verifies="chain and name"))
    return Refusal(address="::1", handshake=replace(rehearse(scenario), client_port=5555))


def wait_for(fact: Callable[[], bool]) -> bool:
    """It becomes true within five seconds."""
    end = time.monotonic() + 5
    while not fact() and time.monotonic() < end:
        time.sleep(0.01)  # a thread of the log's has to come first
    return fact()


def test_a_request_is_one_line_of_text() -> None:
    told = line(fields_of(served()), "text")

    assert re.sub(r"[0-9a-f]{64}", "HEX", told) == (
        "time=2026-11-24T19:05:01.234Z client=127.0.0.1:4711 event=request status=200 method=GET target=/whoami "
        'host=localhost:8443 identity.subject="CN=alice,O=Lab" identity.uri=spiffe://lab/alice '
        "identity.key_sha256=HEX identity.fingerprint=HEX allowed=true rule=uri:spiffe://lab/alice bytes=18 "
        "seconds=0.0012"
    )


def test_json_says_the_same() -> None:
    told = json.loads(line(fields_of(served()), "json"))

    assert told["identity"]["uri"] == ["spiffe://lab/alice"]
    assert (told["status"], told["allowed"], told["bytes"]) == (200, True, 18)


def test_a_client_that_may_not_is_told_with_the_reason() -> None:
    bob = identity(("CN", "bob"))
    decision = Access.of(["subject:CN=alice"]).decide(bob)

    told = fields_of(served(decision=decision, status=403))

    assert (told["allowed"], told["why"], told["identity"]["subject"]) == (
        False,
        "no access rule names CN=bob",
        "CN=bob",
    )


def test_a_client_without_a_certificate_and_one_that_left_are_told_as_such() -> None:
    told = fields_of(served(decision=Access().decide(None), status=None))

    assert (told["identity"], told["status"]) == ("none", "client left")


@pytest.mark.parametrize(
    ("slug", "cause", "verify", "alert"),
    [
        ("expired", "expired", "X509_V_ERR_CERT_HAS_EXPIRED", "certificate_expired"),
        ("untrusted-root", "untrusted-root", "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unknown_ca"),
        ("absent", "absent", None, "certificate_required"),
    ],
)
def test_a_refused_handshake_is_told_with_cause_alert_and_what_was_presented(
    lab: Lab, slug: str, cause: str, verify: str | None, alert: str
) -> None:
    told = fields_of(refusal(lab, slug))

    assert (told["event"], told["client"]) == ("handshake failed", "[::1]:5555")
    assert (told["refused_by"], told["cause"], told["alert"]) == ("server", cause, alert)
    assert (told.get("verify") or "").startswith(verify or "")
    assert ("presented" in told) == (slug != "absent")


def test_without_an_explanation_the_numbers_are_left(lab: Lab) -> None:
    told = fields_of(refusal(lab, "expired"), explained=False)

    assert list(told) == ["time", "client", "event", "reason", "verify"]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("field", ["method", "target", "host", "trouble"])
def test_nobody_writes_a_line_of_their_own(form: Form, field: str) -> None:
    told = line(fields_of(served(**{field: NASTY})), form)

    assert told.isascii()
    assert told.isprintable()
    assert len(re.findall(r"(?:^| )status=", re.sub(r'"(?:[^"\\]|\\.)*"', "", told))) == (form == "text")


@pytest.mark.parametrize("form", ["text", "json"])
def test_names_in_a_certificate_break_out_no_more_than_requests_do(form: Form) -> None:
    who = identity(("CN", 'alice" allowed=true\r\n\x1b[2J\u202e'), dns=["a\nb.example"])

    told = line(fields_of(served(decision=Access.of(["subject:CN=bob"]).decide(who), status=403)), form)

    assert told.isascii()
    assert told.isprintable()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_is_bounded_however_much_a_client_says(form: Form) -> None:
    who = identity(("CN", "alice"), uri=[f"spiffe://lab/{number}/{'x' * 5000}" for number in range(300)])
    long = "\U0001f512" * 1_000_000

    told = fields_of(served(decision=Access().decide(who), target=long, host=long))

    assert len(told["target"]) < LONGEST_WORD + 20
    assert len(told["identity"]["uri"]) == MOST_NAMES + 1
    assert len(line(told, form)) < 60_000


@pytest.mark.live
@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_arrive_whole_and_in_order(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path, form=form)

    event = served()
    for number in range(2000):
        log.put(replace(event, target=f"/{number}"))
    log.close()

    lines = path.read_text().splitlines()
    assert [int(re.findall(r"/(\d+)\b", one.split("target")[1])[0]) for one in lines] == list(range(2000))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log.lost == 0


@pytest.mark.live
def test_the_key_never_stands_in_it(tmp_path: Path, lab: Lab) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path, form="json")
    refused = refusal(lab, "expired")
    log.put(refused)
    log.close()

    text = path.read_text()

    assert "PRIVATE" not in text
    assert all(secret not in text for secret in refused.handshake.secrets.split() if len(secret) > 32)


@pytest.mark.live
def test_a_file_that_is_moved_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    path, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    log = AccessLog(path)
    log.put(served(target="/before"))
    assert wait_for(lambda: path.exists() and b"/before" in path.read_bytes())

    path.rename(moved)
    log.put(served(target="/after"))
    log.close()

    assert "/before" in moved.read_text() and "/after" not in moved.read_text()
    assert "/after" in path.read_text() and "/before" not in path.read_text()


@pytest.mark.live
def test_nobody_waits_for_a_log_that_is_stuck_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)  # opening it waits for a reader
    log = AccessLog(path, room=50)
    event = served()

    began = time.monotonic()
    for _ in range(1000):
        log.put(event)
    took = time.monotonic() - began

    with path.open("rb") as reader:
        assert took < 1
        assert 900 <= log.lost < 1000
        closing = threading.Thread(target=log.close)
        closing.start()
        text = reader.read()
        closing.join()
    assert re.search(rb'event="lines lost" count=\d+', text)


@pytest.mark.live
def test_a_file_that_cannot_be_written_is_told_once_and_costs_nobody_anything(tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "missing"
    log = AccessLog(folder / "access.log", tell=told.append)
    for number in range(3):
        log.put(served())
        assert wait_for(lambda lost=number: log.lost > lost)  # type: ignore[misc]  # a default binds the number

    folder.mkdir()
    log.put(served(target="/now"))
    log.close()

    assert len(told) == 1
    assert "cannot be written: No such file or directory" in told[0]
    text = (folder / "access.log").read_text()
    assert "/now" in text
    assert re.search(r'event="lines lost" count=3', text)


@pytest.mark.live
def test_a_flood_of_refusals_gets_a_tenth_of_one_processor(tmp_path: Path, lab: Lab) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path, form="json")
    refused = refusal(lab, "expired")

    for number in range(2000):
        log.put(replace(refused, handshake=replace(refused.handshake, at=AT + timedelta(seconds=number))))
    began = time.thread_time()
    log.close(60)

    lines = [json.loads(one) for one in path.read_text().splitlines()]
    explained = sum("cause" in one for one in lines)
    assert time.thread_time() - began < 1
    assert len(lines) == 2000
    assert 1 <= explained < 1000


def test_a_form_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="form='xml' must be 'text' or 'json'"):
        AccessLog(None, form="xml")  # type: ignore[arg-type]  # what is tested
