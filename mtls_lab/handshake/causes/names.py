"""The certificate is not for the name that was dialled (RFC 9525 section 6)."""

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.names import as_address
from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.causes.table import REFUSALS, about
from mtls_lab.handshake.evidence import Evidence
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.fixes import check_the_name

_DECIDES = "the name that the client dialled, beside openssl x509 -noout -ext subjectAltName"


@row(
    REFUSALS,
    "cn-only",
    title="The name stands in the subject only, not in subjectAltName",
    reference="RFC 9525 section 6.3",
    verify_codes=[62, 64],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def cn_only(evidence: Evidence) -> Finding | None:
    """Right common name, no subjectAltName at all."""
    return _name(
        evidence,
        "cn-only",
        "Host names are matched against subjectAltName alone; the common name is for people to read. "
        "curl still accepts such a certificate, requests, browsers and Go do not.",
    )


@row(
    REFUSALS,
    "email-only",
    title="subjectAltName holds an e-mail address and no host name",
    reference="RFC 9525 section 6.1",
    verify_codes=[62, 64],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def email_only(evidence: Evidence) -> Finding | None:
    """A subjectAltName without a host name or an address."""
    return _name(
        evidence,
        "email-only",
        "A client that dials a host looks for a dNSName entry, for an address an iPAddress entry; an e-mail address "
        "matches neither. curl falls back on the common name and accepts, requests, browsers and Go do not.",
    )


@row(
    REFUSALS,
    "wildcard-too-deep",
    title="The wildcard does not reach the name that was dialled",
    reference="RFC 9525 section 6.3",
    verify_codes=[62],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def wildcard_too_deep(evidence: Evidence) -> Finding | None:
    """A wildcard of the right domain, and another number of labels."""
    return _name(
        evidence,
        "wildcard-too-deep",
        "A wildcard stands for exactly one label, the leftmost. *.shop.example is good for api.shop.example, "
        "neither for shop.example nor for v1.api.shop.example.",
    )


@row(
    REFUSALS,
    "ip-as-dns",
    title="An IP address written as a DNS name",
    reference="RFC 5280 section 4.2.1.6",
    verify_codes=[64],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
)
def ip_as_dns(evidence: Evidence) -> Finding | None:
    """The address dialled stands in a dNSName entry, where nobody looks for addresses."""
    why = (
        "An IP address is matched only against iPAddress entries, which hold its bytes. "
        "Written as a dNSName it looks right to the eye and matches nothing."
    )
    found = _name(evidence, "ip-as-dns", why)
    leaf = evidence.leaf
    if found is not None or leaf is None or not _may_have_dialled_an_address(evidence):
        return found
    written = next((one for one in leaf.names if one.startswith("DNS:") and as_address(one[4:])), None)
    if written is None:
        return None
    return Finding(
        expected=f"IP:{written[4:]} in subjectAltName",
        presented=written,
        why=why,
        fixes=check_the_name(written[4:]),
    )


@row(
    REFUSALS,
    "wrong-ip",
    title="The certificate is not for the IP address that was dialled",
    reference="RFC 9525 section 6.5",
    verify_codes=[64],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
    hidden=True,
)
def wrong_ip(evidence: Evidence) -> Finding | None:
    """The client dialled an address that no iPAddress entry holds."""
    found = _name(evidence, "wrong-ip", _WHY)
    if found is not None or not _may_have_dialled_an_address(evidence):
        return found
    return _maybe(evidence)


@row(
    REFUSALS,
    "wrong-host",
    title="The certificate is for another host",
    reference="RFC 9525 section 6.3",
    verify_codes=[62],
    alerts=[Alert.bad_certificate],
    decides=_DECIDES,
    hidden=True,
)
def wrong_host(evidence: Evidence) -> Finding | None:
    """The client dialled a name that no dNSName entry matches."""
    found = _name(evidence, "wrong-host", _WHY)
    if found is not None or not _may_have_dialled_an_address(evidence):
        return found
    return _maybe(evidence)


_WHY = (
    "The client dialled {name} and looks for exactly that among the names in the certificate. "
    "A trusted issuer is not enough: the certificate must be for the host that was asked for."
)


_NAME_PROBLEMS = ("wrong-host", "wrong-ip", "wildcard-too-deep", "cn-only", "email-only", "ip-as-dns")


def _kind(leaf: Certificate, dialled: str) -> str:
    """In which way the names of this certificate miss the name that was dialled."""
    hosts = [one.removeprefix("DNS:").lower() for one in leaf.names if one.startswith("DNS:")]
    if not any(one.startswith(("DNS:", "IP:")) for one in leaf.names):
        return "email-only" if leaf.names else "cn-only" if leaf.common_name == dialled else "wrong-host"
    if as_address(dialled) is not None:
        return "ip-as-dns" if dialled.lower() in hosts else "wrong-ip"
    reach = [one.removeprefix("*.") for one in hosts if one.startswith("*.")]
    asked = dialled.lower().removesuffix(".")
    return "wildcard-too-deep" if any(f".{asked}".endswith(f".{one}") for one in reach) else "wrong-host"


def _name(evidence: Evidence, slug: str, why: str) -> Finding | None:
    problem, dialled, leaf = evidence.problem(*_NAME_PROBLEMS), evidence.dialled, evidence.leaf
    if problem is None or dialled is None or leaf is None or _kind(leaf, dialled) != slug:
        return None
    return about(
        evidence,
        problem,
        expected=f"{_entry(dialled)} in subjectAltName",
        presented=_presented(leaf, dialled, slug),
        why=why.replace("{name}", dialled),
        fixes=check_the_name(dialled),
    )


def _entry(name: str) -> str:
    """The subjectAltName entry that would match this name."""
    address = as_address(name)
    return f"DNS:{name}" if address is None else f"IP:{address}"


def _presented(leaf: Certificate, dialled: str, slug: str) -> str:
    if slug == "cn-only":
        return f"CN={dialled} in the subject, no host name in subjectAltName"
    if slug == "ip-as-dns":
        return f"DNS:{dialled}"
    return ", ".join(leaf.names) or "no names at all"


def _may_have_dialled_an_address(evidence: Evidence) -> bool:
    """Nobody can ask the client, and it said no name: clients say host names only (RFC 6066 section 3)."""
    client = evidence.settings("client")
    return bool(evidence.chain) and evidence.judged == "server" and not client.known and evidence.dialled is None


def _maybe(evidence: Evidence) -> Finding:
    leaf = evidence.leaf
    return Finding(
        expected="the name or address that the client dialled, in subjectAltName",
        presented=", ".join(leaf.names) if leaf is not None and leaf.names else "no names at all",
        why="The client sent no server_name, as clients do that dial an address. "
        "Which name or address it looked for, it alone knows.",
        fixes=check_the_name("127.0.0.1"),
        seen=False,
    )
