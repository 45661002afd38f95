"""Floor 0: authorities, credentials, the files they become, and the catalogue of faults."""

from mtls_lab.certificates.authority import Authority, AuthorityFiles
from mtls_lab.certificates.certificate import Certificate
from mtls_lab.certificates.credential import Credential, CredentialFiles
from mtls_lab.certificates.drafts import Purpose
from mtls_lab.certificates.path import CertificationPath, certification_path
from mtls_lab.certificates.service import ServiceSet, issue_set
from mtls_lab.certificates.subject import Subject

__all__ = [
    "Authority",
    "AuthorityFiles",
    "Certificate",
    "CertificationPath",
    "Credential",
    "CredentialFiles",
    "Purpose",
    "ServiceSet",
    "Subject",
    "certification_path",
    "issue_set",
]
