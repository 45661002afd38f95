"""May a client stay that was let in earlier, now that the settings are others?

A handshake judges a certificate once, a connection may live for days. When the list of what is taken back is renewed,
or an authority is no longer trusted, or a certificate ends, whoever is connected is judged again, at its next request:
nothing that runs is cut off, and nothing new begins. (Here no session is ever resumed, so every new connection is
judged anyhow; where sessions are, a revoked client comes back with one and shows no certificate at all: RFC 8446
section 2.2.)
"""

from dataclasses import dataclass
from datetime import datetime

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.remark import printable
from mtls_lab.certificates.validation import validate
from mtls_lab.handshake import Endpoint, verify_code_name


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What becomes of a client."""

    trouble: str | None
    """Why it would be refused now; None when it would not."""
    certain: bool = True
    """OpenSSL would say the same. Otherwise a new handshake has to tell."""


def judge_again(server: Endpoint, chain: tuple[bytes, ...], *, at: datetime) -> Standing:
    """What the server's settings make of a client with that verified chain (DER, leaf first); () for none."""
    if server.verifies == "none":
        return Standing(trouble=None)
    if not chain:
        demanded = server.verifies == "required"
        return Standing(trouble="a client certificate is required now: connect again with one" if demanded else None)
    judged = validate(
        tuple(Certificate(der=der) for der in chain),
        trusts=server.trusts,
        at=at,
        purpose="clientAuth",
        crls=server.crls,
        strict=server.strict,
    )
    if judged.accepted or judged.unsure is not None:
        return Standing(trouble=None, certain=judged.unsure is None)
    problem = judged.problems[0]
    name = verify_code_name(problem.verify_code)
    words = printable(f"{problem.expected} was expected, and there is {problem.presented}", 200)
    return Standing(trouble=f"the client's certificate is no longer accepted ({problem.slug}, {name}): {words}")


def good_until(chain: tuple[bytes, ...]) -> datetime | None:
    """The moment when the first of these certificates ends; None without any."""
    ends = [end for end in (Certificate(der=der).not_after for der in chain) if end is not None]
    return min(ends, default=None)
