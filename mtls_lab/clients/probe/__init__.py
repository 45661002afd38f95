"""A real endpoint, probed as a careful client would: `probe("https://localhost:8443")`."""

from mtls_lab.certificates.remark import Remark
from mtls_lab.clients.probe.conversation import Conversation
from mtls_lab.clients.probe.demands import Demands
from mtls_lab.clients.probe.probe import probe
from mtls_lab.clients.probe.report import Report

__all__ = ["Conversation", "Demands", "Remark", "Report", "probe"]
