"""Certificates to look at: one, or a chain from the leaf up to where the verifier's trust must begin."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from textwrap import wrap

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.views.anatomy import PLACES, Anatomy, Link, dissect, link
from mtls_lab.views.chain_svg import draw
from mtls_lab.views.picture import Picture, image
from mtls_lab.views.svg import WIDTH

_BORDER = "1px solid var(--jp-border-color2, #c8ced6)"
_CELL = f"font-size:14px;text-align:left;vertical-align:top;padding:3px 10px;border:{_BORDER};white-space:normal"


def certificate_card(certificate: Certificate, *, at: datetime | None = None) -> Picture:
    """Show one certificate. `at` is the time its validity is judged by; None means now."""
    return chain_card((certificate,), at=at)


def chain_card(chain: Credential | tuple[Certificate, ...], *, at: datetime | None = None) -> Picture:
    """Show a chain, leaf first, each certificate hanging on its issuer. `at` as for `certificate_card`."""
    certificates = chain.chain if isinstance(chain, Credential) else chain
    if not certificates:
        raise ValueError("chain=() holds no certificate: there is nothing to show")
    when = at or datetime.now(UTC)
    anatomies = tuple(dissect(one, when) for one in certificates)
    links = tuple(link(*pair) for pair in zip(certificates, (*certificates[1:], None), strict=True))
    key = _key_words(chain) if isinstance(chain, Credential) else ""
    text = "\n".join(_text_lines(anatomies, links, key))
    alt = _sentences(anatomies, links, key)
    drawing = draw(anatomies, links, key)
    html = f"<div>{image(drawing, alt=alt, width=WIDTH)}</div>\n{_details(anatomies)}"
    return Picture(text=text, html=html, alt=alt, svg=drawing)


def _key_words(credential: Credential) -> str:
    if credential.key_matches:
        return "private key ✓ belongs to this certificate"
    return "private key ✗ of another certificate"


def _text_lines(anatomies: tuple[Anatomy, ...], links: tuple[Link | None, ...], key: str) -> Iterator[str]:
    for place, (one, hold) in enumerate(zip(anatomies, links, strict=True)):
        yield f"{one.name}  ({PLACES[one.place]})"
        if key and place == 0:
            yield f"  {key}"
        for label, words in one.facts:
            yield from wrap(words, 80, initial_indent=f"  {label.ljust(26)}  ", subsequent_indent=" " * 30)
        if hold is not None:
            yield from ("  │", f"  │ {hold.words}", "  ▼")
            if place == len(anatomies) - 1:
                yield f"{hold.issuer}  (not here: the verifier must find it among its trust anchors)"


def _sentences(anatomies: tuple[Anatomy, ...], links: tuple[Link | None, ...], key: str) -> str:
    said = ["One certificate." if len(anatomies) == 1 else f"A chain of {len(anatomies)} certificates, leaf first."]
    for place, (one, hold) in enumerate(zip(anatomies, links, strict=True)):
        facts = dict(one.facts)
        said.append(
            f"{one.name}, {PLACES[one.place]}, {one.validity}, names {facts['names (subjectAltName)']}, "
            f"purpose {facts['purpose (extendedKeyUsage)']}, {facts['basic constraints']}."
        )
        if key and place == 0:
            said.append(f"{key[0].upper()}{key[1:]}.")
        if hold is not None:
            said.append(f"It is {hold.words}.")
    return " ".join(said)


def _details(anatomies: tuple[Anatomy, ...]) -> str:
    return "\n".join(
        f"<details><summary>What stands in {escape(one.name)}</summary>{_table(one)}</details>" for one in anatomies
    )


def _table(one: Anatomy) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};width:200px">{escape(label)}</th>'
        f'<td style="{_CELL}">{escape(words)}</td></tr>'
        for label, words in one.facts
    )
    return (
        f'<table style="border-collapse:collapse;margin:6px 0;width:100%;max-width:860px"><tbody>{rows}</tbody></table>'
    )
