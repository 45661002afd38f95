"""Run `mtls-lab certs` in this process, and look at what it wrote."""

from pathlib import Path

from mtls_lab import cli
from mtls_lab.certificates import Certificate, Credential

ROOT = Path(__file__).parents[2]


def make(folder: Path, *arguments: str) -> int:
    """Exit code of `mtls-lab certs FOLDER ...`, also where argparse ends the program."""
    try:
        return cli.main(["certs", str(folder), *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def made(folder: Path, *arguments: str) -> Path:
    """The folder, after the command has done what it should."""
    assert make(folder, *arguments) == 0
    return folder


def leaf(path: Path) -> Certificate:
    return Certificate.from_pem(path.read_bytes())[0]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def key_opens(folder: Path, owner: str, password: str | None) -> bool:
    try:
        return Credential.read(folder / f"{owner}.pem", folder / f"{owner}-key.pem", password).key_matches
    except ValueError:
        return False


def opens_only_with(folder: Path, owner: str, password: str) -> bool:
    return key_opens(folder, owner, password) and not key_opens(folder, owner, None)


def password_file(folder: Path, content: bytes = b"from a file\n") -> str:
    path = folder / "password.txt"
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)
