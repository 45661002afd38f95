"""The rules a notebook is held to, each a function that yields what is wrong with one.

What they are for is in CONTRIBUTING.md. `problems(notebook)` applies all of them.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

TAGS = {
    "exercise",
    "lesson-only",
    "nbval-ignore-output",
    "nbval-skip",
    "raises-exception",
    "solution",
    "solved-only",
}
LONG_CELL, LONGEST_CELL = 12, 20
GLOSSARY = "glossary.md"
# Bold, and yet no term: what the first cell begins its last line with, and the number of an exercise.
NO_TERM = r"Minutes:|Before this:|\d+\."

# Different on every run or machine; a learner would stumble over it, and so would nbval.
RANDOM = {
    "a port": r"(?:127\.0\.0\.1|localhost|\[?::1\]?):\d{2,5}\b|\bport[ =:]+\d{4,5}\b",
    "an address in memory": r"\b0x[0-9a-f]{7,}",
    "a temporary path": r"(?:/tmp/|/var/folders/|\\Temp\\|AppData)",
    "a line number of Python's ssl": r"_ssl\.c:\d",
    "a date": r"\b20\d\d-\d\d-\d\d\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}",
}
# What a recording says of itself, in a cell whose output is not compared: when somebody said so belongs to the words.
NOT_COMPARED, MAY_SAY = "nbval-ignore-output", ("a date",)
# They break strict nbval: what is printed in them ends up elsewhere than it is saved.
BREAKS_NBVAL = r"\bwidgets\.Output\b|\binteract(?:ive|_manual)?\(|\bclear_output\b|\bdisplay_id\b"
# A subset of the last column of CONTRIBUTING's table: what can be told from its letters alone.
PROSE = {
    r"\bcerts?\b": "certificate, or credential when a key belongs to it",
    r"\bSSL certificates?\b|\bthe SSL\b": "certificate",
    r"\b(?:two-way|client) SSL\b": "mutual TLS",
    r"\bhello packets?\b": "ClientHello, ServerHello",
    r"\bsub-CAs?\b": "intermediate",
    r"\bkey ?stores?\b": "trust anchors",
    r"\bhostnames?\b": "server name, host",
    r"\bupstreams?\b|\bbackends?\b": "origin",
    r"\bsimply\b": "nothing: what is simple to one is not to another",
}
CODE = {
    r"\bmutual=(?:True|False)": "say who verifies: client.verifies, server.verifies",
    r"\bverify_(?:server|client)\b": "client.verifies, server.verifies",
}


def problems(notebook: Any) -> list[str]:
    """Everything that is wrong with this notebook, each with the rule's name."""
    return [f"{rule.__name__}: {problem}" for rule in RULES for problem in rule(notebook)]


def one_title_that_asks(notebook: Any) -> Iterator[str]:
    titles = [text for level, text in _headings(notebook) if level == 1]
    if len(titles) != 1 or not titles[0].endswith("?"):
        yield f"one h1 that is a question, not {titles}"


def no_heading_jump(notebook: Any) -> Iterator[str]:
    before = 0
    for level, text in _headings(notebook):
        if level > before + 1:
            yield f"{text!r} is h{level} after h{before}"
        before = level


def opens_with_aims(notebook: Any) -> Iterator[str]:
    first = notebook.cells[0].source if notebook.cells else ""
    for what, pattern in {
        "the words `By the end you can`": r"By the end you can",
        "at least three points": r"(?ms)(?:^[-*] .*?){3}",
        "the minutes it takes": r"(?i)minutes?\W+\d+|\d+ minutes?",
        "what comes before": r"(?i)\bbefore\b",
    }.items():
        if not re.search(pattern, first):
            yield f"the first cell lacks {what}"


def closes_with_a_recap(notebook: Any) -> Iterator[str]:
    last = notebook.cells[-1] if notebook.cells else None
    if last is None or last.cell_type != "markdown" or not re.search(r"(?ms)(?:^[-*] .*?){3}", last.source):
        yield "the last cell repeats the points of the first in the past tense, as a list"
    elif not re.search(r"(?i)\bnext\b", last.source):
        yield "the last cell says what is next"


def pictures_have_words(notebook: Any) -> Iterator[str]:
    for text in [*_prose(notebook), *_html(notebook)]:
        if re.search(r"!\[\s*\]\(", text):
            yield f"a picture without alt text: {text[:60]!r}"
        for picture in re.findall(r"<img\b[^>]*>", text):
            if not re.search(r"""\balt=(["'])\s*\S""", picture):
                yield f"a picture without alt text: {picture[:60]!r}"
        if "<svg" in text:
            yield "an inline <svg>: it disappears in a notebook that is not trusted; use <img alt src=data:>"


def links_say_where(notebook: Any) -> Iterator[str]:
    for text in _prose(notebook):
        for words in re.findall(r"(?<!!)\[([^\]]*)\]\(", text):
            if words.strip().lower() in {"", "here", "click here", "this", "link", "this link"}:
                yield f"a link called {words!r}"


def bold_terms_link_to_the_glossary(notebook: Any) -> Iterator[str]:
    """Bold is for terms, and a term can be looked up: `[**alert**](glossary.md#alert)`."""
    for text in _prose(notebook):
        # In code an asterisk is code.
        prose = re.sub(r"(?s)```.*?```|`[^`]*`", lambda code: code[0].strip("`").replace("*", ""), text)
        unlinked = re.sub(rf"\[\*\*[^*]+\*\*\]\((?:\.\./)?{GLOSSARY}#[\w-]+\)", " ", prose)
        for words in re.findall(r"\*\*([^*]+)\*\*", unlinked):
            if not re.fullmatch(NO_TERM, words):
                yield f"**{words}** is no link to {GLOSSARY}: [**{words}**]({GLOSSARY}#{anchor(words)})"


def anchor(heading: str) -> str:
    """What links to this heading of the glossary, which is in small letters: the same in JupyterLab and on GitHub."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def every_cell_was_run(notebook: Any) -> Iterator[str]:
    """nbval passes a cell without an execution count unseen."""
    counts = [cell.execution_count for cell in _code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}: regenerate"


def every_output_reads_as_text(notebook: Any) -> Iterator[str]:
    for cell, output in _outputs(notebook):
        if "data" not in output:
            continue
        text = output.data.get("text/plain", "").strip()
        if not text or re.fullmatch(r"<[\w.]+ object(?: at \w+)?>", text) or re.match(r"\w+\(children=", text):
            yield f"an output whose text/plain says nothing ({text[:40]!r}), after {cell.source[-40:]!r}"
        if "image/svg+xml" in output.data or "text/vnd.mermaid" in output.data:
            yield "a picture type that not every viewer shows; use <img alt src=data:> in text/html"


def outputs_are_the_same_every_time(notebook: Any) -> Iterator[str]:
    for cell, output in _outputs(notebook):
        text = _words(output)
        allowed = MAY_SAY if NOT_COMPARED in cell.metadata.get("tags", ()) else ()
        for what, pattern in RANDOM.items():
            if what not in allowed and (found := re.search(pattern, text)):
                yield f"{what} in an output: {found[0]!r}"


def no_failure_by_surprise(notebook: Any) -> Iterator[str]:
    for cell, output in _outputs(notebook):
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
            yield f"a traceback: {output.ename}"
        if output.get("name") == "stderr":
            yield f"something on stderr: {output.text[:60]!r}"


def code_cells_are_short(notebook: Any) -> Iterator[str]:
    lengths = [len(cell.source.splitlines()) for cell in _code(notebook)]
    long = [length for length in lengths if length > LONG_CELL]
    if any(length > LONGEST_CELL for length in long) or len(long) > max(1, len(lengths) // 10):
        yield f"code cells of {long} lines; one in ten may have more than {LONG_CELL}, none more than {LONGEST_CELL}"


def nothing_that_breaks_nbval(notebook: Any) -> Iterator[str]:
    for cell in _code(notebook):
        if found := re.search(BREAKS_NBVAL, cell.source):
            yield f"{found[0]!r}: strict nbval cannot compare it"


def known_tags(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        for tag in set(cell.metadata.get("tags", ())) - TAGS:
            yield f"a tag nobody reads: {tag!r}"


def widgets_are_restorable(notebook: Any) -> Iterator[str]:
    """GitHub calls a notebook invalid whose saved widgets lack the key `state`."""
    for kind, saved in notebook.metadata.get("widgets", {}).items():
        if "state" not in saved:
            yield f"metadata.widgets[{kind!r}] has no `state`"


def the_words_of_the_guide(notebook: Any) -> Iterator[str]:
    for text in _prose(notebook):
        yield from forbidden_words(text)
    for cell in _code(notebook):
        for pattern, better in CODE.items():
            if found := re.search(pattern, cell.source):
                yield f"{found[0]!r} in code: {better}"


def forbidden_words(markdown: str) -> Iterator[str]:
    """Words of the guide's last column in prose; code, addresses and quoted commands may say what they like."""
    prose = re.sub(r"(?s)```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]*>", " ", markdown)
    for pattern, better in PROSE.items():
        for found in re.finditer(pattern, prose, re.IGNORECASE):
            yield f"{found[0]!r}: {better}"


def _headings(notebook: Any) -> Iterator[tuple[int, str]]:
    for text in _prose(notebook):
        without_code = re.sub(r"(?s)```.*?```", "", text)
        for marks, words in re.findall(r"(?m)^(#{1,6})\s+(.*?)\s*$", without_code):
            yield len(marks), words


def _prose(notebook: Any) -> Iterator[str]:
    return (cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _code(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def _outputs(notebook: Any) -> Iterator[tuple[Any, Any]]:
    return ((cell, output) for cell in _code(notebook) for output in cell.outputs)


def _html(notebook: Any) -> Iterator[str]:
    return (output.data["text/html"] for _, output in _outputs(notebook) if "text/html" in output.get("data", {}))


def _words(output: Any) -> str:
    """What a reader sees of an output; a picture's data is left out, its alt text is not."""
    data = output.get("data", {})
    html = re.sub(r"data:[\w/+]+;base64,[\w+/=]+", "", data.get("text/html", ""))
    return "\n".join([output.get("text", ""), output.get("evalue", ""), data.get("text/plain", ""), html])


RULES: tuple[Callable[[Any], Iterator[str]], ...] = (
    one_title_that_asks,
    no_heading_jump,
    opens_with_aims,
    closes_with_a_recap,
    pictures_have_words,
    links_say_where,
    bold_terms_link_to_the_glossary,
    every_cell_was_run,
    every_output_reads_as_text,
    outputs_are_the_same_every_time,
    no_failure_by_surprise,
    code_cells_are_short,
    nothing_that_breaks_nbval,
    known_tags,
    widgets_are_restorable,
    the_words_of_the_guide,
)
