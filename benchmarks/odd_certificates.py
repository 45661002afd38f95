"""How often the path validator predicts OpenSSL's verdict, for all the odd certificates there are.

Run from the checkout: python benchmarks/odd_certificates.py [limbo.json] [folder of certificates ...]
Without arguments: the vectors of `cryptography` and NIST's suite (package cryptography-vectors), and damaged
chains and lists of our own. `limbo.json` is C2SP/x509-limbo's; a folder may be any, such as OpenSSL's test/certs.
Prints figures, judges nothing.
"""

import json
import statistics
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.validation import validate
from odd_cases import (
    VECTORS,
    Case,
    Comparison,
    Pool,
    compare,
    from_damage,
    from_limbo,
    from_lists,
    from_pkits,
    from_pool,
    own_chains,
    read_certificates,
)
from openssl_verdict import OpenSSL

SHOWN = 5


def measure(label: str, cases: Iterable[Case], openssl: OpenSSL) -> None:
    """Ask both about all cases and print how often they agree; of the differences, the first few."""
    counts: Counter[str] = Counter()
    differences: list[Comparison] = []
    for case in cases:
        answer = compare(case, openssl)
        counts["cases"] += 1
        counts["accepted"] += not answer.judged.problems
        counts["unreadable"] += not answer.judged.readable
        counts["unsure"] += answer.ours.unsure is not None
        if answer.ours.unsure is None:
            counts["verdict"] += answer.same_verdict
            counts["number and depth"] += answer.same_reason
            counts["every problem"] += answer.same_problems
            if not answer.same_problems:
                differences.append(answer)
    print(f"{label}: {counts['cases']} cases, {counts['accepted']} accepted, {counts['unreadable']} unreadable")
    sure = counts["cases"] - counts["unsure"]
    print(f"  unsure {counts['unsure']} ({counts['unsure'] / max(1, counts['cases']):.2%}); the same of {sure} others")
    for what in ("verdict", "number and depth", "every problem"):
        print(f"    {what}: {counts[what]} ({counts[what] / max(1, sure):.3%})")
    for one in differences[:SHOWN]:
        print(f"    {one.case.label}: ours {one.found}, OpenSSL {one.judged.problems}")


def measure_time() -> None:
    """CPU time for a chain of four, read anew and already read."""
    root = Authority.create("Lab Root CA")
    shop = (
        root.intermediate("Upper CA", path_length=1).intermediate("Lower CA").issue("localhost", purpose="serverAuth")
    )
    ders = [one.der for one in (*shop.chain, root.certificate)]
    fresh, again = list[float](), list[float]()
    for _ in range(100):
        chain = tuple(Certificate(der=der) for der in ders)
        for times in (fresh, again):
            begun = process_time()
            validate(chain[:3], trusts=chain[3:], at=datetime.now(UTC), purpose="serverAuth", server_name="localhost")
            times.append((process_time() - begun) * 1000)
    print(f"a chain of four: {statistics.median(fresh):.2f} ms read anew, {statistics.median(again):.2f} ms again")


def main(arguments: list[str]) -> None:
    """All sources, the given ones last."""
    warnings.simplefilter("ignore")
    openssl = OpenSSL()
    print(openssl.version)
    measure_time()
    measure("vectors of cryptography", from_pool(Pool.of(read_certificates(VECTORS)), "vector", seed=1), openssl)
    measure("NIST PKITS", from_pkits(), openssl)
    measure("damaged chains of our own", from_damage(own_chains(), 3000, seed=1), openssl)
    measure("damaged revocation lists of our own", from_lists(1000, seed=1), openssl)
    for argument in map(Path, arguments):
        if argument.is_dir():
            measure(argument.name, from_pool(Pool.of(read_certificates(argument)), argument.name, seed=1), openssl)
        else:
            measure(argument.name, from_limbo(json.loads(argument.read_text(encoding="utf-8"))), openssl)


if __name__ == "__main__":
    main(sys.argv[1:])
