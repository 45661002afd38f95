"""`mtls-lab workshop`: hand the course out to a room, and see afterwards who did what.

`docs/workshop.md` has examples.
"""

import argparse

from mtls_lab.commands.command import Command
from mtls_lab.commands.workshop.arguments import declare


def _run(options: argparse.Namespace) -> int:
    # Here, not at the top: every `mtls-lab ...` imports this file, few hold a workshop.
    if options.task == "make":
        from mtls_lab.commands.workshop.make import run
    else:
        from mtls_lab.commands.workshop.collect import run
    return run(options)


COMMAND = Command(
    name="workshop",
    help="make a folder for each learner, and collect their progress into one table",
    arguments=declare,
    run=_run,
)
