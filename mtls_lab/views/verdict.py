"""The verdict in one line: a mark, a word, and what it is about."""

from dataclasses import dataclass
from typing import Literal

from mtls_lab.handshake import Explanation
from mtls_lab.views.words import OTHER


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a handshake ended, in the few words that every picture begins with."""

    tone: Literal["good", "warn", "bad", "unknown"]
    """Accepted; accepted, and something is worth a second look; refused; nobody here can tell."""
    mark: Literal["✓", "!", "✗", "?"]
    """The same as a sign."""
    headline: str
    """The same in words: `The server refused the client`."""
    detail: str
    """What it is about; "" where the headline says it all."""

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.mark} {self.headline}" + (f": {self.detail}" if self.detail else "")


def verdict(explanation: Explanation) -> Verdict:
    """The verdict of an explanation."""
    who = explanation.refused_by
    if who == "neither":
        if explanation.cause == "unknown":
            return Verdict(tone="unknown", mark="?", headline=explanation.title, detail="")
        good = explanation.cause == "accepted"
        headline, _, detail = explanation.title.partition(": ")
        return Verdict(tone="good" if good else "warn", mark="✓" if good else "!", headline=headline, detail=detail)
    headline = f"The {who} refused the {OTHER[who]}"
    if explanation.stage == "before the handshake":
        headline = f"The {who} could not begin"
    return Verdict(tone="bad", mark="✗", headline=headline, detail=explanation.title)
