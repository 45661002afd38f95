"""The page of the gallery says what the gallery does."""

from pathlib import Path

import pytest

import gallery
from mtls_lab.handshake.exhibits import EXHIBITS


def test_the_page_is_up_to_date() -> None:
    assert gallery.main(["--check"]) == 0, "python tools/gallery.py"


def test_it_has_a_row_for_every_exhibit() -> None:
    rows = [line for line in gallery.PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert [row.split("`")[1] for row in rows] == sorted(EXHIBITS, key=[row.split("`")[1] for row in rows].index)
    assert all(row.count(" | ") == 7 for row in rows)


def test_a_page_that_is_out_of_date_is_said_so_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "gallery.md"
    stale.write_text("# Old\n", encoding="utf-8")
    monkeypatch.setattr(gallery, "PAGE", stale)
    monkeypatch.setattr(gallery, "page", lambda: "# New\n")

    assert gallery.main(["--check"]) == 1

    told = capsys.readouterr()
    assert "-# Old" in told.out and "+# New" in told.out
    assert "python tools/gallery.py" in told.err
    assert stale.read_text(encoding="utf-8") == "# Old\n"

    assert gallery.main([]) == 0
    assert gallery.main(["--check"]) == 0
