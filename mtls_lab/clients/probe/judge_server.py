"""What a careful client says of the server: OpenSSL's verdict explained, and all the rest that is wrong or will be."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from mtls_lab.certificates import Certificate, certification_path
from mtls_lab.certificates.inspection import MOST_CERTIFICATES, NAME, PATH, Setting, inspect_chain, short_name
from mtls_lab.certificates.remark import Remark
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.clients.probe.trust import Trust
from mtls_lab.clients.probe.words import from_explanation
from mtls_lab.handshake import explain

_UNDECIDED = frozenset({"untrusted-root", "incomplete-chain"})
"""Which of the two it is, OpenSSL's verdict does not say."""


def judge_server(
    chain: tuple[Certificate, ...],
    careful: Conversation | None,
    *,
    trust: Trust,
    server_name: str,
    at: datetime,
    known: tuple[Certificate, ...],
) -> Iterator[Remark]:
    """Remarks on the chain that the server sent, and on what a client that verifies made of it.

    `known` are certificates that the caller has besides (its own intermediates): with one of them an incomplete chain
    can be told from an authority that nobody trusts.
    """
    setting = Setting(
        whose="The server's certificate",
        trusts=trust.anchors,
        source=trust.source,
        at=at,
        purpose="serverAuth",
        server_name=server_name,
    )
    found = [_refused(one) for one in inspect_chain(chain, setting)]
    if not trust.anchors:
        found.append(Remark(level="warning", title="No trust anchors at hand: the path was not judged"))
    missing = _missing(chain[:MOST_CERTIFICATES], trust, known)
    if missing is not None:
        yield missing
        found = [one for one in found if one.cause not in PATH]
    verdict = _verdict(careful)
    if verdict is not None and not (missing is not None and verdict.cause in PATH):
        same = [one for one in found if _alike(one, verdict)]
        yield _merged(verdict, same)
        found = [one for one in found if one not in same]
    yield from found
    if careful is not None and verdict is None and careful.handshake.server_chain:
        yield Remark(level="good", title="OpenSSL, verifying as a client should, accepts the server, too")


def _refused(remark: Remark) -> Remark:
    return replace(remark, refused_by="client") if remark.level == "wrong" else remark


def _verdict(careful: Conversation | None) -> Remark | None:
    """OpenSSL's verdict, in the words of `explain`; None where it had nothing to say against the server."""
    if careful is None or careful.handshake.client is None or careful.handshake.client.failure is None:
        return None
    if careful.handshake.client.failure.verify_code is None:
        return None
    return from_explanation(explain(careful.handshake))


def _alike(one: Remark, verdict: Remark) -> bool:
    if one.level != "wrong" or one.cause is None or verdict.cause is None:
        return False
    return one.cause == verdict.cause or any(one.cause in kind and verdict.cause in kind for kind in (PATH, NAME))


def _merged(verdict: Remark, same: list[Remark]) -> Remark:
    """OpenSSL's verdict and our own finding as one remark."""
    facts = tuple(dict.fromkeys((*(fact for one in same for fact in one.evidence), *verdict.evidence)))
    if same and verdict.cause in _UNDECIDED:
        # OpenSSL tells these two apart no more than we can: the remark that names both is the honest one.
        return replace(same[0], evidence=facts)
    return replace(verdict, evidence=facts)


def _missing(chain: tuple[Certificate, ...], trust: Trust, known: tuple[Certificate, ...]) -> Remark | None:
    """An intermediate that the caller has and the server does not send, and that would make the path whole."""
    if not known or certification_path(chain, trust.anchors).anchor is not None:
        return None
    whole = certification_path(chain + known, trust.anchors)
    absent = [short_name(one) for one in whole.certificates if one not in chain and one not in trust.anchors]
    if whole.anchor is None or not absent:
        return None
    return Remark(
        level="wrong",
        title=f"The server does not send the intermediate {' and '.join(absent)}",
        why="The client trusts the root but has never seen what stands in between. Browsers may fetch or remember it; "
        "OpenSSL, curl, Python, Go and Java do not.",
        fixes=(
            ("shell", "cat server.pem intermediate.pem > chain.pem  (leaf first)"),
            ("nginx", "ssl_certificate chain.pem;"),
            ("openssl", "s_server -cert server.pem -cert_chain intermediate.pem"),
        ),
        evidence=(f"with {' and '.join(absent)}, which you have, the path reaches {short_name(whole.anchor)}",),
        cause="incomplete-chain",
        refused_by="client",
    )
