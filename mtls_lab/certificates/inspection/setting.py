"""Under what a chain is judged, and the few words that all judges need."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.drafts import Purpose


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Under which the chain is judged."""

    whose: str
    """Whose chain it is, for sentences: "The server's certificate"."""
    trusts: tuple[Certificate, ...]
    """The trust anchors; () looks at no path's end."""
    source: str
    """Where the anchors came from, for sentences: "root.pem"."""
    at: datetime
    """The time to judge by (aware)."""
    purpose: Purpose | None = None
    """What it is to be good for; None: whatever it says."""
    server_name: str | None = None
    """The name it is to be for; None: any."""


def short_name(certificate: Certificate) -> str:
    """The shortest name that tells the certificate."""
    return certificate.common_name or next(iter(certificate.names), None) or certificate.subject or "a nameless one"


def day(time: datetime | None) -> str:
    """The day, as ISO 8601 writes it."""
    return "an unreadable date" if time is None else time.date().isoformat()


def how_long(span: timedelta) -> str:
    """In days, as words."""
    return "1 day" if span.days == 1 else f"{span.days} days" if span.days else "less than a day"
