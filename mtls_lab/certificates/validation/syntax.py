"""What certificates, revocation lists and their extensions look like (RFC 5280), for `ber` to read."""

from collections.abc import Iterator
from typing import Any

from mtls_lab.certificates.validation.ber import (
    BIT_STRING,
    BOOLEAN,
    DIRECTORY_STRING,
    IA5_STRING,
    INTEGER,
    OBJECT,
    OCTET_STRING,
    TIME,
    Field,
    Kind,
    MalformedError,
    anything,
    choice,
    primitive,
    sequence,
    sequence_of,
)
from mtls_lab.certificates.validation.distinguished_names import NAME, RELATIVE_NAME


def read(kind: Kind, data: bytes) -> tuple[Any, int]:
    """The value at the beginning of `data`, and where it ends. Raises MalformedError."""
    try:
        found = kind(data, 0, len(data), None)
    except (IndexError, RecursionError) as error:
        raise MalformedError("it ends too early or is nested too deeply") from error
    if found is None:
        raise MalformedError("it is something else")
    return found


def _fields(*required: tuple[str, Kind]) -> Iterator[Field]:
    return (Field(name=name, kind=kind) for name, kind in required)


def _optional(name: str, kind: Kind, *, implicit: int | None = None, explicit: int | None = None) -> Field:
    return Field(name=name, kind=kind, implicit=implicit, explicit=explicit, optional=True)


ALGORITHM = sequence(Field(name="oid", kind=OBJECT), _optional("parameters", anything))
EXTENSION = sequence(
    Field(name="oid", kind=OBJECT), _optional("critical", BOOLEAN), Field(name="value", kind=OCTET_STRING)
)
KEY = sequence(*_fields(("algorithm", ALGORITHM), ("key", BIT_STRING)))
_VALIDITY = sequence(*_fields(("not_before", TIME), ("not_after", TIME)))
_TO_BE_SIGNED = sequence(
    _optional("version", INTEGER, explicit=0),
    *_fields(
        ("serial_number", INTEGER),
        ("algorithm", ALGORITHM),
        ("issuer", NAME),
        ("validity", _VALIDITY),
        ("subject", NAME),
        ("key", KEY),
    ),
    _optional("issuer_id", BIT_STRING, implicit=1),
    _optional("subject_id", BIT_STRING, implicit=2),
    _optional("extensions", sequence_of(EXTENSION), explicit=3),
)
CERTIFICATE = sequence(*_fields(("tbs", _TO_BE_SIGNED), ("algorithm", ALGORITHM), ("signature", BIT_STRING)))
_REVOKED = sequence(
    *_fields(("serial_number", INTEGER), ("date", TIME)), _optional("extensions", sequence_of(EXTENSION))
)
_LIST = sequence(
    _optional("version", INTEGER),
    *_fields(("algorithm", ALGORITHM), ("issuer", NAME), ("this_update", TIME)),
    _optional("next_update", TIME),
    _optional("revoked", sequence_of(_REVOKED)),
    _optional("extensions", sequence_of(EXTENSION), explicit=0),
)
REVOCATION_LIST = sequence(*_fields(("tbs", _LIST), ("algorithm", ALGORITHM), ("signature", BIT_STRING)))

_OTHER_NAME = sequence(Field(name="kind", kind=OBJECT), Field(name="value", kind=anything, explicit=0))
_PARTY_NAME = sequence(
    _optional("assigner", DIRECTORY_STRING, explicit=0), Field(name="party", kind=DIRECTORY_STRING, explicit=1)
)
GENERAL_NAME = choice(
    Field(name="otherName", kind=_OTHER_NAME, implicit=0),
    Field(name="email", kind=IA5_STRING, implicit=1),
    Field(name="DNS", kind=IA5_STRING, implicit=2),
    Field(name="x400", kind=sequence_of(anything), implicit=3),
    Field(name="dirName", kind=NAME, explicit=4),
    Field(name="ediParty", kind=_PARTY_NAME, implicit=5),
    Field(name="URI", kind=IA5_STRING, implicit=6),
    Field(name="IP", kind=OCTET_STRING, implicit=7),
    Field(name="RID", kind=OBJECT, implicit=8),
)
GENERAL_NAMES = sequence_of(GENERAL_NAME)
_SUBTREE = sequence(
    Field(name="base", kind=GENERAL_NAME),
    _optional("minimum", INTEGER, implicit=0),
    _optional("maximum", INTEGER, implicit=1),
)
NAME_CONSTRAINTS = sequence(
    _optional("permitted", sequence_of(_SUBTREE), implicit=0),
    _optional("excluded", sequence_of(_SUBTREE), implicit=1),
)
BASIC_CONSTRAINTS = sequence(_optional("ca", BOOLEAN), _optional("path_length", INTEGER))
KEY_PURPOSES = sequence_of(OBJECT)
AUTHORITY_KEY_IDENTIFIER = sequence(
    _optional("key", OCTET_STRING, implicit=0),
    _optional("issuer", GENERAL_NAMES, implicit=1),
    _optional("serial_number", INTEGER, implicit=2),
)
_POINT_NAME = choice(
    Field(name="full", kind=GENERAL_NAMES, implicit=0), Field(name="relative", kind=RELATIVE_NAME, implicit=1)
)
_POINT = sequence(
    _optional("name", _POINT_NAME, explicit=0),
    _optional("reasons", BIT_STRING, implicit=1),
    _optional("issuer", GENERAL_NAMES, implicit=2),
)
DISTRIBUTION_POINTS = sequence_of(_POINT)
ISSUING_POINT = sequence(
    _optional("name", _POINT_NAME, explicit=0),
    _optional("only_users", BOOLEAN, implicit=1),
    _optional("only_authorities", BOOLEAN, implicit=2),
    _optional("reasons", BIT_STRING, implicit=3),
    _optional("indirect", BOOLEAN, implicit=4),
    _optional("only_attributes", BOOLEAN, implicit=5),
)
_PROXY_POLICY = sequence(Field(name="language", kind=OBJECT), _optional("policy", OCTET_STRING))
PROXY_INFORMATION = sequence(_optional("path_length", INTEGER), Field(name="policy", kind=_PROXY_POLICY))

_RANGE = sequence(*_fields(("min", BIT_STRING), ("max", BIT_STRING)))
_RANGES = sequence_of(choice(Field(name="prefix", kind=BIT_STRING), Field(name="range", kind=_RANGE)))
_NULL = primitive(5)
ADDRESS_BLOCKS = sequence_of(
    sequence(
        Field(name="family", kind=OCTET_STRING),
        Field(name="addresses", kind=choice(Field(name="inherit", kind=_NULL), Field(name="ranges", kind=_RANGES))),
    )
)
_NUMBER_RANGE = sequence(*_fields(("min", INTEGER), ("max", INTEGER)))
_NUMBERS = choice(
    Field(name="inherit", kind=_NULL),
    Field(
        name="ranges",
        kind=sequence_of(choice(Field(name="id", kind=INTEGER), Field(name="range", kind=_NUMBER_RANGE))),
    ),
)
SYSTEM_NUMBERS = sequence(_optional("numbers", _NUMBERS, explicit=0), _optional("domains", _NUMBERS, explicit=1))
PSS_PARAMETERS = sequence(
    _optional("hash", ALGORITHM, explicit=0),
    _optional("mask", ALGORITHM, explicit=1),
    _optional("salt_length", INTEGER, explicit=2),
    _optional("trailer", INTEGER, explicit=3),
)
# OpenSSL takes these as they come: without a sign, padded or not.
_UNSIGNED = primitive(2, int.from_bytes)
RSA_KEY = sequence(*_fields(("n", _UNSIGNED), ("e", _UNSIGNED)))
SEQUENCE_OF_ANYTHING = sequence_of(anything)
