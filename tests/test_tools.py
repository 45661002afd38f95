"""A tool that is missing is named, and never missed silently where all of them are wanted."""

import pytest

from tools import program

Skipped, Failed = pytest.skip.Exception, pytest.fail.Exception


def test_a_program_is_found_by_its_name() -> None:
    assert program("sh").endswith("/sh")


def test_a_missing_program_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MTLS_LAB_REQUIRE", raising=False)

    with pytest.raises(Skipped, match="no-such-program is not installed"):
        program("no-such-program")


def test_a_missing_program_fails_where_every_tool_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLS_LAB_REQUIRE", "1")

    with pytest.raises(Failed, match="no-such-program is not installed"):
        program("no-such-program")
