"""What a handshake message says, field by field: RFC 8446 section 4 and RFC 5246 section 7.4.

Readers take a `Cursor` over the message's body and give (field, text) pairs in a fixed order. They leave out what
is random (randoms, session ids, key shares, signatures) and every length. A reader that runs off the end raises
`Malformed`; `describe` turns that into a detail, so nothing a peer sends can raise further up.
"""

from collections.abc import Callable

from mtls_lab.handshake.wire.code_points import (
    CERTIFICATE_TYPES,
    CIPHER_SUITES,
    COMPRESSIONS,
    EXTENSIONS,
    GROUPS,
    SIGNATURE_SCHEMES,
    VERSIONS,
    is_grease,
    name_of,
)
from mtls_lab.handshake.wire.distinguished_names import NotAName, distinguished_name
from mtls_lab.handshake.wire.fields import (
    Cursor,
    Malformed,
    ServerHello,
    extensions_of,
    is_tls13,
    read_certificates,
    read_server_hello,
    skip_to_suites,
)

Details = tuple[tuple[str, str], ...]

_LIMIT = 64
"""No list in `details` is longer: a hostile hello may hold 32,000 cipher suites."""


def describe(name: str, message: bytes, hello: ServerHello | None) -> Details:
    """The fields of a handshake message (header included); a last field `problem` where it could not be read."""
    if name not in _READERS:
        return ()
    try:
        return _READERS[name](Cursor(message[4:]), hello)
    except Malformed:
        return (("problem", "malformed"),)


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def _listed(texts: list[str], comma: str = ", ") -> str:
    return comma.join([*texts[:_LIMIT], "..."] if len(texts) > _LIMIT else texts)


def _numbers(data: bytes, table: dict[int, str]) -> str:
    cursor = Cursor(data)
    found: list[str] = []
    while cursor.more and len(found) <= _LIMIT:
        found.append(name_of(table, cursor.number(2)))
    return _listed(found)


def _vector_of_numbers(table: dict[int, str], *, prefix: int = 2) -> Callable[[bytes], str]:
    return lambda data: _numbers(Cursor(data).vector(prefix), table)


def _server_name(data: bytes) -> str:
    cursor = Cursor(Cursor(data).vector(2))
    cursor.take(1)  # name_type: host_name is the only one (RFC 6066 section 3)
    return _text(cursor.vector(2))


def _key_shares(data: bytes) -> str:
    cursor = Cursor(Cursor(data).vector(2))
    found: list[str] = []
    while cursor.more and len(found) <= _LIMIT:
        found.append(name_of(GROUPS, cursor.number(2)))
        cursor.vector(2)
    return _listed(found)


def _protocols(data: bytes) -> str:
    cursor = Cursor(Cursor(data).vector(2))
    found: list[str] = []
    while cursor.more and len(found) <= _LIMIT:
        name = cursor.vector(1)
        # A GREASE protocol is two bytes, drawn at random (RFC 8701 section 3.1).
        found.append("GREASE" if len(name) == 2 and is_grease(int.from_bytes(name, "big")) else _text(name))
    return _listed(found)


def _authorities(data: bytes) -> str:
    cursor = Cursor(Cursor(data).vector(2))
    found: list[str] = []
    while cursor.more and len(found) <= _LIMIT:
        der = cursor.vector(2)
        try:
            found.append(_text(distinguished_name(der).encode()))
        except NotAName:
            found.append("malformed")
    return _listed(found, "; ") or "none named"


def _present(word: str) -> Callable[[bytes], str]:
    return lambda _: word


_OFFERED: dict[int, Callable[[bytes], str]] = {
    0: _server_name,
    43: _vector_of_numbers(VERSIONS, prefix=1),
    10: _vector_of_numbers(GROUPS),
    51: _key_shares,
    13: _vector_of_numbers(SIGNATURE_SCHEMES),
    50: _vector_of_numbers(SIGNATURE_SCHEMES),
    16: _protocols,
    47: _authorities,
    49: _present("offered"),
    41: _present("offered"),
    42: _present("offered"),
}
"""What a ClientHello's extensions say, in the order in which it is shown."""


def _client_hello(cursor: Cursor, _: ServerHello | None) -> Details:
    version = skip_to_suites(cursor)
    suites = _numbers(cursor.vector(2), CIPHER_SUITES)
    cursor.vector(1)
    extensions = extensions_of(cursor)
    found = [] if 43 in extensions else [("version", name_of(VERSIONS, version))]
    found.append(("cipher_suites", suites))
    found.extend(
        (EXTENSIONS[number], read(extensions[number])) for number, read in _OFFERED.items() if number in extensions
    )
    # Some clients shuffle their extensions, and padding depends on lengths: sorted, so that it is the same every time.
    shown = [name_of(EXTENSIONS, one) for one in sorted(extensions) if one != 21 and not is_grease(one)]
    return (*found, ("extensions", _listed(shown)))


def _server_hello(cursor: Cursor, _: ServerHello | None) -> Details:
    hello = read_server_hello(b"\0\0\0\0" + cursor.left)
    if hello is None:
        raise Malformed("ServerHello")
    found = [("version", hello.version), ("cipher_suite", hello.cipher_suite)]
    if 51 in hello.extensions:
        found.append(("group", name_of(GROUPS, Cursor(hello.extensions[51]).number(2))))
    if 16 in hello.extensions:
        found.append((EXTENSIONS[16], _protocols(hello.extensions[16])))
    found.extend(
        (EXTENSIONS[one], word) for one, word in ((41, "accepted"), (44, "present")) if one in hello.extensions
    )
    return tuple(found)


def _encryptedextensions(cursor: Cursor, _: ServerHello | None) -> Details:
    extensions = extensions_of(cursor)
    found = [("server_name", "acknowledged")] if 0 in extensions else []
    if 16 in extensions:
        found.append((EXTENSIONS[16], _protocols(extensions[16])))
    if 42 in extensions:
        found.append(("early_data", "accepted"))
    return tuple(found)


def _certificate_request(cursor: Cursor, hello: ServerHello | None) -> Details:
    if is_tls13(hello):
        cursor.vector(1)
        extensions = extensions_of(cursor)
        schemes = _numbers(Cursor(extensions.get(13, b"\0\0")).vector(2), SIGNATURE_SCHEMES)
        return (
            ("signature_algorithms", schemes),
            ("certificate_authorities", _authorities(extensions.get(47, b"\0\0"))),
        )
    types = [CERTIFICATE_TYPES.get(one, f"0x{one:02x}") for one in cursor.vector(1)]
    schemes = _numbers(cursor.vector(2), SIGNATURE_SCHEMES)
    names = cursor.vector(2)
    return (
        ("certificate_types", _listed(types)),
        ("signature_algorithms", schemes),
        ("certificate_authorities", _authorities(len(names).to_bytes(2, "big") + names)),
    )


def _certificate(cursor: Cursor, hello: ServerHello | None) -> Details:
    found = read_certificates(b"\0\0\0\0" + cursor.left, hello)
    if found is None:
        raise Malformed("Certificate")
    return (("certificates", str(len(found))),)


def _server_key_exchange(cursor: Cursor, hello: ServerHello | None) -> Details:
    if hello is None or "_ECDHE_" not in hello.cipher_suite or "_PSK_" in hello.cipher_suite or cursor.number(1) != 3:
        return ()  # only named curves (RFC 8422 section 5.4) are taken apart
    group = name_of(GROUPS, cursor.number(2))
    cursor.vector(1)
    return (("group", group), ("algorithm", name_of(SIGNATURE_SCHEMES, cursor.number(2))))


def _certificate_verify(cursor: Cursor, _: ServerHello | None) -> Details:
    return (("algorithm", name_of(SIGNATURE_SCHEMES, cursor.number(2))),)


def _new_session_ticket(cursor: Cursor, hello: ServerHello | None) -> Details:
    lifetime = f"{cursor.number(4)} s"
    return (("ticket_lifetime" if is_tls13(hello) else "ticket_lifetime_hint", lifetime),)


def _key_update(cursor: Cursor, _: ServerHello | None) -> Details:
    word = {0: "update_not_requested", 1: "update_requested"}
    asked = cursor.number(1)
    return (("request_update", word.get(asked, f"0x{asked:02x}")),)


def _certificate_status(cursor: Cursor, _: ServerHello | None) -> Details:
    kind = cursor.number(1)
    return (("status_type", "ocsp" if kind == 1 else f"0x{kind:02x}"),)


def _compressed_certificate(cursor: Cursor, _: ServerHello | None) -> Details:
    return (("algorithm", name_of(COMPRESSIONS, cursor.number(2))),)


_READERS: dict[str, Callable[[Cursor, ServerHello | None], Details]] = {
    "ClientHello": _client_hello,
    "ServerHello": _server_hello,
    "HelloRetryRequest": _server_hello,
    "EncryptedExtensions": _encryptedextensions,
    "CertificateRequest": _certificate_request,
    "Certificate": _certificate,
    "CertificateStatus": _certificate_status,
    "CompressedCertificate": _compressed_certificate,
    "ServerKeyExchange": _server_key_exchange,
    "CertificateVerify": _certificate_verify,
    "NewSessionTicket": _new_session_ticket,
    "KeyUpdate": _key_update,
}
