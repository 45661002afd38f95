"""`mtls-lab workshop make`: a folder for each learner, all of them or none.

Each holds the lessons without solutions, the glossary, a page that says how to begin, and the learner's name and seed.
What is there already is never replaced, unless `--force`; and a learner's progress is not touched even then.
"""

import argparse
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from mtls_lab.certificates.files import PRIVATE, FileExists, NewFile, write_files
from mtls_lab.commands.workshop.readme import readme
from mtls_lab.commands.workshop.roster import WORKSHOP_FILE, Workshop, parse_learners
from mtls_lab.exercises.course import home
from mtls_lab.exercises.learner import LEARNER_FILE

MANIFEST = ".mtls-lab.json"
"""As `mtls-lab FOLDER` writes it: the hash of every file as it was laid out, to tell what the learner has changed."""
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def run(options: argparse.Namespace) -> int:
    """Make the folders and say so; 1 if they cannot be written, 2 for what cannot be asked for."""
    folder: Path = options.folder
    try:
        names = parse_learners(options.learners)
        lessons = _lessons(home(), options.notebooks)
        workshop = Workshop.of(folder)
    except ValueError as error:
        print(f"mtls-lab workshop: {error}", file=sys.stderr)
        return 2
    try:
        _write(folder, workshop, names, lessons, pack=options.zip, force=options.force)
    except FileExists as error:
        words = f"{error.path} is there already; nothing was made. --force replaces it."
        print(f"mtls-lab workshop: {words}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"mtls-lab workshop: nothing was made: {error}", file=sys.stderr)
        return 1
    count = sum(name.endswith(".ipynb") for name in lessons)
    who = "one learner" if len(names) == 1 else f"{len(names)} learners"
    print(f"{folder}: {who}, lessons for each: {count}, without solutions")
    print(f"Keep {folder / WORKSHOP_FILE} to yourself: every learner's seed comes from it.")
    print(f"Afterwards: mtls-lab workshop collect {folder}")
    return 0


def _lessons(source: Path, wanted: str | None) -> dict[str, bytes]:
    """The lessons by file name, and the glossary. Raises ValueError naming a notebook that is not there."""
    paths = {path.name[:2]: path for path in sorted(source.glob("[0-9][0-9]-*.ipynb"))}
    if not paths:
        raise ValueError(f"{source} holds no notebook; in a checkout, python tools/notebooks.py makes them")
    numbers = list(paths) if wanted is None else [one.strip() for one in wanted.split(",") if one.strip()]
    for number in numbers:
        if number not in paths:
            raise ValueError(f"--notebooks: there is no notebook {number!r}; there are {', '.join(paths)}")
    if not numbers:
        raise ValueError(f"--notebooks names none; there are {', '.join(paths)}")
    chosen = [paths[number] for number in sorted(set(numbers))] + sorted(source.glob("glossary.md"))
    return {path.name: path.read_bytes() for path in chosen}


def _write(
    folder: Path, workshop: Workshop, names: Sequence[str], lessons: dict[str, bytes], *, pack: bool, force: bool
) -> None:
    files = [] if (folder / WORKSHOP_FILE).exists() else [_file(folder / WORKSHOP_FILE, workshop.to_text(), PRIVATE)]
    for name in names:
        mine = list(_files_of(folder / name, name, workshop.seed_for(name), lessons))
        files += mine
        files += [NewFile(path=folder / f"{name}.zip", content=_packed(name, mine))] if pack else []
    with ExitStack() as undo:
        for one in (*reversed([folder, *folder.parents]), *(folder / name for name in names)):
            if not one.exists():
                one.mkdir()
                undo.callback(_remove_empty, one)
        write_files(files, overwrite=force)
        undo.pop_all()


def _files_of(folder: Path, name: str, seed: str, lessons: dict[str, bytes]) -> Iterator[NewFile]:
    for file, content in lessons.items():
        yield NewFile(path=folder / file, content=content)
    laid_out = {file: hashlib.sha256(content).hexdigest() for file, content in lessons.items()}
    yield _file(folder / MANIFEST, json.dumps(laid_out, indent=1))
    learner = json.dumps({"name": name, "seed": seed}, indent=1, ensure_ascii=False)
    yield _file(folder / LEARNER_FILE, f"{learner}\n")
    yield _file(folder / "README.md", readme(name, [file for file in lessons if file.endswith(".ipynb")]))


def _file(path: Path, text: str, mode: int = 0o644) -> NewFile:
    return NewFile(path=path, content=text.encode(), mode=mode)


def _packed(name: str, files: Sequence[NewFile]) -> bytes:
    """A zip of the folder; the same files make the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            entry = zipfile.ZipInfo(f"{name}/{one.path.name}", date_time=_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = one.mode << 16
            archive.writestr(entry, one.content)
    return packed.getvalue()


def _remove_empty(folder: Path) -> None:
    # Somebody else may have put something there meanwhile: then it stays.
    with suppress(OSError):
        folder.rmdir()
