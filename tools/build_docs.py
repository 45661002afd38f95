"""Build the site: `python tools/build_docs.py FOLDER`.

The pages of docs/, the notebooks with their committed outputs, the error atlas and the reference, as HTML that needs
no network and no server: open FOLDER/index.html. Nothing is executed and nothing is written beside FOLDER; a warning
of Sphinx is an error. `--sources FOLDER` keeps what Sphinx is given, to look at.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
# This checkout is documented, whatever is installed.
sys.path.insert(0, str(ROOT))


def build(folder: Path, sources: Path, *, jobs: str = "auto") -> int:
    """Lay the sources out and make the site; Sphinx's exit code."""
    # Two seconds of imports: not before the command line is known to make sense.
    from sphinx.cmd.build import build_main

    from documentation.stage import stage

    stage(ROOT, sources)
    with tempfile.TemporaryDirectory() as doctrees:
        return build_main(
            ["-b", "html", "-W", "--keep-going", "-q", "-j", jobs, "-d", doctrees, str(sources), str(folder)]
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and say how long it took and how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the site goes; new or empty, or an older site")
    parser.add_argument("--sources", type=Path, help="keep what Sphinx is given in this folder")
    parser.add_argument("--jobs", default="auto", metavar="N", help="processes at a time (as many as there are cores)")
    options = parser.parse_args(arguments)
    if wrong := _cannot_be(options.folder):
        parser.error(f"{options.folder}: {wrong}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        code = build(options.folder, options.sources or Path(temporary), jobs=options.jobs)
    if code == 0:
        files = [path for path in options.folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        print(f"{options.folder / 'index.html'}: {len(files)} files, {size:.1f} MB, {time.monotonic() - began:.0f} s")
    return code


def _cannot_be(folder: Path) -> str | None:
    """Why the site cannot go there."""
    if folder.resolve().is_relative_to(ROOT):
        return "is inside the checkout, where nothing is to be left: name a folder outside"
    if folder.exists() and any(folder.iterdir()) and not (folder / ".buildinfo").exists():
        return "holds something that is no site: name a new folder"
    return None


if __name__ == "__main__":
    sys.exit(main())
