"""`mtls-lab workshop`: a folder for each learner, all or none; and their files in one table, whatever they hold."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mtls_lab import cli
from mtls_lab.exercises.learner import LEARNER_FILE
from mtls_lab.exercises.progress_file import PROGRESS_FILE
from mtls_lab.exercises.record import Given, Record, to_text

ROOT = Path(__file__).parents[2]


def workshop(*arguments: str | Path) -> int:
    return cli.main(["workshop", *map(str, arguments)])


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def seed_in(folder: Path) -> str:
    return str(json.loads((folder / LEARNER_FILE).read_text(encoding="utf-8"))["seed"])


def a_record(name: str, *, right: str = "", tried: str = "", hints: int = 0, held: tuple[int, int] = (0, 0)) -> Record:
    record = Record(name=name)
    for slug in right.split():
        record = record.scored(slug, record.score(slug).hinted(hints).judged(right=True))
    for slug in tried.split():
        record = record.scored(slug, record.score(slug).hinted(hints).judged(right=False))
    before, after = ({f"q{one}": Given(choice="a", right=one < number) for one in range(12)} for number in held)
    return record.answered("before", before).answered("after", after) if any(held) else record


def hand_in(path: Path, record: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_text(record), encoding="utf-8")


# make


def test_each_learner_gets_lessons_without_solutions_the_glossary_a_page_and_a_name(tmp_path: Path) -> None:
    assert workshop("make", tmp_path / "ws", "--learners", "ada,Zoë", "--notebooks", "00,02") == 0

    names = sorted(path.name for path in (tmp_path / "ws" / "Zoë").iterdir())
    assert names == [
        ".mtls-lab.json",
        "00-two-switches.ipynb",
        "02-client-verifies.ipynb",
        "README.md",
        "glossary.md",
        LEARNER_FILE,
    ]
    assert not any("solved" in name for name in tree(tmp_path))
    assert json.loads((tmp_path / "ws" / "Zoë" / LEARNER_FILE).read_text(encoding="utf-8"))["name"] == "Zoë"


def test_without_a_choice_all_lessons_are_handed_out(tmp_path: Path) -> None:
    workshop("make", tmp_path, "--learners", "ada")

    handed_out = {path.name for path in (tmp_path / "ada").glob("*.ipynb")}

    assert handed_out == {path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb")}


def test_a_number_of_learners_makes_that_many_folders(tmp_path: Path) -> None:
    workshop("make", tmp_path, "--learners", "12", "--notebooks", "00")

    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())

    assert (len(folders), folders[0], folders[-1]) == (12, "learner-01", "learner-12")


def test_names_come_from_a_file_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_bytes("\ufeffada\r\nBen O\r\n\r\n".encode())

    workshop("make", tmp_path / "ws", "--learners", f"@{tmp_path / 'names.csv'}", "--notebooks", "00")

    assert sorted(path.name for path in (tmp_path / "ws").iterdir() if path.is_dir()) == ["Ben O", "ada"]


def test_every_learner_has_a_seed_of_their_own_that_stays_and_that_another_workshop_does_not_share(
    tmp_path: Path,
) -> None:
    for folder in ("one", "two"):
        workshop("make", tmp_path / folder, "--learners", "ada,ben", "--notebooks", "00")
    before = seed_in(tmp_path / "one" / "ada")
    workshop("make", tmp_path / "one", "--learners", "ada", "--notebooks", "00", "--force")

    seeds = {seed_in(tmp_path / folder / name) for folder in ("one", "two") for name in ("ada", "ben")}

    assert len(seeds) == 4
    assert seed_in(tmp_path / "one" / "ada") == before
    assert (tmp_path / "one" / "workshop.json").stat().st_mode & 0o777 == 0o600


def test_a_second_call_adds_learners_and_leaves_the_first_alone(tmp_path: Path) -> None:
    workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00")
    before = tree(tmp_path)

    assert workshop("make", tmp_path, "--learners", "ben", "--notebooks", "00") == 0

    after = tree(tmp_path)
    assert {name: after[name] for name in before} == before
    assert "ben/00-two-switches.ipynb" in after


def test_what_is_there_already_stops_everything_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00")
    before = tree(tmp_path)

    assert workshop("make", tmp_path, "--learners", "ben,ada", "--notebooks", "00") == 1

    assert "is there already; nothing was made. --force replaces it." in capsys.readouterr().err
    assert tree(tmp_path) == before
    assert not (tmp_path / "ben").exists()


def test_force_replaces_lessons_and_never_progress(tmp_path: Path) -> None:
    workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00")
    (tmp_path / "ada" / "00-two-switches.ipynb").write_text("mine", encoding="utf-8")
    hand_in(tmp_path / "ada" / PROGRESS_FILE, a_record("ada", right="00-table"))

    assert workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00", "--force") == 0

    assert (tmp_path / "ada" / "00-two-switches.ipynb").read_text(encoding="utf-8") != "mine"
    assert (tmp_path / "ada" / PROGRESS_FILE).read_text(encoding="utf-8") == to_text(a_record("ada", right="00-table"))


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ben").write_text("a file where a folder should be", encoding="utf-8")

    assert workshop("make", tmp_path, "--learners", "ada,ben", "--notebooks", "00") == 1

    assert "nothing was made" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["ben"]


def test_a_zip_holds_the_folder_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    arguments = ("make", tmp_path, "--learners", "ada", "--notebooks", "00", "--zip")
    workshop(*arguments)
    first = (tmp_path / "ada.zip").read_bytes()
    workshop(*arguments, "--force")

    with zipfile.ZipFile(tmp_path / "ada.zip") as packed:
        inside = {name: packed.read(name) for name in packed.namelist()}

    assert inside == {f"ada/{name}": content for name, content in tree(tmp_path / "ada").items()}
    assert (tmp_path / "ada.zip").read_bytes() == first


@pytest.mark.parametrize(
    ("learners", "words"),
    [
        ("", "names nobody"),
        (" , ", "names nobody"),
        ("0", "give a number from 1"),
        ("100000", "give a number from 1"),
        ("a/b", "'a/b' cannot name a folder"),
        ("..", "cannot name a folder"),
        (".hidden", "cannot name a folder"),
        ("-force", "cannot name a folder"),
        ("con", "cannot name a folder"),
        ("NUL.txt", "cannot name a folder"),
        ("a\nb\x00", "cannot name a folder"),
        ("x" * 41, "has more than 40 characters"),
        ("ada,Ada", "'ada' and 'Ada' would share a folder"),
        ("Zoe\u0308,Zo\u00eb", "would share a folder"),
        ("@nobody.txt", "the file cannot be read"),
    ],
    ids=range(15),
)
def test_names_that_cannot_be_folders_are_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], learners: str, words: str
) -> None:
    assert workshop("make", tmp_path / "ws", f"--learners={learners}", "--notebooks", "00") == 2

    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_that_there_is_not_is_named_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00,99") == 2

    assert "no notebook '99'; there are 00, 01, 02" in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "workshop.json").write_text("{}", encoding="utf-8")

    assert workshop("make", tmp_path, "--learners", "ada") == 2

    assert "is no workshop of mtls-lab" in capsys.readouterr().err


def test_a_learners_folder_opens_as_it_is_and_gets_no_solutions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00")
    before = tree(tmp_path)
    opened: list[Path] = []

    def run_lab(folder: Path, **_: object) -> int:
        opened.append(folder)
        return 0

    monkeypatch.setattr(cli, "_run_lab", run_lab)

    cli.main([str(tmp_path / "ada")])
    monkeypatch.chdir(tmp_path / "ada")
    cli.main([])

    assert opened == [(tmp_path / "ada").resolve()] * 2
    assert tree(tmp_path) == before


# collect


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Three learners: ada is through, ben is stuck, cleo has not begun."""
    workshop("make", tmp_path, "--learners", "ada,ben,cleo", "--notebooks", "00,04")
    hand_in(tmp_path / "ada" / PROGRESS_FILE, a_record("ada", right="00-table 04-guest-list", held=(4, 11)))
    hand_in(tmp_path / "ben" / PROGRESS_FILE, a_record("ben", right="00-table", tried="04-guest-list", hints=3))
    return tmp_path


def test_the_table_has_a_line_for_each_learner_and_each_exercise(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workshop("collect", room) == 0

    shown = capsys.readouterr()
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "ada 2 0 6 0 4 11" in lines
    assert "ben 1 1 1 6 - -" in lines
    assert "cleo 0 0 0 0 - -" in lines
    assert "00-table 2 0 1 2 3" in lines
    assert "04-guest-list ← most missed 1 1 1 2 3" in lines
    assert "Most missed: 04-guest-list, tried in vain by 1 of 3." in lines
    assert "Self-test of the 1 who did both halves: 4.0 held before, 11.0 after." in lines
    assert shown.err == ""


def test_a_spreadsheet_gets_a_line_for_each_learner_with_points_below_each_exercise(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop("collect", room, "--csv")

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert [row["learner"] for row in rows] == ["ada", "ben", "cleo"]
    assert [row["04-guest-list"] for row in rows] == ["3", "0", ""]
    assert [row["before"] for row in rows] == ["4", "", ""]


def test_a_program_gets_everything_as_json(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop("collect", room, "--json")

    content: dict[str, Any] = json.loads(capsys.readouterr().out)

    assert content["learners"][1]["exercises"]["04-guest-list"] == {"tries": 1, "hints": 3, "points": 0}
    assert content["most_missed"] == "04-guest-list"
    assert content["remarks"] == []


def test_files_sent_by_mail_are_collected_from_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(tmp_path / "from-ada.json", a_record("ada", right="00-table"))
    hand_in(tmp_path / "somebody.json", a_record("", right="00-table"))

    assert workshop("collect", tmp_path) == 0

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:4]] == ["ada", "somebody"]


def test_damaged_and_foreign_files_are_named_and_stop_nothing(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (room / "ben" / PROGRESS_FILE).write_bytes(b"{")
    (room / "ben" / "package.json").write_text('{"name": "something else"}', encoding="utf-8")
    os.mkfifo(room / "cleo" / "pipe.json")
    (room / "cleo" / PROGRESS_FILE).symlink_to(room / "ada" / PROGRESS_FILE)

    assert workshop("collect", room) == 0

    shown = capsys.readouterr()
    named = [line.partition(room.name)[2].partition(":")[0] for line in shown.err.splitlines()]
    assert named == [
        "/ben/mtls-lab-progress.json",
        "/ben/package.json",
        "/cleo/mtls-lab-progress.json",
        "/cleo/pipe.json",
    ]
    assert "no progress file of mtls_lab" in shown.err
    assert "ada" in shown.out


def test_another_learners_file_in_a_folder_is_pointed_out(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(room / "cleo" / PROGRESS_FILE, a_record("ada", right="00-table"))

    workshop("collect", room)

    shown = capsys.readouterr()
    assert "it is ada's, in the folder of cleo" in shown.err
    assert "ada: handed in 2 times" in shown.err
    assert "ada (2)" in shown.out


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(tmp_path / "one.json", a_record("=1+1", right="00-table"))

    workshop("collect", tmp_path, "--csv")

    assert capsys.readouterr().out.splitlines()[1].startswith("'=1+1,")


def test_where_nothing_can_be_read_the_exit_code_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.json").write_text("{", encoding="utf-8")

    assert workshop("collect", tmp_path, tmp_path / "nowhere") == 1

    shown = capsys.readouterr()
    assert "nowhere: there is no such file or folder" in shown.err
    assert "no learner's folder and no progress file there" in shown.err
    assert shown.out == ""


@pytest.mark.parametrize("arguments", [[], ["make"], ["make", "ws"], ["collect"], ["collect", ".", "--csv", "--json"]])
def test_a_command_line_that_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        workshop(*arguments)

    assert ended.value.code == 2


# from end to end

WORK = """
from mtls_lab.exercises import check, hint, seed, self_test
from mtls_lab.exercises.learner import learner
check("04-dead-weight", None, None)
hint("00-table", 2)
self_test("after").answer(4, "c")
print(seed(), learner().name)
"""


@pytest.mark.live
def test_from_handing_out_to_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop("make", tmp_path, "--learners", "ada", "--notebooks", "00,04")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MTLS_LAB")}

    done = subprocess.run(
        [sys.executable, "-c", WORK],
        cwd=tmp_path / "ada",
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    capsys.readouterr()
    workshop("collect", tmp_path)

    assert done.stdout.split() == [seed_in(tmp_path / "ada"), "ada"]
    assert "ada 0 1 0 2 - 1" in [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
