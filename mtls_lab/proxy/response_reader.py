"""Answers from an origin, as `reader` reads them."""

import re

import httptools
from httptools.parser.errors import HttpParserError

from mtls_lab.proxy.fields import Fields
from mtls_lab.proxy.messages import END, Malformed, Response
from mtls_lab.proxy.reader import NONE, VERSIONS, Reader, connection_of, length_of

_PRINTABLE = re.compile(rb"[ -~]*")


class ResponseReader(Reader):
    """Answers from an origin. Call `expect` with the method before each."""

    _reason: bytes
    _head_only: bool
    _spent: bool
    _unasked: bool
    _until_end: bool

    def expect(self, method: bytes) -> None:
        """The next answer is to a request with this method."""
        if self._spent:
            self._begin()
        self._head_only = method == b"HEAD"

    def end(self) -> None:
        """The origin has closed the connection: that ends an answer that says so, and breaks off every other."""
        if self._until_end and self._inside and self._trouble is None:
            self._until_end = False
            self._fields = []
            self.on_message_complete()

    @property
    def clean(self) -> bool:
        """Nothing has arrived that was not taken."""
        return super().clean or (self._spent and not (self._events or self._trouble or self.rest or self._unasked))

    def on_status(self, piece: bytes) -> None:
        self._reason += piece

    def on_headers_complete(self) -> None:
        if self._trouble is not None or not self._bounded():
            return
        fields, by_name = self._take_fields()
        reason, self._reason = self._reason, b""
        try:
            self._events.append(self._response(reason, fields, by_name))
        except Malformed as trouble:
            self._trouble = trouble
            return
        if self._spent:
            self._events.append(END)

    def on_body(self, piece: bytes) -> None:
        if self._spent:
            self._unasked = True
        else:
            super().on_body(piece)

    def on_message_complete(self) -> None:
        if not self._spent:
            super().on_message_complete()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_only = self._spent = self._unasked = self._until_end = self._inside = False
        self._reason = b""

    def _status_of(self, error: HttpParserError, data: bytes) -> int:  # noqa: ARG002  # a request's reader needs them
        return 502

    def _response(self, reason: bytes, fields: Fields, by_name: dict[bytes, list[bytes]]) -> Response:
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        if version not in VERSIONS:
            raise Malformed(502, f"it answers in HTTP/{version}")
        final = status >= 200
        # llhttp cannot be told that the answer to HEAD has no body, so this parser is of no use afterwards.
        self._spent = self._head_only and final
        bodiless = self._spent or not final or status in (204, 304)
        length = 0 if bodiless else length_of(by_name, version, 502, absent=None)
        self._until_end = length is None and b"transfer-encoding" not in by_name
        connection = connection_of(by_name[b"connection"]) if b"connection" in by_name else NONE
        return Response(
            status=status,
            fields=fields,
            length=length,
            reason=reason if _PRINTABLE.fullmatch(reason) else b"",
            keeps=version == "1.1" and b"close" not in connection and not self._until_end,
            connection=connection,
            upgrade=b",".join(by_name.get(b"upgrade", ())).strip().lower() if status == 101 else b"",
        )
