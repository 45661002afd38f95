"""The judge: OpenSSL's own libcrypto, asked through ctypes as its TLS asks it, and made to go on after each problem.

Needed because nobody has the keys of the certificates that others published: a handshake cannot be had with them, a
verdict can. `openssl verify` would do, at ten milliseconds a case; this takes a fraction of one.
"""

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import pytest

TRUSTED_FIRST, STRICT, PARTIAL_CHAIN, CRL_CHECK = 0x8000, 0x20, 0x80000, 0x4
# No partial wildcards, no common names: what Python's `ssl` sets in `handshake.contexts`.
HOST_FLAGS = 0x4 | 0x20
UNSPECIFIED = 1

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_POINTERS = [
    "d2i_X509",
    "d2i_X509_CRL",
    "X509_STORE_new",
    "X509_STORE_CTX_new",
    "X509_STORE_CTX_get0_param",
    "X509_STORE_CTX_get0_chain",
    "OPENSSL_sk_new_null",
]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What OpenSSL said."""

    problems: tuple[tuple[int, int], ...]
    """Verify code and depth, in order; () when it accepts."""
    readable: bool
    """It could read every certificate that was sent."""
    length: int
    """How many certificates its path has."""

    @property
    def first(self) -> tuple[int, int]:
        """Where it stops by default."""
        return self.problems[0] if self.problems else (0, 0)


class OpenSSL:
    """libcrypto of the system."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("crypto")
        if name is None:
            _miss("libcrypto is not installed")
        self._lib = ctypes.CDLL(name)
        for function in _POINTERS:
            getattr(self._lib, function).restype = ctypes.c_void_p
        self._lib.OpenSSL_version.restype = ctypes.c_char_p
        self.version: str = self._lib.OpenSSL_version(0).decode()
        if not self.version.startswith("OpenSSL 3."):
            _miss(f"the rules are those of OpenSSL 3, the system has {self.version}")

    def verdict(
        self,
        chain: tuple[bytes, ...],
        *,
        trusts: tuple[bytes, ...],
        at: datetime,
        purpose: str,
        server_name: str | None = None,
        crls: tuple[bytes, ...] | None = None,
        strict: bool = False,
        partial_chain: bool = False,
        security_level: int = 2,
    ) -> Verdict:
        """Judge a chain as `ssl` would have it judged in a handshake."""
        with self._certificates(chain) as sent, self._certificates(trusts) as anchors, self._lists(crls or ()) as lists:
            if not all(sent):
                return Verdict(problems=((UNSPECIFIED, 0),), readable=False, length=0)
            flags = TRUSTED_FIRST | STRICT * strict | PARTIAL_CHAIN * partial_chain | CRL_CHECK * (crls is not None)
            with self._context(sent, anchors, lists) as context:
                lib, parameters = self._lib, self._pointer(self._lib.X509_STORE_CTX_get0_param, context)
                lib.X509_VERIFY_PARAM_set_auth_level(parameters, security_level)
                default = b"ssl_server" if purpose == "serverAuth" else b"ssl_client"
                assert lib.X509_STORE_CTX_set_default(context, default) == 1
                assert lib.X509_VERIFY_PARAM_set_flags(parameters, ctypes.c_ulong(flags)) == 1
                lib.X509_VERIFY_PARAM_set_time(parameters, ctypes.c_long(int(at.timestamp())))
                lib.X509_VERIFY_PARAM_set_hostflags(parameters, HOST_FLAGS)
                if server_name is not None:
                    name = server_name.encode("idna")
                    if lib.X509_VERIFY_PARAM_set1_ip_asc(parameters, name) != 1:
                        assert lib.X509_VERIFY_PARAM_set1_host(parameters, name, ctypes.c_size_t(0)) == 1
                return self._run(context)

    def _run(self, context: ctypes.c_void_p) -> Verdict:
        lib, problems = self._lib, list[tuple[int, int]]()

        def go_on(ok: int, _context: int) -> int:
            if not ok:
                code = lib.X509_STORE_CTX_get_error(context)
                problems.append((code, lib.X509_STORE_CTX_get_error_depth(context)))
            return 1

        callback = _CALLBACK(go_on)
        lib.X509_STORE_CTX_set_verify_cb(context, callback)
        if lib.X509_verify_cert(context) <= 0 and not problems:
            # It gave up without a word to the callback.
            problems.append((lib.X509_STORE_CTX_get_error(context), lib.X509_STORE_CTX_get_error_depth(context)))
        lib.ERR_clear_error()
        path = self._pointer(lib.X509_STORE_CTX_get0_chain, context)
        return Verdict(problems=tuple(problems), readable=True, length=lib.OPENSSL_sk_num(path))

    @contextmanager
    def _certificates(self, ders: tuple[bytes, ...]) -> Iterator[list[ctypes.c_void_p | None]]:
        made = [self._decode(self._lib.d2i_X509, der, whole=True) for der in ders]
        yield made
        for one in made:
            self._lib.X509_free(one)

    @contextmanager
    def _lists(self, ders: tuple[bytes, ...]) -> Iterator[list[ctypes.c_void_p | None]]:
        # `ssl` takes lists from PEM files, where OpenSSL does not ask what follows the DER.
        made = [self._decode(self._lib.d2i_X509_CRL, der, whole=False) for der in ders]
        yield made
        for one in made:
            self._lib.X509_CRL_free(one)

    def _decode(self, function: Any, der: bytes, *, whole: bool) -> ctypes.c_void_p | None:
        buffer = ctypes.create_string_buffer(der, len(der))
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        found = function(None, ctypes.byref(position), ctypes.c_long(len(der)))
        self._lib.ERR_clear_error()
        if found is None:
            return None
        if not whole or position.value == ctypes.addressof(buffer) + len(der):
            return ctypes.c_void_p(found)
        self._lib.X509_free(ctypes.c_void_p(found))
        return None

    @contextmanager
    def _context(
        self,
        sent: list[ctypes.c_void_p | None],
        anchors: list[ctypes.c_void_p | None],
        lists: list[ctypes.c_void_p | None],
    ) -> Iterator[ctypes.c_void_p]:
        lib = self._lib
        store, stack = self._pointer(lib.X509_STORE_new), self._pointer(lib.OPENSSL_sk_new_null)
        context = self._pointer(lib.X509_STORE_CTX_new)
        for one in filter(None, anchors):
            assert lib.X509_STORE_add_cert(store, one) == 1
        for one in filter(None, lists):
            assert lib.X509_STORE_add_crl(store, one) == 1
        for certificate in sent:
            lib.OPENSSL_sk_push(stack, certificate)
        assert lib.X509_STORE_CTX_init(context, store, sent[0], stack) == 1
        yield context
        lib.X509_STORE_CTX_free(context)
        lib.OPENSSL_sk_free(stack)
        lib.X509_STORE_free(store)

    @staticmethod
    def _pointer(function: Any, *arguments: Any) -> ctypes.c_void_p:
        return ctypes.c_void_p(function(*arguments))


def _miss(reason: str) -> NoReturn:
    if os.environ.get("MTLS_LAB_REQUIRE") == "1":
        pytest.fail(f"{reason}, and MTLS_LAB_REQUIRE=1 wants every tool")
    pytest.skip(reason)
