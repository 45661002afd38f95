"""Exercises of notebook 08. The gallery itself is the judge: it is played anew."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace

from mtls_lab.certificates import Authority
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.exercises.quiz import DOTS, Quiz
from mtls_lab.handshake import Alert, Endpoint, Handshake, Role, Scenario, explain, rehearse
from mtls_lab.handshake.causes import REFUSALS
from mtls_lab.handshake.gallery import tour

_ROLES: tuple[Role, ...] = ("client", "server")
_NEAR = 2


@exercise(
    "08-how-many",
    hints=(
        "It is not only about who issued the certificate. What else can keep a path from reaching a trust anchor?",
        "The alert is sent for a wrong chain, for an issuer that may not issue, and for a wrong trust file, too.",
        "More than 8 and fewer than 15.",
    ),
)
def how_many(number: object) -> Outcome:
    """Guess how many different causes in the gallery make a server refuse its client with the alert unknown_ca."""
    if not isinstance(number, int) or isinstance(number, bool):
        return wrong(f"{number!r} is no number: write how many, such as 3.")
    true = len(_causes_behind(Alert.unknown_ca))
    if abs(number - true) <= _NEAR:
        return right(f"{true} of them." if number == true else f"Near enough: {true} of them.")
    if number < true:
        return wrong(
            f"There are more than {number}: a missing intermediate alone is another cause than a strange root."
        )
    return wrong(f"Not that many: expiry, names and purposes have alerts of their own, so {number} is too much.")


def _causes_behind(alert: Alert) -> set[str]:
    """Every cause for which a server of the gallery sends that alert."""
    told = (visit.explanation for visit in tour(sides=("client",)))
    return {one.cause for one in told if one.refused_by == "server" and one.alert == alert}


@exercise(
    "08-evidence",
    hints=(
        "Read each table from the top: is anything missing, out of time, for somebody else, or not allowed?",
        "Compare what was shown last with what is trusted; then the dates; then the names with the name dialled.",
        "explain(question.handshake) decides on the same evidence: look at its `expected` and `presented`.",
    ),
)
def evidence(letters: str, questions: Quiz) -> Outcome:
    """Answer each question by its evidence: one letter each, in one text."""
    if letters == DOTS:
        return untouched(find("08-evidence").task)
    missed = questions.missed(letters)
    score = f"{len(questions) - len(missed)} of {len(questions)}."
    if not missed:
        return right(f"{score} The words were the same for four causes each; the evidence was not.")
    first = missed[0]
    told = letters[first.number - 1]
    slug = first.options["abcd".index(told)]
    return wrong(
        f"{score} Question {first.number} is not ({told}). To tell {slug} from the others, look at {_look(slug)}."
    )


def _look(slug: str) -> str:
    known = REFUSALS.get(slug)
    return known.decides if known is not None else "what was shown, line by line"


@exercise(
    "08-mend",
    hints=(
        "explain(rehearse(broken[letter])) says what was expected; its fixes name the setting.",
        "A bad chain is mended where it is shown (presents), a bad trust file where it is read (trusts).",
        "replace(broken[letter], client=replace(broken[letter].client, presents=cast.client)), and the like.",
    ),
)
def mend(mended: Mapping[str, object], broken: Mapping[str, Scenario]) -> Outcome:
    """Change one setting in each scenario so that the handshake is accepted, and leave every check switched on."""
    if any(one is ... for one in mended.values()):
        return untouched(find("08-mend").task)
    if missing := sorted(set(broken) - set(mended)):
        return wrong(f"Scenario {missing[0]} is still to be mended.")
    told = []
    for letter, scenario in broken.items():
        answer = mended[letter]
        if not isinstance(answer, Scenario):
            return wrong(f"{letter}: {answer!r} is no scenario: replace(broken[{letter!r}], ...)")
        changed = tuple(_changes(scenario, answer))
        if problem := _unmended(scenario, answer, changed):
            return wrong(f"{letter}: {problem}")
        told.append(f"{letter} by {changed[0]}")
    return right(f"Mended: {', '.join(told)}. Strangers are refused as before.")


def _changes(before: Scenario, after: Scenario) -> Iterator[str]:
    """The settings that differ, as one writes them: `client.presents`."""
    for role in _ROLES:
        old, new = before.end(role), after.end(role)
        yield from (
            f"{role}.{one.name}" for one in fields(Endpoint) if getattr(old, one.name) != getattr(new, one.name)
        )
    yield from (name for name in ("server_name", "versions") if getattr(before, name) != getattr(after, name))


def _unmended(before: Scenario, after: Scenario, changed: tuple[str, ...]) -> str | None:
    """What is wrong with this answer; None where nothing is."""
    if not changed:
        return "nothing has changed: this is the scenario as it was."
    if off := _switched_off(before, after):
        return f"{off} is a check. It was right to refuse: mend what it found, and leave it on."
    if len(changed) > 1:
        return f"{len(changed)} settings have changed ({', '.join(changed)}). One is enough."
    explanation = explain(rehearse(after))
    if explanation.refused_by != "neither":
        return f"still refused by the {explanation.refused_by}: {explanation.title.lower()}."
    if stranger := _lets_in(after):
        return f"accepted, but so is a {stranger} that nobody vouches for."
    return None


def _switched_off(before: Scenario, after: Scenario) -> str | None:
    for role in _ROLES:
        old, new = before.end(role), after.end(role)
        if old.verifies != new.verifies:
            return f"{role}.verifies"
        if old.strict and not new.strict:
            return f"{role}.strict"
        if old.crls is not None and new.crls is None:
            return f"{role}.crls"
    return None


def _lets_in(scenario: Scenario) -> Role | None:
    """The end that a stranger could play."""
    stranger = Authority.create("Stranger CA")
    shown = {
        "client": stranger.issue("alice", purpose="clientAuth"),
        "server": stranger.issue(scenario.server_name, purpose="serverAuth"),
    }
    for role in _ROLES:
        end = replace(scenario.end(role), presents=shown[role], ciphers=None)
        played = replace(scenario, client=end) if role == "client" else replace(scenario, server=end)
        if explain(rehearse(played)).refused_by == "neither":
            return role
    return None


@exercise(
    "08-silent",
    hints=(
        "A certificate is judged when it is sent. handshake.client_chain is None where none was.",
        "A resumed session sends none: its ends go on with what they agreed on earlier.",
        "Two of them: handshake.client_chain is not empty, and the server verifies.",
    ),
)
def silent(letters: Collection[str], accepted: Mapping[str, Handshake]) -> Outcome:
    """All of these were accepted. Name those in which the server judged a certificate of the client."""
    told = set(letters)
    if told - set(accepted):
        return wrong(f"There are only the handshakes {', '.join(sorted(accepted))}.")
    true = {letter for letter, one in accepted.items() if one.client_chain and one.scenario.server.verifies != "none"}
    if told == true:
        return right("In the others the client got in without anybody looking. No message says so.")
    if extra := sorted(told - true):
        if accepted[extra[0]].resumed:
            return wrong(f"{extra[0]} went on with an earlier session: what happened since then was not looked at.")
        return wrong(f"In {extra[0]} no certificate of the client was sent: nobody asked, or nothing was shown.")
    return wrong("There is one more in which the server had a certificate in hand, and judged it.")
