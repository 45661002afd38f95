"""One learner at the hub: opens the lab, works through notebooks, and flips a switch of the panel now and then.

A toggle is what JupyterLab sends when a radio button is clicked: an update of the widget over its comm. The verdict is
there when the panel's status element has its new text; the time is taken where the browser would get it, behind the
hub's proxy.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from hub_trial.browser import Browser, Kernel, Message
from hub_trial.notebook import Run, evaluate, run_notebook
from hub_trial.users import User

IN_MEMORY, LIVE = "in memory", "requests, live proxy"
_EVERY_S = 3.0
_TOGGLE_LIMIT_S = 120.0
_STATUS = 'role="status"'

# What lies about of a learner who tries things out: files with keys, and proxies; TLS keeps nobody out of the first.
_LEAVE_THINGS = """
import json, hashlib, os, tempfile
from pathlib import Path
from mtls_lab import Authority, Endpoint, Proxy, Scenario
root = Authority.create("Lab Root CA")
issuing = root.intermediate("Lab Issuing CA")
server = issuing.issue("localhost", names=("localhost", "127.0.0.1"), purpose="serverAuth")
alice = issuing.issue("alice", purpose="clientAuth")
ends = dict(client=Endpoint(presents=alice, trusts=(root.certificate,), verifies="chain and name"))
trial = [
    Proxy(Scenario(server=Endpoint(presents=server, trusts=(root.certificate,), verifies=level), **ends))
    for level in ("none", "required")
]
folder = tempfile.TemporaryDirectory()
home = Path.home() / "my-keys"
home.mkdir(exist_ok=True)
files = [alice.write(folder.name), alice.write(home, overwrite=True), server.write(home, name="server", overwrite=True)]
keys = [hashlib.sha256(one.key_pem).hexdigest() for one in (alice, server)]
keys.append(hashlib.sha256(root.certificate.der).hexdigest())
print(json.dumps({"uid": os.getuid(), "ports": [one.port for one in trial], "keys": keys, "folder": folder.name,
                  "files": [str(one.key_path) for one in files],
                  "server_port": int(os.environ["JUPYTERHUB_SERVICE_URL"].split(":")[2].split("/")[0])}))
"""


@dataclass(kw_only=True)
class Learner:
    """Somebody who learns, and what came of it."""

    user: User
    """Whom the server runs as."""
    browser: Browser
    """Their browser."""
    ready_s: float = 0.0
    """From the click on "start my server" to a server that answers."""
    opened_s: float = 0.0
    """From there to a lab whose page and settings are loaded."""
    runs: list[Run] = field(default_factory=list)
    """The notebooks that were run."""
    toggles: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """Seconds from toggle to verdict, by the phase of the trial and the panel's program."""
    troubles: list[str] = field(default_factory=list)
    """What went wrong outside of notebooks."""
    left: Message = field(default_factory=dict)
    """What `leave_things` has left."""
    kernels: list[Kernel] = field(default_factory=list)
    """What still runs."""

    async def open_lab(self) -> None:
        """What a browser loads before the learner sees anything, all of it."""
        began = time.perf_counter()
        page = (await self.browser.ask("lab")).body.decode()
        for path in re.findall(r'src="([^"]+\.js[^"]*)"', page):
            await self._load(path)
        for path in ("lab/api/settings", "lab/api/workspaces/default", "lab/api/translations/", "api/kernelspecs",
                     "api/sessions", "api/terminals", "api/contents?content=1"):  # fmt: skip
            await self.browser.ask(path)
        self.opened_s = time.perf_counter() - began

    async def _load(self, path: str) -> None:
        headers = {"Authorization": f"token {self.browser.token}", "Accept-Encoding": "gzip"}
        await AsyncHTTPClient().fetch(HTTPRequest(self.browser.hub + path, headers=headers, request_timeout=300))

    async def work(self, notebooks: list[str], *, think_s: float) -> None:
        """Each notebook, then its solution; from the first panel on, a toggle every few seconds."""
        toggling: asyncio.Task[None] | None = None
        for name in notebooks:
            run, kernel = await run_notebook(self.browser, f"{name}.ipynb", think_s=think_s)
            self.runs.append(run)
            if kernel is not None:
                self.kernels.append(kernel)  # stays, as it does in JupyterLab until it is shut down
                if toggling is None and self._switch(kernel):
                    toggling = asyncio.create_task(self._toggle_on(kernel))
            run, kernel = await run_notebook(self.browser, f"solved/{name}.ipynb", think_s=think_s)
            self.runs.append(run)
            if kernel is not None:
                await kernel.close(shut_down=True)
        if toggling is not None:
            toggling.cancel()
            await asyncio.gather(toggling, return_exceptions=True)

    async def toggle_in_turn(self, rounds: int) -> None:
        """After the notebooks: everybody plays with the panel, and nothing else runs."""
        for kernel in [one for one in self.kernels if self._switch(one)][:1]:
            for _ in range(rounds):
                for program in (IN_MEMORY, LIVE):
                    await self._toggle(kernel, "all only toggle", program)
                await asyncio.sleep(_EVERY_S / 2)  # a person looks at the verdict

    async def leave_things(self) -> None:
        """Have proxies run and keys lie about."""
        kernel = self.kernels[-1] if self.kernels else await self.browser.open_kernel("lying-about.ipynb")
        self.left = await evaluate(kernel, _LEAVE_THINGS)

    async def _toggle_on(self, kernel: Kernel) -> None:
        while True:
            for program in (IN_MEMORY, LIVE):
                await self._toggle(kernel, "all run notebooks", program)
                await asyncio.sleep(_EVERY_S)  # a person looks at the verdict

    async def _toggle(self, kernel: Kernel, phase: str, program: str) -> None:
        """There and back: nobody is asked for a certificate, everybody is."""
        try:
            await self._choose_program(kernel, program)
            switch = self._switch(kernel)
            for level in ("required", "none"):
                seconds = await _set(kernel, switch, level)
                if seconds is None:
                    self.troubles.append(f"{self.user.name}: a toggle ({program}) brought no verdict")
                else:
                    self.toggles.setdefault((phase, program), []).append(seconds)
        except Exception as error:  # noqa: BLE001  # counted as this learner's trouble; the trial goes on
            self.troubles.append(f"{self.user.name}: toggling failed: {type(error).__name__}: {error}")

    async def _choose_program(self, kernel: Kernel, program: str) -> None:
        comm = _control(kernel, "program")
        wanted = program.split(",", maxsplit=1)[0]
        if kernel.comms[comm]["index"] != kernel.comms[comm]["_options_labels"].index(wanted):
            await _set(kernel, comm, wanted)

    def _switch(self, kernel: Kernel) -> str:
        """The switch of the panel that was made last; empty without one."""
        return _control(kernel, "server verifies client")


def _control(kernel: Kernel, description: str) -> str:
    found = [comm for comm, state in kernel.comms.items() if state.get("description") == description]
    return found[-1] if found else ""


async def _set(kernel: Kernel, comm: str, label: str) -> float | None:
    """Choose an option of a control; seconds until the verdict came, None when none did."""
    index = kernel.comms[comm]["_options_labels"].index(label)
    verdicts: list[float] = []

    def told(message: Message) -> None:
        data = message["content"].get("data", {})
        update = message["msg_type"] == "comm_msg" and data.get("method") == "update"
        if update and _STATUS in str(data["state"].get("value", "")):
            verdicts.append(message["heard_at"])

    began = time.perf_counter()
    change = {"comm_id": comm, "data": {"method": "update", "state": {"index": index}, "buffer_paths": []}}
    await kernel.ask("comm_msg", change, limit_s=_TOGGLE_LIMIT_S, told=told)
    kernel.comms[comm]["index"] = index
    return verdicts[0] - began if verdicts else None
