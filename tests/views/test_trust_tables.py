"""Tables of trust: what beats what, who heeds what, and where the clients of this machine look."""

import re
from dataclasses import replace

import pytest

from mtls_lab.clients.trust import VARIABLES, Decision, Heeded, Here, Opened, Setting, completed
from mtls_lab.clients.trust.looks import Look
from mtls_lab.clients.trust.precedence import CALL, DEFAULT, SESSION, UNVERIFIED
from mtls_lab.views.trust import heeded_table, precedence_table
from mtls_lab.views.trust_here import here_table, trust_here
from tools import program

BOTH = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
GRID = (
    Decision(setting=Setting(), by=DEFAULT),
    Decision(setting=Setting(call="a file"), by=CALL),
    Decision(setting=Setting(variables=BOTH), by=BOTH[0]),
    Decision(setting=Setting(variables=BOTH, call="a file"), by=CALL),
    Decision(setting=Setting(variables=BOTH, trust_env=False, session="a file"), by=SESSION),
    Decision(setting=Setting(session="a file", call="False"), by=UNVERIFIED),
)
CURL = Opened(
    line="curl https://localhost:1/",
    way="strace",
    why="",
    looks=(Look(path="/etc/ca.pem", kind="file", found=True, count=3),),
    exit_code=60,
    output="",
)
ROWS = (
    Here(program="curl", opened=CURL, variables=("CURL_CA_BUNDLE=/etc/ca.pem",)),
    Here(program="node", opened=replace(CURL, looks=()), variables=()),
    Here(program="wget", opened=replace(CURL, way="", why="strace is not installed", looks=()), variables=()),
    Here(program="go", opened=None, variables=(), missing="go is not installed"),
)


def test_the_grid_has_a_cell_for_each_decision_and_none_for_what_was_not_measured() -> None:
    picture = precedence_table(GRID)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", picture.html.replace("&nbsp;", " ").replace("<wbr>", ""))

    assert list(filter(None, cells)) == [
        "○ its own file",
        "✓ verify=",
        "$ REQUESTS_CA_BUNDLE",
        "✓ verify=",
        "✓ Session.verify",
        "✗ nobody is verified",
    ]


def test_a_grid_says_in_words_and_marks_what_its_colours_say() -> None:
    picture = precedence_table(GRID)

    assert "$ a variable of the environment" in picture.html
    assert "trust_env=False" in picture.html.replace("<wbr>", "") and "trust_env=False" in picture.text
    assert "no variable, Session.verify (not said), verify a file: verify=." in picture.alt
    assert '<th scope="rowgroup"' in picture.html and '<th scope="col"' in picture.html
    assert "<caption" in picture.html


def test_every_table_fits_80_columns() -> None:
    texts = [precedence_table(GRID).text, heeded_table(completed()).text, here_table(ROWS).text]

    assert max(len(line) for text in texts for line in text.splitlines()) <= 80


def test_the_same_rows_make_the_same_bytes() -> None:
    assert precedence_table(GRID) == precedence_table(GRID)
    assert heeded_table(completed()) == heeded_table(completed())


def test_a_recorded_row_says_so_and_a_live_one_does_not() -> None:
    live = Heeded(program="wget", version="wget 9", heeds=(), asked=VARIABLES)

    picture = heeded_table(completed([live]))

    assert "wget 9\n    none of them" in picture.text
    assert re.search(r"node [\d.]+ .*, recorded 20\d\d-\d\d-\d\d", picture.text)


def test_a_program_that_is_nowhere_says_how_to_install_it() -> None:
    lacking = Heeded(program="new", version="", heeds=(), asked=(), missing="new is not installed")

    picture = heeded_table([*completed(), lacking])

    assert "new\n    not known: new is not installed" in picture.text
    assert "<em>new is not installed</em>" in picture.html


def test_each_program_of_this_machine_has_a_row_whatever_is_known_of_it() -> None:
    picture = here_table(ROWS)

    assert picture.text.splitlines() == [
        "curl  (strace)",
        "    opened /etc/ca.pem (3 certificates)",
        "    set: CURL_CA_BUNDLE=/etc/ca.pem",
        "node  (strace)",
        "    no file: its list is compiled in",
        "wget  (strace is not installed)",
        "    nobody here can say",
        "go",
        "    not here: go is not installed",
    ]
    assert picture.html.count("<tr>") == 5


def test_a_path_cannot_become_markup_or_turn_the_line_around() -> None:
    odd = Look(path="/etc/<b>\u202e.pem", kind="file", found=True)

    picture = here_table([Here(program="curl", opened=replace(CURL, looks=(odd,)), variables=("X=<b>",))])

    assert "<b>" not in picture.html
    assert "\u202e" not in picture.html + picture.text


def test_no_rows_are_refused_with_the_remedy() -> None:
    for table, words in ((precedence_table, "precedence"), (heeded_table, "completed"), (here_table, "here")):
        with pytest.raises(ValueError, match=words):
            table(())


@pytest.mark.live
def test_this_machine_is_asked_by_one_call() -> None:
    program("curl")

    picture = trust_here(("curl",))

    assert picture.text.startswith("curl")
    assert "opened" in picture.text or "searched" in picture.text
