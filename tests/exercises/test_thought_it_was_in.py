"""The exercises of notebook 06: untouched, solved, and the likeliest wrong answers, each with a hint of its own."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from cast import Lab, make_lab, only
from mtls_lab.exercises import check, find
from mtls_lab.exercises.thought_it_was_in import drain
from mtls_lab.handshake import Scenario
from mtls_lab.proxy.careless import hang_up

SLUGS = ("06-returns", "06-thought", "06-client", "06-goodbye")
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

Client = Callable[[ssl.SSLSocket], object]
Goodbye = Callable[[socket.socket], object]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def nobody(lab: Lab) -> Scenario:
    return lab.scenario(client_presents="absent")


@pytest.fixture(scope="module")
def calls(lab: Lab, nobody: Scenario) -> dict[str, Scenario]:
    stranger = lab.scenario(client_presents="untrusted-root")
    return {
        "a": lab.scenario(),
        "b": nobody,
        "c": only(nobody, "TLSv1.2"),
        "d": replace(stranger, server=replace(stranger.server, verifies="optional")),
        "e": replace(stranger, server=replace(stranger.server, verifies="none")),
        "f": lab.scenario(server_presents="wrong-host"),
    }


# 06-returns


def test_the_call_raises_in_tls_1_2_and_returns_in_tls_1_3(nobody: Scenario) -> None:
    assert check("06-returns", False, True, nobody).state == "right"


@pytest.mark.parametrize("fault", ["expired", "untrusted-root", "wrong-purpose"])
def test_it_is_the_same_with_a_bad_certificate(lab: Lab, fault: str) -> None:
    assert check("06-returns", False, True, lab.scenario(client_presents=fault)).state == "right"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((False, False), "In TLS 1.3 the call returns."),
        ((True, True), "In TLS 1.2 the call raises"),
        ((True, False), "In TLS 1.3 the call returns."),
        (("no", "yes"), "Answer with True or False"),
    ],
)
def test_a_wrong_prediction_is_told_which_version(nobody: Scenario, answers: tuple[object, object], words: str) -> None:
    outcome = check("06-returns", *answers, nobody)

    assert outcome.state == "wrong"
    assert words in outcome.message


# 06-thought


def test_the_right_letters(calls: dict[str, Scenario]) -> None:
    assert check("06-thought", {"b", "d"}, calls).state == "right"


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ("bcd", "In call c the client knew"),
        ("bdf", "In call f the client knew"),
        ("bde", "In call e nobody was refused"),
        ("b", "There is one more"),
        ("bz", "There are only the calls a, b, c, d, e, f"),
    ],
)
def test_wrong_letters_are_told_why(calls: dict[str, Scenario], letters: str, words: str) -> None:
    outcome = check("06-thought", set(letters), calls)

    assert outcome.state == "wrong"
    assert words in outcome.message


# 06-client


def reads_an_answer(tls: ssl.SSLSocket) -> bool:
    try:
        tls.sendall(REQUEST)
        return tls.recv(1) != b""
    except OSError:
        return False


def trusts_the_call(tls: ssl.SSLSocket) -> bool:
    return tls.version() is not None


def takes_an_end_for_an_answer(tls: ssl.SSLSocket) -> bool:
    try:
        tls.sendall(REQUEST)
        tls.recv(1)
    except OSError:
        return False
    return True


def only_writes(tls: ssl.SSLSocket) -> bool:
    try:
        tls.sendall(REQUEST)
    except OSError:
        return False
    return True


def only_listens(tls: ssl.SSLSocket) -> bool:
    try:
        return tls.recv(1) != b""
    except OSError:
        return False


def lets_it_through(tls: ssl.SSLSocket) -> bool:
    tls.sendall(REQUEST)
    return tls.recv(1) != b""


def waits_in_vain(tls: ssl.SSLSocket) -> bool:
    return tls.recv(1) != b""


def says_nothing(tls: ssl.SSLSocket) -> None:
    tls.sendall(REQUEST)


def untouched(tls: object) -> object:
    return ...


@pytest.mark.live
def test_a_client_that_reads_an_answer_is_never_fooled(lab: Lab, nobody: Scenario) -> None:
    outcome = check("06-client", reads_an_answer, lab.scenario(), nobody)

    assert outcome.state == "right"
    assert outcome.message.startswith("20 of 20 verdicts are true")


@pytest.mark.live
def test_a_client_in_tls_1_2_is_judged_by_the_same_rule(lab: Lab, nobody: Scenario) -> None:
    assert check("06-client", reads_an_answer, only(lab.scenario(), "TLSv1.2"), nobody).state == "right"


@pytest.mark.live
@pytest.mark.parametrize(
    ("client", "words"),
    [
        (trusts_the_call, "a handshake call that returned is no answer"),
        (only_writes, "a handshake call that returned is no answer"),
        (takes_an_end_for_an_answer, "It took an end of file for an answer"),
        (only_listens, "It said False of a client that was let in"),
        (lets_it_through, "A refusal arrives as an OSError"),
        (waits_in_vain, "It waited in vain"),
        (says_nothing, "It said None: say True or False"),
    ],
)
def test_a_client_that_is_fooled_is_told_by_what(lab: Lab, nobody: Scenario, client: Client, words: str) -> None:
    outcome = check("06-client", client, lab.scenario(), nobody)

    assert outcome.state == "wrong"
    assert words in outcome.message


@pytest.mark.live
def test_the_stub_of_the_client_is_untouched(lab: Lab, nobody: Scenario) -> None:
    outcome = check("06-client", untouched, lab.scenario(), nobody)

    assert (outcome.state, outcome.message) == ("untouched", find("06-client").task)


# 06-goodbye


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    connection.close()


def read_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    connection.recv(65_536)
    connection.close()


def wait_a_moment(connection: socket.socket) -> None:
    time.sleep(0.02)  # the wrong answer under test: a bet on the client's speed
    connection.close()


def raises(_: socket.socket) -> None:
    raise ZeroDivisionError("oops")


@pytest.mark.live
def test_half_close_and_drain_is_right(lab: Lab, nobody: Scenario) -> None:
    outcome = check("06-goodbye", drain, lab.scenario(), nobody)

    assert (outcome.state, outcome.message[:9]) == ("right", "20 of 20:")


@pytest.mark.live
@pytest.mark.parametrize(
    ("goodbye", "words"),
    [
        (hang_up, "0 of 20 clients heard their answer. You closed while they were sending."),
        (wait_a_moment, "0 of 20 clients heard their answer. You closed while they were sending."),
        (half_close, "0 of 20 clients heard their answer. A half-close is the right beginning."),
        (read_once, "0 of 20 clients heard their answer. You read some of what they sent"),
        (raises, "It raised ZeroDivisionError: oops"),
    ],
)
def test_a_careless_goodbye_is_told_what_it_missed(lab: Lab, nobody: Scenario, goodbye: Goodbye, words: str) -> None:
    outcome = check("06-goodbye", goodbye, lab.scenario(), nobody)

    assert outcome.state == "wrong"
    assert outcome.message.startswith(words)


@pytest.mark.live
def test_the_stub_of_the_goodbye_is_untouched(lab: Lab, nobody: Scenario) -> None:
    outcome = check("06-goodbye", untouched, lab.scenario(), nobody)

    assert (outcome.state, outcome.message) == ("untouched", find("06-goodbye").task)
