"""One certificate as OpenSSL keeps it: what it says, and what OpenSSL concludes from its extensions at once.

`Certificate` shows a certificate to people, strictly parsed; a `Reading` shows what OpenSSL decides on.
"""

from functools import cached_property
from typing import Any

from mtls_lab.certificates.validation import syntax
from mtls_lab.certificates.validation.ber import BIT_STRING, OCTET_STRING, Kind, MalformedError
from mtls_lab.certificates.validation.distinguished_names import DistinguishedName
from mtls_lab.certificates.validation.keys import (
    PublicKey,
    Signed,
    UncertainError,
    key_fits,
    read_key,
    verifies,
)

DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT, KEY_CERT_SIGN, CRL_SIGN = 0x80, 0x20, 0x08, 0x04, 0x02
"""The bits of keyUsage (RFC 5280 section 4.2.1.3), first octet first."""
SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"
GATED_CRYPTO = frozenset({"1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"})
"""The key purposes of the 1990s that OpenSSL still takes for serverAuth (Microsoft's and Netscape's)."""

_KINDS: dict[str, tuple[str, Kind]] = {
    "2.5.29.19": ("basicConstraints", syntax.BASIC_CONSTRAINTS),
    "1.3.6.1.5.5.7.1.14": ("proxyCertInfo", syntax.PROXY_INFORMATION),
    "2.5.29.15": ("keyUsage", BIT_STRING),
    "2.5.29.37": ("extendedKeyUsage", syntax.KEY_PURPOSES),
    "2.16.840.1.113730.1.1": ("nsCertType", BIT_STRING),
    "2.5.29.14": ("subjectKeyIdentifier", OCTET_STRING),
    "2.5.29.35": ("authorityKeyIdentifier", syntax.AUTHORITY_KEY_IDENTIFIER),
    "2.5.29.17": ("subjectAltName", syntax.GENERAL_NAMES),
    "2.5.29.30": ("nameConstraints", syntax.NAME_CONSTRAINTS),
    "2.5.29.31": ("cRLDistributionPoints", syntax.DISTRIBUTION_POINTS),
    "1.3.6.1.5.5.7.1.7": ("ipAddrBlocks", syntax.ADDRESS_BLOCKS),
    "1.3.6.1.5.5.7.1.8": ("autonomousSysIds", syntax.SYSTEM_NUMBERS),
}
_RESOURCES = frozenset({"ipAddrBlocks", "autonomousSysIds"})
# The critical extensions that OpenSSL 3 takes; policies among them, which it evaluates only when asked to.
_HANDLED = frozenset(_KINDS) - {"2.5.29.14", "2.5.29.35"} | {
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.36",
    "2.5.29.54",
    "1.3.6.1.5.5.7.48.1.5",
}
_ISSUER_ALTERNATIVE_NAME = "2.5.29.18"


class Reading:
    """A certificate that OpenSSL can read. Raises MalformedError for one it cannot."""

    def __init__(self, der: bytes) -> None:
        outer, end = syntax.read(syntax.CERTIFICATE, der)
        if end != len(der):
            # TLS gives the length of each certificate: what follows is an error (RFC 8446 section 4.4.2).
            raise MalformedError("something follows the certificate")
        tbs = outer["tbs"]
        self.der = der
        self.version: int = tbs.get("version", 0)
        self.serial_number: int = tbs["serial_number"]
        self.issuer: DistinguishedName = tbs["issuer"]
        self.subject: DistinguishedName = tbs["subject"]
        self.not_before: tuple[int, bytes] = tbs["validity"]["not_before"]
        self.not_after: tuple[int, bytes] = tbs["validity"]["not_after"]
        self.algorithm: str = tbs["algorithm"]["oid"]
        """The signature algorithm inside what is signed."""
        self.consistent: bool = _same_algorithm(tbs["algorithm"], outer["algorithm"])
        """The same algorithm stands beside the signature (RFC 5280 section 4.1.1.2)."""
        self.extensions: tuple[dict[str, Any], ...] = tbs.get("extensions", ())
        self.signed = Signed(
            content=tbs[""],
            algorithm=outer["algorithm"],
            unused=outer["signature"][0],
            signature=outer["signature"][1],
        )
        self._key_info: dict[str, Any] = tbs["key"]
        self._signers: dict[bytes, bool] = {}
        self.doubt: str | None = None
        """Why OpenSSL's opinion of its key is not certain; None when it is."""

    @cached_property
    def _decoded(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The extensions that OpenSSL decodes, and the names of those it cannot: damaged, or given twice."""
        values: dict[str, Any] = {}
        broken: dict[str, None] = {}
        for extension in self.extensions:
            if extension["oid"] not in _KINDS:
                continue
            name, kind = _KINDS[extension["oid"]]
            if name in values:
                broken[name] = None
                continue
            try:
                # What follows the value inside the extension is ignored, as OpenSSL does.
                values[name], _ = syntax.read(kind, extension["value"])
            except MalformedError:
                values[name] = None
                broken[name] = None
        if not _RESOURCES.isdisjoint(values):
            self.doubt = (
                "it holds IP address or AS number resources (RFC 3779), which not every build of OpenSSL judges"
            )
        return {name: value for name, value in values.items() if name not in broken}, tuple(broken)

    def get(self, name: str) -> Any:
        """The value of that extension; None when it is absent, damaged or given twice."""
        return self._decoded[0].get(name)

    @cached_property
    def broken(self) -> tuple[str, ...]:
        """The extensions that make the certificate invalid: OpenSSL then takes it for nobody's, and nobody for its."""
        found = list(self._decoded[1])
        if (self.get("basicConstraints") or {}).get("path_length", 0) < 0:
            found.append("basicConstraints")
        if self.key_usage == 0:
            found.append("keyUsage")
        others = {extension["oid"] for extension in self.extensions}
        if self.is_proxy and (self.is_authority or not {"2.5.29.17", _ISSUER_ALTERNATIVE_NAME}.isdisjoint(others)):
            found.append("proxyCertInfo")
        if any("name" not in point and not point.get("issuer") for point in self.get("cRLDistributionPoints") or ()):
            found.append("cRLDistributionPoints")
        return tuple(found)

    @cached_property
    def is_authority(self) -> bool:
        """basicConstraints says so."""
        return bool((self.get("basicConstraints") or {}).get("ca"))

    @cached_property
    def path_length(self) -> int | None:
        """How many certificates of authorities may follow below; None for any number."""
        value = (self.get("basicConstraints") or {}).get("path_length")
        # A number too large for a C long is none for OpenSSL.
        return None if value is None or not 0 <= value < 1 << 63 else value

    @property
    def is_proxy(self) -> bool:
        """It is a proxy certificate (RFC 3820)."""
        return self.get("proxyCertInfo") is not None

    @cached_property
    def key_usage(self) -> int | None:
        """The bits of keyUsage; None (any use) when absent."""
        return _two_octets(self.get("keyUsage"))

    @cached_property
    def purposes(self) -> tuple[str, ...] | None:
        """extendedKeyUsage; None (any purpose) when absent."""
        found: tuple[str, ...] | None = self.get("extendedKeyUsage")
        return found

    @cached_property
    def netscape_type(self) -> int | None:
        """The first octet of Netscape's extension that did what extendedKeyUsage and basicConstraints do."""
        value = self.get("nsCertType")
        return None if value is None else value[1][0] if value[1] else 0

    @property
    def key_identifier(self) -> bytes | None:
        """The short name of its own key."""
        found: bytes | None = self.get("subjectKeyIdentifier")
        return found

    @property
    def issuer_identifier(self) -> dict[str, Any] | None:
        """authorityKeyIdentifier: `key`, `issuer`, `serial_number`, each optional."""
        found: dict[str, Any] | None = self.get("authorityKeyIdentifier")
        return found

    @cached_property
    def critical(self) -> frozenset[str]:
        """The critical extensions up to the first that OpenSSL does not know: there it stops reading."""
        found: list[str] = []
        for extension in self.extensions:
            if extension.get("critical"):
                found.append(extension["oid"])
                if extension["oid"] not in _HANDLED:
                    break
        return frozenset(found)

    @property
    def unknown_critical(self) -> str | None:
        """The critical extension that OpenSSL does not know."""
        return next(iter(self.critical - _HANDLED), None)

    @cached_property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name."""
        return self.subject == self.issuer

    @cached_property
    def looks_self_signed(self) -> bool:
        """Self-issued, and neither key identifiers nor the algorithm speak against it. The signature is not checked."""
        return self.self_issued and self.fits_identifier_of(self) and self.fits_key_of(self)

    def fits_identifier_of(self, below: "Reading") -> bool:
        """The other's authorityKeyIdentifier, as far as it goes, means this certificate (RFC 5280 section 4.2.1.1)."""
        return fits_identifier(self, below.issuer_identifier)

    def fits_key_of(self, issuer: "Reading") -> bool:
        """The issuer's key is of the kind that makes such signatures."""
        if issuer.key is None:
            return False
        try:
            return key_fits(self.algorithm, issuer.key)
        except UncertainError as error:
            self.doubt = str(error)
            return False

    def may_have_issued(self, below: "Reading") -> bool:
        """Name, key identifier and kind of key fit: by these alone OpenSSL builds its chain."""
        if self.subject != below.issuer or self.broken or below.broken:
            return False
        return self.fits_identifier_of(below) and below.fits_key_of(self)

    @cached_property
    def key(self) -> PublicKey | None:
        """Its public key; None where OpenSSL has none."""
        try:
            return read_key(self._key_info)
        except UncertainError as error:
            self.doubt = str(error)
            return None

    @property
    def has_resources(self) -> bool:
        """It holds IP addresses or AS numbers (RFC 3779), which not every build of OpenSSL judges."""
        return not _RESOURCES.isdisjoint(self._decoded[0])

    def is_signed_by(self, issuer: "Reading") -> bool:
        """The issuer's key made this signature. Remembered: the same two are judged again and again.

        Raises UncertainError.
        """
        known = issuer._key_info[""]  # noqa: SLF001 - another of the same class
        if known not in self._signers:
            self._signers[known] = self.consistent and issuer.key is not None and verifies(self.signed, issuer.key)
        return self._signers[known]


def fits_identifier(issuer: Reading, wanted: dict[str, Any] | None) -> bool:
    """An authorityKeyIdentifier, of a certificate or a revocation list, does not rule this issuer out."""
    if wanted is None:
        return True
    if "key" in wanted and issuer.key_identifier is not None and wanted["key"] != issuer.key_identifier:
        return False
    if "serial_number" in wanted and wanted["serial_number"] != issuer.serial_number:
        return False
    names = [value for kind, value in wanted.get("issuer", ()) if kind == "dirName"]
    return not names or names[0] == issuer.issuer


def _two_octets(value: tuple[int, bytes] | None) -> int | None:
    return None if value is None else int.from_bytes(value[1][:2], "little")


def _same_algorithm(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    return inner["oid"] == outer["oid"] and inner.get("parameters") == outer.get("parameters")
