"""One verb for everything there is to see."""

from functools import singledispatch
from html import escape
from typing import cast

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.handshake import Explanation, Handshake, explain
from mtls_lab.views.card import explanation_card, reasons
from mtls_lab.views.chain import certificate_card, chain_card
from mtls_lab.views.ladder import ladder
from mtls_lab.views.picture import Picture, stacked
from mtls_lab.views.table import TruthTable

_SHOWN = (
    "a Handshake, an Explanation, a Certificate, a Credential, an Authority, a tuple of certificates, "
    "a TruthTable or a Call"
)


def show(x: object) -> Picture:
    """Show it: a handshake as a ladder with its explanation, certificates as a chain, a call as what was typed.

    Raises TypeError for anything else, with what can be shown.
    """
    return _show(x)


@singledispatch
def _show(x: object) -> Picture:
    # A Call is known by what it holds: clients/ is on another branch of the house, and need not be imported for this.
    if hasattr(x, "line") and hasattr(x, "handshake"):
        return _call(x)
    raise TypeError(f"show({x!r}): there is no picture of a {type(x).__name__}; show() takes {_SHOWN}")


@_show.register
def _(x: Picture) -> Picture:
    return x


@_show.register
def _(x: Handshake) -> Picture:
    explanation = explain(x)
    return stacked(ladder(x, explanation), reasons(explanation))


@_show.register
def _(x: Explanation) -> Picture:
    return explanation_card(x)


@_show.register
def _(x: Certificate) -> Picture:
    return certificate_card(x)


@_show.register
def _(x: Credential) -> Picture:
    return chain_card(x)


@_show.register
def _(x: Authority) -> Picture:
    return chain_card((*x.chain, x.root))


@_show.register
def _(x: TruthTable) -> Picture:
    return Picture(text=x.text, html=x.html, alt="A table of measured handshakes.")


@_show.register
def _(x: tuple) -> Picture:  # type: ignore[type-arg]  # singledispatch takes no parametrised class
    if not x or not all(isinstance(one, Certificate) for one in x):
        raise TypeError(f"show({x!r}): a tuple to show holds certificates, leaf first, and at least one")
    return chain_card(x)


def _call(call: object) -> Picture:
    """What was typed and how it ended, then what both sides saw."""
    text = str(call)
    html = f'<pre style="white-space:pre-wrap">{escape(text)}</pre>'
    said = Picture(text=text, html=html, alt=text)
    handshake = cast("Handshake | None", getattr(call, "handshake", None))
    return said if handshake is None else stacked(said, _show(handshake))
