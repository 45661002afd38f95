"""`mtls-lab rosetta`: one fault, every client and server program that this machine has, each in its own words.

mtls-lab rosetta                          the faults that there are
mtls-lab rosetta expired wrong-host       live, with all that is installed; what is missing comes from the recording
mtls-lab rosetta expired --recorded       from the recording alone
mtls-lab rosetta --record [FAULT ...]     record again: everything, or these faults
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.commands.command import Command

if TYPE_CHECKING:
    from mtls_lab.clients.rosetta import Cell, Row, Server, Staging, Troupe

_SIDES = ("server", "client")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fault", nargs="*", help="the faults to play, by slug; none lists them")
    parser.add_argument("--side", choices=_SIDES, help="whose fault it is (default: each that can have it)")
    parser.add_argument("--tls", choices=["1.2", "1.3"], help="the TLS version (default: 1.3; for --record both)")
    parser.add_argument("--recorded", action="store_true", help="run nothing: show the recording")
    parser.add_argument("--record", action="store_true", help="run it and keep it as the new recording")
    parser.add_argument("--missing", action="store_true", help="with --record: only what is not recorded yet")
    parser.add_argument("--output", type=Path, metavar="FILE", help="with --record: another file than the package's")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many servers play at once (2)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")


def _run(options: argparse.Namespace) -> int:
    from mtls_lab.clients.rosetta import stagings
    from mtls_lab.handshake.exhibits import EXHIBITS

    if unknown := [slug for slug in options.fault if slug not in EXHIBITS]:
        print(f"mtls-lab rosetta: no fault {unknown[0]!r}; `mtls-lab rosetta` lists them", file=sys.stderr)
        return 2
    if not options.fault and not options.record:
        return _list()
    versions = [f"TLSv{options.tls}"] if options.tls else ["TLSv1.2", "TLSv1.3"] if options.record else ["TLSv1.3"]
    staged = list(stagings(options.fault, sides=[options.side] if options.side else _SIDES, versions=versions))  # type: ignore[arg-type]  # argparse chose
    if not staged:
        staged = list(stagings(options.fault, sides=[options.side] if options.side else _SIDES))  # type: ignore[arg-type]  # argparse chose
    if options.record:
        return _record(staged, options)
    return _show(staged, options)


def _list() -> int:
    from mtls_lab.clients.rosetta import recorded
    from mtls_lab.handshake.exhibits import EXHIBITS

    kept = {row.fault for row in recorded()}
    width = max(map(len, EXHIBITS))
    for exhibit in EXHIBITS.values():
        note = "" if exhibit.slug in kept else "  (not recorded)"
        print(f"{exhibit.slug.ljust(width)}  {', '.join(exhibit.sides):14}  {exhibit.title}{note}")
    print("\nmtls-lab rosetta FAULT plays one with every program that is installed.")
    return 0


def _show(staged: "list[Staging]", options: argparse.Namespace) -> int:
    from mtls_lab.clients.rosetta import merge, recorded
    from mtls_lab.views.rosetta import Rosetta

    wanted = {(one.fault, one.side, one.tls) for one in staged}
    rows = [row for row in recorded() if (row.fault, row.side, row.tls) in wanted]
    if not options.recorded:
        played = _play(staged, _troupe(), at_once=options.at_once)
        rows = list(merge(rows, played))
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return 0
    for one in staged:
        mine = tuple(row for row in rows if (row.fault, row.side, row.tls) == (one.fault, one.side, one.tls))
        print(Rosetta.of(one, mine).text, end="\n\n")
    return 0


def _record(staged: "list[Staging]", options: argparse.Namespace) -> int:
    """Record fault by fault, so that what is done is kept when it is interrupted."""
    from mtls_lab.clients.rosetta import FILE, merge, recorded, write

    path = options.output or FILE
    known = [row.cell for row in recorded(path)] if options.missing else []
    troupe = _troupe(known, patience_s=0.6)
    by_fault: dict[str, list[Staging]] = {}
    for one in staged:
        by_fault.setdefault(one.fault, []).append(one)
    for number, (fault, mine) in enumerate(by_fault.items(), 1):
        print(f"{number}/{len(by_fault)} {fault}", file=sys.stderr, flush=True)
        rows = _play(mine, troupe, at_once=options.at_once)
        write(merge(recorded(path), rows), path)
    print(f"{path}: {len(recorded(path))} rows")
    return 0


def _troupe(known: "Iterable[Cell]" = (), *, patience_s: float = 0.25) -> "Troupe":
    from mtls_lab.clients.rosetta import CLIENTS, SERVERS, Troupe, lab_server
    from mtls_lab.proxy import Proxy

    return Troupe.gather(CLIENTS.values(), [lab_server(Proxy), *SERVERS.values()], known=known, patience_s=patience_s)


def _play(staged: "Iterable[Staging]", troupe: "Troupe", *, at_once: int) -> "list[Row]":
    from mtls_lab.clients.rosetta import play

    return list(play(staged, troupe, tell=_progress(), at_once=at_once))


def _progress() -> "Callable[[Staging, Server, str], None]":
    began = time.monotonic()

    def tell(staging: "Staging", server: "Server", trouble: str) -> None:
        aside = f" could not be played: {trouble}" if trouble else ""
        print(
            f"{time.monotonic() - began:5.1f} s  {staging.fault}, {staging.side}, {staging.tls}: {server.name}{aside}",
            file=sys.stderr,
            flush=True,
        )

    return tell


COMMAND = Command(
    name="rosetta",
    help="say one fault in the words of every client and server program",
    arguments=_arguments,
    run=_run,
)
