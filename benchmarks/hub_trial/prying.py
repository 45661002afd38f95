"""Each learner tries what the others have: their files, folders, sockets, ports, servers and processes.

The script below runs as the one learner and is told of all that belongs to another. It must succeed with its own, or it
would prove nothing.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub_trial.learner import Learner
from hub_trial.machine import ports_of, things_of
from hub_trial.users import processes_of

_LIMIT_S = 300
_SCRIPT = r"""
import json, os, socket, ssl, sys, urllib.request
told = json.load(sys.stdin)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def read(path):
    if os.path.isdir(path):
        return os.listdir(path) is not None
    with open(path, "rb") as stream:
        stream.read(1)
    return True

def dial(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(path)
    return True

def over_tls(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return tls.recv(10).startswith(b"HTTP/1.1 ")

def plainly(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return plain.recv(10).startswith(b"HTTP/")

def server(url):
    asked = urllib.request.Request(url, headers={"Authorization": "token " + told["token"]})
    with opener.open(asked, timeout=30) as answer:
        return "content" in json.load(answer)

def process(pid):
    with open(f"/proc/{pid}/environ", "rb") as stream:
        stream.read(1)
    return True

WAYS = {"proxy port, over TLS": over_tls, "proxy port, plainly": plainly, "server, with one's own token": server,
        "process": process,
        "socket": dial}
found = []
for kind, target in told["targets"]:
    try:
        succeeded = WAYS.get(kind, read)(target)
    except (OSError, ValueError):
        succeeded = False
    found.append([kind, target, bool(succeeded)])
json.dump(found, sys.stdout)
"""


@dataclass(kw_only=True)
class Tried:
    """What came of it, by kind of thing."""

    tries: Counter[str] = field(default_factory=Counter)
    """How often somebody tried another's."""
    successes: Counter[str] = field(default_factory=Counter)
    """How often that worked."""
    own: Counter[str] = field(default_factory=Counter)
    """How often the same worked with one's own."""
    examples: dict[str, str] = field(default_factory=dict)
    """One of the successes."""


def pry(learners: Sequence[Learner], python: Path) -> Tried:
    """Everybody tries everybody's."""
    targets = {learner.user.uid: _targets(learner, learners) for learner in learners}
    tried = Tried()
    for learner in learners:
        for owner, theirs in targets.items():
            own = owner == learner.user.uid
            for kind, target, succeeded in _try(learner, theirs, python):
                if own:
                    tried.own[kind] += succeeded
                    continue
                tried.tries[kind] += 1
                tried.successes[kind] += succeeded
                if succeeded:
                    tried.examples.setdefault(kind, f"{learner.user.name} could use {target}")
    return tried


def _targets(learner: Learner, learners: Sequence[Learner]) -> list[tuple[str, object]]:
    user = learner.user
    ports = ports_of([one.user for one in learners])[user.uid]
    found: list[tuple[str, object]] = list(things_of(user))
    server_port = learner.left["server_port"]
    for port in ports:
        if port != server_port:
            found += [("proxy port, over TLS", port), ("proxy port, plainly", port)]
    for address in (learner.browser.hub, f"http://127.0.0.1:{server_port}"):
        found.append(("server, with one's own token", f"{address}/user/{user.name}/api/contents"))
    found += [("process", pid) for pid, _ in processes_of({user.uid})]
    return found


def _try(learner: Learner, targets: Sequence[tuple[str, object]], python: Path) -> list[tuple[str, str, bool]]:
    user = learner.user
    done = subprocess.run(
        [str(python), "-I", "-c", _SCRIPT],
        input=json.dumps({"token": learner.browser.token, "targets": targets}),
        user=user.uid,
        group=user.uid,
        extra_groups=[],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=_LIMIT_S,
    )
    return [(kind, str(target), succeeded) for kind, target, succeeded in json.loads(done.stdout)]


def collisions(learners: Sequence[Learner]) -> Mapping[str, int]:
    """How many things two learners share that should be one's own."""
    ports = ports_of([learner.user for learner in learners])
    everything = {
        "ports": [port for ports_of_one in ports.values() for port in set(ports_of_one)],
        "folders": [learner.left["folder"] for learner in learners if learner.left],
        "keys": [key for learner in learners if learner.left for key in learner.left["keys"]],
        "key files": [path for learner in learners if learner.left for path in learner.left["files"]],
    }
    return {kind: len(found) - len(set(found)) for kind, found in everything.items()}
