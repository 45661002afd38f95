"""The evidence, and no verdict: what was shown, beside what the end that judged it goes by.

It holds what a person can look up at both ends with `openssl x509 -text`, in the order in which it is worth asking:
who vouches, when, for whom, for what. Nothing in it varies by run.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from textwrap import wrap

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.validation.revocation import read_lists
from mtls_lab.certificates.validation.times import moment_of
from mtls_lab.handshake import Endpoint, Handshake
from mtls_lab.handshake.evidence import OTHER, Evidence, gather
from mtls_lab.views.anatomy import link
from mtls_lab.views.picture import Picture
from mtls_lab.views.words import issuer_of, name_of, printable

_CELL = (
    "font-size:14px;text-align:left;vertical-align:top;padding:4px 10px;white-space:normal;"
    "border:1px solid var(--jp-border-color2, #c8ced6)"
)
_LABEL = 12
_LIMIT = 300
Row = tuple[str, str]


def case_file(handshake: Handshake, *, title: str = "") -> Picture:
    """Show the evidence of a handshake. Both ends must have been asked, or a row says what is not known."""
    evidence = gather(handshake)
    rows = tuple((label, printable(words, limit=_LIMIT)) for label, words in _rows(evidence))
    heading = title or f"What the {OTHER[evidence.judged]} had to judge"
    return Picture(
        text="\n".join([heading, *_text(rows)]),
        html=_html(heading, rows),
        alt=f"{heading}. {' '.join(f'{label}: {words}.' for label, words in rows)}",
    )


def _rows(evidence: Evidence) -> Iterator[Row]:
    verifier = OTHER[evidence.judged]
    if evidence.local_failure or evidence.nothing_came:
        yield "on the wire", "nothing: one of the two never began"
        return
    if evidence.judged == "server":
        yield "name dialled", evidence.dialled or "not known here"
    yield from _shown(evidence)
    yield f"{verifier} trusts", _trusted(evidence.verifier, evidence.at)
    yield "checks also", _checked(evidence.verifier, evidence)


def _shown(evidence: Evidence) -> Iterator[Row]:
    if not evidence.chain:
        yield "was shown", "no Certificate message" if evidence.chain is None else "an empty Certificate message"
        return
    chain = evidence.chain
    for place, one in enumerate(chain):
        yield f"was shown {place + 1}", _certificate(one, evidence.at)
        above = chain[place + 1] if place + 1 < len(chain) else _anchor(one, evidence.verifier)
        yield "", _issued(one, above)


def _issued(one: Certificate, above: Certificate | None) -> str:
    if one.self_issued:
        return "signed with its own key" if one.is_signed_by(one) else "names itself as issuer; another key signed it"
    held = link(one, above)
    if held is None or held.signed is None:
        return f"issued by {issuer_of(one)}, which is neither sent nor trusted"
    if held.identified and not held.signed:
        # The right key by its identifier: an algorithm that nobody should use any more is not checked here either.
        return f"issued by {held.issuer}: key identifiers ✓, a signature that is not checked here"
    return held.words


def _anchor(top: Certificate, verifier: Endpoint) -> Certificate | None:
    """The trust anchor whose name the last certificate gives; of twins the one with the right key."""
    named = [one for one in verifier.trusts if one.subject == top.issuer]
    return next((one for one in named if top.is_signed_by(one)), named[0] if named else None)


def _certificate(one: Certificate, at: datetime) -> str:
    usage = "may sign certificates" if one.is_authority else "is no authority"
    if one.is_authority and one.path_length is not None:
        usage += f", with {one.path_length} authorities below it" if one.path_length else " for leaves only"
    facts = [
        f"{name_of(one)}: {_validity(one, at)}",
        f"names {', '.join(one.names)}" if one.names else "no names",
        usage,
        *_uses(one),
        *_constraints(one),
        f"key {one.key_type}, signed with {one.signature_hash}",
    ]
    return "; ".join(facts)


def _uses(one: Certificate) -> Iterator[str]:
    if one.purposes is not None:
        yield f"for {', '.join(one.purposes)}"
    if one.key_usage is not None:
        yield f"its key for {', '.join(one.key_usage) or 'nothing'}"


def _constraints(one: Certificate) -> Iterator[str]:
    if one.permitted_names:
        yield f"only for {', '.join(one.permitted_names)}"
    if one.excluded_names:
        yield f"not for {', '.join(one.excluded_names)}"
    if one.authority_key_identifier is None and not one.self_issued:
        yield "no authorityKeyIdentifier"
    if one.is_authority and one.subject_key_identifier is None:
        yield "no subjectKeyIdentifier"
    if one.reading is not None and one.reading.unknown_critical:
        yield f"extension {one.reading.unknown_critical}, critical"


def _validity(one: Certificate, at: datetime) -> str:
    begin, end = one.not_before, one.not_after
    if begin is None or end is None:
        return "dates that cannot be read"
    if at < begin:
        return f"begins in {_days(begin - at)}"
    return f"ended {_days(at - end)} ago" if at > end else "in time"


def _days(span: timedelta) -> str:
    days = round(span / timedelta(days=1))
    return "1 day" if days == 1 else f"{days} days"


def _trusted(verifier: Endpoint, at: datetime) -> str:
    if not verifier.known:
        return "not known here"
    return (
        " and ".join(f"{name_of(one)} ({_standing(one)}, {_validity(one, at)})" for one in verifier.trusts) or "nobody"
    )


def _standing(one: Certificate) -> str:
    if one.self_issued:
        return "a root"
    return f"{'an intermediate' if one.is_authority else 'a leaf'}, issued by {issuer_of(one)}"


def _checked(verifier: Endpoint, evidence: Evidence) -> str:
    if not verifier.known:
        return "not known here"
    checks = [_lists(verifier.crls, evidence)] if verifier.crls is not None else []
    if verifier.strict:
        checks.append("all of RFC 5280 (OpenSSL's X509_STRICT)")
    return "; ".join(checks) or "no revocation list"


def _lists(crls: tuple[bytes, ...], evidence: Evidence) -> str:
    lists, _ = read_lists(crls)
    if not lists:
        return "a revocation list, and has none"
    leaf, moment = evidence.leaf, moment_of(evidence.at)
    told = []
    for one in lists:
        taken_back = leaf is not None and any(number == leaf.serial_number for number, _, _ in one.revoked)
        when = "in time" if one.covers(moment) else "out of date"
        told.append(f"a revocation list, {when}, which {'names' if taken_back else 'does not name'} this certificate")
    return " and ".join(told)


def _text(rows: tuple[Row, ...]) -> Iterator[str]:
    for label, words in rows:
        yield from wrap(
            words,
            80,
            initial_indent=f"  {label.ljust(_LABEL + 3)}",
            subsequent_indent=" " * (_LABEL + 5),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _html(heading: str, rows: tuple[Row, ...]) -> str:
    cells = "".join(
        f'<tr><th scope="row" style="{_CELL};width:120px;font-weight:normal">{escape(label or "its issuer")}</th>'
        f'<td style="{_CELL}">{escape(words)}</td></tr>'
        for label, words in rows
    )
    return (
        '<table style="border-collapse:collapse;margin:8px 0;width:100%;max-width:860px">'
        f'<caption style="text-align:left;font-weight:bold;padding:4px 0;color:inherit">{escape(heading)}</caption>'
        f"<tbody>{cells}</tbody></table>"
    )
