"""A folder that is gone when its process is, however that ends."""

import gc
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtls_lab.clients.swept_folder import SweptFolder

pytestmark = pytest.mark.live
_PATIENCE_S = 10.0


def gone(path: Path) -> bool:
    """Polled: another process removes it, and tells nobody."""
    deadline = time.monotonic() + _PATIENCE_S
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not path.exists()


def test_it_is_its_owners_alone_and_gone_after_the_block() -> None:
    with SweptFolder() as folder:
        (folder.path / "key.pem").write_text("secret")
        mode = stat.S_IMODE(folder.path.stat().st_mode)

    assert mode == 0o700
    assert not folder.path.exists()
    folder.close()


def test_it_is_gone_when_nobody_refers_to_it() -> None:
    folder = SweptFolder()
    path = folder.path

    del folder
    gc.collect()

    assert not path.exists()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_it_is_gone_when_its_process_is_killed(ending: signal.Signals) -> None:
    script = (
        "import sys, time\n"
        "from mtls_lab.clients.swept_folder import SweptFolder\n"
        "folder = SweptFolder()\n"
        "(folder.path / 'key.pem').write_text('secret')\n"
        "print(folder.path, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        path = Path(child.stdout.readline().strip())
        was_there = (path / "key.pem").exists()
        child.send_signal(ending)
        child.wait(_PATIENCE_S)

    assert was_there
    assert gone(path)
