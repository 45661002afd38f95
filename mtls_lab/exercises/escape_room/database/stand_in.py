"""Where no PostgreSQL can be had: its TLS is a real handshake in memory, its rules are read by server_side.py."""

from mtls_lab.certificates import Certificate
from mtls_lab.exercises.escape_room.database.client_side import Attempt, Unusable, attempts
from mtls_lab.exercises.escape_room.database.reply import Libpq, Reply
from mtls_lab.exercises.escape_room.database.server_side import judge
from mtls_lab.handshake import Alert, Endpoint, Handshake, Scenario, rehearse

_BROKEN_OFF = "could not accept SSL connection: {words}"


class StandIn:
    """Plays a PostgreSQL server that presents and trusts what `server` says."""

    name = "a stand-in: real TLS in memory, and PostgreSQL's rules read by the lab (no PostgreSQL was found here)"

    def __init__(self, server: Endpoint) -> None:
        self.server = server

    def connect(self, user: str, settings: Libpq, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
        """Connect as that user with these settings, while these lines are in force."""
        return connect(user, settings, self.server, hba=hba, ident=ident)

    def close(self) -> None:
        """Nothing to do."""


def connect(user: str, settings: Libpq, server: Endpoint, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
    """The attempts that libpq makes, until one comes in."""
    told: list[Reply] = []
    try:
        for attempt in attempts(settings):
            told.append(_one(user, attempt, server, hba=hba, ident=ident))
            if told[-1].came_in or told[-1].client_reads != told[-1].server_reads:
                # In, or refused inside TLS: libpq falls back only where the server itself said no.
                break
    except Unusable as trouble:
        words = _BROKEN_OFF.format(words="the client went away")
        return Reply(came_in=False, client_reads=str(trouble), server_reads=words)
    if told[-1].came_in:
        return told[-1]
    # One message for all of them, in order; the first has the handshake.
    first = next((one.handshake for one in told if one.handshake is not None), None)
    return Reply(
        came_in=False,
        client_reads="; ".join(dict.fromkeys(one.client_reads for one in told)),
        server_reads="; ".join(dict.fromkeys(one.server_reads for one in told if one.server_reads)),
        handshake=first,
    )


def _one(user: str, attempt: Attempt, server: Endpoint, *, hba: tuple[str, ...], ident: tuple[str, ...]) -> Reply:
    handshake, client = None, None
    if attempt.tls is not None:
        handshake = rehearse(Scenario(client=attempt.tls, server=server))
        if not handshake.accepted:
            return _refused_in_tls(handshake)
        client = _shown(handshake)
    trouble = judge(user, client, tls=attempt.tls is not None, hba=hba, ident=ident)
    return Reply(came_in=not trouble, client_reads=trouble, server_reads=trouble, handshake=handshake)


def _shown(handshake: Handshake) -> Certificate | None:
    chain = handshake.client_chain
    return chain[0] if chain else None


def _refused_in_tls(handshake: Handshake) -> Reply:
    """libpq says little: which alert came, that its own check failed, or that the name is another one."""
    alert = next(handshake.fatal_alerts(), None)
    if alert is not None and alert.sender == "server":
        number = alert.alert
        name = number.name.replace("_", " ") if isinstance(number, Alert) else str(number)
        client, server = f"SSL error: alert {name}", _BROKEN_OFF.format(words="certificate verify failed")
    else:
        failure = handshake.client.failure if handshake.client is not None else None
        code = failure.verify_code if failure is not None else None
        leaf = handshake.server_chain[0] if handshake.server_chain else None
        names = [one.removeprefix("DNS:") for one in leaf.names] if leaf is not None else []
        others = f" (and {len(names) - 1} other name{'s' if len(names) > 2 else ''})" if len(names) > 1 else ""
        wrong_name = code in {62, 64} and names
        client = (
            f'server certificate for "{names[0]}"{others} does not match host name "localhost"'
            if wrong_name
            else "SSL error: certificate verify failed"
        )
        # psql looks at the name when the handshake is over: the server hears nothing of why.
        server = "" if wrong_name else _BROKEN_OFF.format(words="alert unknown ca")
    return Reply(came_in=False, client_reads=client, server_reads=server, handshake=handshake)
