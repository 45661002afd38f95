"""Door 2: settings of the gateway's side entrance."""

from dataclasses import replace
from random import Random

from mtls_lab.certificates.crl import crl
from mtls_lab.exercises.escape_room.bank import fault
from mtls_lab.exercises.escape_room.room import EscapeRoom

_DOOR = 2


def _require(room: EscapeRoom) -> None:
    room.side = replace(room.side, verifies="required")


def _trust_the_root(room: EscapeRoom) -> None:
    room.side = replace(room.side, trusts=(room.root.certificate,))


def _allow_both_versions(room: EscapeRoom) -> None:
    room.side = replace(room.side, versions=None)


def _take_the_list(room: EscapeRoom) -> None:
    room.side = replace(room.side, crls=(crl(room.issuing, (room.stolen,)),))


@fault(
    _DOOR,
    level=1,
    mends=_require,
    hints=(
        "The robot got in. Did anybody look at its certificate?",
        "show(room.evidence(2).handshake): is there a CertificateRequest? What is room.side.verifies?",
        'room.side = replace(room.side, verifies="required")',
    ),
)
def never_asks(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, verifies="none")


@fault(
    _DOOR,
    level=2,
    mends=_require,
    hints=(
        "Mallory's certificate is refused, and somebody is in all the same. Who?",
        "A server's level is none, optional or required. Which one lets in who shows nothing?",
        'room.side = replace(room.side, verifies="required")',
    ),
)
def optional(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, verifies="optional")


@fault(
    _DOOR,
    level=2,
    mends=_trust_the_root,
    hints=(
        "The robot's certificate is good: show(room.people['robot']). So what does the entrance compare it with?",
        "room.side.trusts[0] has the right name. Has it the key of room.root.certificate?",
        "It is a twin: room.side = replace(room.side, trusts=(room.root.certificate,))",
    ),
)
def trusts_a_twin(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, trusts=(room.cast.twin.certificate,))


@fault(
    _DOOR,
    level=2,
    mends=_trust_the_root,
    hints=(
        "Everybody whom you meant is in, and somebody whom you did not mean. Who vouches for her?",
        "room.side.trusts holds more than one root. Each of them vouches for everybody whom it likes.",
        "room.side = replace(room.side, trusts=(room.root.certificate,))",
    ),
)
def trusts_everybodys_authority(room: EscapeRoom, _chance: Random) -> None:
    # With a list of that authority's: without one its clients would be refused for want of it.
    lists = (room.cast.list_of_today(), crl(room.cast.public))
    room.side = replace(room.side, trusts=(room.root.certificate, room.cast.public.certificate), crls=lists)


@fault(
    _DOOR,
    level=1,
    mends=_allow_both_versions,
    hints=(
        "No certificate was sent at all. What did the two ends have to agree on before that?",
        "The robot speaks TLS 1.3 and nothing else. What does room.side.versions allow?",
        "room.side = replace(room.side, versions=None)",
    ),
)
def old_versions_only(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, versions=("TLSv1.2",))


@fault(
    _DOOR,
    level=2,
    mends=_take_the_list,
    hints=(
        "The stolen robot's certificate was revoked. How would the entrance know?",
        "room.side.crls is None: it looks at no list. crl() of mtls_lab.certificates.crl makes one.",
        "room.side = replace(room.side, crls=(crl(room.issuing, (room.stolen,)),))",
    ),
)
def no_list(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, crls=None)


@fault(
    _DOOR,
    level=3,
    mends=_take_the_list,
    hints=(
        "The chain is good, and the entrance refuses it. What else does it look at?",
        "A revocation list says when the next one is due. crl() of mtls_lab.certificates.crl makes today's.",
        "Make today's: room.side = replace(room.side, crls=(crl(room.issuing, (room.stolen,)),))",
    ),
)
def overdue_list(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, crls=(room.cast.list_of_last_week(),))


@fault(
    _DOOR,
    level=3,
    mends=_take_the_list,
    hints=(
        "The chain is good, and the entrance refuses everybody. What does it want to look at, and has not?",
        "room.side.crls is (): it demands a list and has none. crl() of mtls_lab.certificates.crl makes one.",
        "room.side = replace(room.side, crls=(crl(room.issuing, (room.stolen,)),))",
    ),
)
def list_is_missing(room: EscapeRoom, _chance: Random) -> None:
    room.side = replace(room.side, crls=())
