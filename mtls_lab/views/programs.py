"""Who speaks it: each program's recipe against one endpoint, and one policy in each server's words, as tables.

What is installed is run now; the others' lines come from the recording and say so.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from mtls_lab.clients.postgres import NoPostgreSQL
from mtls_lab.clients.recipes import POLICIES, RECIPES, Policy, Recipe, receive, recording, run
from mtls_lab.clients.request import Target
from mtls_lab.clients.rosetta import Row
from mtls_lab.clients.rosetta.servers import DidNotStart
from mtls_lab.handshake import Scenario
from mtls_lab.views.programs_tables import Line, Policies, Programs, Server

_Entry = TypeVar("_Entry", Recipe, Policy)
_CANNOT_RUN = (FileNotFoundError, TimeoutError, DidNotStart, NoPostgreSQL)
"""A program is not there, or does not come up on this machine: then the recording stands in."""
_CALLER_OF = {fault: caller for caller, fault in recording.FAULTS.items()}


def who_gets_in(target: Target, *programs: str) -> Programs:
    """Run each program's recipe against that endpoint, one after the other, and ask the server who came.

    `psql` calls a PostgreSQL server with the same credential and trust anchors. Without names, all programs.
    """
    chosen = [_find(RECIPES, name) for name in programs or RECIPES]
    http = [one for one in chosen if one.speaks == "HTTP"]
    database = [one for one in chosen if one.speaks == "PostgreSQL"]
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mtls-lab-programs") as pool:
        # A server of its own, so it need not wait its turn.
        later = pool.submit(_from_database, database, target.scenario)
        lines = [_client(one, target) for one in http] + later.result()
    order = [one.name for one in chosen]
    return Programs(lines=tuple(sorted(lines, key=lambda line: order.index(line.name))))


def same_policy(scenario: Scenario, *programs: str) -> Policies:
    """Start each server with the scenario's credential and trust anchors, and let alice, nobody and mallory call.

    Without names, all servers.
    """
    chosen = [_find(POLICIES, name) for name in programs or POLICIES]
    # Each mostly waits for a program that runs by itself.
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="mtls-lab-programs") as pool:
        return Policies(servers=tuple(pool.map(lambda one: _server(one, scenario), chosen)))


def record(path: Path = recording.FILE) -> None:
    """Run everything on this machine and keep it as the new recording; what is missing keeps its old rows."""
    from mtls_lab.handshake.exhibits import Cast
    from mtls_lab.proxy import Proxy

    cast = Cast.gather()
    plain = cast.scenario()
    knowing = replace(plain, server=replace(plain.server, trusts=(*plain.server.trusts, cast.issuing.certificate)))
    rows = list(recording.recorded(path))
    for scenario, names in ((plain, tuple(RECIPES)), (knowing, ("Chromium",))):
        with Proxy(scenario) as proxy:
            rows += [line.row for line in who_gets_in(proxy, *names).lines if not line.missing]
    fresh = [one for one in same_policy(plain).servers if not one.missing]
    rows += [row for one in fresh for row in one.receptions.values()]
    recording.write({row.cell: row for row in rows}.values(), path)


def _find(entries: dict[str, _Entry], name: str) -> _Entry:
    if name not in entries:
        raise ValueError(f"{name!r} is none of the programs: choose from {', '.join(entries)}")
    return entries[name]


def _from_database(recipes: list[Recipe], scenario: Scenario) -> list[Line]:
    if not recipes:
        return []
    policy = POLICIES["PostgreSQL"]
    with ExitStack() as stack:
        missing = policy.missing() or next(filter(None, (one.missing() for one in recipes)), "")
        try:
            target = None if missing else stack.enter_context(policy.serve(policy, scenario))
        except _CANNOT_RUN as error:
            target, missing = None, str(error)
        if target is None:
            return [Line(name=one.name, row=_recorded_client(one, scenario), missing=missing) for one in recipes]
        return [_client(one, target) for one in recipes]


def _client(recipe: Recipe, target: Target) -> Line:
    try:
        row = recording.client_row(run(recipe, target), _endpoint(target.scenario))
    except _CANNOT_RUN as error:
        return Line(name=recipe.name, row=_recorded_client(recipe, target.scenario), missing=str(error))
    return Line(name=recipe.name, row=row)


def _server(policy: Policy, scenario: Scenario) -> Server:
    missing = policy.missing() or (RECIPES["psql"].missing() if policy.speaks == "PostgreSQL" else None) or ""
    try:
        met = () if missing else receive(policy, scenario)
    except _CANNOT_RUN as error:
        met, missing = (), str(error)
    if missing:
        rows = [row for row in recording.recorded() if row.server.name == policy.name and row.fault in _CALLER_OF]
        return Server(name=policy.name, receptions={_CALLER_OF[row.fault]: row for row in rows}, missing=missing)
    return Server(name=policy.name, receptions={one.caller: recording.server_row(policy, one) for one in met})


def _endpoint(scenario: Scenario) -> str:
    """Which of the two recorded endpoints it is like."""
    credential = scenario.client.presents
    alone = credential is None or not set(credential.issuers) & set(scenario.server.trusts)
    return recording.PLAIN if alone else recording.KNOWING


def _recorded_client(recipe: Recipe, scenario: Scenario) -> Row:
    rows = {row.server.name: row for row in recording.recorded() if row.client.name == recipe.name}
    wanted = recording.DATABASE if recipe.speaks == "PostgreSQL" else _endpoint(scenario)
    # All but the browser were recorded at the plain endpoint alone: they send their whole chain to every server.
    return rows.get(wanted) or rows[recording.PLAIN]
