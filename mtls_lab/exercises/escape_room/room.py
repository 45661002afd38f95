"""The room as a learner holds it."""

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mtls_lab.certificates import Authority, Certificate, Credential
from mtls_lab.clients.swept_folder import SweptFolder
from mtls_lab.exercises import learner
from mtls_lab.exercises.escape_room import services, storage
from mtls_lab.exercises.escape_room.bank import DRAWN, chance, draw
from mtls_lab.exercises.escape_room.cast import Cast
from mtls_lab.exercises.escape_room.database.choice import open_database
from mtls_lab.exercises.escape_room.database.reply import Database, Libpq, Reply
from mtls_lab.exercises.escape_room.doors import DOORS
from mtls_lab.exercises.escape_room.furniture import ORDERS_LINE, furnish
from mtls_lab.exercises.escape_room.running import Plan, Running, closed_port
from mtls_lab.exercises.escape_room.shelf import Unreadable
from mtls_lab.exercises.escape_room.values import Door, Doors, Evidence, Fault, Knock, Seen
from mtls_lab.exercises.escape_room.vault import OUT, RULE, Signed, vault_end
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import CannotLoad, Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.naive import NaiveProxy


class EscapeRoom:
    """One small system with nine faults, and a tenth door that opens with a certificate which you have to earn.

    The same seed gives the same faults; None takes the learner's own. `level` 1 or 2 leaves out what is harder.
    `database` may be "stand-in": then no PostgreSQL is started even where there is one. Everything it has is in
    memory or in `folder`, which is yours alone, and all of it is gone with `close()` or with this process.
    """

    alice: Endpoint
    """Alice's client. Change it with `dataclasses.replace`."""
    dials: str
    """The name by which alice calls the gateway."""
    front: Endpoint
    """The gateway's server end at the front, where people call."""
    side: Endpoint
    """The gateway's server end at the side entrance, where machines call."""
    report: Endpoint
    """The nightly report's client; who trusts nobody asks its environment."""
    environment: dict[str, str]
    """The variables that the nightly report runs with."""
    rules: tuple[str, ...]
    """The gateway's access rules at the front."""
    drops: Callable[[str], object]
    """Asked by the wages desk for every field of a client, by its name: is it left out?"""
    libpq: dict[str, str]
    """libpq's settings of the service orders."""
    hba: tuple[str, ...]
    """The lines of pg_hba.conf for the user stock."""
    ident: tuple[str, ...]
    """The lines of pg_ident.conf."""

    def __init__(self, seed: str | None = None, *, level: int = 3, database: str = "") -> None:
        self.seed = learner.seed() if seed is None else seed
        """What the faults were drawn from."""
        self.faults: tuple[Fault, ...] = draw(self.seed, level=level)
        """What is wrong. Looking here is looking at the answers."""
        self.earned: Certificate | None = None
        """The certificate that the vault's authority has signed for you."""
        self.cast = Cast.gather()
        """Who is in the building."""
        self._home = SweptFolder(prefix="mtls-lab-room-")
        self.folder: Path = self._home.path
        """Where the system's files are."""
        self._running = Running()
        self._wants, self._database = database, list[Database]()
        self._dead_ports: dict[str, int] = {}
        self._known: dict[int, tuple[object, Evidence]] = {}
        furnish(self)
        for fault in self.faults:
            fault.breaks(self, chance(f"{self.seed}/{fault.slug}", fault.door))
        self._start = {number: door.settings(self) for number, door in DOORS.items()}

    # what you look at

    @property
    def doors(self) -> Doors:
        """How the ten doors stand now. Those whose settings have changed are tried again."""
        return Doors(doors=tuple(self._seen(door) for door in DOORS.values()))

    def evidence(self, number: int) -> Evidence:
        """Every call that is made at that door, and what both sides said of it."""
        door = _door(number)
        # The last door looks at what you do elsewhere, so it is always asked anew.
        now = (door.settings(self), self.front, self.alice) if number in DRAWN else object()
        if number not in self._known or self._known[number][0] != now:
            self._known[number] = now, Evidence(number=number, title=door.title, knocks=_knocks(self, door))
        return self._known[number][1]

    def try_door(self, number: int) -> Outcome:
        """Try that door: whether it opens, and if not, what to think about."""
        door = _door(number)
        evidence = self.evidence(number)
        trouble = evidence.trouble
        if trouble is None:
            return right(f"Door {number} is open. {_calls(evidence)} as they should.")
        if door.settings(self) == self._start[number]:
            return untouched(f"Door {number}: {door.task} Yours to change: {door.yours}. {_said(trouble)}")
        return wrong(f"Door {number} stays shut. {_said(trouble)} {trouble.hint}".rstrip())

    def hint(self, number: int, step: int = 1) -> str:
        """A hint for what is wrong at that door in this room, 1 being the gentlest."""
        _door(number)
        if step < 1:
            raise ValueError(f"step={step!r}: the first hint is step 1")
        hints = {one.door: one.hints for one in self.faults}.get(number, EARNING)
        place = min(step, len(hints))
        return f"Hint {place} of {len(hints)}: {hints[place - 1]}"

    # what you may use

    @property
    def root(self) -> Authority:
        """The root that everybody is meant to trust."""
        return self.cast.root

    @property
    def issuing(self) -> Authority:
        """The authority that issues for the lab: you may use it."""
        return self.cast.issuing

    @property
    def people(self) -> Mapping[str, Credential]:
        """The credentials of the lab's clients, by name."""
        return self.cast.people

    @property
    def stolen(self) -> Certificate:
        """The certificate of the robot that was stolen."""
        return self.cast.people["stolen"].leaf

    @property
    def vault(self) -> Proxy:
        """The vault, running: the last door. Only its own authority's certificates open it."""
        client = Endpoint(trusts=(self.root.certificate,), verifies="chain and name")
        plan = Plan(scenario=Scenario(client=client, server=vault_end(self)), allow=(RULE,))
        return self._running.proxy("vault", plan)

    def sign_request(self, request_pem: bytes) -> Signed:
        """Have your certificate signing request signed by the vault's authority. It looks at the other doors first."""
        closed = [str(number) for number in DRAWN if self.evidence(number).state != "open"]
        if closed:
            word = "Door" if len(closed) == 1 else "Doors"
            return Signed(chain=(), reason=f"Nothing is signed yet. {word} not open: {', '.join(closed)}.")
        chain = self.cast.vault.sign_request(request_pem, purpose="clientAuth", names=(OUT,))
        self.earned = chain[0]
        return Signed(chain=chain, reason="Signed: here is your certificate. Your key was not asked for.")

    # the system as it runs

    def running_service(self, name: str) -> Proxy:
        """The service orders or stock, running. Raises Unreadable or CannotLoad where it does not start."""
        server = services.service(self.folder, name)
        return self._running.proxy(name, Plan(scenario=Scenario(client=self.cast.client("gateway"), server=server)))

    def running_front(self) -> Proxy:
        """The gateway's front entrance, running."""
        scenario = Scenario(client=self.alice, server=self.front)
        return self._running.proxy("front", self._gateway(scenario, "orders", allow=tuple(self.rules)))

    def running_side(self) -> Proxy:
        """The gateway's side entrance, running."""
        return self._running.proxy("side", self._gateway(self.robots_way, "stock", allow=()))

    def running_desk(self) -> NaiveProxy:
        """The wages desk, running."""
        scenario = Scenario(client=self.cast.client("bob"), server=self.cast.server("desk"))
        # The desk's thread must not keep a room alive that nobody refers to any more.
        owner = weakref.ref(self)

        def drops(name: str) -> object:
            room = owner()
            return room is not None and room.drops(name)

        return self._running.desk(scenario, drops)

    @property
    def robot(self) -> Endpoint:
        """The robot's client: sound, and nobody here can change it."""
        return self.cast.client("robot")

    @property
    def robots_way(self) -> Scenario:
        """How the robot calls the side entrance. It was built for TLS 1.3, and speaks nothing else."""
        return Scenario(client=self.robot, server=self.side, versions=("TLSv1.3",))

    @property
    def database(self) -> Database:
        """The database: a real PostgreSQL, or what stands for it; its `name` says which."""
        if not self._database:
            self._database.append(open_database(storage.server(self), self._wants))
        return self._database[0]

    def use_database(self, database: Database) -> None:
        """Take another database, which the room then closes in place of its own."""
        self._database[:] = [database]
        self.forget()

    def forget(self) -> None:
        """Forget what was found at the doors: each is tried anew when somebody asks."""
        self._known.clear()

    def connect(self, user: str, settings: Libpq) -> Reply:
        """Connect to the database as that user, with these settings of libpq."""
        lines = (ORDERS_LINE, *self.hba)
        return self.database.connect(user, settings, hba=lines, ident=tuple(self.ident))

    def close(self) -> None:
        """Stop every program and remove every file; may be called twice."""
        self._running.close()
        databases, self._database = self._database, []
        for one in databases:
            one.close()
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EscapeRoom {self.seed!r}: ten doors>"

    def _gateway(self, scenario: Scenario, name: str, *, allow: tuple[str, ...]) -> Plan:
        """The gateway before that service, whose files may be anything."""
        nobody = Endpoint(verifies="chain and name")
        try:
            towards = services.towards(self.folder, name)
            if towards.presents is not None and not towards.presents.key_matches:
                towards = nobody
        except Unreadable:
            towards = nobody
        try:
            port = self.running_service(name).port
        except (Unreadable, CannotLoad):
            port = self._dead_ports.setdefault(name, closed_port())
        return Plan(scenario=scenario, allow=allow, to=f"https://localhost:{port}", towards_origin=towards)

    def _seen(self, door: Door) -> Seen:
        evidence = self.evidence(door.number)
        trouble = evidence.trouble
        return Seen(
            number=door.number,
            title=door.title,
            calls=door.calls,
            layer=door.layer,
            yours=door.yours,
            state=evidence.state,
            reason="" if trouble is None else _said(trouble).rstrip("."),
        )


EARNING = (
    "The vault trusts an authority of its own. That one signs what you send it, when the nine other doors are open.",
    "A request holds your public key and a signature by your private one. signing_request(key, name) makes it.",
    "Put the chain that you get and your own key into a Credential, and call room.vault with get(..., client=...).",
)
"""The hints for the last door."""


def _door(number: int) -> Door:
    if number not in DOORS:
        raise ValueError(f"number={number!r} is no door: there are {', '.join(map(str, DOORS))}")
    return DOORS[number]


def _knocks(room: EscapeRoom, door: Door) -> tuple[Knock, ...]:
    try:
        return tuple(door.knocks(room))
    except Exception as error:  # noqa: BLE001 - whatever a learner puts into a setting is an answer
        words = f"{type(error).__name__}: {error}"
        return (Knock(who=door.calls[0], wanted=True, came_in=False, client_reads=f"nobody could even try: {words}"),)


def _calls(evidence: Evidence) -> str:
    wanted = sum(one.wanted for one in evidence.knocks)
    others = len(evidence.knocks) - wanted
    return f"{wanted} call{'s' if wanted > 1 else ''} came in and {others} stayed out,"


def _said(trouble: Knock) -> str:
    """What is wrong, in a sentence."""
    who = trouble.who[:1].upper() + trouble.who[1:]
    if not trouble.wanted:
        return f"{who}: comes in, and must not."
    words = trouble.client_reads or trouble.server_reads
    return f"{who}: stays out{f' ({words})' if words else ''}."
