"""Does the chain lead to a trust anchor, and if not, what is in the way."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.inspection.setting import Setting, short_name
from mtls_lab.certificates.path import CertificationPath
from mtls_lab.certificates.remark import Remark


def inspect_path(path: CertificationPath, setting: Setting) -> Iterator[Remark]:
    if path.anchor is not None:
        way = " <- ".join(short_name(one) for one in path.certificates)
        yield Remark(level="good", title=f"The chain leads to a trust anchor: {way}", evidence=(setting.source,))
        return
    top = path.certificates[-1]
    lead: tuple[str, ...] = (f"the chain ends at {short_name(top)}, issued by {top.issuer or 'nobody with a name'}",)
    lead += tuple(f"{short_name(top)} says its issuer's certificate is at {url}" for url in issuer_urls(top)[:2])
    if path.twin is not None:
        yield Remark(
            level="wrong",
            title=f"The anchor {short_name(path.twin)} has the right name and another key: it did not sign this chain",
            why="An authority that was made again under its old name is another authority. Compare keys, not names.",
            fixes=(("file", f"put the certificate of the authority that really signed into {setting.source}"),),
            evidence=lead,
            cause="same-name-other-key" if top.authority_key_identifier else "same-name-other-key-no-aki",
        )
    elif path.missing_issuer is None:
        yield _stranger(path, setting, lead)
    else:
        yield _dead_end(path, path.missing_issuer, setting, lead)


def _stranger(path: CertificationPath, setting: Setting, evidence: tuple[str, ...]) -> Remark:
    """The path ends at a certificate that signed itself."""
    if len(path.certificates) == 1:
        return Remark(
            level="wrong",
            title=f"{setting.whose} is self-signed and is no trust anchor",
            why="Anyone can sign a certificate with its own key; it proves nothing until somebody trusts it by itself.",
            fixes=(("curl", "--cacert THAT.pem"), ("authority", "or have it issued by an authority that is trusted")),
            evidence=evidence,
            cause="self-signed",
        )
    return Remark(
        level="wrong",
        title=f"The chain ends at the root {short_name(path.certificates[-1])}, which is no trust anchor here",
        why="A root that comes along in the chain proves nothing: only the verifier's own copy counts.",
        fixes=(("curl", "--cacert THAT-ROOT.pem"), ("file", f"or add that root to {setting.source}")),
        evidence=evidence,
        cause="self-signed-in-chain",
    )


def _dead_end(path: CertificationPath, missing: str, setting: Setting, evidence: tuple[str, ...]) -> Remark:
    name = missing.removeprefix("CN=")
    anchor = next((one for one in path.certificates if one in setting.trusts), None)
    if anchor is not None:
        return Remark(
            level="wrong",
            title=f"{short_name(anchor)} is trusted, but it is no root: OpenSSL goes on to {name} and does not find it",
            why="OpenSSL and Python before 3.13 want a path up to a self-signed root; curl, Go, Java and newer Pythons "
            "stop at any anchor.",
            fixes=(("file", f"put the root into {setting.source}"),),
            evidence=evidence,
            cause="intermediate-as-anchor" if anchor.is_authority else "leaf-as-anchor",
        )
    # Who sends intermediates seldom forgets one of them; who sends none may just have forgotten it.
    alone = len(path.certificates) == 1
    kinds = ("an intermediate that should be sent along", "a root that is not trusted here")
    first, second = kinds if alone else kinds[::-1]
    if_intermediate = (("shell", "cat leaf.pem intermediate.pem > chain.pem, and present that  (if an intermediate)"),)
    if_root = (("curl", "--cacert ROOT.pem  (if a root)"), ("requests", 'verify="ROOT.pem"  (if a root)'))
    return Remark(
        level="wrong",
        title=f"The chain leads to {name}, whose certificate is neither in the chain nor among the trust anchors",
        why=f"Either {name} is {first}, or it is {second}. No verifier goes and looks for it; some browsers do.",
        fixes=if_intermediate + if_root if alone else if_root + if_intermediate,
        evidence=evidence,
        cause="incomplete-chain" if alone else "untrusted-root",
    )


def issuer_urls(certificate: Certificate) -> tuple[str, ...]:
    """Where the certificate says that its issuer's can be fetched (RFC 5280 section 4.2.2.1); () when it does not."""
    try:
        access = certificate.parsed.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    found = (one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS)
    return tuple(one.value for one in found if isinstance(one, x509.UniformResourceIdentifier))
