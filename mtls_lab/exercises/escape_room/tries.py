"""How a call is made, and what is noted of it."""

from collections.abc import Iterator
from dataclasses import replace

from mtls_lab.certificates import Credential
from mtls_lab.exercises.escape_room.cast import Cast
from mtls_lab.exercises.escape_room.values import Knock
from mtls_lab.handshake import Endpoint, Handshake, Role, Scenario, rehearse
from mtls_lab.handshake.gallery import words_at

NO_CHECK = "An answer proves nothing about who gave it. Leave the check on, all of it, and mend what it found instead."
NOT_ASKED = "Whoever is not asked for a certificate, or may leave it out, is in. The server must require one."
MALLORYS = "Mallory made her certificate herself. Either nobody verifies one here, or her authority is trusted as well."
NO_TLS = "This way in knows no TLS, so nobody is known who comes by it."
TOO_WIDE = "Somebody else's authority is trusted here as well. Trust the lab's root, and no other."


def rehearsed(who: str, scenario: Scenario, *, wanted: bool, hint: str = "") -> Knock:
    """A handshake in memory, with the settings of both ends."""
    return noted(who, rehearse(scenario), wanted=wanted, hint=hint)


def noted(who: str, handshake: Handshake, *, wanted: bool, hint: str = "") -> Knock:
    """What is to be said of that handshake."""
    return Knock(
        who=who,
        wanted=wanted,
        came_in=handshake.accepted,
        client_reads=_words(handshake, "client"),
        server_reads=_words(handshake, "server"),
        hint=hint,
        handshake=handshake,
    )


def _words(handshake: Handshake, role: Role) -> str:
    return words_at(handshake, role)


def strangers_at(scenario: Scenario, cast: Cast, *, name: str = "alice") -> Iterator[Knock]:
    """Who must never come in at that server: mallory, somebody without a certificate, and whoever speaks no TLS."""
    client = Endpoint(trusts=(cast.root.certificate,), verifies="none", versions=scenario.client.versions)

    def at_door(**fields: object) -> Scenario:
        return replace(scenario, client=replace(client, **fields), server_name="localhost")  # type: ignore[arg-type]

    mallory = f"mallory, who calls herself {name}"
    yield rehearsed(mallory, at_door(presents=cast.mallory(name)), wanted=False, hint=MALLORYS)
    yield rehearsed("somebody without a certificate", at_door(presents=None), wanted=False, hint=NOT_ASKED)
    yield rehearsed("somebody who speaks plain HTTP", at_door(speaks="HTTP"), wanted=False, hint=NO_TLS)


def impostors_before(scenario: Scenario, cast: Cast) -> Iterator[Knock]:
    """Whom that client must never take for its server."""

    def played(credential: Credential) -> Scenario:
        return replace(scenario, server=Endpoint(presents=credential, verifies="none"))

    yield rehearsed("an impostor of mallory's authority", played(cast.impostor()), wanted=False, hint=NO_CHECK)
    yield rehearsed(
        "an impostor with the lab's certificate of a printer",
        played(cast.impostor(known_authority=True)),
        wanted=False,
        hint="The authority is right and the name is not. Who checks the chain only, takes any machine for it.",
    )
