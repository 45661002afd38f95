"""What decoding a handshake costs beside the handshake itself. Run: python benchmarks/decode.py [rounds]

CPU time, both ends of a mutual handshake in memory, kinds of work interleaved round by round, so that a busy machine
slows all of them alike. The ratio is the median of the rounds' ratios.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from mtls_lab.certificates import Authority
from mtls_lab.handshake.messages import VERSIONS, Version
from mtls_lab.handshake.rehearse import rehearse
from mtls_lab.handshake.values import Endpoint, Scenario
from mtls_lab.handshake.wire import decode
from mtls_lab.handshake.wire.pcapng import to_pcapng

_REPEATS = 5


def cast() -> dict[Version, Scenario]:
    """A mutual handshake in each version."""
    root = Authority.create("Lab Root CA")
    issuing = root.intermediate("Lab Issuing CA")
    trusts = (root.certificate,)
    server = issuing.issue("localhost", names=("localhost",), purpose="serverAuth")
    alice = issuing.issue("alice", purpose="clientAuth")
    return {
        version: Scenario(
            client=Endpoint(presents=alice, trusts=trusts, verifies="chain and name"),
            server=Endpoint(presents=server, trusts=trusts, verifies="required"),
            versions=(version,),
        )
        for version in VERSIONS
    }


def cost_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    before = time.process_time()
    for _ in range(_REPEATS):
        work()
    return (time.process_time() - before) * 1000 / _REPEATS


def measure(scenario: Scenario) -> dict[str, float]:
    """One round."""
    handshake = rehearse(scenario)
    wire, secrets = handshake.wire, handshake.secrets
    return {
        "handshake": cost_ms(lambda: rehearse(scenario)),
        "decode": cost_ms(lambda: decode(wire, secrets)),
        "eavesdrop": cost_ms(lambda: decode(wire, "")),
        "pcapng": cost_ms(lambda: to_pcapng(wire, secrets, at=datetime.now(UTC))),
    }


def main(rounds: int) -> None:
    """Print a table."""
    scenarios = cast()
    found: dict[Version, list[dict[str, float]]] = {version: [] for version in VERSIONS}
    for _ in range(rounds):
        for version, scenario in scenarios.items():
            found[version].append(measure(scenario))
    print(f"{'':10}" + "".join(f"{version:>16}" for version in VERSIONS))
    for kind in ("handshake", "decode", "eavesdrop", "pcapng"):
        medians = [statistics.median(one[kind] for one in found[version]) for version in VERSIONS]
        print(f"{kind:10}" + "".join(f"{one:13.3f} ms" for one in medians))
    ratios = [statistics.median(one["decode"] / one["handshake"] for one in found[version]) for version in VERSIONS]
    print(f"{'ratio':10}" + "".join(f"{one:16.3f}" for one in ratios))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
