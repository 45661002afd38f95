"""The command `mtls-lab`: its subcommands are `open` and `doctor` here, and one file each in `commands/`.

Exit codes: 0 done; 1 the lab cannot run, or what was asked for failed; 2 the command line was not understood.
"""

import argparse
import difflib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import iter_modules

from mtls_lab import commands, doctor
from mtls_lab.commands.command import Command

INTERRUPTED = 130
"""What a shell reports for a command that Ctrl-C has ended."""
MANIFEST = ".mtls-lab.json"
"""In a learner's folder: the hash of every notebook as it was laid out, to tell what the learner has changed."""
HANDED_OUT = "mtls-lab-learner.json"
"""In a folder that `mtls-lab workshop make` laid out for a learner (exercises/learner.py)."""
# JupyterLab's layer of defaults: a learner's own settings still come before them.
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    if not given or given[0] not in {*_names(), "-h", "--help", "--version"}:
        given.insert(0, "open")
        _refuse_misspelt(parser, given[1:])
    options = parser.parse_args(given)
    command: Command = options.command
    try:
        return command.run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `mtls-lab explain ... | head`: nobody reads on. Python would complain of it once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtls-lab",
        description="A Jupyter lab for TLS and mutual TLS. Without a command it opens the lab.",
        epilog="Exit codes: 0 done, 1 it failed or the lab cannot run, 2 the command line was not understood.",
    )
    parser.add_argument("--version", action="version", version=f"mtls-lab {_version()}")
    rows = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        row = rows.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(row)
        row.set_defaults(command=command)
    return parser


def _names() -> tuple[str, ...]:
    return tuple(command.name for command in COMMANDS)


def _refuse_misspelt(parser: argparse.ArgumentParser, given: Sequence[str]) -> None:
    """`mtls-lab docter` means a command; without this it would make a folder of that name."""
    word = given[0] if given else ""
    close = difflib.get_close_matches(word, _names(), n=1)
    if close and not Path(word).exists():
        parser.error(f"no command {word!r}; did you mean {close[0]!r}? A folder of that name: ./{word}")


def _version() -> str:
    try:
        return metadata.version("mtls-lab")
    except metadata.PackageNotFoundError:
        return "(a checkout that is not installed)"


# open


def _open_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="copy the notebooks there and open them (default: a checkout's own notebooks, "
        "otherwise ./mtls-lab-notebooks)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace notebooks you changed by fresh ones")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument("--port", type=int, help="the port to listen on (default: 8888, or the next free one)")


def _open(options: argparse.Namespace) -> int:
    folder = options.folder
    if ((folder or Path()) / HANDED_OUT).is_file():
        # A workshop's folder: what the instructor chose, without solutions; nothing is added to it.
        folder = folder or Path()
    elif folder is None and _checkout_notebooks() is not None:
        folder = _checkout_notebooks()
    else:
        folder = folder or Path("mtls-lab-notebooks")
        try:
            lay_out(folder, overwrite=options.overwrite)
        except OSError as error:
            print(f"mtls-lab: cannot write to {folder}: {error.strerror or error}; name another folder")
            return 1
    if not any(folder.glob("*.ipynb")):
        print(f"mtls-lab: {folder} holds no notebook; in a checkout, python tools/notebooks.py makes them")
        return 1
    return _run_lab(folder.resolve(), browser=not options.no_browser, port=options.port)


def _checkout_notebooks() -> Path | None:
    """The notebooks beside the package when it runs from a checkout, None when it was installed from a wheel."""
    root = Path(__file__).parents[1]
    return root / "notebooks" if (root / "pyproject.toml").exists() else None


def lay_out(folder: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Copy the notebooks and their glossary to a folder, and say what was copied and what was kept.

    A notebook that was changed since it was laid out is the learner's: it is kept unless `overwrite`. One that was
    not changed is brought up to date.
    """
    source = source or _checkout_notebooks() or Path(__file__).parent / "notebooks"
    before = _manifest(folder)
    laid_out, copied, kept = dict(before), [], []
    for original in sorted([*source.glob("*.ipynb"), *source.glob("solved/*.ipynb"), *source.glob("*.md")]):
        name = original.relative_to(source).as_posix()
        target, content = folder / name, original.read_bytes()
        present = _digest(target.read_bytes()) if target.exists() else None
        if present == _digest(content):
            laid_out[name] = _digest(content)
        elif overwrite or present in (None, before.get(name)):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            laid_out[name] = _digest(content)
            copied.append(name)
        else:
            kept.append(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(laid_out, indent=1), encoding="utf-8")
    new, all_of_them = (sum(name.endswith(".ipynb") for name in names) for names in (copied, laid_out))
    print(f"{folder}: {new} notebooks copied, {all_of_them - new} were there already")
    for name in kept:
        print(f"  kept yours: {name} (you changed it; --overwrite replaces it)")


def _manifest(folder: Path) -> dict[str, str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # None yet, or not ours: then every notebook that differs counts as changed.
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _run_lab(folder: Path, *, browser: bool, port: int | None) -> int:
    """Run JupyterLab in this process until it is stopped."""
    # As the default address, not as a file to open: so the address printed for --no-browser leads there, too.
    address = f"/lab/tree/{min(folder.glob('*.ipynb')).name}"
    arguments = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}", f"--LabApp.default_url={address}"]
    arguments += [] if browser else ["--no-browser"]
    # A port that was asked for is the port, or an error: not silently the next one.
    arguments += [] if port is None else [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("mtls-lab: you are root, and JupyterLab refuses root unless told: passing --allow-root")
        arguments.append("--allow-root")
    print(f"mtls-lab: starting JupyterLab in {folder} (a few seconds; stop it with Ctrl-C)", flush=True)
    with _jupyter_defaults():
        try:
            from jupyterlab.labapp import LabApp
        except ImportError as error:
            print(f"mtls-lab: JupyterLab cannot load ({error}); `mtls-lab doctor` says what to mend")
            return 1
        try:
            LabApp.launch_instance(arguments)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def _jupyter_defaults() -> Iterator[None]:
    """Defaults for this run only: no news, no update checks, and this Python as the kernel."""
    with tempfile.TemporaryDirectory(prefix="mtls-lab-") as name:
        settings = Path(name, "config", "labconfig", "default_setting_overrides.json")
        _write_json(settings, QUIET)
        _put_first("JUPYTER_CONFIG_PATH", settings.parents[1])
        interpreter = doctor.kernel_python()
        if interpreter is not None and not doctor.is_this_python(interpreter):
            print(f"mtls-lab: Jupyter's python3 kernel is another Python ({interpreter}); using {sys.executable}")
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            spec = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python"}
            _write_json(Path(name, "data", "kernels", "python3", "kernel.json"), spec)
            _put_first("JUPYTER_PATH", Path(name, "data"))
        yield


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _put_first(variable: str, folder: Path) -> None:
    os.environ[variable] = os.pathsep.join(filter(None, [str(folder), os.environ.get(variable)]))


# doctor


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--json", action="store_true", help="print the findings as JSON")
    other.add_argument(
        "--trust",
        nargs="*",
        metavar="PROGRAM",
        help="instead: which trust files these programs use here, with the variables that are set (default: all)",
    )


def _trust(programs: list[str]) -> int:
    from mtls_lab.views.trust_here import trust_here

    if not programs:
        print("every client program here calls a server that nobody trusts: about 15 s ...", file=sys.stderr)
    try:
        print(trust_here(programs or None).text)
    except ValueError as error:  # a program that nobody knows
        print(f"mtls-lab doctor --trust: {error}", file=sys.stderr)
        return 2
    return 0


def _doctor(options: argparse.Namespace) -> int:
    if options.trust is not None:
        return _trust(options.trust)
    findings = []
    for finding in doctor.examine():
        findings.append(finding)
        if not options.json:
            print(finding, flush=True)
    able = not any(finding.status in ("missing", "wrong") for finding in findings)
    if options.json:
        print(json.dumps({"able": able, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        print("\nThe lab can run." if able else "\nThe lab cannot run well yet: mend what is missing or wrong above.")
    return 0 if able else 1


def _in_files() -> Iterator[Command]:
    """The command of each file in `commands/`: adding one touches nothing else."""
    for found in iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{found.name}")
        if hasattr(module, "COMMAND"):
            yield module.COMMAND


COMMANDS = (
    Command(name="open", help="open JupyterLab on the notebooks", arguments=_open_arguments, run=_open),
    Command(
        name="doctor",
        help="say what this machine has for the lab, what it lacks, and how to mend it",
        arguments=_doctor_arguments,
        run=_doctor,
    ),
    *_in_files(),
)

if __name__ == "__main__":
    sys.exit(main())
