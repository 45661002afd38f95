"""Points: what a learner did with one exercise, and what it is worth.

1. Three points for an exercise that is right. The first hint is free: the lessons show it themselves. Each further
   step of the ladder that was taken before costs one, down to one point.
2. The steps count, not the times they are read: who reads hint 3 has been told hint 2 as well.
3. What is earned stays: a wrong answer later, or a hint, takes nothing away, and a second right answer adds nothing.
"""

from dataclasses import dataclass, replace
from typing import Literal

FULL = 3
"""An exercise that is solved with no more than the first hint."""
FREE = 1
"""Hints that cost nothing."""
Standing = Literal["untouched", "tried", "right"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What is kept of one exercise."""

    tries: int = 0
    """How often an answer was judged, right or wrong."""
    hints: int = 0
    """The furthest step of the ladder that was read before it was right; 0 without a hint."""
    points: int = 0
    """What it earned: 1 to 3 once it was right, 0 until then."""

    @property
    def standing(self) -> Standing:
        """Where the learner stands with it."""
        if self.points:
            return "right"
        return "tried" if self.tries else "untouched"

    def judged(self, *, right: bool) -> "Score":
        """After one more answer."""
        earned = max(1, FULL - max(0, self.hints - FREE)) if right else 0
        return replace(self, tries=self.tries + 1, points=self.points or earned)

    def hinted(self, step: int) -> "Score":
        """After reading the hint of that step."""
        return self if self.points else replace(self, hints=max(self.hints, step))

    def joined(self, other: "Score") -> "Score":
        """Two accounts of the same exercise, at the learner's best."""
        return Score(
            tries=max(self.tries, other.tries),
            hints=min(self.hints, other.hints) if self.points and other.points else max(self.hints, other.hints),
            points=max(self.points, other.points),
        )
