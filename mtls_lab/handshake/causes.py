"""The table of causes: why one end refused the other. One decorated function, one row.

A row's function looks at the evidence and returns a `Finding`, or None when that cause is not there. It decides
on chains, trust anchors, names and times; the decorator's `verify_codes` and `alerts` say which numbers can come
with it. `explain` asks the rows from the top; the first that holds is the cause, so the more particular stands
above the more general. To add a cause, write a function here and a fault of the same slug in `certificates/faults.py`.
"""

import ipaddress

from mtls_lab.certificates import certification_path
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.evidence import OTHER, Evidence, describe_chain, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Cause, Finding, row
from mtls_lab.handshake.fixes import check_the_name, present_one, present_the_chain, reissue, trust_the_root

REFUSALS: dict[str, Cause] = {}
"""Most particular first."""


@row(
    REFUSALS,
    "key-mismatch",
    title="The private key does not belong to the certificate",
    reference="RFC 8446 section 4.4.3",
)
def key_mismatch(evidence: Evidence) -> Finding | None:
    """The end could not even begin: what it holds is not one credential."""
    end = evidence.refused_by
    held = None if end == "neither" else evidence.handshake.scenario.end(end).presents
    if not evidence.local_failure or held is None or held.key_matches:
        return None
    return Finding(
        expected="a private key whose public half stands in the certificate",
        presented="the key of another certificate",
        why=f"The {end} could not sign with this key what its certificate promises, "
        "so OpenSSL refused to load the pair. Nothing was sent: no handshake began.",
        fixes=(
            Fix(
                tool="openssl",
                text="compare `openssl x509 -noout -pubkey -in cert.pem` with `openssl pkey -pubout -in key.pem`",
            ),
            Fix(
                tool="mtls_lab",
                text="credential.key_matches tells; issue key and certificate together: issuing.issue(...)",
            ),
        ),
    )


@row(
    REFUSALS,
    "absent",
    title="The client presented no certificate",
    reference="RFC 8446 section 4.4.2.4",
    alerts=[Alert.certificate_required, Alert.handshake_failure],
)
def absent(evidence: Evidence) -> Finding | None:
    """The server required one; the client's Certificate message was empty."""
    if evidence.judged != "client" or evidence.chain != () or not evidence.handshake.asked:
        return None
    withheld = evidence.presenter.presents is not None
    return Finding(
        expected="a client certificate",
        presented="an empty Certificate message",
        why="The server requires a client certificate and sent a CertificateRequest. "
        + (
            "The client has one, but its TLS library held it back: the server's algorithms may exclude its key."
            if withheld
            else "The client answered with an empty list: it had none to present."
        ),
        fixes=present_one(),
    )


@row(
    REFUSALS,
    "expired",
    title="A certificate has expired",
    reference="RFC 5280 section 4.1.2.5",
    verify_codes=[10],
    alerts=[Alert.certificate_expired],
)
def expired(evidence: Evidence) -> Finding | None:
    """notAfter lies in the past for the leaf or an authority above it."""
    late = [
        (one, evidence.at - one.not_after)
        for one in evidence.path.certificates
        if one.not_after is not None and one.not_after < evidence.at
    ]
    if not late:
        return None
    which, ago = late[0]
    return Finding(
        expected="a certificate whose validity period includes now",
        presented=f"{name_of(which)}, which ended {_days(ago.days)} ago",
        why=f"The {OTHER[evidence.judged]} compares the validity period of every certificate on the path with its own "
        f"clock. {_which(evidence, which.der)} is past its end.",
        fixes=reissue(evidence.judged, "with a lifetime that has not run out: lifetime=timedelta(days=90)"),
        title=f"{_which(evidence, which.der)} has expired",
    )


@row(
    REFUSALS,
    "not-yet-valid",
    title="A certificate is not yet valid",
    reference="RFC 5280 section 4.1.2.5",
    verify_codes=[9],
    alerts=[Alert.bad_certificate],
)
def not_yet_valid(evidence: Evidence) -> Finding | None:
    """notBefore lies in the future; a wrong clock looks the same."""
    early = [one for one in evidence.path.certificates if one.not_before is not None and one.not_before > evidence.at]
    if not early:
        return None
    which = early[0]
    return Finding(
        expected="a certificate whose validity period includes now",
        presented=f"{name_of(which)}, whose validity period has not begun",
        why=f"{_which(evidence, which.der)} begins to be valid in the future, by the clock of the "
        f"{OTHER[evidence.judged]}. The alert, bad_certificate, stands for several faults. "
        "If the certificate is right, the clock is wrong.",
        fixes=reissue(evidence.judged, "that is valid from now on, or set the verifier's clock right"),
        title=f"{_which(evidence, which.der)} is not yet valid",
    )


@row(
    REFUSALS,
    "self-signed",
    title="A self-signed certificate that is no trust anchor",
    reference="RFC 5280 section 6.1",
    verify_codes=[18],
    alerts=[Alert.unknown_ca],
)
def self_signed(evidence: Evidence) -> Finding | None:
    """The leaf vouches for itself."""
    leaf = evidence.leaf
    if leaf is None or leaf in evidence.verifier.trusts or not leaf.is_signed_by(leaf):
        return None
    return Finding(
        expected="a certificate issued by an authority that the verifier trusts",
        presented=f"{name_of(leaf)}, signed with its own key",
        why="Anyone can sign a certificate with its own key, so it proves nothing about the name in it. "
        f"The {OTHER[evidence.judged]} would accept it only as one of its trust anchors.",
        fixes=trust_the_root(evidence.judged, "that very certificate"),
    )


@row(
    REFUSALS,
    "incomplete-chain",
    title="An intermediate certificate was not sent",
    reference="RFC 8446 section 4.4.2",
    verify_codes=[20, 21, 2],
    alerts=[Alert.unknown_ca],
)
def incomplete_chain(evidence: Evidence) -> Finding | None:
    """With a certificate that somebody here knows of, the same chain would reach the trust anchor."""
    if not evidence.chain or evidence.path.anchor is not None:
        return None
    completed = certification_path(evidence.chain + evidence.known_issuers, evidence.verifier.trusts)
    if completed.anchor is None:
        return None
    missing = next(one for one in completed.certificates if one not in evidence.chain)
    return Finding(
        expected="the leaf and every intermediate up to the trust anchor, which itself may stay out",
        presented=describe_chain(evidence.chain),
        why=f"The {OTHER[evidence.judged]} trusts the root but has never seen {name_of(missing)}, which stands "
        "in between. Whoever presents a certificate must send the intermediates along; "
        "the verifier does not go and look for them.",
        fixes=present_the_chain(evidence.judged),
    )


@row(
    REFUSALS,
    "untrusted-root",
    title="Issued by an authority that the verifier does not trust",
    reference="RFC 5280 section 6.1",
    verify_codes=[19, 20, 21, 2, 7],
    alerts=[Alert.unknown_ca, Alert.decrypt_error],
)
def untrusted_root(evidence: Evidence) -> Finding | None:
    """No certification path leads to a trust anchor."""
    if not evidence.chain or evidence.path.anchor is not None:
        return None
    top = evidence.path.certificates[-1] if evidence.path.certificates else evidence.chain[0]
    end = OTHER[evidence.judged]
    stranger = evidence.path.missing_issuer or name_of(top)
    twin = evidence.path.twin is not None
    return Finding(
        title=f"The {end} does not trust {'this ' if twin else ''}{_common(stranger)}",
        expected="a path to one of the trust anchors: "
        + (", ".join(name_of(one) for one in evidence.verifier.trusts) or "there are none"),
        presented=describe_chain(evidence.chain),
        why=f"The path ends at {_common(stranger)}, which is no trust anchor of the {end}. "
        + (
            "It has an anchor of that name, but with another key: the same name is not the same authority."
            if twin
            else f"The text that the {evidence.judged} gets to see is about its own certificate, not about the {end}'s."
            if evidence.judged == "client"
            else "What counts is what this client was told to trust, not what is installed elsewhere on the machine."
        ),
        fixes=trust_the_root(evidence.judged, "the root that issued it"),
    )


@row(
    REFUSALS,
    "wrong-purpose",
    title="The certificate is for another purpose",
    reference="RFC 5280 section 4.2.1.12",
    verify_codes=[26],
    alerts=[Alert.unsupported_certificate],
)
def wrong_purpose(evidence: Evidence) -> Finding | None:
    """extendedKeyUsage is there and does not name the purpose at hand."""
    leaf = evidence.leaf
    if leaf is None or leaf.purposes is None or evidence.purpose in leaf.purposes:
        return None
    return Finding(
        expected=f"the key purpose {evidence.purpose}",
        presented=f"{name_of(leaf)}, for {' and '.join(leaf.purposes) or 'no purpose'}",
        why=f"A certificate says what its key may be used for, and this one may not be used as a {evidence.judged}'s. "
        "A server's certificate does not make a client's, however good it is otherwise.",
        fixes=reissue(evidence.judged, f'for the right purpose: purpose="{evidence.purpose}"'),
    )


@row(
    REFUSALS,
    "cn-only",
    title="The name stands in the subject only, not in subjectAltName",
    reference="RFC 9525 section 6.3",
    verify_codes=[62],
    alerts=[Alert.bad_certificate],
)
def cn_only(evidence: Evidence) -> Finding | None:
    """Right common name, no dNSName or iPAddress at all."""
    leaf, name = evidence.leaf, evidence.handshake.scenario.server_name
    if not _name_fails(evidence) or leaf is None or leaf.common_name != name or _host_names(leaf.names):
        return None
    return Finding(
        expected=f"{_entry(name)} in subjectAltName",
        presented=f"CN={name} in the subject, no host name in subjectAltName",
        why="Host names are matched against subjectAltName alone; the common name is for people to read. "
        "curl still accepts such a certificate, requests, browsers and Go do not.",
        fixes=check_the_name(name),
    )


@row(
    REFUSALS,
    "ip-as-dns",
    title="An IP address written as a DNS name",
    reference="RFC 5280 section 4.2.1.6",
    verify_codes=[64],
    alerts=[Alert.bad_certificate],
)
def ip_as_dns(evidence: Evidence) -> Finding | None:
    """The address dialled stands in a dNSName entry, where nobody looks for addresses."""
    leaf, name = evidence.leaf, evidence.handshake.scenario.server_name
    if not _name_fails(evidence) or leaf is None or f"DNS:{name}" not in leaf.names:
        return None
    return Finding(
        expected=f"{_entry(name)} in subjectAltName",
        presented=f"DNS:{name}",
        why="An IP address is matched only against iPAddress entries, which hold its bytes. "
        "Written as a dNSName it looks right to the eye and matches nothing.",
        fixes=check_the_name(name),
    )


@row(
    REFUSALS,
    "wrong-ip",
    title="The certificate is not for the IP address that was dialled",
    reference="RFC 9525 section 6.5",
    verify_codes=[64],
    alerts=[Alert.bad_certificate],
)
def wrong_ip(evidence: Evidence) -> Finding | None:
    """The client dialled an address that no iPAddress entry holds."""
    return _wrong_name(evidence) if _entry(evidence.handshake.scenario.server_name).startswith("IP:") else None


@row(
    REFUSALS,
    "wrong-host",
    title="The certificate is for another host",
    reference="RFC 9525 section 6.3",
    verify_codes=[62],
    alerts=[Alert.bad_certificate],
)
def wrong_host(evidence: Evidence) -> Finding | None:
    """The client dialled a name that no dNSName entry matches."""
    return _wrong_name(evidence) if _entry(evidence.handshake.scenario.server_name).startswith("DNS:") else None


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days" if count else "less than a day"


def _which(evidence: Evidence, der: bytes) -> str:
    """Which certificate of the path: the leaf, an intermediate or the root."""
    place = [one.der for one in evidence.path.certificates].index(der)
    if place == 0:
        return f"The {evidence.judged}'s certificate"
    one = evidence.path.certificates[place]
    return f"The {'root' if one.self_issued else 'intermediate'} {name_of(one)}"


def _common(name: str) -> str:
    """`Lab Root CA` from `CN=Lab Root CA`; any other name as it is."""
    return name.removeprefix("CN=")


def _entry(name: str) -> str:
    """The subjectAltName entry that would match this name."""
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(("DNS:", "IP:")))


def _name_fails(evidence: Evidence) -> bool:
    name, leaf = evidence.handshake.scenario.server_name, evidence.leaf
    checks = evidence.judged == "server" and evidence.verifier.verifies == "chain and name"
    return checks and leaf is not None and not leaf.matches_name(name)


def _wrong_name(evidence: Evidence) -> Finding | None:
    leaf, name = evidence.leaf, evidence.handshake.scenario.server_name
    if not _name_fails(evidence) or leaf is None:
        return None
    return Finding(
        expected=f"{_entry(name)} in subjectAltName",
        presented=", ".join(leaf.names) or "no names at all",
        why=f"The client dialled {name} and looks for exactly that among the names in the certificate. "
        "A trusted issuer is not enough: the certificate must be for the host that was asked for.",
        fixes=check_the_name(name),
    )
