"""Our proxy beside its peers, in one interleaved run: new mutual TLS 1.3 connections, kept ones, memory.

    python benchmarks/speed.py [--rounds 5] [--new 200] [--kept 4000] [--open 200] [--only NAME ...]

All stand before the same origin and meet the same load client (Go). CPU is the server's own, all its processes and
threads. A figure is the median of the rounds; a ratio is the median of the rounds' ratios to nginx, so that a busy
machine slows both. The arithmetic limit is what `openssl speed` says of the operations that a server's end of such a
handshake cannot avoid: one P-256 signature, three P-256 verifications (the client's proof and two certificates), and
an X25519 key pair with its agreement. Needs nginx, go and Linux.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engines import Engine, build, engines, write_cast

NAMES = [
    "nginx",
    "nginx, no tickets",
    "mtls_lab",
    "mtls_lab, rules and log",
    "Go httputil",
    "haproxy",
    "hitch",
    "stunnel",
]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One engine in one round, one mode."""

    cpu_ms: float
    """CPU for each connection or request."""
    rate: float
    """Connections or requests a second, with 8 callers."""
    p50_ms: float
    """Median latency with 8 callers."""
    p99_ms: float
    """The latency that 99 of 100 do not exceed."""


def measure(engine: Engine, load: str, folder: Path, mode: str, count: int) -> Measure:
    """Send the load and read the clocks."""
    files = [str(folder / one) for one in ("client.pem", "client-key.pem", "root.pem")]
    before = engine.cpu_s()
    done = subprocess.run([load, mode, f"127.0.0.1:{engine.port}", str(count), "8", *files],
                          capture_output=True, text=True, check=True)  # fmt: skip
    spent = engine.cpu_s() - before
    seconds, failed, p50, _, p99 = map(float, done.stdout.split())
    if failed:
        raise SystemExit(f"{engine.name}: {failed:.0f} of {count} failed: {done.stderr}")
    return Measure(cpu_ms=spent / count * 1000, rate=count / seconds, p50_ms=p50, p99_ms=p99)


def memory(engine: Engine, load: str, folder: Path, count: int) -> float:
    """KB of memory for each open connection that was used once."""
    files = [str(folder / one) for one in ("client.pem", "client-key.pem", "root.pem")]
    command = [load, "open", f"127.0.0.1:{engine.port}", str(count), "1", *files]
    before = engine.memory_kb()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        if holder.stdout is None or holder.stdout.readline() != b"open\n":
            raise SystemExit(f"{engine.name}: {count} connections could not be opened")
        return (engine.memory_kb() - before) / count


def limit_ms() -> float:
    """The arithmetic of a server's handshake, in milliseconds."""
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256", "ecdhx25519"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    sign, verify = next(line.split()[-2:] for line in done.stdout.splitlines() if "nistp256" in line)
    agree = next(line.split()[-1] for line in done.stdout.splitlines() if "X25519" in line)
    return 1000 * (1 / float(sign) + 3 / float(verify) + 2 / float(agree))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our proxy beside its peers.")
    for name, default in (("rounds", 5), ("new", 200), ("kept", 4000), ("open", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES)
    asked = parser.parse_args()
    if shutil.which("nginx") is None or shutil.which("go") is None or not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("needs nginx, go and Linux's /proc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # hitch gives up root and reads its files as somebody else
        write_cast(folder)
        (folder / "both.pem").chmod(0o644)
        load = str(build("load", folder))
        with engines(folder, ["nginx", *(one for one in asked.only if one != "nginx")]) as running:
            report(running, load, folder, asked)


def report(running: list[Engine], load: str, folder: Path, asked: argparse.Namespace) -> None:
    """The rounds, then the tables."""
    counts = {"new": asked.new, "kept": asked.kept}
    found: dict[tuple[str, str], list[Measure]] = {}
    for engine in running:
        for mode in counts:
            measure(engine, load, folder, mode, 50)
    for _ in range(asked.rounds):
        for mode, count in counts.items():
            for engine in running:
                found.setdefault((mode, engine.name), []).append(measure(engine, load, folder, mode, count))
    for mode, count in counts.items():
        print(f"\n{mode}: {asked.rounds} rounds of {count}, 8 callers")
        print(f"{'':24} {'CPU ms':>8} {'x nginx':>8} {'per s':>8} {'x nginx':>8} {'p50 ms':>8} {'p99 ms':>8}")
        for engine in running:
            print(line(engine.name, found[mode, engine.name], found[mode, "nginx"]))
    print(f"\narithmetic limit of a new connection: {limit_ms():.3f} CPU ms")
    print(f"\nmemory per open connection, KB, over {asked.open} of them")
    for engine in running:
        print(f"{engine.name:24} {memory(engine, load, folder, asked.open):8.1f}")


def line(name: str, mine: list[Measure], its: list[Measure]) -> str:
    """One engine's medians and ratios."""
    median = statistics.median
    cells = [
        f"{median(one.cpu_ms for one in mine):8.4f}",
        f"{median(a.cpu_ms / b.cpu_ms for a, b in zip(mine, its, strict=True)):8.2f}",
        f"{median(one.rate for one in mine):8.0f}",
        f"{median(a.rate / b.rate for a, b in zip(mine, its, strict=True)):8.2f}",
        f"{median(one.p50_ms for one in mine):8.2f}",
        f"{median(one.p99_ms for one in mine):8.2f}",
    ]
    return " ".join([f"{name:24}", *cells])


if __name__ == "__main__":
    main()
