"""Recipes and policies whose programs are there."""

import os
from collections.abc import Callable

import pytest


def installed(missing: Callable[[], str | None]) -> None:
    """Go on if it is; else the test is skipped by the program's name, or fails where MTLS_LAB_REQUIRE=1 (in CI)."""
    words = missing()
    if words is None:
        return
    if os.environ.get("MTLS_LAB_REQUIRE") == "1":
        pytest.fail(f"{words}, and MTLS_LAB_REQUIRE=1 wants every tool")
    pytest.skip(words)
