"""Poisoned bundles: files of trust anchors of which one holds the right authority and the others a stranger.

Who accepts the server has used the right one. That tells which file decided without looking over anybody's shoulder: it
works on every system, and for programs that can be traced as little as for those that cannot.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mtls_lab.certificates import Authority, Certificate
from mtls_lab.certificates.files import PRIVATE, NewFile, write_files
from mtls_lab.clients.request import Target
from mtls_lab.clients.trust.hashed import hashed_directory


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """The right authority and a stranger, each as a file and as a directory."""

    folder: Path
    """Where they lie."""

    def place(self, source: str, *, right: bool) -> str:
        """What to put into that source: a directory where its name says so, else a file."""
        name = "right" if right else "stranger"
        return str(self.folder / (f"{name}-directory" if is_directory(source) else f"{name}.pem"))


def is_directory(source: str) -> bool:
    """The source wants a directory, not a file."""
    return source.endswith("_DIR") or source == "--capath"


@contextmanager
def bundles(target: Target) -> Iterator[Bundles]:
    """Lay them out for the target's scenario, in a folder that is gone after the block.

    Raises ValueError where its client trusts nobody: then nothing says which authority is the right one.
    """
    trusts = target.scenario.client.trusts
    if not trusts:
        raise ValueError("target.scenario.client.trusts=() names no right authority: give the client its trust anchor")
    with TemporaryDirectory(prefix="mtls-lab-") as name:
        lay(Path(name), trusts, (Authority.create("Stranger Root CA").certificate,))
        yield Bundles(folder=Path(name))


def lay(folder: Path, right: tuple[Certificate, ...], stranger: tuple[Certificate, ...]) -> None:
    """Write both, as file and as directory."""
    for name, anchors in (("right", right), ("stranger", stranger)):
        content = b"".join(one.pem for one in anchors)
        write_files([NewFile(path=folder / f"{name}.pem", content=content, mode=PRIVATE)], overwrite=False)
        hashed_directory(folder / f"{name}-directory", anchors)
