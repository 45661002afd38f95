"""Makes one server, runs it, and ends it and its folder when its own standard input ends: when we are gone.

A kernel that is stopped with SIGKILL can tidy nothing up; the pipe that it held is closed all the same. This file is
run as a script, by `python -I -S supervisor.py`; it imports nothing of the lab. It speaks in lines of JSON:

1. In comes one order: the account, the places where a folder may be, the programs, files, settings and SQL.
2. As root it becomes the account before it makes anything, so that every file is the account's from the start.
   That account may be unable to read this Python: no import, and no rare encoding, after that.
3. Out goes one line with port, process, folder and log, or `{"failed": ...}` with the server's words.
4. What comes in after that are new files: they are written, and the server is told to read them (SIGHUP).
5. At the end of input the server is told to end, which frees its shared memory, and the folder goes. initdb is let
   finish first: killed, it would leave shared memory.
"""

import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LOOK_EVERY_S = 0.2
PATIENCE_S = 5.0
READY_S = 20.0
TRIES = 5
READY = "ready to accept connections"
TAKEN = "Address already in use"
LONGEST_SOCKET = 100
"""Bytes: Linux takes 107, macOS 103 (sockaddr_un)."""


class Failed(Exception):
    """It came to nothing; the text is what the program said."""


def main() -> None:
    """Read the order, carry it out, and stay until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interrupt of a cell is not meant for its server
    order = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not order:
        return
    become(order["account"])
    os.umask(0o077)
    try:
        folder = make_folder(order["bases"])
    except (Failed, OSError) as error:
        tell(failed=str(error))
        return
    try:
        initialise(folder, order)
        serve(folder, order)
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
        tell(failed=str(error) if isinstance(error, Failed) else repr(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def become(account: str) -> None:
    """Become that account for good; nothing when it is empty."""
    if account:
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


def tell(**message: Any) -> None:
    """Say one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def make_folder(bases: list[str]) -> Path:
    """A folder of this account alone, in the first place that lets us and where a socket's path is short enough."""
    reasons = []
    for base in bases:
        if len(os.fsencode(base)) + len("/mtls-lab-pg-12345678/.s.PGSQL.65535") > LONGEST_SOCKET:
            reasons.append(f"{base} is too long for the path of a socket")
            continue
        try:
            return Path(tempfile.mkdtemp(prefix="mtls-lab-pg-", dir=base))
        except OSError as error:
            reasons.append(str(error))
    raise Failed("no folder for the server: " + "; ".join(reasons))


def initialise(folder: Path, order: dict[str, Any]) -> None:
    """Make the cluster, write the files into it, and run the first statements before anybody can connect."""
    data = folder / "data"
    line = [order["initdb"], "-D", str(data), "-U", order["owner"], "-A", "trust", "-E", "UTF8", "--no-locale"]
    run([*line, "--no-sync", "--no-instructions"], folder, order, b"")
    for name, content in order["files"].items():
        write(data / name, content)
    if order["sql"]:
        alone = [order["postgres"], "--single", "-D", str(data), "-c", "ssl=off", "-c", "fsync=off", "-j", "postgres"]
        run(alone, folder, order, order["sql"].encode())


def run(line: list[str], folder: Path, order: dict[str, Any], said: bytes) -> None:
    """Run a program to its end, even if nobody waits for us any more."""
    done = subprocess.run(line, input=said, capture_output=True, cwd=folder, env=order["environment"], check=False)
    if done.returncode != 0 or b"ERROR:" in done.stderr:
        raise Failed(done.stderr.decode("utf-8", "replace").strip() or f"{line[0]} ended with {done.returncode}")


def write(path: Path, content: str) -> None:
    """Put a file in its place at once and whole, readable by its owner only."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(content, encoding="utf-8")
    new.replace(path)


def serve(folder: Path, order: dict[str, Any]) -> None:
    """Start the server on a free port, and try again when somebody else was faster."""
    said = ""
    for number in range(TRIES):
        if gone():
            return
        port = free_port()
        log = folder / f"server-{number}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                command(folder, port, order),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=order["environment"],
            )
        try:
            said = until_ready(server, log)
            if server.poll() is None:
                tell(port=port, process=server.pid, folder=str(folder), log=str(log))
                attend(server, folder)
                return
        finally:
            end(server)
        if TAKEN not in said:
            break
    raise Failed(said.strip())


def command(folder: Path, port: int, order: dict[str, Any]) -> list[str]:
    """The server's command line."""
    data = str(folder / "data")
    return [order["postgres"], "-D", data, f"--port={port}", f"--unix_socket_directories={folder}"]


def free_port() -> int:
    """A port that was free a moment ago: the server cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_ready(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait for the server's own word in the log of this start; what it said."""
    deadline = time.monotonic() + READY_S
    while True:
        ended = server.poll() is not None or time.monotonic() > deadline
        said = log.read_text("utf-8", "replace")
        if READY in said or ended:
            if not said or (READY not in said and server.poll() is None):
                raise Failed(f"it was not ready within {READY_S:.0f} s; it said: {said}")
            return said
        if gone():
            raise Failed("nobody waits for it any more")
        time.sleep(0.01)  # a file has nothing to wait on


def gone() -> bool:
    """The kernel has closed the pipe; it sends nothing before the server is ready."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def attend(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Take new files until the input ends or the server does."""
    waiting = b""
    while server.poll() is None:
        if not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            continue
        piece = os.read(sys.stdin.fileno(), 1 << 16)
        if not piece:
            return
        *orders, waiting = (waiting + piece).split(b"\n")
        for line in orders:
            for name, content in json.loads(line)["files"].items():
                write(folder / "data" / name, content)
            server.send_signal(signal.SIGHUP)
            tell(told=len(line))


def end(server: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown (SIGINT), else immediate (SIGQUIT): both free shared memory; SIGKILL is the last resort.

    Again and again: our SIGINT is ignored, and so is the server's until it has set up its own.
    """
    for way in (signal.SIGINT, signal.SIGQUIT):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            server.send_signal(way)  # does nothing to one that has ended
            try:
                server.wait(LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            return
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
