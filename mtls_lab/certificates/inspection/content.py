"""What the certificates of a path say: until when, for what, for whom, and how strong."""

from collections.abc import Iterator
from datetime import timedelta

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.inspection.setting import Setting, day, how_long, short_name
from mtls_lab.certificates.path import CertificationPath
from mtls_lab.certificates.remark import Remark

SOON = timedelta(days=30)
"""A certificate that ends within this time is worth a warning."""
_FOR: dict[str, str] = {"serverAuth": "servers (serverAuth)", "clientAuth": "clients (clientAuth)"}
_SMALLEST_RSA = 2048
_WEAK_HASHES = ("MD5", "SHA-1")


def inspect_times(certificates: tuple[Certificate, ...], setting: Setting) -> Iterator[Remark]:
    """RFC 5280 section 4.1.2.5, for every certificate of the path."""
    ends = []
    for place, one in enumerate(certificates):
        part = "" if place == 0 else "root" if one.self_issued else "intermediate"
        which = f"The {part} {short_name(one)}" if part else setting.whose
        part = f"-{part}" if part else ""
        if one.not_after is not None and one.not_after < setting.at:
            title = f"{which} has expired: it ended on {day(one.not_after)}, {how_long(setting.at - one.not_after)} ago"
            yield _wrong_time(title, f"expired{part}", one, "renew it; a new certificate for the same key will do")
        elif one.not_before is not None and one.not_before > setting.at:
            title = f"{which} is not yet valid: it begins on {day(one.not_before)}"
            yield _wrong_time(title, f"not-yet-valid{part}", one, "wait, issue a new one, or set the clock right")
        elif one.not_after is not None:
            ends.append((one.not_after, which))
    if ends:
        end, which = min(ends, key=lambda pair: pair[0])
        left = end - setting.at
        when = f"on {day(end)}: in {how_long(left)}"
        if left < SOON:
            yield Remark(
                level="warning",
                title=f"{which} ends soon, {when}",
                why="Renewing takes more than a day where people must agree: begin now.",
                fixes=(("authority", "renew it, and have its servers and clients load the new one"),),
            )
        else:
            ends_when = "is the first to end," if len(ends) > 1 else "ends"
            yield Remark(level="good", title=f"{which} {ends_when} {when}")


def _wrong_time(title: str, cause: str, certificate: Certificate, fix: str) -> Remark:
    return Remark(
        level="wrong",
        title=title,
        why="Every verifier compares the validity period of each certificate on the path with its own clock.",
        fixes=(("authority", fix), ("openssl", "x509 -in certificate.pem -noout -dates  (shows the period)")),
        evidence=(f"{short_name(certificate)}: {day(certificate.not_before)} to {day(certificate.not_after)}",),
        cause=cause,
    )


def inspect_purposes(leaf: Certificate, setting: Setting) -> Iterator[Remark]:
    """RFC 5280 section 4.2.1.12."""
    if leaf.purposes is None:
        if setting.purpose is None:
            yield Remark(level="note", title=f"{setting.whose} names no purpose: it may be a server's and a client's")
        return
    meant = " and ".join(_FOR.get(one, one) for one in leaf.purposes) or "nothing at all"
    wanted = (setting.purpose,) if setting.purpose is not None else tuple(_FOR)
    if any(one in leaf.purposes for one in wanted):
        yield Remark(level="good", title=f"{setting.whose} is for {meant}")
        return
    yield Remark(
        level="wrong",
        title=f"{setting.whose} is for {meant}, not for {' or '.join(_FOR[one] for one in wanted)}",
        why="extendedKeyUsage says what a key may be used for, and every verifier asks for its own purpose.",
        fixes=(("authority", f"issue one with extendedKeyUsage = {wanted[0]}"),),
        evidence=(f"extendedKeyUsage of {short_name(leaf)}: {', '.join(leaf.purposes)}",),
        cause="wrong-purpose",
    )


def inspect_name(leaf: Certificate, server_name: str, cause: str) -> Iterator[Remark]:
    """RFC 9525 section 6: subjectAltName alone counts. `cause` is the slug for a name that fails."""
    if leaf.matches_name(server_name):
        yield Remark(level="good", title=f"The certificate is for {server_name}")
        return
    held = ", ".join(leaf.names[:10]) + (", ..." if len(leaf.names) > 10 else "")
    in_subject = leaf.common_name == server_name
    yield Remark(
        level="wrong",
        title=f"The certificate is not for {server_name}",
        why=f"It is for {held or 'no host at all (no subjectAltName)'}."
        + (" The name in its subject does not count." if in_subject else ""),
        fixes=(
            ("authority", f"issue one with subjectAltName = {server_name}"),
            ("client", "or dial a name that is in the certificate"),
        ),
        evidence=(f"subjectAltName: {held or 'none'}; subject: {leaf.subject or 'none'}",),
        cause=cause,
    )


def inspect_strength(path: CertificationPath) -> Iterator[Remark]:
    """What OpenSSL's security level 2 refuses, its default in most distributions and in Python."""
    for one in path.certificates:
        kind, _, size = (one.key_type or "").partition(" ")
        if kind == "RSA" and size.isdigit() and int(size) < _SMALLEST_RSA:
            yield Remark(
                level="wrong",
                title=f"The key of {short_name(one)} is too short: RSA {size}",
                why="OpenSSL refuses RSA keys of fewer than 2048 bits; Go, Java and GnuTLS may still accept it.",
                fixes=(("openssl", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256, and a new certificate"),),
                cause="weak-key",
            )
        # Nobody looks at the signature of an anchor: it is trusted for what it is, not for who signed it.
        if one.signature_hash in _WEAK_HASHES and one != path.anchor:
            yield Remark(
                level="wrong",
                title=f"The signature on {short_name(one)} uses {one.signature_hash}",
                why="Signatures with that hash can be forged; OpenSSL at its usual security level refuses them.",
                fixes=(("authority", "issue it again, signed with SHA-256 or better"),),
                cause="weak-hash",
            )
