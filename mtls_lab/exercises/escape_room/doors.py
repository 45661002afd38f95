"""The ten doors: each is one arrow of the system, with the call that is meant to pass and those that are not."""

from typing import TYPE_CHECKING

from mtls_lab.exercises.escape_room import desk, entrances, services, storage, vault
from mtls_lab.exercises.escape_room.shelf import contents
from mtls_lab.exercises.escape_room.values import Door

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom


def _libpq(room: "EscapeRoom") -> object:
    return dict(room.libpq), contents(room.folder / "database", "*.pem")


DOORS: dict[int, Door] = {
    one.number: one
    for one in (
        Door(
            number=1,
            title="alice calls the gateway",
            calls=("alice", "gateway"),
            layer="client",
            yours="room.alice, room.dials",
            task="Alice gets in at the gateway, and takes nobody else for it.",
            knocks=entrances.alice,
            settings=lambda room: (room.alice, room.dials),
        ),
        Door(
            number=2,
            title="the robot calls the gateway's side entrance",
            calls=("robot", "gateway"),
            layer="server",
            yours="room.side",
            task="The robot gets in at the side entrance. No stranger does, and the stolen robot does not either.",
            knocks=entrances.robot,
            settings=lambda room: room.side,
        ),
        Door(
            number=3,
            title="the gateway calls orders",
            calls=("gateway", "orders"),
            layer="file",
            yours="room.folder / 'orders'",
            task="The gateway reaches the service orders, and nobody else does.",
            knocks=services.orders,
            settings=lambda room: contents(room.folder / "orders", "*.pem"),
        ),
        Door(
            number=4,
            title="the gateway calls stock",
            calls=("gateway", "stock"),
            layer="file",
            yours="room.folder / 'gateway'",
            task="The gateway reaches the service stock, and nobody else does.",
            knocks=services.stock,
            settings=lambda room: contents(room.folder / "gateway", "*.pem"),
        ),
        Door(
            number=5,
            title="the nightly report calls the gateway",
            calls=("report", "gateway"),
            layer="environment",
            yours="room.environment, room.report",
            task="The nightly report reaches the gateway, and tells no impostor anything.",
            knocks=entrances.report,
            settings=lambda room: (room.report, dict(room.environment), contents(room.folder / "report", "*.pem")),
        ),
        Door(
            number=6,
            title="sales may order, guests may not",
            calls=("people", "gateway"),
            layer="authorization",
            yours="room.rules",
            task="Alice and carol of sales may order. Guests may not, whatever their common name is.",
            knocks=entrances.guests,
            settings=lambda room: room.rules,
        ),
        Door(
            number=7,
            title="bob asks the wages desk",
            calls=("bob", "desk"),
            layer="authorization",
            yours="room.drops",
            task="The application behind the desk takes bob for bob, whatever he sends, and loses nothing harmless.",
            knocks=desk.wages,
            settings=lambda room: room.drops,
        ),
        Door(
            number=8,
            title="orders calls the database",
            calls=("orders", "database"),
            layer="database",
            yours="room.libpq, room.folder / 'database'",
            task="The service orders reaches the database, and takes nobody else for it.",
            knocks=storage.orders,
            settings=_libpq,
        ),
        Door(
            number=9,
            title="the database lets in stock",
            calls=("stock", "database"),
            layer="database",
            yours="room.hba, room.ident",
            task="The service stock gets into the database as stock. Nobody else does.",
            knocks=storage.stock,
            settings=lambda room: (room.hba, room.ident),
        ),
        Door(
            number=10,
            title="you leave by the vault",
            calls=("you", "vault"),
            layer="earned",
            yours="your own key",
            task="Make a key of your own, have your request signed, and call the vault with what you get.",
            knocks=vault.out,
            settings=lambda room: room.earned,
        ),
    )
}
