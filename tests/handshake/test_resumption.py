"""Which first bytes could resume a session of TLS 1.2, and that no trick hides it."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab.handshake import VERSIONS, Version
from mtls_lab.handshake.resumption import may_resume

BOTH: tuple[Version, ...] = VERSIONS
OLD: tuple[Version, ...] = ("TLSv1.2",)
NEW: tuple[Version, ...] = ("TLSv1.3",)


def hello(lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> bytes:
    """OpenSSL's own ClientHello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version, context.maximum_version = lowest, highest
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost").do_handshake()
    return sent.read()


V2, V3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ONLY_2, UP_TO_3, ONLY_3 = hello(V2, V2), hello(V2, V3), hello(V3, V3)
WITH_ID = ONLY_2[:43] + b"\x20" + b"i" * 32 + ONLY_2[44:]
WITH_ID = WITH_ID[:3] + (len(WITH_ID) - 5).to_bytes(2, "big") + WITH_ID[5:6] + (len(WITH_ID) - 9).to_bytes(3, "big")
WITH_ID += ONLY_2[9:43] + b"\x20" + b"i" * 32 + ONLY_2[44:]


@pytest.mark.parametrize("versions", [BOTH, OLD, NEW])
def test_a_client_of_tls_1_2_without_an_id_resumes_nothing(versions: tuple[Version, ...]) -> None:
    assert ONLY_2[43] == 0
    assert not may_resume(ONLY_2, versions)


def test_an_id_means_nothing_where_it_leads_to_tls_1_3() -> None:
    assert UP_TO_3[43] == ONLY_3[43] == 32
    assert not may_resume(UP_TO_3, BOTH)
    assert not may_resume(ONLY_3, NEW)


def test_an_id_counts_where_it_leads_to_tls_1_2() -> None:
    assert may_resume(WITH_ID, BOTH)
    assert may_resume(WITH_ID, OLD)
    assert may_resume(UP_TO_3, OLD)


@pytest.mark.parametrize("size", [1, 5, 6, 43, 44, 60, len(WITH_ID) - 1])
def test_a_piece_of_a_hello_with_an_id_is_never_taken_for_harmless(size: int) -> None:
    assert may_resume(WITH_ID[:size], BOTH)


def test_a_hello_in_several_records_is_never_taken_for_harmless() -> None:
    """The byte at the place of the ID's length is then another record's: here 0."""
    handshake = WITH_ID[5:]
    pieces = (
        b"\x16\x03\x01\x00\x22" + handshake[:34] + b"\x16\x03\x01\x00\x00" + b"\x16\x03\x01\x02\x00" + handshake[34:]
    )
    forged = pieces[:43] + b"\x00" + pieces[44:]

    assert may_resume(pieces, BOTH)
    assert may_resume(forged, BOTH)


def test_tls_1_3_that_is_claimed_outside_the_hello_does_not_count() -> None:
    assert may_resume(WITH_ID + UP_TO_3, BOTH)


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x08\x04\xd2\x16\x2f"])
def test_what_is_not_tls_resumes_nothing(first: bytes) -> None:
    assert not may_resume(first, BOTH)


@given(st.binary(max_size=40), st.integers(0, len(UP_TO_3)), st.integers(0, 40))
def test_no_bytes_whatever_raise(noise: bytes, at: int, cut: int) -> None:
    may_resume(UP_TO_3[:at] + noise + UP_TO_3[at + cut :], BOTH)
    may_resume(noise, BOTH)
