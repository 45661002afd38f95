"""The endurance script on a small crowd: everything it counts is as before, and nobody gets in who should not."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc, which this system lacks")
def test_after_a_small_crowd_of_every_kind_all_is_as_before() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "endurance.py"), "--count", "200", "--crowd", "8"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "all as before" in done.stdout
