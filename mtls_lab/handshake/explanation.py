"""What an explanation holds."""

from dataclasses import dataclass
from typing import Literal

from mtls_lab.handshake.messages import Role

Stage = Literal[
    "before the handshake",
    "TLS handshake",
    "after the client finished",
    "after the handshake",
    "HTTP",
    "authorization",
]
Confidence = Literal["certain", "likely", "possible", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What mends it, in the words of one tool."""

    tool: str
    """The tool at hand: mtls_lab, curl, requests, openssl, nginx, ..."""
    text: str
    """The flag, argument, command or setting to use."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A cause that remains possible from where we stand."""

    slug: str
    """Its slug."""
    title: str
    """The cause in a few words."""
    decides: str
    """What evidence would settle whether it is this one."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Who refused whom, why, how to mend it, by which rule, and on which evidence."""

    refused_by: Role | Literal["neither"]
    """The end that gave up on the other; `neither` when both went on."""
    stage: Stage | None
    """Where it ended; None when it did not."""
    cause: str
    """The slug of the first cause: a fault's slug, or one of the silent successes, or `accepted`, or `unknown`."""
    also: tuple[str, ...] = ()
    """Slugs of what else is worth knowing about this handshake, most important first."""
    title: str
    """The cause in a few words."""
    expected: str
    """What the rule asked for."""
    presented: str
    """What was shown instead."""
    alert: int | None
    """The fatal alert on the wire (an `Alert` where its number has a name), None if there was none."""
    verify_code: int | None
    """OpenSSL's verdict as a number (X509_V_ERR_...), None where no end reported one."""
    why: str
    """Two sentences."""
    fixes: tuple[Fix, ...]
    """What mends it, one entry a tool; empty when nothing needs mending."""
    reference: str
    """The rule: RFC and section, and OpenSSL's name for the verdict where there is one."""
    evidence: tuple[str, ...]
    """The facts it rests on, one line each."""
    ambiguous_with: tuple[str, ...] = ()
    """Slugs of other causes that would look the same from where we stand."""
    suspects: tuple[Suspect, ...] = ()
    """Every cause that the evidence leaves possible, likeliest first; the first is `cause`. () where none was found."""
    which: str | None = None
    """The certificate that is at fault: "the server's certificate", "the intermediate Lab Issuing CA"; None where it
    is about no single one."""
    depth: int | None = None
    """Its place on the certification path: 0 for the leaf; None as above."""
    confidence: Confidence = "certain"
    """How sure; `certain` only where the evidence leaves one cause."""
