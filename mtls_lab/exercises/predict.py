"""Say what will happen before it does, then let it happen."""

from typing import get_args

from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import Role, Scenario, explain, rehearse

_ANSWERS = (*get_args(Role), "neither")


def predict(scenario: Scenario, *, refused_by: object) -> Outcome:
    """Compare your answer ("client", "server" or "neither") with a real handshake of that scenario."""
    if refused_by is ...:
        return untouched('Who will refuse: put "client", "server" or "neither" in place of the dots.')
    if refused_by not in _ANSWERS:
        raise ValueError(f"refused_by={refused_by!r} is no answer: say {', '.join(map(repr, _ANSWERS))}")
    explanation = explain(rehearse(scenario))
    what = "neither refused" if explanation.refused_by == "neither" else f"the {explanation.refused_by} refused"
    story = f"{what}. {explanation.title}. {explanation.why}"
    if refused_by == explanation.refused_by:
        return right(f"As you said, {story}")
    said = "neither would refuse" if refused_by == "neither" else f"the {refused_by} would refuse"
    return wrong(f"You said {said}, but {story}")
