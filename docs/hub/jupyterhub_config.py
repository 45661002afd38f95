# ruff: noqa: INP001  # JupyterHub reads this file, and nothing imports it
"""JupyterHub on one machine whose users are users of the system: what mtls_lab needs there, and why.

Use it as it is (`jupyterhub -f jupyterhub_config.py`), or load it from a configuration of your own. Hub and servers run
from one environment that every user can read: `pip install jupyterhub jupyterhub-idle-culler mtls-lab`. The hub runs as
root. `benchmarks/hub.py` is a trial of this very file.
"""

import os
import pwd
import sys
from pathlib import Path
from typing import Any

c = get_config()  # noqa: F821  # JupyterHub puts it here

RUNTIME = Path("/run/mtls-lab")
"""Where each user gets a folder of their own for what lives as long as a server. Short on purpose: see below."""


def runtime_folder(spawner: Any) -> str:
    """The user's own folder under `RUNTIME`."""
    return str(RUNTIME / str(pwd.getpwnam(spawner.user.name).pw_uid))


def make_runtime_folder(spawner: Any) -> None:
    """Make it, open to nobody else. The hub is root and the folder above it is root's: nobody can be there before."""
    user = pwd.getpwnam(spawner.user.name)
    folder = Path(runtime_folder(spawner))
    RUNTIME.mkdir(mode=0o755, exist_ok=True)
    RUNTIME.chmod(0o755)  # the hub's own umask may have taken something away
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, user.pw_uid, user.pw_gid)


# Kernels talk to their server over Unix sockets. Over TCP each takes five ports of the range that all outgoing
# connections come from, and now and then another program is faster: with 30 users, two starts of three lost a kernel.
c.Spawner.args = ["--KernelManager.transport=ipc"]
# The path of a Unix socket ends at 107 characters. A home such as /home/firstname.lastname@school.example is too long.
c.Spawner.environment = {"JUPYTER_RUNTIME_DIR": runtime_folder}
c.Spawner.pre_spawn_hook = make_runtime_folder

# The learner's own shell starts the server, so all this happens as the learner, whatever starts the shell. What is
# written from here on is for nobody else to read. The notebooks are laid out; those that were changed are kept, and
# nothing is added to a folder that `mtls-lab workshop make` made.
START = """
umask 077
cd
[ -f mtls-lab/mtls-lab-learner.json ] ||
  "$0" -P -c 'from pathlib import Path; from mtls_lab.cli import lay_out; lay_out(Path("mtls-lab"))'
exec "$0" -m jupyterhub.singleuser "$@"
"""
c.Spawner.cmd = ["/bin/sh", "-c", START, sys.executable]
c.Spawner.notebook_dir = "~/mtls-lab"
c.Spawner.default_url = "/lab/tree/00-two-switches.ipynb"

# Thirty servers that start together on two cores take a minute. The defaults (60 s and 30 s) would give up on some.
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180

# A server and the kernels of five open notebooks take about 0.5 GB. This number is enforced by spawners that can
# (systemd, Docker, Kubernetes); the one of JupyterHub itself starts a plain process, and cannot.
c.Spawner.mem_limit = "2G"

# A server that nobody uses is stopped after two hours, its kernels with it: longer than any lunch.
c.JupyterHub.load_roles = [
    {
        "name": "cull",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull"],
    }
]
c.JupyterHub.services = [
    {"name": "cull", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=7200", "--cull-every=300"]}
]
