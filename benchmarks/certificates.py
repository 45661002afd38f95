"""CPU time of an authority, a server's and a client's credential, beside other ways to make them.

Run from the checkout: python benchmarks/certificates.py. Prints figures, judges nothing: a busy machine is slow.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mtls_lab.certificates import Authority


def ours() -> None:
    """The trio, in memory."""
    root = Authority.create()
    root.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    root.issue("alice", purpose="clientAuth")


def with_intermediate() -> None:
    """The same below an intermediate: the lab's usual cast."""
    issuing = Authority.create().intermediate("Lab Issuing CA")
    issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    issuing.issue("alice", purpose="clientAuth")


def ours_rsa() -> None:
    """The trio with RSA keys."""
    root = Authority.create(key_type="RSA 2048")
    root.issue("localhost", purpose="serverAuth", key_type="RSA 2048")
    root.issue("alice", purpose="clientAuth", key_type="RSA 2048")


def trustme_trio() -> None:
    """The trio by trustme."""
    trustme = import_module("trustme")
    root = trustme.CA(key_type=trustme.KeyType.ECDSA)
    root.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA)
    root.issue_cert("alice@example.org", key_type=trustme.KeyType.ECDSA)


def plain_rsa() -> None:
    """Three RSA-2048 keys and certificates by `cryptography` alone: what most tutorials do."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    for _ in range(3):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), extensions=[])
        builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())


def cpu_ms(make: Callable[[], None], times: int) -> float:
    """Mean CPU time of one run, in milliseconds, after one to warm up."""
    make()
    start = process_time()
    for _ in range(times):
        make()
    return (process_time() - start) * 1000 / times


def main() -> None:
    """Print the table."""
    reference = cpu_ms(ours, 500)
    rows: list[tuple[str, Callable[[], None], int]] = [
        ("mtls_lab, with an intermediate", with_intermediate, 500),
        ("mtls_lab, RSA 2048", ours_rsa, 10),
        ("cryptography alone, RSA 2048", plain_rsa, 10),
    ]
    if find_spec("trustme"):
        rows.insert(0, ("trustme, ECDSA", trustme_trio, 500))
    else:
        print("trustme is not installed: compared with RSA only")
    print(f"{'authority + server + client, in memory':40} {'CPU ms':>8} {'ratio':>7}")
    print(f"{'mtls_lab, EC P-256':40} {reference:8.2f} {1:7.1f}")
    for label, make, times in rows:
        spent = cpu_ms(make, times)
        print(f"{label:40} {spent:8.2f} {spent / reference:7.1f}")


if __name__ == "__main__":
    main()
