"""Every notebook keeps the rules of tools/notebook_lint.py, and every rule finds what it is for."""

from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebook_lint
import notebooks

NAMES = {target.name: target for target in notebooks.targets()}

FIRST = """# Who asks whom?

By the end you can

- name it;
- see it;
- mend it.

**Minutes:** 15. **Before this:** nothing."""
LAST = "## What you did\n\n- You named it.\n- You saw it.\n- You mended it.\n\nNext: more."


def a_sound_notebook(*cells: Any) -> Any:
    return new_notebook(cells=[new_markdown_cell(FIRST), *cells, new_markdown_cell(LAST)])


def shown(data: dict[str, str], source: str = "show(handshake)") -> Any:
    output = new_output("execute_result", data=data, execution_count=1)
    return new_code_cell(source, execution_count=1, outputs=[output])


def printed(text: str, **more: Any) -> Any:
    return new_code_cell("print(text)", execution_count=1, outputs=[new_output("stream", text=text, **more)])


@pytest.mark.parametrize("name", NAMES)
def test_notebook_keeps_the_rules(name: str) -> None:
    notebook = nbformat.read(NAMES[name].path, as_version=4)

    assert notebook_lint.problems(notebook) == []


def test_a_sound_notebook_has_no_problem() -> None:
    sound = a_sound_notebook(
        shown(
            {
                "text/plain": "one-way TLS, accepted",
                "text/html": '<img alt="a ladder" src="data:image/svg+xml;base64,AA">',
            }
        )
    )

    assert notebook_lint.problems(sound) == []


SEEDED = {
    "no_heading_jump": new_markdown_cell("#### too deep"),
    "pictures_have_words": new_markdown_cell("![](ladder.png)"),
    "links_say_where": new_markdown_cell("read it [here](https://rfc.test)"),
    "bold_terms_link_to_the_glossary": new_markdown_cell("The server sends an **alert**."),
    "every_cell_was_run": new_code_cell("print(1)"),
    "every_output_reads_as_text": shown({"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>x</b>"}),
    "no_failure_by_surprise": printed("warning", name="stderr"),
    "code_cells_are_short": new_code_cell("\n".join(["1"] * 21), execution_count=1),
    "nothing_that_breaks_nbval": new_code_cell("clear_output()", execution_count=1),
    "known_tags": new_code_cell("1", execution_count=1, metadata={"tags": ["exercize"]}),
    "the_words_of_the_guide": new_markdown_cell("The server shows its cert."),
}


@pytest.mark.parametrize("rule", SEEDED)
def test_a_seeded_fault_is_found_by_its_rule_alone(rule: str) -> None:
    found = notebook_lint.problems(a_sound_notebook(SEEDED[rule]))

    assert {problem.split(":")[0] for problem in found} == {rule}


@pytest.mark.parametrize(
    "text",
    [
        "connected to 127.0.0.1:43121",
        "port=43121",
        "<Proxy at 0x7f3a5c0d>",
        "/tmp/tmpx/root.pem",
        "bad certificate (_ssl.c:1006)",
        "valid until 2027-01-31",
        "notAfter=Nov 24 15:00:00 2027 GMT",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIHT3pSmxIJGXJVQWGr5KBmVbS",
    ],
)
def test_what_differs_between_runs_is_found_in_outputs(text: str) -> None:
    found = notebook_lint.problems(a_sound_notebook(printed(text)))

    assert [problem.split(":")[0] for problem in found] == ["outputs_are_the_same_every_time"]


@pytest.mark.parametrize(("text", "problems"), [("recorded 2026-11-24", 0), ("connected to 127.0.0.1:43121", 1)])
def test_an_output_that_is_not_compared_may_hold_a_date_and_nothing_else(text: str, problems: int) -> None:
    cell = printed(text)
    cell.metadata["tags"] = ["nbval-ignore-output"]

    assert len(notebook_lint.problems(a_sound_notebook(cell))) == problems


@pytest.mark.parametrize(
    "first",
    [
        FIRST.replace("?", "."),
        FIRST.replace("By the end", "Later"),
        FIRST.replace("- mend it.", ""),
        FIRST.replace("**Minutes:** 15.", ""),
    ],
    ids=["no question", "no aims", "two aims", "no minutes"],
)
def test_a_first_cell_that_lacks_something_is_found(first: str) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(first), new_markdown_cell(LAST)])

    assert len(notebook_lint.problems(notebook)) == 1


def test_a_notebook_without_a_recap_is_found() -> None:
    notebook = new_notebook(cells=[new_markdown_cell(FIRST), new_markdown_cell("Bye.")])

    assert [problem.split(":")[0] for problem in notebook_lint.problems(notebook)] == ["closes_with_a_recap"]


def test_widgets_saved_without_state_are_found() -> None:
    notebook = a_sound_notebook()
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}

    assert [problem.split(":")[0] for problem in notebook_lint.problems(notebook)] == ["widgets_are_restorable"]


@pytest.mark.parametrize(
    ("text", "unlinked"),
    [
        ("an [**alert**](glossary.md#alert)", 0),
        ("[**`Client-Cert`**](../glossary.md#client-cert), in a solved notebook", 0),
        ("[**mutual\nTLS**](glossary.md#mutual-tls), broken by the end of a line", 0),
        ("**2.** Predict twelve cells.", 0),
        ("`replace(**settings)` and `dict(**more)`", 0),
        ("```\n**kept** as it is\n```", 0),
        ("an [**alert**](https://rfc.test)", 1),
        ("**[alert](glossary.md#alert)**", 1),
        ("an **alert**, a **record**", 2),
    ],
)
def test_bold_is_for_terms_and_each_is_a_link_to_the_glossary(text: str, unlinked: int) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(text)])

    assert len(list(notebook_lint.bold_terms_link_to_the_glossary(notebook))) == unlinked


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("mutual tls", "mutual-tls"), ("server_name", "server_name"), ("client-cert", "client-cert")],
)
def test_an_anchor_is_the_heading_with_dashes_for_spaces(heading: str, anchor: str) -> None:
    assert notebook_lint.anchor(heading) == anchor


def test_code_in_prose_may_use_any_word() -> None:
    assert list(notebook_lint.forbidden_words("Run `curl --cert alice.pem`.\n```\nproxy_pass upstream;\n```")) == []
