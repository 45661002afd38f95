"""Write the page of the gallery, docs/gallery.md: `python tools/gallery.py [--check]`.

Every exhibit is played in both versions and explained, and a row says what came out. `--check` writes nothing and
fails where the page is not what the gallery says.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mtls_lab.handshake import VERSIONS, Explanation, Role, Version
from mtls_lab.handshake.evidence import alert_name
from mtls_lab.handshake.exhibits import EXHIBITS, Cast, Exhibit
from mtls_lab.handshake.gallery import KINDS, visit
from written_page import write_or_check

PAGE = Path(__file__).parents[1] / "docs" / "gallery.md"
_HEAD = """# The gallery of failures

Every way in which one-way and mutual TLS fail that the lab can stage: {exhibits} exhibits, played and explained. Made
by `python tools/gallery.py` from `mtls_lab/handshake/exhibits.py` and `explain`; do not edit it. Notebook 08 walks
through it.

- **exhibit**: its slug; for all but a few it is the slug of the cause, too.
  `EXHIBITS["expired"].stage(Cast.gather(), "server")` stages it.
- **who refuses**: where both ends can have the fault, first for the client's fault, then for the server's.
- **verdict**: OpenSSL's number (`openssl verify` and HAProxy's `ssl_c_err` show it), where OpenSSL gives one.
- **alert**: what OpenSSL's ends put on the wire. Other programs have other habits: Java sends `certificate_unknown` for
  nearly everything, a Go client `bad_certificate`, and curl nothing for a wrong name.
- **first fix**: for the client's fault where a client can have it; `explain` has more, in the words of other tools.
"""
_COLUMNS = (
    "exhibit",
    "what is wrong",
    "rule",
    "who refuses",
    "verdict",
    "alert in TLS 1.2",
    "alert in TLS 1.3",
    "first fix",
)
_NONE = "-"

Played = dict[tuple[Role, Version], Explanation]
"""By the side at fault and the version."""


def page() -> str:
    """The whole page."""
    cast = Cast.gather()
    lines = [_HEAD.format(exhibits=len(EXHIBITS))]
    for question, slugs in KINDS.items():
        lines += [f"## {question}\n", _row(_COLUMNS), _row("---" for _ in _COLUMNS)]
        lines += [_row(_cells(EXHIBITS[slug], _play(EXHIBITS[slug], cast))) for slug in slugs]
        lines.append("")
    return "\n".join(lines)


def _play(exhibit: Exhibit, cast: Cast) -> Played:
    return {
        (side, version): visit(exhibit.slug, side, version, cast=cast).explanation
        for side in exhibit.sides
        for version in exhibit.versions
    }


def _cells(exhibit: Exhibit, played: Played) -> Iterator[str]:
    first = next(iter(played.values()))
    yield f"`{exhibit.slug}`"
    yield f"**{exhibit.title}.** {exhibit.sentence}"
    yield exhibit.reference
    yield _once(one.refused_by for one in played.values())
    yield _once(str(one.verify_code or _NONE) for one in played.values())
    for version in VERSIONS:
        told = [one for (_, played_in), one in played.items() if played_in == version]
        yield _once(_alert(one) for one in told) if told else "does not show"
    yield f"{first.fixes[0].tool}: `{first.fixes[0].text}`" if first.fixes else _NONE


def _alert(explanation: Explanation) -> str:
    return _NONE if explanation.alert is None else alert_name(explanation.alert)


def _once(words: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _row(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page; 1 where it is out of date."""
    return write_or_check(page, PAGE, Path(__file__), __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
