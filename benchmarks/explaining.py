"""What one explanation costs: every exhibit, from both sides and from each alone, nothing read before.

    python benchmarks/explaining.py

CPU time of this process, so that other work on the machine counts little. Budget: 5 ms for a chain of four.
"""

import statistics
import time
from dataclasses import replace

from mtls_lab.certificates import Certificate
from mtls_lab.handshake import Endpoint, Handshake, explain, rehearse
from mtls_lab.handshake.exhibits import EXHIBITS, Cast

ROUNDS = 5


def fresh(handshake: Handshake) -> Handshake:
    """The same record with nothing cached: not its messages, and nothing of its certificates."""
    scenario = handshake.scenario
    client, server = _fresh_end(scenario.client), _fresh_end(scenario.server)
    return replace(handshake, scenario=replace(scenario, client=client, server=server))


def _fresh_end(end: Endpoint) -> Endpoint:
    presents = end.presents
    if presents is not None:
        presents = replace(presents, chain=_fresh(presents.chain), issuers=_fresh(presents.issuers))
    return replace(end, presents=presents, trusts=_fresh(end.trusts))


def _fresh(certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    return tuple(Certificate(der=one.der) for one in certificates)


def milliseconds(handshake: Handshake) -> float:
    """CPU time of one explanation."""
    unread = fresh(handshake)
    begun = time.process_time()
    explain(unread)
    return 1000 * (time.process_time() - begun)


def main() -> None:
    """Print the slowest, and the median over all."""
    cast = Cast.gather()
    costs: dict[str, float] = {}
    for exhibit in EXHIBITS.values():
        for side in exhibit.sides:
            handshake = rehearse(exhibit.stage(cast, side, exhibit.versions[-1]))
            views = {
                "both sides": handshake,
                "client only": handshake.seen_by("client"),
                "server only": handshake.seen_by("server"),
            }
            for name, view in views.items():
                label = f"{exhibit.slug}, {side}'s fault, {name}"
                costs[label] = statistics.median(milliseconds(view) for _ in range(ROUNDS))
    ranked = sorted(costs.items(), key=lambda one: -one[1])
    print(f"{len(ranked)} explanations, median {statistics.median(costs.values()):.2f} ms (budget 5 ms)")
    for label, cost in ranked[:5]:
        print(f"  {cost:6.2f} ms  {label}")
    four = next(cost for label, cost in ranked if label.startswith("path-length, server's fault, both"))
    print(f"a chain of four (path-length)   {four:.2f} ms")


if __name__ == "__main__":
    main()
