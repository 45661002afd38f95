"""An end cannot load its own credential: nothing is sent, no handshake begins."""

from mtls_lab.certificates import Credential
from mtls_lab.certificates.credential import KeyProblem
from mtls_lab.handshake.causes.table import REFUSALS
from mtls_lab.handshake.evidence import Evidence, describe_chain, name_of
from mtls_lab.handshake.explanation import Fix
from mtls_lab.handshake.findings import Finding, row
from mtls_lab.handshake.messages import Role

_LOOK = Fix(
    tool="openssl",
    text="compare `openssl x509 -noout -pubkey -in cert.pem` with `openssl pkey -pubout -in key.pem`",
)
_DECIDES = "what the end that never began logs when it starts, and `mtls-lab explain --files` on its files"


def _own(evidence: Evidence) -> Credential | None:
    """The credential that its owner could not load."""
    end = evidence.refused_by
    return evidence.settings(end).presents if evidence.local_failure and end != "neither" else None


def _unheard_of(evidence: Evidence, title: str) -> Finding | None:
    """Nothing came from the other end at all: whatever keeps an end from starting may be why."""
    if not evidence.nothing_came:
        return None
    return Finding(
        expected=f"a {evidence.refused_by} that answers",
        presented="nothing: no byte came",
        why=f"The {evidence.refused_by} never began, and only its own log says why. "
        f"An end that cannot load its credential does not start; one way is: {title}.",
        fixes=(Fix(tool="shell", text="read the log of the end that did not start"),),
        title=f"The {evidence.refused_by} never began",
        seen=False,
    )


def _key_file(
    evidence: Evidence,
    *,
    unheard: str,
    problems: tuple[KeyProblem, ...],
    held: str,
    wanted: str,
    fixes: tuple[Fix, ...],
) -> Finding | None:
    """One of these stands where the private key should be."""
    own = _own(evidence)
    if own is None:
        return _unheard_of(evidence, unheard)
    return _broken(evidence.refused_by, held, wanted, fixes) if own.key_problem in problems else None


def _broken(end: Role | str, held: str, wanted: str, fixes: tuple[Fix, ...]) -> Finding:
    return Finding(
        expected=wanted,
        presented=held,
        why=f"The {end} could not load its own credential, because OpenSSL found {held} where it needs {wanted}. "
        "Nothing was sent: no handshake began.",
        fixes=fixes,
    )


@row(
    REFUSALS,
    "key-mismatch",
    title="The private key does not belong to the certificate",
    reference="RFC 8446 section 4.4.3",
    decides=_DECIDES,
    hidden=True,
)
def key_mismatch(evidence: Evidence) -> Finding | None:
    """Both can be read, and do not belong together."""
    held = _own(evidence)
    if held is None:
        return _unheard_of(evidence, "its key belongs to another certificate")
    if held.key_matches or held.key_problem is not None or held.leaf.public_key_hash is None or wrong_order(evidence):
        return None
    return Finding(
        expected="a private key whose public half stands in the certificate",
        presented="the key of another certificate",
        why=f"The {evidence.refused_by} could not sign with this key what its certificate promises, "
        "so OpenSSL refused to load the pair. Nothing was sent: no handshake began.",
        fixes=(
            _LOOK,
            Fix(
                tool="mtls_lab",
                text="credential.key_matches tells; issue key and certificate together: issuing.issue(...)",
            ),
        ),
    )


@row(
    REFUSALS,
    "wrong-order",
    title="The certificates are in the wrong order",
    reference="RFC 8446 section 4.4.2",
    decides=_DECIDES,
    hidden=True,
)
def wrong_order(evidence: Evidence) -> Finding | None:
    """The key fits a certificate of the file, but not the first one, which is taken for the leaf."""
    held = _own(evidence)
    if held is None:
        return _unheard_of(evidence, "the certificates stand in the wrong order")
    if held.key_matches or not any(_fits(held, place) for place in range(1, len(held.chain))):
        return None
    place = next(place for place in range(1, len(held.chain)) if _fits(held, place))
    return Finding(
        expected=f"{name_of(held.chain[place])} first, whose key this is, then the intermediates",
        presented=f"{name_of(held.chain[0])} first, then {', '.join(name_of(one) for one in held.chain[1:])}",
        why=f"The first certificate of the file is taken for the {evidence.refused_by}'s own, and the key belongs to "
        "another one further down. OpenSSL reports a key mismatch, and nothing was sent.",
        fixes=(
            Fix(tool="shell", text="cat leaf.pem intermediate.pem > chain.pem  (leaf first, no root)"),
            Fix(tool="mtls_lab", text="replace(credential, chain=(leaf, *intermediates))"),
        ),
    )


@row(
    REFUSALS,
    "files-swapped",
    title="There is a certificate where the key should be",
    reference="RFC 7468 section 2",
    decides=_DECIDES,
    hidden=True,
)
def files_swapped(evidence: Evidence) -> Finding | None:
    """The two paths were swapped."""
    return _key_file(
        evidence,
        unheard="its two files are swapped",
        problems=("a certificate",),
        held="a certificate",
        wanted="a private key",
        fixes=(
            Fix(tool="shell", text="head -1 cert.pem key.pem  (the first line says what a file holds)"),
            Fix(tool="curl", text="--cert takes the certificate, --key the key"),
            Fix(tool="requests", text='cert=("cert.pem", "key.pem"), in this order'),
        ),
    )


@row(
    REFUSALS,
    "empty-file",
    title="The key file holds no key",
    reference="RFC 7468 section 2",
    decides=_DECIDES,
    hidden=True,
)
def empty_file(evidence: Evidence) -> Finding | None:
    """Empty, or something else altogether."""
    own = _own(evidence)
    empty = own is not None and own.key_problem == "nothing"
    return _key_file(
        evidence,
        unheard="its key file is empty",
        problems=("nothing", "something else"),
        held="an empty key file" if empty else "something else than a key",
        wanted="a private key",
        fixes=(
            Fix(tool="shell", text="ls -l key.pem; head -1 key.pem  (PEM begins with -----BEGIN)"),
            Fix(tool="mtls_lab", text="credential.write(folder) writes chain, leaf and key, all or nothing"),
        ),
    )


@row(
    REFUSALS,
    "encrypted-key",
    title="The private key is encrypted",
    reference="RFC 7468 section 11",
    decides=_DECIDES,
    hidden=True,
)
def encrypted_key(evidence: Evidence) -> Finding | None:
    """A PEM key that wants a password."""
    return _key_file(
        evidence,
        unheard="its key is encrypted",
        problems=("encrypted",),
        held="an encrypted private key and no password",
        wanted="a private key it can read",
        fixes=(
            Fix(tool="curl", text="--pass PASSWORD, or better a key that is not encrypted and readable by you alone"),
            Fix(tool="openssl", text="pkey -in key.pem -out plain-key.pem; chmod 600 plain-key.pem"),
            Fix(tool="nginx", text="ssl_password_file /etc/nginx/key-password;"),
            Fix(tool="mtls_lab", text='Credential.read(certificate_path, key_path, password="...")'),
        ),
    )


@row(
    REFUSALS,
    "key-is-der",
    title="The key file is no PEM",
    reference="RFC 7468 section 2",
    decides=_DECIDES,
    hidden=True,
)
def key_is_der(evidence: Evidence) -> Finding | None:
    """DER, the binary form."""
    return _key_file(
        evidence,
        unheard="its key file is no PEM",
        problems=("DER",),
        held="DER (binary)",
        wanted="PEM (text that begins with -----BEGIN)",
        fixes=(
            Fix(tool="openssl", text="pkey -inform DER -in key.der -out key.pem"),
            Fix(tool="curl", text="--key-type DER"),
        ),
    )


@row(
    REFUSALS,
    "not-a-certificate",
    title="The certificate file holds no certificate",
    reference="RFC 7468 section 5",
    decides=_DECIDES,
    hidden=True,
)
def not_a_certificate(evidence: Evidence) -> Finding | None:
    """A CERTIFICATE block with something else in it."""
    held = _own(evidence)
    if held is None:
        return _unheard_of(evidence, "its certificate file holds no certificate")
    if held.leaf.public_key_hash is not None:
        return None
    return _broken(
        evidence.refused_by,
        describe_chain(held.chain[:1]) if held.leaf.subject is not None else "a block that is no certificate",
        "a certificate",
        (
            Fix(tool="openssl", text="x509 -in cert.pem -noout -text  (says what it cannot read)"),
            Fix(tool="mtls_lab", text="certificate.problem says what cannot be read"),
        ),
    )


def _fits(held: Credential, place: int) -> bool:
    return held.key_fits(held.chain[place])
