"""What pytest itself needs to know."""

import os
import shutil
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parent / "notebooks"
CALLS = {"curl(proxy": "curl", "s_client(proxy": "openssl", "!openssl": "openssl"}
"""What a notebook writes when it calls a program."""


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval its sanitize file by an absolute path: it takes a relative one from the current folder.

    No test keeps a learner's progress, or is a certain learner: what a notebook shows is the same for everybody.
    """
    os.environ["MTLS_LAB_PROGRESS"] = "off"
    os.environ.pop("MTLS_LAB_SEED", None)
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(NOTEBOOKS / "sanitize.cfg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, by name, the cells of a notebook that calls a program which is not there; all of them, since they share
    one kernel. With MTLS_LAB_REQUIRE=1 they run, and fail."""
    if os.environ.get("MTLS_LAB_REQUIRE") == "1":
        return
    lacking: dict[Path, str] = {}
    for item in items:
        if item.path.suffix == ".ipynb" and item.path not in lacking:
            wanted = {program for call, program in CALLS.items() if call in item.path.read_text(encoding="utf-8")}
            lacking[item.path] = ", ".join(sorted(program for program in wanted if shutil.which(program) is None))
        if missing := lacking.get(item.path):
            item.add_marker(pytest.mark.skip(reason=f"this notebook calls {missing}, which is not installed"))
