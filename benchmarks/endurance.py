"""Many connections, good, refused, aborted at every byte, slow, silent, random, mutated and forged; is all as before?

    python benchmarks/endurance.py [--count 100000] [--crowd 12] [--seed 1] [--only forged "near miss"]

The proxy runs in a process of its own with the built-in origin. Before, every tenth of the way and after, that process
is asked for its threads, tasks, connections, descriptors and memory, and one good client more is timed. Fails (exit 1)
if anybody was admitted who should not be, a good client was not answered, a refused one not told the true reason,
anything was printed or leaked, or memory went on growing after the first tenth. Silent and slow clients are few: each
costs the proxy's patience, which is 2 s here.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from crowd import Cast, Crowd, make_cast
from engines import build

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy, connection

WEIGHTS = {"good": 30, "refused, nobody": 10, "refused, stranger": 10, "aborted": 30, "random bytes": 5,
           "mutated handshake": 6, "slow": 1, "silent": 1, "forged": 4, "near miss": 3}  # fmt: skip
GROWTH_KB = 12_000


def serve(folder: Path) -> None:
    """The child: a proxy that answers each line on standard input with what it holds."""
    connection.HANDSHAKE_TIMEOUT_S = 2.0
    trusts = Certificate.from_pem((folder / "root.pem").read_bytes())
    chain = Certificate.from_pem((folder / "server.pem").read_bytes())
    presents = Credential(chain=chain, key_pem=(folder / "server-key.pem").read_bytes())
    scenario = Scenario(
        client=Endpoint(trusts=trusts, verifies="chain and name"),
        server=Endpoint(presents=presents, trusts=trusts, verifies="required"),
    )
    with Proxy(scenario) as proxy:
        print(proxy.port, flush=True)
        for _ in sys.stdin:
            print(json.dumps(holds(proxy)), flush=True)


def holds(proxy: Proxy) -> dict[str, Any]:
    """What the proxy's process holds."""
    gc.collect()
    service = proxy._service  # noqa: SLF001  # nobody else has to know
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1]
    return {
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks(service.loop)),
        "connections": len(service.connections),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208  # no objects: they would be counted, too
        "troubles": [repr(one) for one in service.troubles],
        "handshakes": len(proxy.handshakes),
        "memory_kb": int(status.split()[0]),
    }


class Child:
    """The proxy's process, as the parent holds it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def ask(self) -> dict[str, Any]:
        """What it holds, once no connection is left; after 15 s whatever is left."""
        deadline = time.monotonic() + 15
        while True:
            assert self.process.stdin is not None  # noqa: S101  # it was opened with one
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            held: dict[str, Any] = json.loads(self._line())
            if not held["connections"] or time.monotonic() > deadline:
                return held
            time.sleep(0.1)  # polled: the last to leave tells nobody

    def close(self) -> str:
        """End it; what it printed that nobody asked for."""
        out, err = self.process.communicate(timeout=20)
        return out + err

    def _line(self) -> str:
        assert self.process.stdout is not None  # noqa: S101  # it was opened with one
        return self.process.stdout.readline()


def write(cast: Cast, folder: Path) -> None:
    """The server's files, and the chain that the thieves show."""
    server, alice = cast.scenario.server.presents, cast.scenario.client.presents
    assert server is not None and alice is not None  # noqa: S101, PT018  # make_cast gave both one
    (folder / "root.pem").write_bytes(cast.scenario.server.trusts[0].pem)
    (folder / "server.pem").write_bytes(server.chain_pem)
    (folder / "server-key.pem").touch(mode=0o600)
    (folder / "server-key.pem").write_bytes(server.key_pem)
    (folder / "alice.pem").write_bytes(alice.chain_pem)


def main() -> int:
    """Run the crowd and judge."""
    parser = argparse.ArgumentParser(description="Many connections of every kind.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--crowd", type=int, default=12, help="how many clients at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(WEIGHTS), choices=WEIGHTS, help="these kinds of client")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cast = make_cast()
        write(cast, folder)
        child = Child(folder)
        faults = run(child, cast, asked, folder)
        if printed := child.close():
            faults.append(f"the proxy printed: {printed[:2000]}")
    print("\n".join(["", *(f"FAULT: {fault}" for fault in faults)]) if faults else "\nall as before")
    return 1 if faults else 0


def run(child: Child, cast: Cast, asked: argparse.Namespace, folder: Path) -> list[str]:
    """The crowd, in tenths; what went wrong."""
    crowd = Crowd(cast, ("127.0.0.1", child.port), asked.seed)
    ended: Counter[tuple[str, str]] = Counter()
    held = [warm(child, crowd)]
    weights = [WEIGHTS[name] for name in asked.only]
    began = time.monotonic()
    for tenth in range(10):
        kinds = crowd.random.choices(asked.only, weights, k=asked.count // 10)
        with ThreadPoolExecutor(asked.crowd) as pool:
            for kind, end in zip(kinds, pool.map(lambda kind: one(crowd, kind), kinds), strict=True):
                ended[kind, end] += 1
        start = time.monotonic()
        answered = one(crowd, "good")
        held.append(child.ask() | {"good_ms": round((time.monotonic() - start) * 1000, 1), "good": answered})
        print(f"{(tenth + 1) * (asked.count // 10):7} after {time.monotonic() - began:6.0f} s  {held[-1]}", flush=True)
    print()
    for (kind, end), count in sorted(ended.items()):
        print(f"{kind:20} {end:40} {count:7}")
    faults = judge(held, ended)
    stolen = build("stolen", folder)
    if stolen is None:
        print("go is not installed: nobody shows a stolen certificate")
    else:
        count = str(max(10, asked.count // 50))
        command = [stolen, f"127.0.0.1:{child.port}", count, str(folder / "alice.pem"), str(folder / "root.pem")]
        admitted = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        print(f"{'stolen without key':20} {'admitted':40} {admitted:>7} of {count}")
        if admitted != "0":
            faults.append(f"{admitted} of {count} that showed a stolen certificate were admitted")
    crowd.close()
    return faults


def warm(child: Child, crowd: Crowd) -> dict[str, Any]:
    """What it holds once it has answered a few of each cheap kind."""
    for kind in ("good", "refused, nobody", "random bytes", "aborted") * 5:
        one(crowd, kind)
    return child.ask()


def one(crowd: Crowd, kind: str) -> str:
    """One client; whatever it meets is a result."""
    try:
        return crowd.kinds[kind]()
    except OSError as error:
        return "reset" if kind in ("aborted", "mutated handshake") else f"unexpected: {error!r}"


def judge(held: list[dict[str, Any]], ended: Counter[tuple[str, str]]) -> list[str]:
    """What is not as it should be."""
    first, last = held[0], held[-1]
    faults = [f"{count} x {kind}: {end}" for (kind, end), count in ended.items()
              if end.startswith(("unexpected", "admitted"))]  # fmt: skip
    faults += [f"{what}: {first[what]} before, {last[what]} after" for what in ("threads", "tasks", "descriptors")
               if last[what] > first[what]]  # fmt: skip
    if last["connections"] or last["troubles"]:
        faults.append(f"left behind: {last['connections']} connections, {last['troubles']}")
    # The list of handshakes fills up with its first thousand.
    settled = held[1] if held[1]["handshakes"] >= 1000 else last
    if last["memory_kb"] - settled["memory_kb"] > GROWTH_KB:
        faults.append(f"memory: {settled['memory_kb']} KB after a tenth, {last['memory_kb']} KB at the end")
    faults += [f"the good client in between was not answered: {one['good']}" for one in held[1:]
               if one["good"] != "answered"]  # fmt: skip
    return faults


if __name__ == "__main__":
    sys.exit(main())
