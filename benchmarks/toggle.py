"""How long the panel takes, inside the kernel, from a toggle to the verdict and to the whole picture, in milliseconds.

    python benchmarks/toggle.py [rounds]

Each round moves the server's switch to the next level. What the browser adds is not in it.
"""

import sys
from time import perf_counter

from mtls_lab.clients import PROGRAMS
from mtls_lab.handshake import SERVER_LEVELS
from mtls_lab.views import TwoSwitches


def measure(panel: TwoSwitches, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds per toggle until the verdict is sent, and until everything is; each sorted."""
    told: list[float] = []
    panel._status.observe(lambda _: told.append(perf_counter()), names="value")  # noqa: SLF001  # when it is told
    verdicts, pictures = [], []
    for number in range(rounds):
        level = SERVER_LEVELS[(number + 1) % len(SERVER_LEVELS)]
        told.clear()
        began = perf_counter()
        panel.server_verifies = level
        pictures.append((perf_counter() - began) * 1000)
        verdicts += [(moment - began) * 1000 for moment in told[:1]]
    return sorted(verdicts), sorted(pictures)


def words(times: list[float]) -> str:
    """`p50 6.1  p95 7.9`."""
    return f"p50 {times[len(times) // 2]:6.1f}  p95 {times[int(len(times) * 0.95)]:6.1f}"


def main() -> None:
    """Print one line a program."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 90
    panel = TwoSwitches()
    try:
        for program in ("in memory", *PROGRAMS):
            panel.program = program
            if panel.call is not None and panel.call.missing:
                print(f"{program:20} {panel.call.missing}")
                continue
            measure(panel, 6)
            verdicts, pictures = measure(panel, rounds)
            print(f"{program:20} verdict {words(verdicts)}   picture {words(pictures)}")
    finally:
        panel.close()


if __name__ == "__main__":
    main()
