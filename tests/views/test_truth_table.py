"""The truth table is measured, and every cell can be looked up."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cast import Lab
from mtls_lab.certificates import Credential
from mtls_lab.handshake import CLIENT_LEVELS, SERVER_LEVELS, explain, rehearse
from mtls_lab.views import TruthTable, truth_table


@pytest.fixture(scope="module")
def presented(lab: Lab) -> dict[str, Credential | None]:
    mallory = lab.stranger.issue("mallory", purpose="clientAuth")
    return {"nothing": None, "alice's": lab.alice, "a stranger's": mallory}


@pytest.fixture(scope="module")
def table(lab: Lab, presented: dict[str, Credential | None]) -> TruthTable:
    scenario = lab.scenario()
    return truth_table(scenario.client, scenario.server, client_presents=presented)


def test_each_cell_is_what_the_handshake_itself_explains(
    lab: Lab, presented: dict[str, Credential | None], table: TruthTable
) -> None:
    for name, credential in presented.items():
        for client in CLIENT_LEVELS:
            for server in SERVER_LEVELS:
                scenario = lab.scenario(client_verifies=client, server_verifies=server)
                scenario = replace(scenario, client=replace(scenario.client, presents=credential))
                cell = table.explanation(presents=name, client_verifies=client, server_verifies=server)
                assert cell == explain(rehearse(scenario))


def test_neither_switch_moves_the_other(table: TruthTable) -> None:
    for client in CLIENT_LEVELS:
        cell = table.explanation(presents="a stranger's", client_verifies=client, server_verifies="required")
        assert (cell.refused_by, cell.cause) == ("server", "untrusted-root")


def test_the_text_says_who_refused_and_why(table: TruthTable) -> None:
    assert "✗ server refused: absent" in table.text
    assert "✗ server refused: untrusted-root" in table.text
    assert "! accepted" in table.text
    assert "✓ accepted" in table.text
    assert repr(table) == table.text


def test_the_html_has_a_caption_and_headers_with_scope(table: TruthTable) -> None:
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Reader().feed(table.html)
    headers = [attributes for tag, attributes in tags if tag == "th"]
    assert any(tag == "caption" for tag, _ in tags)
    assert {one.get("scope") for one in headers} == {"col", "rowgroup", "row"}
    assert sum(tag == "td" for tag, _ in tags) == len(table.rows) == 27


def test_a_cell_that_was_not_measured_names_those_that_were(table: TruthTable) -> None:
    with pytest.raises(KeyError, match="no cell for presents"):
        table.explanation(presents="nobody", client_verifies="none", server_verifies="none")


def test_nothing_to_present_is_refused(lab: Lab) -> None:
    scenario = lab.scenario()
    with pytest.raises(ValueError, match="client_presents"):
        truth_table(scenario.client, scenario.server, client_presents={})
