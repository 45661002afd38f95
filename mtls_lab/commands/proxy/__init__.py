"""`mtls-lab proxy`: what `ssl-proxy` is for, and mutual TLS.

`docs/proxy.md` says which option is which of ssl-proxy's.
"""

import argparse

from mtls_lab.commands.command import Command
from mtls_lab.commands.proxy.arguments import declare


def _run(options: argparse.Namespace) -> int:
    # Here, not at the top: every `mtls-lab ...` imports this file, few run a proxy.
    from mtls_lab.commands.proxy.run import run

    return run(options)


COMMAND = Command(
    name="proxy",
    help="serve an HTTP origin over TLS or mutual TLS, with access rules and a log",
    arguments=declare,
    run=_run,
)
