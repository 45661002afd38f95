"""A notebook that calls a program skips by its name where the program is not there."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_curl_a_notebook_that_calls_it_skips_and_says_so(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MTLS_LAB_REQUIRE"}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    notebooks = [
        str(ROOT / "notebooks" / "02-client-verifies.ipynb"),
        str(ROOT / "notebooks" / "01-certificates.ipynb"),
    ]

    ran = subprocess.run(
        [*command, *notebooks],
        env={**environment, "PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "02-client-verifies.ipynb: this notebook calls curl, openssl, which is not installed" in ran.stdout
    assert "01-certificates.ipynb: this notebook calls openssl, which is not installed" in ran.stdout
    assert "passed" not in ran.stdout
