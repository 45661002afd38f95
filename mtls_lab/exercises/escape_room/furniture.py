"""The system when nothing is wrong with it: files and settings."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.certificates import Certificate
from mtls_lab.certificates.files import NewFile, write_files
from mtls_lab.exercises.escape_room.cast import Cast

if TYPE_CHECKING:
    from mtls_lab.exercises.escape_room.room import EscapeRoom

ORDER_RULES = ("uri:spiffe://lab.example/sales/*",)
STOCK_LINES = ("hostssl all stock 127.0.0.1/32 cert",)
ORDERS_LINE = "hostssl all orders 127.0.0.1/32 cert"
"""The database's own line for the service orders: nobody changes it."""


def drops_all_spellings(name: str) -> bool:
    """Whether a client's field could be taken for the desk's own X-Client-DN."""
    return name.lower().replace("_", "-") == "x-client-dn"


def furnish(room: "EscapeRoom") -> None:
    """Put everything into its place."""
    cast = room.cast
    lay_files(room.folder, cast)
    room.alice = cast.client("alice")
    room.dials = "localhost"
    room.front = cast.server("gateway")
    room.side = replace(cast.server("gateway"), crls=(cast.list_of_today(),))
    room.report = replace(cast.client("report"), trusts=())
    room.environment = {"REQUESTS_CA_BUNDLE": str(room.folder / "report" / "root.pem")}
    room.rules = ORDER_RULES
    room.drops = drops_all_spellings
    here = room.folder / "database"
    room.libpq = {
        "sslmode": "verify-full",
        "sslrootcert": str(here / "root.pem"),
        "sslcert": str(here / "orders.pem"),
        "sslkey": str(here / "orders-key.pem"),
    }
    room.hba = STOCK_LINES
    room.ident = ()


def lay_files(folder: Path, cast: Cast) -> None:
    """The files of the gateway, the services, the report and the database's clients."""
    root = (cast.root.certificate,)
    for name in ("gateway", "orders", "stock", "report", "database"):
        (folder / name).mkdir(mode=0o700)
    for name in ("orders", "stock"):
        cast.servers[name].write(folder / name, name=name)
        lay_trusts(folder / name / "callers.pem", root)
        cast.people["gateway"].write(folder / "gateway", name=f"to-{name}")
        lay_trusts(folder / "gateway" / f"{name}-root.pem", root)
        cast.people[name].write(folder / "database", name=name)
    # Whoever tries door 9 has files of his own: those of orders belong to door 8.
    cast.people["bob"].write(folder / "database", name="bob")
    cast.mallory("stock").write(folder / "database", name="mallory")
    lay_trusts(folder / "database" / "root.pem", root)
    lay_trusts(folder / "report" / "root.pem", root)


def lay_trusts(path: Path, certificates: tuple[Certificate, ...]) -> None:
    """A file of trust anchors, whether there was one or not."""
    content = b"".join(one.pem for one in certificates)
    write_files([NewFile(path=path, content=content)], overwrite=True)
