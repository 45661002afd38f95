"""A 20 x 20 matrix of handshakes, rehearsed and explained; and what `import mtls_lab` costs inside a kernel.

    python benchmarks/matrix.py

Budgets: 2 s for the matrix, 40 ms CPU for the import. The baseline is the same number of handshakes with fresh
contexts for each, taken in turn with the matrix.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mtls_lab import Authority, Endpoint, Scenario, explain, rehearse
from mtls_lab.certificates.faults import FAULTS, present
from mtls_lab.handshake import rehearse_all

ROUNDS = 3
IN_A_KERNEL = """
import asyncio, hashlib, ssl, threading, time, ipykernel.kernelapp
begun = time.process_time()
import mtls_lab
named = time.process_time()
mtls_lab.Authority, mtls_lab.rehearse, mtls_lab.explain
print(1000 * (named - begun), 1000 * (time.process_time() - begun))
"""


def scenarios() -> list[Scenario]:
    """20 clients by 20 servers: good ones and each fault, at several levels."""
    issuing = (root := Authority.create("Lab Root CA")).intermediate("Lab Issuing CA")
    trusts = (root.certificate,)
    shop = issuing.issue("localhost", purpose="serverAuth")
    alice = issuing.issue("alice", purpose="clientAuth")
    faults = {
        side: [slug for slug, fault in FAULTS.items() if side in fault.sides and not fault.above]
        for side in ("client", "server")
    }
    clients = [Endpoint(presents=alice, trusts=trusts, verifies=level) for level in ("none", "chain", "chain and name")]
    servers = [Endpoint(presents=shop, trusts=trusts, verifies=level) for level in ("none", "optional", "required")]
    for number in range(17):
        slug = faults["client"][number % len(faults["client"])]
        shown = present(slug, authority=issuing, name="alice", purpose="clientAuth")
        clients.append(replace(clients[number % 3], presents=shown))
        slug = faults["server"][number % len(faults["server"])]
        shown = present(slug, authority=issuing, name="localhost", purpose="serverAuth")
        servers.append(replace(servers[number % 3], presents=shown))
    return [Scenario(client=client, server=server) for client in clients for server in servers]


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def main() -> None:
    """Print medians and ratios."""
    matrix = scenarios()
    together, apart, explained = [], [], []
    for _ in range(ROUNDS):
        together.append(seconds(lambda: rehearse_all(matrix)))
        apart.append(seconds(lambda: [rehearse(scenario) for scenario in matrix]))
        explained.append(seconds(partial(list, map(explain, rehearse_all(matrix)))))
    median = statistics.median
    print(f"{len(matrix)} handshakes rehearsed together   {median(together):6.2f} s (budget 2 s)")
    print(
        f"the same with fresh contexts for each    {median(apart):6.2f} s, ratio {median(apart) / median(together):.2f}"
    )
    print(f"explaining them                          {median(explained):6.2f} s, "
          f"{1000 * median(explained) / len(matrix):.2f} ms each")  # fmt: skip
    runs = [
        subprocess.run([sys.executable, "-c", IN_A_KERNEL], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(7)
    ]
    print(
        f"import mtls_lab in a kernel              {median(float(run[0]) for run in runs):6.1f} ms CPU (budget 40 ms)"
    )
    print(f"... and its handshake names used         {median(float(run[1]) for run in runs):6.1f} ms CPU")


if __name__ == "__main__":
    main()
