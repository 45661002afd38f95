"""A load of clients: what it counts, and that nothing of it is left."""

import gc
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cast import Lab, make_lab
from mtls_lab.handshake import Endpoint
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.load import CALLS, Load

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario()) as one:
        yield one


def clients(lab: Lab) -> dict[str, Endpoint]:
    alice = lab.scenario().client
    return {"alice": alice, "bob": replace(alice, presents=lab.issuing.issue("bob", purpose="clientAuth"))}


def threads_of_load() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("mtls-lab-load-")]


def test_a_round_counts_as_many_calls_of_each_client(lab: Lab, proxy: Proxy) -> None:
    with Load(proxy, clients(lab)) as load:
        counted = load.round()

    assert {name: (one.calls, one.answered) for name, one in counted.clients.items()} == {
        "alice": (CALLS, CALLS),
        "bob": (CALLS, CALLS),
    }
    assert (counted.failed, load.failed) == (0, 0)
    assert len(proxy.handshakes) >= 2 * CALLS


def test_a_round_tells_who_refuses_whom_after_a_change(lab: Lab, proxy: Proxy) -> None:
    with Load(proxy, clients(lab)) as load:
        load.round()
        scenario = lab.scenario(server_presents="untrusted-root")
        proxy.switch(scenario)

        refused = load.round().clients["bob"]

    assert refused.answered == 0
    assert refused.refusal is not None
    assert (refused.refusal.refused_by, refused.refusal.cause) == ("client", "untrusted-root")


def test_one_client_changes_and_the_other_goes_on(lab: Lab, proxy: Proxy) -> None:
    with Load(proxy, clients(lab)) as load:
        load.change("bob", replace(load.clients["bob"], presents=None))

        counted = load.round()

    assert (counted.clients["alice"].answered, counted.clients["bob"].answered) == (CALLS, 0)
    assert repr(counted).splitlines()[1].startswith("bob     0 of 10 calls answered: the server refuses (")
    assert load.failed >= CALLS


def test_a_proxy_that_is_gone_fails_every_call_and_stops_nobody(lab: Lab, proxy: Proxy) -> None:
    with Load(proxy, clients(lab)) as load:
        proxy.close()

        counted = load.round()

    assert counted.failed == 2 * CALLS
    assert counted.clients["alice"].refusal is None


def test_switching_under_load_fails_no_call(lab: Lab, proxy: Proxy) -> None:
    with Load(proxy, clients(lab)) as load:
        for _ in range(5):
            renewed = lab.issuing.issue("localhost", purpose="serverAuth")
            proxy.switch(replace(proxy.scenario, server=replace(proxy.scenario.server, presents=renewed)))
            load.round()

    assert load.failed == 0


def test_closing_ends_the_threads_and_may_be_done_twice(lab: Lab, proxy: Proxy) -> None:
    load = Load(proxy, clients(lab))
    assert len(threads_of_load()) == 2

    load.close()
    load.close()

    assert threads_of_load() == []
    with pytest.raises(ValueError, match="this load is closed"):
        load.round()


def test_a_load_that_nobody_refers_to_ends(lab: Lab, proxy: Proxy) -> None:
    load = Load(proxy, clients(lab))
    load.round()

    del load
    gc.collect()

    assert threads_of_load() == []


def test_misuse_names_the_argument_and_the_remedy(lab: Lab, proxy: Proxy) -> None:
    with pytest.raises(ValueError, match=r"clients=\{\} calls nobody"):
        Load(proxy, {})
    with Load(proxy, clients(lab)) as load, pytest.raises(ValueError, match="name='carol' is no client"):
        load.change("carol", lab.scenario().client)
