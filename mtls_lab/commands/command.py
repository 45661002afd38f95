"""What a subcommand is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command:
    """One subcommand."""

    name: str
    """What is typed after `mtls-lab`."""
    help: str
    """One line for `mtls-lab --help`."""
    arguments: Callable[[argparse.ArgumentParser], None]
    """Declares its arguments."""
    run: Callable[[argparse.Namespace], int]
    """Does it, and returns the exit code."""
