"""The list of handshakes, without a socket."""

import threading
from dataclasses import replace

import pytest

from cast import make_lab
from mtls_lab.handshake import Handshake, rehearse
from mtls_lab.proxy import seen
from mtls_lab.proxy.seen import Seen


@pytest.fixture(scope="module")
def handshake() -> Handshake:
    return rehearse(make_lab().scenario())


def test_a_port_given_out_again_does_not_tell_its_old_story(handshake: Handshake) -> None:
    list_ = Seen()
    list_.put(None, replace(handshake, client_port=1), ended=True)

    list_.expect(1)

    assert list_.newest_from(1, timeout_s=0) is None
    newer = replace(handshake, client_port=1)
    list_.put(None, newer, ended=True)
    assert list_.newest_from(1, timeout_s=0) is newer
    assert len(list_.all()) == 2


def test_only_so_many_are_kept(handshake: Handshake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "KEPT_HANDSHAKES", 3)
    list_ = Seen()

    for port in range(1, 6):
        list_.put(None, replace(handshake, client_port=port), ended=True)

    assert [one.client_port for one in list_.all()] == [3, 4, 5]
    assert list_.newest_from(2, timeout_s=0) is None
    assert len(list_._by_port) == 3


def test_a_reader_waits_a_moment_for_the_end(handshake: Handshake) -> None:
    list_ = Seen()
    entry = list_.put(None, replace(handshake, client_port=1), ended=False)
    whole = replace(handshake, client_port=1)
    threading.Timer(0.02, lambda: list_.put(entry, whole, ended=True)).start()

    assert list_.newest_from(1, timeout_s=1) is whole


def test_a_connection_that_does_not_end_is_not_waited_for_long(handshake: Handshake) -> None:
    list_ = Seen()
    open_ = replace(handshake, client_port=1)
    list_.put(None, open_, ended=False)

    assert list_.newest_from(1, timeout_s=1) is open_
