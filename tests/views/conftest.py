"""The cast of the view tests."""

import pytest

from cast import Lab, make_lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The cast most tests share."""
    return make_lab()
