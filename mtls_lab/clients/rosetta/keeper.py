"""Runs one server, and ends it when its own standard input ends: that is, when we are gone, however we went.

A kernel that is stopped with SIGKILL can tidy nothing up; the pipe that it held is closed all the same. This file is
run as a script, by `python -I -S keeper.py SIGNAL USER COMMAND...`; it imports nothing of the lab.
"""

import select
import signal
import subprocess
import sys

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 5.0


def main(ending: str, user: str, command: list[str]) -> int:
    """Run the command, as that user if one is named, until it ends or we are no longer wanted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interrupt of a cell is not meant for its server
    who, groups = (user, list[str]()) if user else (None, None)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, user=who, group=who, extra_groups=groups) as child:
        while child.poll() is None:
            if select.select([sys.stdin], [], [], _LOOK_EVERY_S)[0]:
                child.send_signal(getattr(signal, ending))
                try:
                    child.wait(_PATIENCE_S)
                except subprocess.TimeoutExpired:
                    child.kill()
        return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
