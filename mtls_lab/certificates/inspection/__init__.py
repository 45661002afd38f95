"""Certificates and keys looked over by themselves: a chain as it was sent, or files as they lie there."""

from mtls_lab.certificates.inspection.chain import MOST_CERTIFICATES, inspect_chain
from mtls_lab.certificates.inspection.files import inspect_files, needs_password
from mtls_lab.certificates.inspection.pem_files import holds_key
from mtls_lab.certificates.inspection.report import FilesReport
from mtls_lab.certificates.inspection.rules import NAME, PATH
from mtls_lab.certificates.inspection.setting import Setting, short_name
from mtls_lab.certificates.inspection.summary import describe, summary

__all__ = [
    "MOST_CERTIFICATES",
    "NAME",
    "PATH",
    "FilesReport",
    "Setting",
    "describe",
    "holds_key",
    "inspect_chain",
    "inspect_files",
    "needs_password",
    "short_name",
    "summary",
]
