"""The page of the error atlas: the same words as a table too, for a browser without JavaScript."""

from collections import Counter, defaultdict
from html import escape
from pathlib import Path

from documentation import atlas_data
from documentation.atlas_data import AtlasData
from mtls_lab.clients.atlas import called
from mtls_lab.clients.rosetta.index import Entry, FaultAt, by_count
from mtls_lab.clients.rosetta.patterns import HOLE

MARK = "<!-- atlas -->"
"""Where the search and the table go."""
_SHOWN = 4
_SEARCH = """
<div id="atlas-search" hidden>
<form role="search">
<label for="atlas-message">The message, or a part of it</label>
<textarea id="atlas-message" rows="4" spellcheck="false" autocomplete="off" aria-describedby="atlas-help"></textarea>
<p id="atlas-help">Paste as much as you like: host names, ports, paths and line breaks do not matter.
Nothing leaves this page.</p>
<p class="atlas-buttons"><button type="submit">Look it up</button> <button type="reset">Clear</button></p>
</form>
<p id="atlas-count" role="status" aria-live="polite"></p>
<div id="atlas-results"></div>
</div>
<p id="atlas-without-scripts">The search needs JavaScript. Without it, find a few words of your message in
the table: Ctrl+F.</p>
<script src="_static/atlas-data.js"></script>
<script src="_static/atlas.js"></script>
"""


def write(folder: Path) -> None:
    """Put the search and the table into the staged page, and the data beside the script."""
    data = atlas_data.gather()
    page = folder / "atlas.md"
    text = page.read_text(encoding="utf-8")
    if MARK not in text:
        raise ValueError(f"docs/atlas.md has no line {MARK!r}: there the search goes")
    parts = ("```{raw} html", _SEARCH, "```\n", "## Every message\n", "```{raw} html", _table(data), "```\n")
    text = text.replace(MARK, "\n".join(parts))
    page.write_text(f"---\nhide-toc: true\n---\n\n{text}", encoding="utf-8")
    atlas_data.write(folder / "_static", data)


def _table(data: AtlasData) -> str:
    """A row for each message of a client or a server, whoever says it, by its words."""
    said: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in data.entries:
        said[entry.key.text, entry.said_by].append(entry)
    titles = {(one["slug"], one["side"]): one for one in data.causes}
    rows = [_row(words, role, heard, titles) for (words, role), heard in sorted(said.items())]
    head = "".join(f'<th scope="col">{name}</th>' for name in ("message", "said by", "what was behind it"))
    return (
        '<div class="table-wrapper"><table class="docutils atlas-table"><caption>'
        f"{len(rows)} messages, as they are compared: small letters, … for what varies</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table></div>"
    )


def _row(words: str, role: str, heard: list[Entry], titles: dict[FaultAt, dict[str, object]]) -> str:
    counted: Counter[FaultAt] = Counter()
    for entry in heard:
        counted.update(dict(entry.faults))
    ranked, cases = by_count(counted), sum(counted.values())
    causes = [_cause(fault, count / cases, titles[fault]) for fault, count in ranked[:_SHOWN]]
    rest = f" and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    speakers = ", ".join(dict.fromkeys(escape(called(entry)) for entry in heard))
    return (
        f"<tr><td><code>{escape(words.replace(HOLE, '…'))}</code></td><td>{speakers} (a {role})</td>"
        f"<td>{', '.join(causes)}{rest}</td></tr>"
    )


def _cause(fault: FaultAt, share: float, cause: dict[str, object]) -> str:
    slug, side = fault
    name = f'<a href="gallery.html#{slug}">{slug}</a>' if cause["isExhibit"] else escape(slug)
    return f"{name} at the {side} ({share:.0%})"
