"""What a row of the table of causes is, and what it says when it holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mtls_lab.certificates.validation import Problem
from mtls_lab.handshake.evidence import Evidence
from mtls_lab.handshake.explanation import Fix


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a row has to say once it holds."""

    expected: str
    """What the rule asked for."""
    presented: str
    """What was shown instead."""
    why: str
    """Two sentences."""
    fixes: tuple[Fix, ...] = ()
    """What mends it, one entry a tool."""
    title: str | None = None
    """The cause in a few words where the row's own title is too general."""
    problem: Problem | None = None
    """What path validation found, where it is about the path."""
    which: str | None = None
    """The certificate at fault, in words."""
    lookalikes: tuple[str, ...] = ()
    """Slugs of causes that all this evidence cannot tell from this one."""
    seen: bool = True
    """The evidence shows it; False where it is merely not ruled out, because an end could not be asked."""


Test = Callable[[Evidence], Finding | None]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One row of the table."""

    slug: str
    """The fault's slug."""
    title: str
    """The cause in a few words."""
    verify_codes: frozenset[int]
    """OpenSSL's verdicts that can come with it."""
    alerts: frozenset[int]
    """Alerts that can come with it; the words of OpenSSL's ends, other stacks are less exact (`explain` knows)."""
    decides: str
    """What evidence would settle whether it is this one."""
    hidden: bool
    """It lies in the settings of the end that refuses, where its peer cannot see it."""
    reference: str
    """RFC and section."""
    test: Test
    """The function below it."""


def row(
    table: dict[str, Cause],
    slug: str,
    *,
    title: str,
    reference: str,
    verify_codes: Iterable[int] = (),
    alerts: Iterable[int] = (),
    decides: str = "",
    hidden: bool = False,
) -> Callable[[Test], Test]:
    """Enter the decorated test into a table; the order of the functions is the order of the rows."""

    def add(test: Test) -> Test:
        table[slug] = Cause(
            slug=slug,
            title=title,
            verify_codes=frozenset(verify_codes),
            alerts=frozenset(alerts),
            reference=reference,
            decides=decides,
            hidden=hidden,
            test=test,
        )
        return test

    return add
