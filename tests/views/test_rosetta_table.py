"""Rosetta's table says everybody's words, on any machine, in an untrusted notebook too; the panel searches them."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mtls_lab.clients.rosetta import STARTING, Row, Spoken, recorded
from mtls_lab.handshake.exhibits import Cast
from mtls_lab.views.rosetta import ACCEPTS, SILENT, Rosetta, rosetta, rosetta_of
from mtls_lab.views.rosetta_panel import RosettaPanel


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast.gather()


def row(client: str, server: str, words: str, *, accepted: bool = False, kept: bool = True) -> Row:
    return Row(
        fault="expired",
        side="server",
        tls="TLSv1.3",
        client=Spoken(name=client, version=f"{client} 1", on="2026-11-24"),
        server=Spoken(name=server, version=f"{server} 2", on="2026-11-24"),
        accepted=accepted,
        client_words=words,
        server_words="",
        recorded=kept,
    )


def table(cast: Cast, *rows: Row) -> Rosetta:
    return rosetta_of("expired", side="server", tls="TLSv1.3", rows=rows, cast=cast)


def test_what_a_program_says_to_everybody_stands_there_once(cast: Cast) -> None:
    shown = table(cast, row("curl", "nginx", "expired!"), row("curl", "go", "expired!"))

    assert [(one.words, one.to) for one in shown.clients[0].says] == [("expired!", ())]
    assert shown.text.count("expired!") == 1


def test_what_it_says_to_some_only_names_them(cast: Cast) -> None:
    shown = table(cast, row("curl", "nginx", "a"), row("curl", "go", "a"), row("curl", "mtls_lab", "b"))

    assert [(one.words, one.to) for one in shown.clients[0].says] == [("a", ("nginx", "go")), ("b", ("mtls_lab",))]
    assert "[to mtls_lab] b" in shown.text


def test_who_accepts_and_who_says_nothing_are_told_in_words(cast: Cast) -> None:
    shown = table(cast, row("curl", "nginx", "", accepted=True), row("wget", "go", ""))

    assert [one.says[0].words for one in shown.clients] == [ACCEPTS, SILENT]


def test_a_recorded_row_says_version_and_day_and_a_live_one_does_not(cast: Cast) -> None:
    kept, live = row("curl", "nginx", "a"), row("go", "nginx", "b", kept=False)

    assert [one.label for one in table(cast, kept, live).clients] == ["curl 1, recorded 2026-11-24", "go 1"]


def test_a_server_that_did_not_start_is_no_client(cast: Cast) -> None:
    shown = table(cast, replace(row(STARTING, "nginx", ""), server_words="key values mismatch"))

    assert shown.clients == ()
    assert shown.servers[0].says[0].words == "key values mismatch"


def test_the_labs_explanation_stands_beside_the_words(cast: Cast) -> None:
    text = table(cast, row("curl", "nginx", "a")).text

    assert "the lab: ✗ The client refused the server" in text
    assert "X509_V_ERR_CERT_HAS_EXPIRED (10); alert certificate_expired (45)" in " ".join(text.split())


def test_the_html_has_headers_with_scope_and_nothing_that_an_untrusted_notebook_loses(cast: Cast) -> None:
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Reader().feed(table(cast, row("curl", "nginx", "<script>alert(1)</script>")).html)

    assert {"script", "svg", "style"} & {tag for tag, _ in tags} == set()
    assert {attributes.get("scope") for tag, attributes in tags if tag == "th"} == {"col", "row"}
    assert sum(tag == "caption" for tag, _ in tags) == 2


def test_the_table_from_the_recording_is_the_same_twice() -> None:
    once, again = rosetta("expired"), rosetta("expired")

    assert (once.text, once.html) == (again.text, again.html)
    assert {one.spoken.name for one in once.clients} >= {"curl", "requests", "go", "java", "node", "wget", "psql"}


def test_each_recorded_text_fits_the_page() -> None:
    for fault, side in sorted({(one.fault, one.side) for one in recorded()})[::7]:
        versions = sorted({one.tls for one in recorded() if (one.fault, one.side) == (fault, side)})
        assert max(map(len, rosetta(fault, side=side, tls=versions[-1]).text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fault": "expird"}, "fault='expird' is none of the gallery's"),
        ({"fault": "wrong-host", "side": "client"}, "'wrong-host' is there for server"),
        ({"fault": "no-common-cipher", "tls": "TLSv1.3"}, "in TLSv1.2"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rosetta(**arguments)  # type: ignore[arg-type]


# the panel


@pytest.fixture(scope="module")
def panel() -> RosettaPanel:
    return RosettaPanel()


def test_the_panel_follows_the_fault_that_is_picked(panel: RosettaPanel) -> None:
    panel.message = ""
    panel.fault = "wrong-host"

    assert panel.table is not None
    assert panel.table.fault == "wrong-host"
    assert "Another host" in panel._status.value
    assert "curl" in panel._shown.value


def test_a_side_that_cannot_have_the_fault_is_said_and_not_shown(panel: RosettaPanel) -> None:
    panel.fault, panel.side = "wrong-host", "client"

    assert panel.table is None
    assert "there at the server" in panel._status.value
    panel.side = "server"
    assert panel.table is not None


def test_a_message_lists_what_it_can_mean(panel: RosettaPanel) -> None:
    panel.message = "curl: (60) SSL certificate problem: certificate has expired"

    assert next(cause.slug for one in panel.meanings for cause in one.causes if cause.side == "server") == "expired"
    assert "What it can mean" in panel._found.value
    assert 'role="status"' in panel._status.value
    assert "expired, at the server" in repr(panel)


def test_a_message_that_nobody_says_is_said_to_be_one(panel: RosettaPanel) -> None:
    panel.message = "the cat sat on the mat <b>"

    assert panel.meanings == ()
    assert "No program in the atlas" in panel._status.value
    panel.message = ""


def test_the_panel_in_plain_text_is_the_table(panel: RosettaPanel) -> None:
    panel.message, panel.fault, panel.side = "", "expired", "server"

    assert panel._repr_mimebundle_()["text/plain"] == f"Rosetta\n{rosetta('expired').text}"
