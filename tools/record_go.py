"""Record anew what a Go server makes of clients: `python tools/record_go.py`, with Go, curl and requests installed.

Writes mtls_lab/clients/go/recorded.json, which notebooks fall back to where Go is not installed. Everything in it comes
from a real Go server: what it logs of every alert that a client could send in the clear after the ServerHello, of a
few things that are no alert, of a client that is content, and of curl and requests when they refuse the server.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime

from mtls_lab import Authority, Endpoint, Scenario, curl, get
from mtls_lab.clients.go_server import GoServer
from mtls_lab.clients.go_words import RECORD, go_line, go_log, go_reads
from mtls_lab.handshake import VERSIONS, Alert

ALERTS = [(2, number) for number in Alert] + [(1, Alert.close_notify), (1, Alert.user_canceled)]
OTHERS = ["", "140303000101", "1703030005" + b"hello".hex()]
"""Nothing, a ChangeCipherSpec, and a record that says it is encrypted."""


def main() -> None:
    """Run the clients, and write the file."""
    root, stranger = Authority.create("Lab Root CA"), Authority.create("Stranger CA")
    credential = root.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
    trusting = Endpoint(trusts=(root.certificate,), verifies="chain and name")
    scenario = Scenario(client=trusting, server=Endpoint(presents=credential, verifies="none"))
    said = [f"1503030002{level:02x}{number:02x}" for level, number in ALERTS] + OTHERS
    rows: list[dict[str, str | None]] = []
    with GoServer(scenario) as server:
        for version in VERSIONS:
            content = replace(scenario, versions=(version,))
            server.switch(content)
            rows.append({"version": version, "client": None, "words": go_line(get(server), server).words})
            for one in said:
                words = go_reads(bytes.fromhex(one), server, version=version).words
                rows.append({"version": version, "client": one, "words": words})
    refusing = replace(scenario, client=replace(trusting, trusts=(stranger.certificate,)))
    with GoServer(refusing) as server:
        calls = [curl(server), get(server)]
        server.switch(replace(refusing, versions=("TLSv1.2",)))
        calls += [curl(server), get(server)]
        log, go = go_log(server).splitlines(), server.version
    callers = list(dict.fromkeys(call.version for call in calls))
    record = {"go": go, "on": f"{datetime.now(UTC):%Y-%m-%d}", "callers": callers, "log": log}
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    head = json.dumps(record, indent=1).removesuffix("\n}")
    RECORD.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8", newline="\n")
    print(f"{len(rows)} rows and {len(log)} lines of {go} in {RECORD.name}")


if __name__ == "__main__":
    main()
