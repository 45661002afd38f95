"""Requests from a client, as `reader` reads them."""

import re
from collections.abc import Sequence

import httptools
from httptools.parser.errors import HttpParserError, HttpParserInvalidMethodError

from mtls_lab.proxy.fields import Fields, members
from mtls_lab.proxy.messages import Malformed, Request
from mtls_lab.proxy.reader import LONGEST_HEAD, NONE, VERSIONS, Reader, connection_of, length_of

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]+)(?::[0-9]{0,5})?")
_REQUEST_LINE = re.compile(rb"(?:^|\r\n)[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]\r\n")


class RequestReader(Reader):
    """Requests from a client."""

    _target: bytes

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_headers_complete(self) -> None:
        if self._trouble is not None or not self._bounded():
            return
        target, self._target = self._target, b""
        if len(target) > LONGEST_HEAD:
            self._refuse(414, f"the request's target has more than {LONGEST_HEAD} bytes")
            return
        fields, by_name = self._take_fields()
        try:
            self._events.append(self._request(target, fields, by_name))
        except Malformed as trouble:
            self._trouble = trouble

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""

    def _status_of(self, error: HttpParserError, data: bytes) -> int:
        if isinstance(error, HttpParserInvalidMethodError) and _REQUEST_LINE.search(data):
            return 501  # llhttp knows every registered method; RFC 9110 section 9.1
        return 505 if "PRI/Upgrade" in str(error) else 400

    def _request(self, target: bytes, fields: Fields, by_name: dict[bytes, list[bytes]]) -> Request:
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if version not in VERSIONS:
            raise Malformed(505, "this proxy speaks HTTP/1.1")
        if method == b"CONNECT":
            raise Malformed(501, "this is a reverse proxy: it opens no tunnels (CONNECT)")
        target, host = _asked_for(method, target, by_name.get(b"host", ()), version)
        if len(by_name) == 1 and b"host" in by_name:  # nothing is said of framing
            return Request(method, target, host, fields, 0, version, version == "1.1")
        length = length_of(by_name, version, 501)
        connection = connection_of(by_name[b"connection"]) if b"connection" in by_name else NONE
        upgrade = b""
        if self._parser.should_upgrade():
            upgrade = b",".join(by_name[b"upgrade"]).strip().lower()
            if length != 0:
                raise Malformed(501, "a request with a body cannot ask for another protocol here")
        return Request(
            method=method,
            target=target,
            host=host,
            fields=fields,
            length=length,
            version=version,
            keeps=version == "1.1" and b"close" not in connection,
            waits=b"expect" in by_name and b"100-continue" in members(by_name[b"expect"]) and version == "1.1",
            upgrade=upgrade,
            connection=connection,
        )


def _asked_for(method: bytes, target: bytes, hosts: Sequence[bytes], version: str) -> tuple[bytes, bytes]:
    """The target in origin form, and the authority (RFC 9112 section 3.2)."""
    if len(hosts) != 1 and (hosts or version == "1.1"):
        raise Malformed(400, "a request has one Host field (RFC 9112 section 3.2)")
    host = hosts[0] if hosts else b""
    if host and _HOST.fullmatch(host) is None:
        raise Malformed(400, "Host is no host with an optional port (RFC 9112 section 3.2)")
    if b"#" in target:
        raise Malformed(400, "the request's target has a fragment, which is the client's own business")
    if target[:1] == b"/":
        return target, host
    if target == b"*":
        if method == b"OPTIONS":
            return target, host
        raise Malformed(400, "the target * is for OPTIONS (RFC 9112 section 3.2.4)")
    scheme, _, after = target.partition(b"://")
    if scheme.lower() not in (b"http", b"https"):
        raise Malformed(400, "the request's target must begin with / (RFC 9112 section 3.2)")
    # Absolute form: its authority counts, not Host (section 3.2.2).
    authority = re.split(rb"[/?]", after, maxsplit=1)[0]
    if _HOST.fullmatch(authority) is None:
        raise Malformed(400, "the request's target names no host (RFC 9110 section 4.2.1)")
    path = after[len(authority) :]
    return path if path[:1] == b"/" else b"/" + path, authority
