"""Programs that tests run if they are there."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of a program. Without it the test is skipped by name, or fails where MTLS_LAB_REQUIRE=1 (in CI)."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("MTLS_LAB_REQUIRE") == "1":
            pytest.fail(f"{name} is not installed, and MTLS_LAB_REQUIRE=1 wants every tool")
        pytest.skip(f"{name} is not installed")
    return path
