"""Fields on their way through the proxy: ours are true, the client's claims are gone."""

import base64

import pytest

from mtls_lab.proxy import fields
from mtls_lab.proxy.fields import Caller

ALICE = Caller(address="127.0.0.1", port=8443, chain=(b"leaf", b"intermediate", b"another"))
NOBODY = Caller(address="127.0.0.1", port=8443, chain=())

CLAIMS = [
    "Client-Cert", "client-cert", "CLIENT_CERT", "Client_Cert", "client.cert", "Client-Cert-Chain", "client_cert_chain",
    "X-Forwarded-For", "x_forwarded_for", "X-Forwarded-Client-Cert", "X-Forwarded-Proto", "X-Forwarded-Host",
    "X-Forwarded-Port", "X-Forwarded", "Forwarded", "FORWARDED", "X-SSL-Client-Verify", "x_ssl_cert", "X-SSL",
    "X-Client-Cert", "X_CLIENT_DN", "SSL-Client-Verify", "ssl_client_subject_dn", "X-Real-IP", "x_real_ip", "Proxy",
]  # fmt: skip
INNOCENT = ["Client", "X-Requested-With", "Authorization", "Cookie", "Cert", "X-Forward", "XClient-Cert", "Via"]


def received(*names: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), b"spoofed") for name in names]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_of_identity_is_stripped_however_it_is_spelled(name: str) -> None:
    passed = fields.for_origin(received(name, name), NOBODY, host=b"localhost")

    assert b"spoofed" not in [value for _, value in passed]


@pytest.mark.parametrize("name", INNOCENT)
def test_other_fields_pass_in_their_own_spelling(name: str) -> None:
    passed = fields.for_origin(received(name), NOBODY, host=b"localhost")

    assert (name.encode(), b"spoofed") in passed


def test_what_the_proxy_knows_is_said_once_in_its_own_name() -> None:
    passed = dict(fields.for_origin(received(*CLAIMS), NOBODY, host=b"shop.example"))

    assert passed == {
        b"Via": b"1.1 mtls-lab",
        b"Forwarded": b'for=127.0.0.1;host="shop.example";proto=https',
        b"X-Forwarded-For": b"127.0.0.1",
        b"X-Forwarded-Proto": b"https",
        b"X-Forwarded-Host": b"shop.example",
        b"X-Forwarded-Port": b"8443",
    }


def test_a_verified_certificate_is_a_byte_sequence_and_the_chain_a_list_of_them() -> None:
    passed = dict(fields.for_origin([], ALICE, host=b"localhost"))

    encoded = [b":" + base64.b64encode(der) + b":" for der in ALICE.chain]
    assert passed[b"Client-Cert"] == encoded[0]
    assert passed[b"Client-Cert-Chain"] == b", ".join(encoded[1:])
    assert fields.read_client_cert(passed.items()) == b"leaf"


def test_a_connection_field_cannot_take_ours_off() -> None:
    wish = [(b"Connection", b"client-cert, x-forwarded-for, host, content-length, x-own"), (b"X-Own", b"1")]

    passed = dict(fields.for_origin([*wish, (b"Content-Length", b"3")], ALICE, host=b"localhost"))

    assert {b"Client-Cert", b"X-Forwarded-For", b"Content-Length"} <= passed.keys()
    assert not {b"Connection", b"X-Own"} & passed.keys()


@pytest.mark.parametrize("name", ["Keep-Alive", "TE", "Upgrade", "Transfer-Encoding", "Proxy-Connection", "connection"])
def test_fields_for_one_connection_end_here(name: str) -> None:
    assert fields.passed_on(received(name)) == []


def test_content_length_gives_way_to_transfer_encoding() -> None:
    assert fields.passed_on([(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")]) == []


def test_trailers_pass_without_claims_framing_or_secrets() -> None:
    after = [(b"Digest", b"x"), *received("Client_Cert", "Content-Length", "Authorization", "Connection")]

    assert fields.trailers(after) == [(b"Digest", b"x")]


@pytest.mark.parametrize("value", [b"", b"leaf", b":not base64:", b":bGVhZg=="])
def test_a_field_that_is_no_byte_sequence_is_nobody(value: bytes) -> None:
    assert fields.read_client_cert([(b"Client-Cert", value)]) is None
