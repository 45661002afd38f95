# ruff: noqa: INP001  # JupyterHub reads this file, and nothing imports it
"""The Littlest JupyterHub with mtls_lab: copy it to /opt/tljh/config/jupyterhub_config.d/mtls_lab.py.

TLJH starts each server as a unit of systemd under a user of the system, and culls idle ones itself. Memory limit and
culling belong to `tljh-config` (see README.md beside this file).
"""

from typing import Any

c = get_config()  # noqa: F821  # JupyterHub puts it here

PYTHON = "/opt/tljh/user/bin/python"
"""The environment that users share."""


def runtime_folder(spawner: Any) -> str:
    """Systemd makes /run/<unit>, for that user alone, and removes it with the unit."""
    return f"/run/{spawner.unit_name}/jupyter"


# Why each of these: see jupyterhub_config.py beside this file.
START = """
umask 077
cd
[ -f mtls-lab/mtls-lab-learner.json ] ||
  "$0" -P -c 'from pathlib import Path; from mtls_lab.cli import lay_out; lay_out(Path("mtls-lab"))'
exec "$0" -m jupyterhub.singleuser "$@"
"""
c.Spawner.cmd = ["/bin/sh", "-c", START, PYTHON]
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.environment = {"JUPYTER_RUNTIME_DIR": runtime_folder}
c.Spawner.notebook_dir = "~/mtls-lab"
c.Spawner.default_url = "/lab/tree/00-two-switches.ipynb"
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180

# A /tmp of its own for each learner: nobody sees the others' temporary files, not even their names.
c.SystemdSpawner.isolate_tmp = True
