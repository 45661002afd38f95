"""Our proxy in a process of its own, to be measured: python proxy_process.py PORT ORIGIN FOLDER."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy


def main(port: int, to: str, folder: Path) -> None:
    """Serve until standard input ends."""
    trusts = Certificate.from_pem((folder / "root.pem").read_bytes())
    presents = Credential(
        chain=Certificate.from_pem((folder / "server.pem").read_bytes()),
        key_pem=(folder / "server-key.pem").read_bytes(),
    )
    scenario = Scenario(
        client=Endpoint(trusts=trusts, verifies="chain and name"),
        server=Endpoint(presents=presents, trusts=trusts, verifies="required"),
        versions=("TLSv1.3",),
    )
    with Proxy(scenario, port=port, to=to):
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
