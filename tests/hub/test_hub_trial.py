"""A small trial of the recipe: a real hub, two real users of the system, one notebook; conftest.py says when."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.live


def test_two_learners_finish_and_neither_can_use_what_is_the_others(tmp_path: Path) -> None:
    told = tmp_path / "figures.json"
    line = [sys.executable, str(ROOT / "benchmarks" / "hub.py"), "2", "--notebooks", "00", "--json", str(told)]
    kept = os.environ.get("MTLS_LAB_HUB_ENVIRONMENT")

    done = subprocess.run(
        [*line, "--limit", "300", *(["--environment", kept] if kept else [])],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text(encoding="utf-8"))
    assert (found["learners"], found["finished"], found["troubles"]) == (2, 2, [])
    assert set(found["shared"].values()) == {0}
    tried = {"key", "process", "progress", "proxy port, over TLS", "socket", "temporary file", "temporary folder"}
    assert tried <= {kind for kind, count in found["tries"].items() if count}
    assert {kind for kind, count in found["successes"].items() if count} <= {"home"}
