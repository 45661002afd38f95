"""Exercises of notebook 13. They are judged by calling: a proxy under load, or two ends that shake hands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mtls_lab.certificates import Authority, Certificate, Credential, Purpose
from mtls_lab.certificates.validation import validate
from mtls_lab.exercises.exercise import exercise, find
from mtls_lab.exercises.outcome import Outcome, right, untouched, wrong
from mtls_lab.handshake import (
    VERSIONS,
    Endpoint,
    Failure,
    KeyLog,
    Scenario,
    TLSConnection,
    Version,
    build_context,
    explain,
    rehearse,
)
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.load import Load

DAYS = 300
"""How far ahead 13-renew looks."""
_SERVER: Purpose = "serverAuth"
_CLIENT: Purpose = "clientAuth"
_REVOKED, _NO_LIST = 23, 3
"""X509_V_ERR_CERT_REVOKED and X509_V_ERR_UNABLE_TO_GET_CRL."""


@exercise(
    "13-renew",
    hints=(
        "Run calendar(...) on what you made. What ends first?",
        "A leaf never outlives the authority that issued it, and that one ends in three months.",
        'A new intermediate first: old_root.intermediate("Next Issuing CA").issue("localhost", purpose="serverAuth")',
    ),
)
def renew(renewed: Credential, root: Certificate) -> Outcome:
    """Make a credential for localhost that clients which trust the root accept today and in 300 days."""
    refusal = _refusal(renewed, root)
    if refusal is not None:
        return wrong(f"It is refused today: {refusal}.")
    at = datetime.now(UTC) + timedelta(days=DAYS)
    judged = validate(renewed.chain, trusts=(root,), at=at, purpose=_SERVER, server_name="localhost")
    if not judged.problems:
        return right(f"Accepted in a handshake today, and by the rules in {DAYS} days. The clients changed nothing.")
    above = [one for one in renewed.chain[1:] if one.not_after is not None and one.not_after < at]
    if above:
        name = above[0].common_name
        return wrong(f"The leaf is new, but {name} above it ends before that day, and so does all that it issued.")
    return wrong(f"It is accepted today. In {DAYS} days the leaf is over: give it a longer lifetime.")


@exercise(
    "13-rotate",
    hints=(
        "Before anybody shows something new, everybody who will look at it must trust it.",
        "Before anybody stops trusting the old root, nobody may show anything from below it any more.",
        'Trust both (c, e), then show the new (a, d), then drop the old (b, f): ["c", "e", "a", "d", "b", "f"]',
    ),
)
def rotate(letters: Sequence[str]) -> Outcome:
    """Put the six steps in an order in which no call fails while the authority is replaced."""
    given = list(letters)
    if strange := [letter for letter in given if letter not in STEPS]:
        return wrong(f"There is no step {strange[0]!r}: choose from {', '.join(STEPS)}.")
    if len(given) != len(set(given)):
        return wrong("A step comes twice. Each of the six is done once.")
    stage = _Stage.set_up()
    clients = {name: stage.client(name) for name in stage.old_clients}
    with Proxy(Scenario(client=clients["alice"], server=stage.server)) as proxy, Load(proxy, clients) as load:
        for letter in given:
            if refused := _failure(proxy, load, stage, letter):
                return wrong(f"Step {letter}: {refused}. {_WHY.get(letter, '')}".rstrip())
        failed = load.failed
    if missing := [letter for letter in STEPS if letter not in given]:
        return wrong(f"No call failed, but step {missing[0]} is missing: {STEPS[missing[0]]}. The change is not over.")
    if failed:
        return wrong(f"{failed} calls failed between two steps.")
    return right("0 failed calls. Everybody shows the new, and nobody trusts the old any more.")


@exercise(
    "13-take-back",
    hints=(
        "A ticket is opened with a key that belongs to the context which handed it out.",
        "Give back another context than the one you got. What must it load, and what must it be told to look at?",
        "Take a new server_context(), load_verify_locations(list_path), add ssl.VERIFY_CRL_CHECK_LEAF to verify_flags.",
    ),
)
def take_back(
    answer: Callable[[Any, Any], Any],
    server_context: Callable[[], Any],
    revoked: Credential,
    other: Credential,
    list_path: object,
) -> Outcome:
    """Write a function that gives back the context with which the server keeps the revoked client out for real."""
    for version in VERSIONS:
        with KeyLog() as keylog:
            thief, friend = (_visitor(one, version, keylog) for one in (revoked, other))
            running = server_context()
            first, session = _meet(thief, running)
            if first is not None:
                return wrong(f"server_context() refuses her before she is revoked: {first.text}.")
            fresh = answer(running, list_path)
            if fresh is ...:
                return untouched(find("13-take-back").task)
            if not hasattr(fresh, "wrap_bio"):
                return wrong(f"It gave back {fresh!r}: give back the context that the server is to use.")
            if problem := _problem(thief, friend, fresh, session, version):
                return wrong(problem)
    return right("She is refused by a full handshake and with her old session, in both versions, and he is in.")


@exercise(
    "13-mend",
    hints=(
        "What did the leaves take from the root? Its name, and a signature by its key. Both must stay.",
        "A sound draft under the old name, signed by the old key: `authority_draft` and `sign` with `issuer=None`.",
        'sign(authority_draft("Home CA", lifetime=...), public_key=home.key.public_key(), issuer=None, key=home.key)',
    ),
)
def mend(mended: object, service: Credential) -> Outcome:
    """Make a root certificate that strict clients can trust, so that the leaves that are out stay good."""
    if not isinstance(mended, Certificate):
        return wrong(f"That is a {type(mended).__name__}: hand in the certificate.")
    refusal = _refusal(service, mended, strict=True)
    if refusal is None:
        return right(
            "A strict client accepts the old leaf below the new root: same name, same key, a sound certificate."
        )
    if mended.subject != service.leaf.issuer:
        return wrong(f"The leaf says that {service.leaf.issuer_common_name} issued it: keep that name.")
    if not service.leaf.is_signed_by(mended):
        return wrong("The name is right, and the key is another one: it did not sign the leaves that are out.")
    return wrong(f"The client goes up to it, and does not like what it finds: {refusal}.")


def _refusal(service: Credential, root: Certificate, *, strict: bool = False) -> str | None:
    """Why a client that trusts that root refuses this server; None when it accepts."""
    client = Endpoint(trusts=(root,), verifies="chain and name", strict=strict)
    explanation = explain(rehearse(Scenario(client=client, server=Endpoint(presents=service, verifies="none"))))
    return None if explanation.refused_by == "neither" else explanation.title


# 13-rotate

STEPS = {
    "a": "the clients show certificates from the new authority",
    "b": "the server trusts the new root only",
    "c": "the clients trust both roots",
    "d": "the server shows a certificate from the new authority",
    "e": "the server trusts both roots",
    "f": "the clients trust the new root only",
}
_WHY = {
    "a": "The server has to trust the new root before a client shows something from below it.",
    "b": "The clients still show what is below the old root: let them change first.",
    "d": "The clients have to trust the new root before the server shows something from below it.",
    "f": "The server still shows what is below the old root: let it change first.",
}


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """Who takes part in the change, before and after."""

    roots: tuple[Certificate, Certificate]
    """The old one and the new one."""
    servers: tuple[Credential, Credential]
    """The same."""
    old_clients: dict[str, Credential]
    """By name."""
    new_clients: dict[str, Credential]
    """The same."""

    @classmethod
    def set_up(cls) -> "_Stage":
        roots = Authority.create("Old Root CA"), Authority.create("New Root CA")
        old, new = roots[0].intermediate("Old Issuing CA"), roots[1].intermediate("New Issuing CA")
        return cls(
            roots=(roots[0].certificate, roots[1].certificate),
            servers=(old.issue("localhost", purpose=_SERVER), new.issue("localhost", purpose=_SERVER)),
            old_clients={name: old.issue(name, purpose=_CLIENT) for name in ("alice", "bob")},
            new_clients={name: new.issue(name, purpose=_CLIENT) for name in ("alice", "bob")},
        )

    @property
    def server(self) -> Endpoint:
        """As it is before the change."""
        return Endpoint(presents=self.servers[0], trusts=self.roots[:1], verifies="required")

    def client(self, name: str) -> Endpoint:
        """As it is before the change."""
        return Endpoint(presents=self.old_clients[name], trusts=self.roots[:1], verifies="chain and name")

    def stepped(self, letter: str, name: str, end: Endpoint) -> Endpoint:
        """That end after its part in the step; `name` is the client's."""
        match letter:
            case "a":
                return replace(end, presents=self.new_clients[name])
            case "d":
                return replace(end, presents=self.servers[1])
            case "c" | "e":
                return replace(end, trusts=self.roots)
            case _:
                return replace(end, trusts=self.roots[1:])


def _failure(proxy: Proxy, load: Load, stage: _Stage, letter: str) -> str | None:
    """Do that step, one end after the other, and tell whose calls fail then; None where none do."""
    for name in ("",) if letter in "bde" else tuple(load.clients):
        if name:
            load.change(name, stage.stepped(letter, name, load.clients[name]))
        else:
            proxy.switch(replace(proxy.scenario, server=stage.stepped(letter, name, proxy.scenario.server)))
        for who, tally in load.round().clients.items():
            if tally.answered < tally.calls:
                return f"{who}: {str(tally).strip()}"
    return None


# 13-take-back


def _visitor(credential: Credential, version: Version, keylog: KeyLog) -> Any:
    """A client's context that keeps what it is given for a later handshake."""
    endpoint = Endpoint(presents=credential, verifies="none")
    return build_context(endpoint, role="client", versions=(version,), keylog=keylog, tickets=True)


def _meet(visitor: Any, server: Any, session: Any = None) -> tuple[Failure | None, Any]:
    """One handshake in memory: why the server refused, if it did, and the session that the client takes home."""
    client, host = TLSConnection(visitor, role="client", session=session), TLSConnection(server, role="server")
    client.start()
    while up := client.outgoing():
        host.receive(up)
        if down := host.outgoing():
            client.receive(down)
    # A server that says goodbye keeps the session in its memory; OpenSSL drops one that broke off.
    host.close()
    return host.failure, client.session


def _problem(thief: Any, friend: Any, server: Any, session: Any, version: Version) -> str | None:
    """What is wrong with that server in that version."""
    full, _ = _meet(thief, server)
    if full is None:
        return f"She walks in by a full handshake ({version}): load the list, and set the flag that makes OpenSSL look."
    if full.verify_code == _NO_LIST:
        return f"It refuses everybody ({version}): it is told to look at a list, and has none. Load list_path."
    if full.verify_code != _REVOKED:
        return f"She is refused ({version}), but not because she is on the list: {full.text}."
    if _meet(thief, server, session)[0] is None:
        return (
            f"A full handshake is refused, and with yesterday's session she is in ({version}). "
            "The ticket, or the memory, that lets her in belongs to the running context."
        )
    kept_out = _meet(friend, server)[0]
    return None if kept_out is None else f"It keeps out somebody who is not on the list ({version}): {kept_out.text}."
