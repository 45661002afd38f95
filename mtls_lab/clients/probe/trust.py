"""Whom to trust when nobody says: the store that most programs on this machine use, by name, so that it can be told."""

import os
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.certificates import Certificate

SYSTEM_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Trust anchors, and where they came from."""

    anchors: tuple[Certificate, ...]
    """The anchors."""
    source: str
    """In words: `root.pem`, or `the system's store (/etc/ssl/certs/ca-certificates.crt)`."""


def default_trust() -> Trust:
    """SSL_CERT_FILE where it is set, as OpenSSL has it; else the system's store; else certifi's, as requests has it."""
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        return Trust(anchors=_read(Path(named)), source=f"SSL_CERT_FILE={named}")
    for path in map(Path, SYSTEM_STORES):
        if anchors := _read(path):
            return Trust(anchors=anchors, source=f"the system's store ({path})")
    # requests is a client's affair, and loading it takes a while: only where the system has no store (Windows).
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return Trust(
        anchors=_read(Path(DEFAULT_CA_BUNDLE_PATH)), source=f"the store of requests ({DEFAULT_CA_BUNDLE_PATH})"
    )


def _read(path: Path) -> tuple[Certificate, ...]:
    """The certificates in the file; () where there is none."""
    try:
        return Certificate.from_pem(path.read_bytes())
    except (OSError, ValueError):
        return ()
