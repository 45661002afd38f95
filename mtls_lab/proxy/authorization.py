"""Why a client that TLS let in may not have what it asks for, explained as a handshake's failure is."""

from mtls_lab.certificates.remark import printable
from mtls_lab.handshake import Explanation, Fix
from mtls_lab.proxy.access import Decision
from mtls_lab.proxy.identity import Identity


def explain_decision(decision: Decision) -> Explanation:
    """Who was refused what, why, how to mend it, by which rule."""
    identity = decision.identity
    who = "nobody: no certificate was verified" if identity is None else printable(identity.name)
    if decision.allowed:
        return _explanation(decision, cause="authorized", title="The client may", who=who, fixes=())
    if identity is None:
        title, cause, fixes = "The client is not known", "anonymous", _present_one()
    else:
        title, cause, fixes = "The client is known, and may not", "not-authorized", _name_it(identity)
    return _explanation(decision, cause=cause, title=title, who=who, fixes=fixes)


def _explanation(decision: Decision, *, cause: str, title: str, who: str, fixes: tuple[Fix, ...]) -> Explanation:
    expected = "an identity that an access rule names"
    return Explanation(
        refused_by="neither" if decision.allowed else "server",
        stage=None if decision.allowed else "authorization",
        cause=cause,
        title=title,
        expected="no rule in particular" if decision.allowed and decision.rule is None else expected,
        presented=who,
        alert=None,
        verify_code=None,
        why=(
            f"TLS has told who the client is; what it may do is decided after that, request by request. "
            f"The decision: {decision.reason}."
        ),
        fixes=fixes,
        reference="RFC 9110 section 15.5.4 (403 Forbidden)",
        evidence=(f"identity: {who}", f"rule: {decision.rule or 'none fits'}", f"reason: {decision.reason}"),
    )


def _present_one() -> tuple[Fix, ...]:
    return (
        Fix(tool="curl", text="--cert client.pem --key client-key.pem"),
        Fix(tool="mtls-lab proxy", text="--verify-client required: then the handshake says so, and not a 403"),
    )


def _name_it(identity: Identity) -> tuple[Fix, ...]:
    rule = printable(rule_for(identity), 300)
    subject = printable(identity.subject, 300)
    return (
        Fix(tool="mtls-lab proxy", text=f"--allow '{rule}'"),
        Fix(tool="nginx", text=f'map $ssl_client_s_dn $may {{ default 0; "{subject}" 1; }}'),
    )


def rule_for(identity: Identity) -> str:
    """The access rule that lets in this identity, by the name that says most."""
    for kind, names in (("uri", identity.uris), ("dns", identity.dns_names), ("email", identity.emails)):
        if plain := [name for name in names if "*" not in name]:
            return f"{kind}:{plain[0]}"
    return f"key:sha256:{identity.key_sha256}"
