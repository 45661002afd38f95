"""What pytest itself needs to know."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval its sanitize file by an absolute path: it takes a relative one from the current folder."""
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(NOTEBOOKS / "sanitize.cfg")
