"""What the server demands of the client, and what it says of the certificate that it was shown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.certificates.inspection import Setting, inspect_chain, short_name
from mtls_lab.certificates.remark import Remark, printable
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.clients.probe.demands import Demands, name_text
from mtls_lab.clients.probe.words import from_explanation, outcome
from mtls_lab.handshake import explain
from mtls_lab.handshake.fixes import ask_for_it, present_one


def judge_client(demands: Demands, presents: Credential | None, *, at: datetime) -> Iterator[Remark]:
    """Remarks on whether this client gets in."""
    if presents is None:
        yield from _without(demands)
        return
    own = list(_own(presents, demands, at))
    yield from own
    if demands.asks is False:
        yield Remark(
            level="warning",
            title="The server never asks for your certificate: it does not know who you are",
            why="Without a CertificateRequest it stays at home. Whether you give one or not makes no difference.",
            fixes=tuple((fix.tool, fix.text) for fix in ask_for_it() if fix.tool != "mtls_lab"),
            evidence=tuple(outcome(one) for one in demands.bare),
            cause="client-not-asked",
        )
        return
    yield from _refusal(demands, own)
    yield from _withheld(demands, presents)
    if demands.accepts:
        yield Remark(level="good", title=f"The server accepts your certificate ({short_name(presents.leaf)})")


def _without(demands: Demands) -> Iterator[Remark]:
    if demands.insists:
        yield Remark(
            level="wrong",
            title="The server demands a client certificate, and none was given",
            why=_how_it_insists(demands),
            fixes=(
                ("mtls-lab", "--cert alice.pem --key alice-key.pem  (to see whether yours is accepted)"),
                *((fix.tool, fix.text) for fix in present_one() if fix.tool != "mtls_lab"),
            ),
            evidence=tuple(outcome(one) for one in demands.bare if demands.keeps_out(one)),
            cause="absent",
            refused_by="server",
        )
    elif demands.asks and demands.insists is False:
        yield Remark(
            level="note",
            title="The server asks for a client certificate and goes on without one",
            why="What such a client may do is decided behind TLS: by path, by user, by the application.",
            cause="optional-anonymous",
        )
    elif demands.asks:
        yield Remark(
            level="warning",
            title="The server asks for a client certificate; whether it insists on one is not known",
            why="It neither refused nor answered the question inside TLS.",
            evidence=tuple(outcome(one) for one in demands.bare),
        )


def _how_it_insists(demands: Demands) -> str:
    talk = next((one for one in demands.bare if demands.keeps_out(one)), None)
    if talk is None or talk.ended == "answered":
        status = talk.status if talk is not None else None
        return (
            f"It completes TLS and answers HTTP {status}, as nginx does to a client without a certificate. "
            "Others may have other reasons to answer so: with a certificate it will show."
        )
    if talk.completed:
        return "In TLS 1.3 the refusal comes late: the client's own handshake call has returned by then."
    return "The client answered the server's CertificateRequest with an empty list."


def _own(presents: Credential, demands: Demands, at: datetime) -> Iterator[Remark]:
    """The certificate looked over by itself; whom the server trusts, it does not say."""
    setting = Setting(whose="Your certificate", trusts=(), source="", at=at, purpose="clientAuth")
    for remark in inspect_chain(presents.chain, setting):
        if remark.level == "wrong":
            # The server has the last word: what it accepts all the same is no refusal.
            yield replace(remark, level="warning") if demands.accepts else replace(remark, refused_by="server")
        elif remark.level == "warning":
            yield remark


def _refusal(demands: Demands, own: list[Remark]) -> Iterator[Remark]:
    """Why the certificate was refused, as far as the client can know."""
    talk = next((one for one in demands.shown if demands.keeps_out(one)), None)
    if talk is None:
        yield from _not_told(demands)
    elif talk.ended == "cannot load" or not _sent(talk):
        yield _not_sent(talk)
    elif talk.ended == "answered":
        yield _refused_by_http(talk, demands)
    else:
        explained = _explained(talk)
        if not any(one.cause == explained.cause and one.level == "wrong" for one in own):
            yield replace(explained, evidence=(*explained.evidence, outcome(talk)), refused_by="server")


def _explained(talk: Conversation) -> Remark:
    explanation = explain(talk.handshake)
    if explanation.refused_by == "server":
        return from_explanation(explanation)
    return Remark(
        level="wrong",
        title="The server closes without a word when it sees your certificate",
        why="Without an alert only its own log can say why: servers on Node or asyncio refuse like this.",
        fixes=(("server", "look at its log: at level info or debug most name the reason"),),
    )


def _not_told(demands: Demands) -> Iterator[Remark]:
    if demands.shown and demands.accepts is None:
        yield Remark(
            level="warning",
            title="Whether the server accepts your certificate is not known: it gave no answer",
            why="TLS was completed, and the question inside it was not answered.",
            evidence=tuple(outcome(one) for one in demands.shown),
        )


def _sent(talk: Conversation) -> bool:
    return bool(talk.handshake.client_chain)


def _not_sent(talk: Conversation) -> Remark:
    if talk.ended == "cannot load":
        return replace(from_explanation(explain(talk.handshake)), refused_by=None)
    explained = _explained(talk)
    return replace(
        explained,
        title="Your certificate was not sent: its key's algorithm is not among those the server accepts",
        refused_by="server",
    )


def _refused_by_http(talk: Conversation, demands: Demands) -> Remark:
    both = any(demands.keeps_out(one) and one.status == talk.status for one in demands.bare)
    return Remark(
        level="wrong",
        title=f"The server completes TLS and answers HTTP {talk.status} to your certificate",
        why="nginx answers 400 in place of an alert, whatever is wrong with a client certificate: an authority that it "
        "does not trust, a missing intermediate, an expired one, another purpose. Its error log says which."
        + (" It answers the same without a certificate." if both else ""),
        fixes=(
            ("nginx", "error_log ... info; and look for `client SSL certificate verify error`"),
            ("nginx", "ssl_client_certificate must hold the root of the authority that issued your certificate"),
            ("curl", "--cert chain.pem  (leaf and intermediates, leaf first)"),
        ),
        evidence=(outcome(talk),),
        refused_by="server",
    )


def _withheld(demands: Demands, presents: Credential) -> Iterator[Remark]:
    """RFC 8446 section 4.2.4: the certificate should be of a named authority. OpenSSL sends any, others then none."""
    if not demands.authorities or any(_issued_by_one(one, demands.authorities) for one in presents.chain):
        return
    named = "; ".join(printable(name_text(one), 80) for one in demands.authorities[:5])
    issuers = "; ".join(dict.fromkeys(one.issuer or "a nameless one" for one in presents.chain))
    yield Remark(
        level="warning",
        title="Go, Java and GnuTLS (wget) clients would withhold your certificate: the server's list lacks its issuer",
        why=f"The server names the authorities it accepts: {named}. Your chain was issued by {issuers}. "
        "curl, Python and Node (OpenSSL) send it all the same.",
        fixes=(
            ("client", "present the chain up to below one of these authorities (cat leaf.pem intermediate.pem)"),
            ("nginx", "ssl_client_certificate holds the names that are sent; ssl_trusted_certificate sends none"),
        ),
        cause="withheld",
    )


def _issued_by_one(certificate: Certificate, names: tuple[bytes, ...]) -> bool:
    try:
        return certificate.parsed.issuer.public_bytes() in names or certificate.issuer in [
            name_text(one) for one in names
        ]
    except ValueError:
        return False
