"""`mtls-lab certs`: what `sscg` is for, from a terminal. `docs/certs.md` says which option is which of sscg's.

A folder, not `certs.py`: a module's name is a public name, and "certs" is not one of the package's words.
"""

import argparse

from mtls_lab.commands.certs.arguments import declare
from mtls_lab.commands.command import Command


def _run(options: argparse.Namespace) -> int:
    # Here, not at the top: every `mtls-lab ...` imports this file, few make certificates.
    from mtls_lab.commands.certs.run import run

    return run(options)


COMMAND = Command(
    name="certs",
    help="make an authority, a service's certificate and its clients', as files",
    arguments=declare,
    run=_run,
)
