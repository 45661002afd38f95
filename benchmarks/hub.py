"""Many learners on one server: a real JupyterHub, a real user of the system for each, all at work at the same time.

    python benchmarks/hub.py 30 [--notebooks 00,01,02,04] [--think 0] [--umask 022] [--environment FOLDER] [--json FILE]

Each learner gets a throw-away user with a home that everybody can read, a server started by the hub, and a browser's
worth of requests and websocket messages through the hub's proxy: opens the lab, runs lessons and solutions, flips a
switch of the panel every few seconds, leaves proxies running and keys lying about. Then everybody tries to read and to
dial what belongs to the others. The configuration is docs/hub/jupyterhub_config.py, with one change that makes it
harder: files are made readable for all (`--umask 077` is the recipe's own). The learners' browsers run on the same
processors: what they take is in the times. Needs root, Linux, and the package indexes for its environment, which
`--environment` keeps for the next time. Users, homes and processes are gone at the end, after Ctrl-C too.
"""

import argparse
import asyncio
import fcntl
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from hub_trial.browser import Browser
from hub_trial.environment import ROOT, CannotTry, Environment, make_environment
from hub_trial.learner import Learner
from hub_trial.machine import memory_of, memory_of_hub
from hub_trial.prying import Tried, collisions, pry
from hub_trial.report import Trial, figures, table
from hub_trial.running import Hub, running
from hub_trial.users import User, make_users, remove_users, sweep
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

_LOCK = Path("/run/mtls-lab-trial.lock")
_READY_S = 400.0
_PANEL_ROUNDS = 10


async def take_part(hub: Hub, users: Sequence[User], environment: Environment, options: argparse.Namespace) -> Trial:
    """The trial up to the prying, once the hub runs."""
    AsyncHTTPClient.configure(None, max_clients=40 * len(users))
    learners = [Learner(user=user, browser=await _browser(hub, user)) for user in users]
    print(f"starting {len(learners)} servers ...", flush=True)
    await asyncio.gather(*(_start(hub, learner) for learner in learners))
    await asyncio.gather(*(learner.open_lab() for learner in learners))
    at_rest = memory_of(users)
    print("running notebooks ...", flush=True)
    began = time.perf_counter()
    await asyncio.gather(*(learner.work(options.notebooks, think_s=options.think) for learner in learners))
    all_s = time.perf_counter() - began
    print("toggling ...", flush=True)
    await asyncio.gather(*(learner.toggle_in_turn(_PANEL_ROUNDS) for learner in learners))
    at_peak, hub_mb = memory_of(users), memory_of_hub(hub.pid, users)
    await asyncio.gather(*(learner.leave_things() for learner in learners))
    for learner in learners:
        for kernel in learner.kernels:
            await kernel.close(shut_down=False)
    said = [
        f"{len(users)} learners on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end",
        f"{environment.proxy_said}; umask {options.umask}; {options.think:g} s of thought after each cell",
    ]
    return Trial(
        learners=learners,
        said=said,
        at_rest=at_rest,
        at_peak=at_peak,
        hub_mb=hub_mb,
        all_s=all_s,
        tried=Tried(),
        shared={},
    )


async def _ask_hub(hub: Hub, path: str, method: str, content: str | None = None) -> bytes:
    request = HTTPRequest(
        f"{hub.url}/hub/api/{path}",
        method=method,
        headers={"Authorization": f"token {hub.token}"},
        body=content if method != "GET" else None,
        request_timeout=_READY_S,
        connect_timeout=_READY_S,
    )
    return bytes((await AsyncHTTPClient().fetch(request)).body)


async def _browser(hub: Hub, user: User) -> Browser:
    try:
        await _ask_hub(hub, f"users/{user.name}", "POST", "")
    except HTTPClientError as error:
        if error.code != 409:  # the hub knows allowed users already
            raise
    told = json.loads(await _ask_hub(hub, f"users/{user.name}/tokens", "POST", "{}"))
    return Browser(hub=hub.url, name=user.name, token=told["token"])


async def _start(hub: Hub, learner: Learner) -> None:
    began = time.perf_counter()
    await _ask_hub(hub, f"users/{learner.user.name}/server", "POST", "{}")
    while time.perf_counter() - began < _READY_S:
        told = json.loads(await _ask_hub(hub, f"users/{learner.user.name}", "GET"))
        server = told["servers"].get("", {})
        if server.get("ready"):
            learner.ready_s = time.perf_counter() - began
            return
        if not server.get("pending"):
            raise CannotTry(f"the server of {learner.user.name} did not start: see what the hub says below")
        await asyncio.sleep(0.5)  # as often as the hub's own waiting page looks
    raise CannotTry(f"the server of {learner.user.name} was not ready within {_READY_S:.0f} s")


def _try_it(options: argparse.Namespace, undo: ExitStack) -> Trial:
    scratch = Path(tempfile.mkdtemp(prefix="mtls-lab-trial-"))
    scratch.chmod(0o755)
    undo.callback(shutil.rmtree, scratch, ignore_errors=True)
    if left := sweep():
        print(f"removed {left} users that an earlier trial had left")
    environment = make_environment(options.environment or scratch / "environment")
    undo.callback(sweep)
    users = make_users(options.learners, scratch / "homes")
    undo.callback(remove_users, users)
    hub = undo.enter_context(running(environment, users, scratch / "hub", umask=options.umask))
    try:
        trial = asyncio.run(asyncio.wait_for(take_part(hub, users, environment, options), options.limit))
        print("prying ...", flush=True)
        return replace(trial, tried=pry(trial.learners, environment.python), shared=collisions(trial.learners))
    except Exception:
        print(hub.log.read_text("utf-8", "replace")[-4000:], file=sys.stderr)
        raise


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("learners", type=int, help="how many learn at the same time")
    parser.add_argument("--notebooks", default="00,01,02,04", help="their numbers (default: %(default)s)")
    parser.add_argument("--think", type=float, default=0.0, help="seconds that a learner reads after each cell")
    parser.add_argument("--umask", default="022", help="of the learners' servers (default: %(default)s)")
    parser.add_argument("--environment", type=Path, help="make the environment there, and keep it")
    parser.add_argument("--limit", type=float, default=1800.0, help="give up after so many seconds")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args(arguments)
    options.notebooks = [next((ROOT / "notebooks").glob(f"{number}-*.ipynb")).stem
                         for number in options.notebooks.split(",")]  # fmt: skip
    return options


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial; 0 when nothing went wrong, 1 when something did, 2 when it could not be made."""
    options = _options(arguments)
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        print("this trial makes users of the system, so it needs root (on Linux)", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with ExitStack() as undo:
        lock = undo.enter_context(_LOCK.open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another trial runs on this machine: wait for its end", file=sys.stderr)
            return 2
        try:
            trial = _try_it(options, undo)
        except (CannotTry, ValueError, TimeoutError) as trouble:
            print(f"the trial could not be made: {trouble or 'it took too long'}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("interrupted; taking everything away ...", file=sys.stderr)
            return 130
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave users behind
    print("\n".join(table(trial)))
    if options.json is not None:
        options.json.write_text(json.dumps(figures(trial), indent=1), encoding="utf-8")
    return 1 if trial.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
