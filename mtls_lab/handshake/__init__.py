"""The handshake: settings in, a record of what both sides saw out, and why it ended as it did."""

from mtls_lab.handshake.alerts import Alert
from mtls_lab.handshake.connection import TLSConnection
from mtls_lab.handshake.contexts import CannotLoad, KeyLog, build_context
from mtls_lab.handshake.explain import explain
from mtls_lab.handshake.explanation import Explanation, Fix
from mtls_lab.handshake.messages import VERSIONS, Message, Role, Version, Wire
from mtls_lab.handshake.rehearse import rehearse, rehearse_all
from mtls_lab.handshake.values import (
    CLIENT_LEVELS,
    SERVER_LEVELS,
    ClientLevel,
    Endpoint,
    Failure,
    Handshake,
    Scenario,
    ServerLevel,
    Side,
)
from mtls_lab.handshake.verify_codes import verify_code_name

__all__ = [
    "CLIENT_LEVELS",
    "SERVER_LEVELS",
    "VERSIONS",
    "Alert",
    "CannotLoad",
    "ClientLevel",
    "Endpoint",
    "Explanation",
    "Failure",
    "Fix",
    "Handshake",
    "KeyLog",
    "Message",
    "Role",
    "Scenario",
    "ServerLevel",
    "Side",
    "TLSConnection",
    "Version",
    "Wire",
    "build_context",
    "explain",
    "rehearse",
    "rehearse_all",
    "verify_code_name",
]
