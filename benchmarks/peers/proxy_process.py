"""Our proxy in a process of its own, to be measured: python proxy_process.py PORT ORIGIN FOLDER [guarded].

`guarded` adds access rules, of which the last one names the client, and an access log.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mtls_lab.certificates import Certificate, Credential
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy
from mtls_lab.proxy.access_log import AccessLog


def main(port: int, to: str, folder: Path, *, guarded: bool) -> None:
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
    rules = [*(f"dns:service{number}.lab.example" for number in range(9)), "subject:CN=alice"] if guarded else None
    log = AccessLog(folder / "access.log") if guarded else None
    with Proxy(scenario, port=port, to=to, allow=rules, log=log):
        sys.stdin.read()
    if log is not None:
        log.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), guarded=sys.argv[4:] == ["guarded"])
