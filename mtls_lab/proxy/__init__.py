"""The TLS-terminating reverse proxy: plays a scenario's server on a real port (RFC 9110 section 3.7: a gateway)."""

from mtls_lab.proxy.proxy import Proxy

__all__ = ["Proxy"]
