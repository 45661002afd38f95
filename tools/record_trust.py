"""Record which program heeds which trust variable: `python tools/record_trust.py`, where all programs are installed.

Writes mtls_lab/clients/trust/recorded.json. psycopg, with a libpq of its own, is asked too where it is installed.
"""

from datetime import UTC, datetime

from mtls_lab import Authority, Endpoint, Proxy, Scenario
from mtls_lab.clients.trust import heeded
from mtls_lab.clients.trust.recording import write


def main() -> None:
    """Ask everybody, and write what they say."""
    root = Authority.create("Lab Root CA")
    server = root.intermediate("Lab Issuing CA").issue("localhost", purpose="serverAuth")
    client = Endpoint(trusts=(root.certificate,), verifies="chain and name")
    with Proxy(Scenario(client=client, server=Endpoint(presents=server, verifies="none"))) as proxy:
        rows = heeded(proxy)
    write(rows, on=f"{datetime.now(UTC):%Y-%m-%d}")
    for row in rows:
        print(f"{row.version or '-':<40} {row}")


if __name__ == "__main__":
    main()
