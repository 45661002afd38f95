"""How far does a chain lead? The chain as sent, and beside it the path that each verifier builds from it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from textwrap import wrap

from mtls_lab.certificates import Certificate, Credential, Purpose
from mtls_lab.handshake import verify_code_name
from mtls_lab.views import svg
from mtls_lab.views.paths_story import MOST, Route, Routes, Step, routes_of
from mtls_lab.views.paths_svg import draw
from mtls_lab.views.picture import Picture, image

_NAMES = 26
"""The width of the column of names."""


def certification_paths(
    chain: Credential | tuple[Certificate, ...],
    verifiers: Mapping[str, tuple[Certificate, ...]],
    *,
    at: datetime | None = None,
    purpose: Purpose = "serverAuth",
    server_name: str | None = None,
    partial_chain: bool = False,
) -> Picture:
    """Show the path that OpenSSL builds from this chain for each of the verifiers (who: its trust anchors).

    `at` None means now; `server_name` None: no name is asked for; `partial_chain`: any trusted certificate may end
    a path. Raises ValueError for no chain, and for no verifier or more than three.
    """
    certificates = chain.chain if isinstance(chain, Credential) else chain
    if not certificates:
        raise ValueError("chain=() holds no certificate: there is nothing to build a path from")
    if not 1 <= len(verifiers) <= MOST:
        raise ValueError(f"verifiers={list(verifiers)!r}: give one to {MOST}, such as {{'the client': (root,)}}")
    shown = routes_of(
        certificates,
        verifiers,
        at=at or datetime.now(UTC),
        purpose=purpose,
        server_name=server_name,
        partial_chain=partial_chain,
    )
    words, alt, drawing = "\n".join(_lines(shown)), " ".join(_sentences(shown)), draw(shown)
    html = (
        f"<div>{image(drawing, alt=alt, width=svg.WIDTH)}</div>\n"
        f"<details><summary>The same paths as text</summary><pre>{escape(words)}</pre></details>"
    )
    return Picture(text=words, html=html, alt=alt, svg=drawing)


def _lines(shown: Routes) -> Iterator[str]:
    yield "sent"
    for number, one in enumerate(shown.sent, start=1):
        yield from _step(f"{number}.", one, "" if one.source.startswith("sent") else one.source)
    for route in shown.routes:
        yield ""
        yield from wrap(f"{route.verifier} trusts {route.trusts}", 80, subsequent_indent="  ")
        for depth, one in enumerate(route.steps):
            yield from _step(f"{depth}", one, one.source)
            if one.trouble:
                yield from wrap(f"✗ {one.trouble}", 80, initial_indent=" " * 6, subsequent_indent=" " * 8)
        yield from wrap(f"{_mark(route)} {route.ending}", 80, initial_indent="  ", subsequent_indent="    ")
        if route.verify_code:
            yield f"    {verify_code_name(route.verify_code)}"


def _step(place: str, one: Step, source: str) -> Iterator[str]:
    name = " ".join(filter(None, (one.name, f"({one.key})" if one.key else "")))
    words = ", ".join(filter(None, (one.issuer, source)))
    if len(name) <= _NAMES:
        yield from wrap(words, 80, initial_indent=f"  {place:<4}{name:<{_NAMES}}  ", subsequent_indent=" " * 34)
    else:
        yield from (f"  {place:<4}{name}", *wrap(words, 80, initial_indent=" " * 34, subsequent_indent=" " * 34))


def _mark(route: Route) -> str:
    return "✓ accepted:" if route.accepted else "✗"


def _sentences(shown: Routes) -> Iterator[str]:
    yield f"Sent: {'; '.join(f'{_named(one)}, {one.issuer}{_idle(one)}' for one in shown.sent)}."
    for route in shown.routes:
        yield f"{route.verifier[:1].upper()}{route.verifier[1:]} trusts {route.trusts}."
        for one in route.steps:
            yield f"{_named(one)}, {one.issuer}, {one.source}{f', wrong: {one.trouble}' if one.trouble else ''}."
        yield f"{_mark(route)} {route.ending}.{f' {verify_code_name(route.verify_code)}.' if route.verify_code else ''}"


def _idle(one: Step) -> str:
    return "" if one.source.startswith("sent") else f", {one.source}"


def _named(one: Step) -> str:
    return f"{one.name} ({one.key})" if one.key else one.name
